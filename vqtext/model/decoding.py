"""One decoding that gives the class and its reason together.

Names of frames → hidden Markov chains of all labels' transcripts, beside which the class head is a witness.
The label that both together explain best is the class; the likeliest steps through that label's own chain are
the reason, so that the two never contradict. The runner-up has its reason by its own chain. Where windows
may hold borders, the reason of the best label may leave it for another activity and come back, rarely, and
half of the window at least is its own. Of a window unlike everything learned, class and reason are unsure.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqtext.model import chains, hmm
from vqtext.model.config import ModelConfig
from vqtext.model.novelty import Novelty
from vqtext.model.rhythm import USUAL_S, Rhythm
from vqtext.model.vocabulary import Grammar, Vocabulary
from vqtext.model.walking import ITERATIONS, once_over, usual_uses
from vqtext.model.weighing import CHAIN, HEAD, weigh

EPS = 1e-4
PRIOR_COUNT = 5.0  # weight of the transcript against the transitions counted in training windows
CHUNK = 4096  # chains walked at once: windows × labels
# What is said over such a span counts as one piece of evidence on the way to a path. A little longer than in
# training, where the data speak too: what one seed makes up should not outweigh order and durations.
SPAN_S = 0.06
HOME = 0.5  # share of a window that a reason keeps for its class, whatever border it crosses
PULLS = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, torch.inf)  # how it is brought home, in nats a frame: `Decoder._walk`
UNKNOWN = -1  # what a path says where none of the label's uses fits
BACKGROUND = -4.0  # see `Decoder`
ENTER_UNKNOWN = -4.6  # log weight of a step into the unknown: one in a hundred


@dataclass(frozen=True)
class Decoded:
    """What is decoded of B windows, for each the R labels that explain it best.

    Attributes:
        log_posterior: over all labels, ``(B, n)``.
        label: the best, then the runner-up, ``(B, R)``.
        path: uses, frame by frame, counted through all labels (label · U + use), `UNKNOWN` where none fits,
            ``(B, R, F)``. They are the label's own, save where a window holds the border to another activity,
            which only the best label may cross.
        confidence: posterior of what the path says, as much as it is worth (`vqtext.model.sureness`),
            ``(B, R, F)``.
        familiar: 1 for windows like those learned, less the further they are from all of them, ``(B,)``.
    """

    log_posterior: Tensor
    label: Tensor
    path: Tensor
    confidence: Tensor
    familiar: Tensor


class Decoder(nn.Module):
    """Chains of all labels, with what was learned of them on training windows.

    A frame that fits no use of its label is unknown: beside the uses a path may take a state whose evidence
    is `background`, in nats against how likely a name is anywhere. At −4 a frame is unknown where each use of
    the label is some fifty times less likely than it is on average, for long enough to pay for the step into
    it; names that are merely unsure never are. `hmm.FORBIDDEN` turns it off. It fits a window equally well
    whatever the label, so that the class does not depend on it.

    Args:
        config: gives frames and their length.
        vocabulary: transcripts, in the order of the config's labels.
    """

    stay: Tensor
    substates: Tensor
    usual: Tensor
    alike: Tensor
    transition: Tensor
    start: Tensor
    prior: Tensor
    class_prior: Tensor
    weights: Tensor
    background: Tensor
    sure: Tensor

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary, self.config = vocabulary, config
        self.grammar = Grammar.of(vocabulary.transcripts, config.frames / config.window_s, config.rate_hz)
        labels, anchors = len(vocabulary.transcripts), len(vocabulary.anchors)
        frame_s = config.window_s / config.frames
        self._rhythm = Rhythm(once_over(self.grammar.ordered), self.grammar.start, frame_s)
        chain = self._rhythm.chain(torch.full((labels,), USUAL_S))
        self.register_buffer("stay", chain.stay)
        self.register_buffer("substates", chain.substates)
        self.register_buffer("usual", torch.zeros_like(self.grammar.start))
        alike = (
            vocabulary.alike() if config.anywhere else torch.eye(vocabulary.longest).expand(labels, -1, -1)
        )
        self.register_buffer("alike", alike, persistent=False)
        self._span = min(1.0, frame_s / SPAN_S)  # what one frame counts on the way to a path
        self.register_buffer("transition", self.grammar.ordered)
        self.register_buffer("start", self.grammar.start)
        self.register_buffer("prior", torch.full((anchors,), 1 / anchors))
        self.register_buffer("class_prior", torch.full((labels,), 1 / labels))
        self.register_buffer("weights", torch.tensor([CHAIN, HEAD]))
        self.register_buffer("background", torch.tensor(BACKGROUND))
        self.register_buffer("sure", torch.ones_like(self.grammar.start))
        self.novelty = Novelty(labels, 2 * config.settings.dim)
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
        self.usual.copy_(usual_uses(names, label, self.grammar))

        def own(rows: Tensor) -> Tensor:
            return self._steps(names[rows], keep[rows], label[rows])

        def evidence(rows: Tensor) -> Tensor:
            return self._steps(names[rows], keep[rows]) if self.config.borders else own(rows)

        chain = self._rhythm.chain(self._rhythm.step_s(own, label), self.config.borders)
        # what nobody can tell apart would last as long as chance has it
        alike = self.alike.argmax(-1)
        chain = chains.learn(chain, label, evidence, names.shape[1], ITERATIONS, alike=alike)
        self.stay.copy_(chain.stay), self.substates.copy_(chain.substates)
        for i in label.unique():
            rows = label == i
            of_label = self.weight * self._emission(names[rows], keep[rows], i[None])[:, 0]
            frames = keep[rows].sum(1)
            _, _, moves = hmm.posterior(of_label, self.grammar.ordered[i], self.grammar.start[i], frames)
            allowed = self.grammar.ordered[i].exp()
            count = moves.sum(0) + PRIOR_COUNT * allowed
            share = count / count.sum(1, keepdim=True).clamp(min=EPS)
            self.transition[i] = torch.where(allowed > 0, share.clamp(min=1e-8).log(), hmm.FORBIDDEN)

    @torch.no_grad()
    def calibrate(self, names: Tensor, classes: Tensor, label: Tensor, keep: Tensor) -> None:
        """Set the weights of chain and class head, and so the temperature, to those that make the posterior
        of held-out windows most likely (`vqtext.model.weighing`).

        Args:
            names: anchor probabilities of frames, ``(N, F, K)``.
            classes: logits of the class head, ``(N, n)``.
            label: ``(N,)``; keep: frames inside their window, ``(N, F)``.
        """
        chain = self._chains(self._emission(names, keep))
        weights = weigh(chain, self._head(classes), self._log_prior(), label)
        self.weights.copy_(torch.tensor(weights))

    @torch.no_grad()
    def tell(self, names: Tensor, label: Tensor, keep: Tensor) -> tuple[Tensor, Tensor]:
        """The path of each window if its label is ``label (B,)``, and its confidence, ``(B, F)`` each. Other
        arguments as `forward`."""
        return self._path(names, keep, self._emission(names, keep), label, best=True)

    @torch.no_grad()
    def forward(
        self, names: Tensor, classes: Tensor, keep: Tensor, ranks: int = 1, familiar: Tensor | None = None
    ) -> Decoded:
        """Decode windows.

        Args:
            names: anchor probabilities of frames, ``(B, F, K)``.
            classes: logits of the class head, ``(B, n)``.
            keep: ``(B, F)``; frames outside say nothing.
            ranks: how many of the likeliest labels get a path, R; fewer where there are fewer labels.
            familiar: how much windows are like those learned, ``(B,)``, by `novelty`; None takes all for
                such. Of the rest of the posterior each label gets the same, and steps are as much less sure.
        """
        emission = self._emission(names, keep)
        chain, head = self._chains(emission), self._head(classes)
        log_posterior = (self.weights[0] * chain + self.weights[1] * head + self._log_prior()).log_softmax(1)
        familiar = torch.ones_like(log_posterior[:, 0]) if familiar is None else familiar
        alike = ((1 - familiar) / log_posterior.shape[1]).log()
        log_posterior = torch.logaddexp(log_posterior + familiar.log()[:, None], alike[:, None])
        label = log_posterior.topk(min(ranks, log_posterior.shape[1]), dim=1).indices
        found = [self._path(names, keep, emission, own, best=not rank) for rank, own in enumerate(label.T)]
        path, confidence = (torch.stack(part, 1) for part in zip(*found, strict=True))
        return Decoded(log_posterior, label, path, confidence * familiar[:, None, None], familiar)

    def _path(
        self, names: Tensor, keep: Tensor, emission: Tensor, label: Tensor, best: bool
    ) -> tuple[Tensor, Tensor]:
        """Likeliest step of each frame, if each window's label is ``label (B,)``, and how likely: two
        ``(B, F)``.

        Args:
            names, keep: as for `forward`.
            emission: evidence for the uses against all that is ever said, ``(B, n, F, U)``.
            best: it is the likeliest label, which may cross a border.
        """
        uses = emission.shape[3]
        pulls = PULLS if best and self.config.borders else PULLS[-1:]
        path, sure = self._walk(names, keep, label, pulls[0])
        for pull in pulls[1:]:  # the mildest that keeps it from being a reason for another class
            home = (path // uses == label[:, None]) & keep
            astray = home.sum(1) < HOME * keep.sum(1)
            if not astray.any():
                break
            path[astray], sure[astray] = self._walk(names[astray], keep[astray], label[astray], pull)
        of = path // uses
        # beside it each frame fits the label that is walked there or does not, whatever the step
        fitting = emission.amax(-1).transpose(1, 2).gather(2, of[..., None])[..., 0]
        fits = torch.stack([fitting, (self.background * keep).float()], -1)
        stay = torch.tensor([[0.0, ENTER_UNKNOWN], [0.0, 0.0]], device=fits.device).expand(len(fits), 2, 2)
        start = torch.tensor([0.0, ENTER_UNKNOWN], device=fits.device).expand(len(fits), 2)
        unknown = hmm.viterbi(fits, stay, start).bool() & keep
        unlike = hmm.posterior(fits, stay, start)[1][..., 1]
        return torch.where(unknown, UNKNOWN, path), torch.where(unknown, unlike, sure)

    def _walk(self, names: Tensor, keep: Tensor, label: Tensor, pull: float) -> tuple[Tensor, Tensor]:
        """Likeliest use of each frame, and how sure it is.

        Args:
            names, keep, label: as for `_path`.
            pull: evidence for the label's own uses that each frame is given, in nats; infinite where its
                chain may not be left.
        """
        r = self._rhythm
        chain = chains.Chain(r.moves, r.start, self.stay, self.substates, leaks=pull < torch.inf)
        if chain.leaks:
            at_home = torch.arange(len(r.start), device=label.device) == label[:, None]
            steps = self._steps(names, keep) + pull * at_home[:, None, :, None]
        else:
            steps = self._steps(names, keep, label)
        share = chains.posterior(steps, chain, label)
        path = chains.likeliest(share, label)
        return path, share.flatten(2).amax(-1) * self.sure.flatten()[path]

    def _emission(self, names: Tensor, keep: Tensor, labels: Tensor | slice = slice(None)) -> Tensor:
        """How much more likely each use of all labels, or of some, is than its anchor is anywhere, in nats:
        ``(B, n, F, U)``."""
        surprise = (names + EPS).log() - self.prior.log()
        return self.grammar.emission(surprise * keep[..., None], labels)

    def _steps(self, names: Tensor, keep: Tensor, label: Tensor | None = None) -> Tensor:
        """How much more likely each use is now than it is in its label at any time: of all labels
        ``(B, F, n, U)``, or of the own of each window, ``label (B,)``, alone, ``(B, F, 1, U)``.

        Uses that nobody can tell apart share what is said of all of them: order and durations divide it.
        """
        every = torch.arange(len(self.usual), device=names.device)
        at = every[None] if label is None else label[:, None]  # (1, n) or (B, 1)
        anchor, alike = self.grammar.anchor[at].flatten(1), self.alike[at]
        said = names.gather(2, anchor[:, None].expand(*names.shape[:2], -1)).unflatten(2, (at.shape[1], -1))
        said = _shared(said + EPS, alike).log() - _shared(self.usual[at].exp(), alike).log()[:, None]
        return self._span * torch.where(self.grammar.valid[at][:, None] & keep[..., None, None], said, 0.0)

    def _chains(self, emission: Tensor) -> Tensor:
        """What the chains say for each label, in nats, ``(B, n)``."""
        batch, labels = emission.shape[:2]
        flat = (self.weight * emission).flatten(0, 1)
        chain = torch.arange(labels, device=emission.device).repeat(batch)
        parts = [
            hmm.log_partition(
                flat[i : i + CHUNK], self.transition[chain[i : i + CHUNK]], self.start[chain[i : i + CHUNK]]
            )
            for i in range(0, len(flat), CHUNK)
        ]
        return torch.cat(parts).unflatten(0, (batch, labels))

    def _head(self, classes: Tensor) -> Tensor:
        """What the class head says for each label beyond how often it occurs, in nats, ``(B, n)``; of a label
        that it never saw in training, nothing."""
        learned = self.class_prior > 0
        likely = torch.where(learned, classes, hmm.FORBIDDEN).log_softmax(1)
        return torch.where(learned, likely - self._log_prior(), 0.0)

    def _log_prior(self) -> Tensor:
        return self.class_prior.clamp(min=EPS).log()


def _shared(of_uses: Tensor, alike: Tensor) -> Tensor:
    """Chances of the uses ``(B, …, n, U)``, each summed over those it is like, ``(B, n, U, U)``."""
    return torch.einsum("b...nv,bnuv->b...nu", of_uses, alike)
