"""One decoding that gives the class and its reason together.

Names of frames → hidden Markov chains of all labels' transcripts. The label whose chain explains the names
best is the class; the best path through that same chain is the reason, so that the two never contradict.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqtext.model import hmm
from vqtext.model.config import ModelConfig
from vqtext.model.vocabulary import Grammar, Vocabulary
from vqtext.reason import Reason, Step

EPS = 1e-4
PRIOR_COUNT = 5.0  # weight of the transcript against the transitions counted in training windows
# The network's names were learned from E-steps that already know the transcript: on the way to a path the
# chain counts little, or it would be counted twice and short steps would drown.
CHAIN = 0.25
TEMPERATURES = torch.logspace(-1, 1.5, 51)
CHUNK = 4096  # chains walked at once: windows × labels


@dataclass(frozen=True)
class Decoded:
    """Attributes:
    log_posterior: over the labels, ``(B, n)``.
    path: the winner's uses, frame by frame, ``(B, F)``.
    confidence: posterior of the use on the path, ``(B, F)``.
    """

    log_posterior: Tensor
    path: Tensor
    confidence: Tensor


class Decoder(nn.Module):
    """Chains of all labels, with what was learned of them on training windows.

    Args:
        config: gives frames and their length.
        vocabulary: transcripts, in the order of the config's labels.
    """

    transition: Tensor
    start: Tensor
    prior: Tensor
    class_prior: Tensor
    temperature: Tensor

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary, self.config = vocabulary, config
        self.grammar = Grammar.of(vocabulary.transcripts, config.frames / config.window_s, config.rate_hz)
        labels, anchors = len(vocabulary.transcripts), len(vocabulary.anchors)
        self.register_buffer("transition", self.grammar.ordered)
        self.register_buffer("start", self.grammar.start)
        self.register_buffer("prior", torch.full((anchors,), 1 / anchors))
        self.register_buffer("class_prior", torch.full((labels,), 1 / labels))
        self.register_buffer("temperature", torch.ones(()))
        # Frames inside one sub-step repeat each other; each sub-step is one piece of evidence.
        self.weight = min(1.0, config.tokens * config.substeps / config.frames)

    @torch.no_grad()
    def fit(self, names: Tensor, label: Tensor, keep: Tensor) -> None:
        """Learn how often anchors and labels occur and how long steps last, from training windows.

        Args:
            names: anchor probabilities of frames, ``(N, F, K)``.
            label: ``(N,)``.
            keep: frames inside their window, ``(N, F)``.
        """
        self.prior.copy_(names[keep].mean(0) + EPS)
        self.class_prior.copy_(torch.bincount(label, minlength=len(self.class_prior)) / len(label))
        emission = self._emission(names, keep)
        for i in label.unique():
            own = emission[label == i, i]
            frames = keep[label == i].sum(1)
            _, _, moves = hmm.posterior(own, self.grammar.ordered[i], self.grammar.start[i], frames)
            allowed = self.grammar.ordered[i].exp()
            count = moves.sum(0) + PRIOR_COUNT * allowed
            share = count / count.sum(1, keepdim=True).clamp(min=EPS)
            self.transition[i] = torch.where(allowed > 0, share.clamp(min=1e-8).log(), hmm.FORBIDDEN)

    @torch.no_grad()
    def calibrate(self, names: Tensor, label: Tensor, keep: Tensor) -> None:
        """Set the temperature that makes the posterior of held-out windows most likely."""
        score = self._scores(self._emission(names, keep))
        nll = [
            torch.nn.functional.cross_entropy(score / t + self.class_prior.clamp(min=EPS).log(), label)
            for t in TEMPERATURES
        ]
        self.temperature.copy_(TEMPERATURES[int(torch.stack(nll).argmin())])

    @torch.no_grad()
    def forward(self, names: Tensor, keep: Tensor) -> Decoded:
        """Decode the anchor probabilities of frames ``(B, F, K)``; frames outside ``keep`` say nothing."""
        emission = self._emission(names, keep)
        score = self._scores(emission) / self.temperature + self.class_prior.clamp(min=EPS).log()
        best = score.argmax(1)
        own = self._stands_out(emission[torch.arange(len(names)), best] / self.weight, keep)
        moves = torch.where(self.transition > hmm.FORBIDDEN, CHAIN * self.transition, hmm.FORBIDDEN)[best]
        path = hmm.viterbi(own, moves, self.start[best])
        _, visits, _ = hmm.posterior(own, moves, self.start[best])
        confidence = visits.gather(2, path[..., None])[..., 0]
        return Decoded(score.log_softmax(1), path, confidence)

    def reason(self, decoded: Decoded, row: int, frames: int) -> Reason:
        """The reason of one window, of which the first ``frames`` frames were seen."""
        best = int(decoded.log_posterior[row].argmax())
        transcript = self.vocabulary.transcripts[best]
        path = decoded.path[row, :frames].tolist()
        sure = decoded.confidence[row, :frames]
        frame_s = self.config.window_s / self.config.frames
        steps, begin = [], 0
        for end in range(1, len(path) + 1):
            use = transcript.uses[path[begin]]
            if end < len(path) and transcript.uses[path[end]].anchor == use.anchor:
                continue
            steps.append(
                Step(
                    self.vocabulary.anchors[use.anchor],
                    round(begin * frame_s, 3),
                    round(end * frame_s, 3),
                    round(float(sure[begin:end].mean()), 4),
                    use.inferred,
                    use.ambiguous_with,
                    use.display,
                )
            )
            begin = end
        sure_of_label = round(float(decoded.log_posterior[row, best].exp()), 4)
        return Reason(transcript.label, sure_of_label, tuple(steps), transcript.display)

    def _emission(self, names: Tensor, keep: Tensor) -> Tensor:
        """How much more likely each use is than its anchor is anywhere: ``(B, n, F, U)``."""
        surprise = (names + EPS).log() - self.prior.log()
        return self.grammar.emission(self.weight * surprise * keep[..., None])

    def _stands_out(self, emission: Tensor, keep: Tensor) -> Tensor:
        """Each use against its own mean in the window, ``(B, F, U)``: *when* it is likeliest.

        Otherwise a use that is never wrong by much, a moderate one, would win everywhere.
        """
        mean = (emission.exp() * keep[..., None]).sum(1, keepdim=True) / keep.sum(1)[:, None, None]
        return torch.where(emission > hmm.FORBIDDEN / 2, emission - mean.clamp(min=EPS).log(), emission)

    def _scores(self, emission: Tensor) -> Tensor:
        batch, labels = emission.shape[:2]
        flat, chain = emission.flatten(0, 1), torch.arange(labels).repeat(batch)
        parts = [
            hmm.log_partition(
                flat[i : i + CHUNK], self.transition[chain[i : i + CHUNK]], self.start[chain[i : i + CHUNK]]
            )
            for i in range(0, len(flat), CHUNK)
        ]
        return torch.cat(parts).unflatten(0, (batch, labels))
