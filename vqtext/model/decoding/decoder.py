"""The steps decide: the class of a window is the label whose chain of steps explains it best.

States of frames, which are read off tokens, are the evidence: a state is an anchor between two others
(`vqtext.model.vocabulary.Grammar`). The chain of all labels' steps, with the durations that the E-step found
and how often labels occur, gives the class (`vqtext.model.hsmm.semi_markov`); the likeliest step of each
frame, given that class, is the reason. The class head chooses only among labels with the same steps in the
same order for as long: which of those it is, only the rest of the signal can say. Training maximises the same
posterior by the same chain, see `vqtext.model.training.losses`.

Shapes: B windows, F frames, V states, n labels, U uses of a label.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.config import ModelConfig
from vqtext.model.decoding.ood import OutOfDistribution
from vqtext.model.grounding.e_step import EStepConfig, switching
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import FORBIDDEN, Chain
from vqtext.model.vocabulary import Grammar, Vocabulary

UNKNOWN = -1
"""In a path: none of the label's uses fits."""


@dataclass(frozen=True)
class DecodingConfig:
    """Attributes:
    evidence: pieces of evidence that all frames of a window count as before the weight is learned:
        neighbouring frames repeat each other, and a class that is too sure at first takes over the training.
    span_s: seconds of states that count as one piece of evidence on the way to a path, given the class: where
        a step ends depends on the frames around, whose errors repeat less than those of a whole window.
    floor: probability that is added to each state: none rules a step out by itself.
    background: evidence for the unknown, in nats against how likely a state is anywhere: at −4 a frame is
        unknown where each use is some fifty times less likely than on average, for long enough to pay for the
        step into it; states that are merely unsure never are.
    enter_unknown: chance that a step is followed by the unknown.
    unknown_s: seconds that the unknown lasts on average.
    chunk: numbers of one pass that are held at once.
    """

    evidence: float = 5.0
    span_s: float = 0.16
    floor: float = 1e-4
    background: float = -4.0
    enter_unknown: float = 0.01
    unknown_s: float = 0.3
    chunk: int = 1 << 22


CONFIG = DecodingConfig()


@dataclass(frozen=True)
class Decoded:
    """What is decoded of B windows, for each the R labels that explain it best.

    Attributes:
        log_posterior: over all labels, ``(B, n)``.
        steps: the same by the steps alone, before labels of the same steps are told apart, ``(B, n)``.
        label: the best, then the runner-up, ``(B, R)``.
        path: uses, frame by frame, counted through all labels (label · U + use), `UNKNOWN` where none fits,
            ``(B, R, F)``. They are the label's own, save where a window holds the border to another activity.
        confidence: posterior of what the path says, as much as it is worth (`confidence`),
            ``(B, R, F)``.
        familiar: 1 for windows like those learned, less the further they are from all of them, ``(B,)``.
    """

    log_posterior: Tensor
    steps: Tensor
    label: Tensor
    path: Tensor
    confidence: Tensor
    familiar: Tensor


class Decoder(nn.Module):
    """The chain of all labels' steps, over states of frames.

    Beside its uses each label has the unknown, the same in all, so that the class does not depend on it.

    Args:
        config: gives frames and their length.
        vocabulary: transcripts, in the order of the config's labels.
    """

    stay: Tensor
    substates: Tensor
    prior: Tensor
    class_prior: Tensor
    temperature: Tensor
    sure: Tensor
    same: Tensor

    def __init__(self, config: ModelConfig, vocabulary: Vocabulary) -> None:
        super().__init__()
        self.vocabulary, self.config = vocabulary, config
        self.grammar = Grammar.of(vocabulary.transcripts, config.rate_hz)
        labels, states = len(vocabulary.transcripts), len(self.grammar.of_state)
        self.frame_s = config.frame_s
        self.register_buffer("stay", torch.zeros_like(self.grammar.start))
        self.register_buffer("substates", torch.ones_like(self.grammar.start, dtype=torch.long))
        self.register_buffer("prior", torch.full((states,), 1 / states))
        self.register_buffer("class_prior", torch.full((labels,), 1 / labels))
        self.register_buffer("temperature", torch.tensor(1.0))
        self.register_buffer("sure", torch.ones_like(self.grammar.start))
        self.register_buffer("same", vocabulary.same_steps(), persistent=False)
        self.log_scale = nn.Parameter(torch.tensor(CONFIG.evidence / config.frames).log())
        self.novelty = OutOfDistribution(labels, 2 * config.settings.dim)
        usual = EStepConfig()
        dwell = torch.full_like(self.stay, usual.durations.usual_s / self.frame_s)
        self._set_durations(Chain.of(self.grammar.ordered, self.grammar.start, dwell, usual.chain.substates))

    def _set_durations(self, chain: Chain) -> None:
        self.stay.copy_(chain.stay), self.substates.copy_(chain.substates)

    @torch.no_grad()
    def learn(self, chain: Chain | None, states: Tensor, label: Tensor) -> None:
        """Take durations from the E-step, and count how often states and labels occur.

        Args:
            chain: of the E-step; None keeps the usual durations.
            states: by the E-step in windows of which it says something, ``(·, F, V)``; may be none.
            label: of the training windows, ``(N,)``.
        """
        if chain is not None:
            self._set_durations(chain)
        if len(states):
            total = torch.stack([part.float().sum((0, 1)) for part in states.split(256)]).sum(0)
            self.prior.copy_(total / total.sum())
        counts = torch.bincount(label, minlength=len(self.class_prior)).to(self.class_prior)
        self.class_prior.copy_(counts / len(label))

    def chain(self) -> Chain:
        """Of all labels, the unknown being the last use of each."""
        grammar, device = self.grammar, self.stay.device
        log_enter, log_not = math.log(CONFIG.enter_unknown), math.log(1 - CONFIG.enter_unknown)
        moves = F.pad(grammar.ordered + log_not, (0, 1, 0, 1), value=log_enter)
        moves[:, -1] = F.pad(grammar.start, (0, 1), value=FORBIDDEN)
        start = F.pad(grammar.start + log_not, (0, 1), value=log_enter)
        chain = Chain(
            moves.to(device),
            start.to(device),
            F.pad(self.stay, (0, 1), value=max(0.0, 1 - self.frame_s / CONFIG.unknown_s)),
            F.pad(self.substates, (0, 1), value=1),
            self.class_prior,
            int(self.substates.max()),
        )
        return switching(chain, EStepConfig().chain, self.frame_s, self.config.borders)

    def emission(self, states: Tensor, keep: Tensor) -> Tensor:
        """Log weights of the uses of all labels, the unknown the last of each, ``(B, F, n, U + 1)``: how much
        likelier a state is now than it is anywhere, times a weight that is learned, for neighbouring frames
        repeat each other.

        Args:
            states: their probabilities at each frame, ``(B, F, V)``.
            keep: frames that were seen, ``(B, F)``; others say nothing.
        """
        surprise = (states + CONFIG.floor).log() - (self.prior + CONFIG.floor).log()
        of_uses = F.pad(surprise[..., self.grammar.state], (0, 1), value=CONFIG.background)
        return self.log_scale.exp() * of_uses * keep[..., None, None]

    def steps(self, states: Tensor, keep: Tensor) -> Tensor:
        """Log posterior of the labels by their steps alone, ``(B, n)``, with a gradient."""
        return semi_markov.label_posterior(self.emission(states, keep), self.chain())

    def of_groups(self, steps: Tensor) -> Tensor:
        """Log posterior of each label's group of labels with the same steps, ``(B, n)``."""
        return _grouped(steps, self.same)

    def classes(self, steps: Tensor, head: Tensor, familiar: Tensor | None = None) -> Tensor:
        """Log posterior of the labels, ``(B, n)``: by the steps, and among labels whose steps are the same by
        the class head.

        Args:
            steps: log posterior by the steps alone, ``(B, n)``.
            head: logits of the class head, ``(B, n)``.
            familiar: how much windows are like those learned, ``(B,)``, by `novelty`; None takes all for
                such. Of the rest of the posterior each label gets the same.
        """
        learned = self.class_prior > 0
        head = torch.where(learned, head, FORBIDDEN).log_softmax(1)
        size = self.same.sum(1).log()
        group = ((self.of_groups(steps) / self.temperature) - size).log_softmax(1) + size
        log_posterior = group + (head - _grouped(head, self.same))  # of a label alone in its group: exactly 0
        log_posterior = torch.where(learned, log_posterior, semi_markov.MIN_LOG_WEIGHT).log_softmax(1)
        if familiar is None:
            return log_posterior
        rest = ((1 - familiar) / log_posterior.shape[1]).log()
        return torch.logaddexp(log_posterior + familiar.log()[:, None], rest[:, None])

    @torch.no_grad()
    def calibrate(self, states: Tensor, head: Tensor, label: Tensor, keep: Tensor) -> None:
        """Set the temperature under which held-out windows are likeliest (Guo et al. 2017).

        Args:
            states: their probabilities at each frame, ``(N, F, V)``.
            head: logits of the class head, ``(N, n)``; label: ``(N,)``; keep: frames that count, ``(N, F)``.
        """
        steps = torch.cat([self.steps(states[rows].float(), keep[rows]) for rows in self._chunks(states)])

        def loss(temperature: Tensor) -> float:
            self.temperature.copy_(temperature)
            nll = F.nll_loss(self.classes(steps, head), label, reduction="sum")
            return float(nll + 0.5 * temperature.log().square())  # few windows choose by chance

        self.temperature.copy_(min(torch.logspace(-1, 1.5, 51), key=loss))

    @torch.no_grad()
    def forward(
        self, states: Tensor, head: Tensor, keep: Tensor, ranks: int = 1, familiar: Tensor | None = None
    ) -> Decoded:
        """Decode windows.

        Args:
            states, keep: as for `emission`; head, familiar: as for `classes`.
            ranks: how many of the likeliest labels get a path, R; fewer where there are fewer labels. None
                gets one at 0.
        """
        familiar = torch.ones_like(head[:, 0]) if familiar is None else familiar
        parts = [
            self._decode(states[rows], head[rows], keep[rows], ranks, familiar[rows])
            for rows in self._chunks(states)
        ]
        return Decoded(*(torch.cat(part) for part in zip(*parts, strict=True)))

    def _decode(
        self, states: Tensor, head: Tensor, keep: Tensor, ranks: int, familiar: Tensor
    ) -> tuple[Tensor, ...]:
        """Of a few windows, what `Decoded` holds, in its order."""
        emission, chain = self.emission(states, keep), self.chain()
        steps = semi_markov.label_posterior(emission, chain)
        log_posterior = self.classes(steps, head, familiar)
        label = log_posterior.topk(min(ranks, log_posterior.shape[1]), dim=1).indices
        path = torch.empty(*label.shape, states.shape[1], dtype=torch.long)
        confidence = torch.empty(path.shape)
        for rank, own in enumerate(label.T):
            path[:, rank], confidence[:, rank] = self.path(emission, chain, own)
        return log_posterior, steps, label, path, confidence * familiar[:, None, None], familiar

    @torch.no_grad()
    def path(self, emission: Tensor, chain: Chain, label: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest use of each frame in windows of ``label (B,)``; its posterior; ``(B, F)`` each."""
        share = semi_markov.posterior(self.path_weight() * emission, chain, label).flatten(2)
        posterior, path = share.max(-1)
        uses = emission.shape[3]
        of_label, use = path.div(uses, rounding_mode="floor"), path % uses
        unknown = use == uses - 1
        path = of_label * (uses - 1) + use
        factor = self.sure.flatten()[path.clamp(max=self.sure.numel() - 1)]
        return torch.where(unknown, UNKNOWN, path), torch.where(unknown, posterior, posterior * factor)

    def path_weight(self) -> Tensor:
        """What an `emission` is multiplied by on the way to a path, see `DecodingConfig.span_s`."""
        return min(1.0, self.frame_s / CONFIG.span_s) / self.log_scale.exp()

    def _chunks(self, states: Tensor) -> tuple[Tensor, ...]:
        cells = states.shape[1] * self.stay.numel() * int(self.substates.max())
        return torch.arange(len(states)).split(max(1, CONFIG.chunk // cells))


def _grouped(log_chance: Tensor, same: Tensor) -> Tensor:
    """Of each label the summed chance of all with the same steps, ``(B, n)``, in logs."""
    return torch.logsumexp(log_chance[:, None] + torch.where(same > 0, 0.0, FORBIDDEN), -1)
