"""Why a window is not of another class: its best path through that class, held against the reason's own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import groupby

import torch
from torch import Tensor

from vqtext.errors import DataError
from vqtext.model.decoding.decoder import CONFIG, Decoder
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import FORBIDDEN, Chain
from vqtext.reason import UNKNOWN_NAME, Missing, WhyNot

SAMPLES = 16  # paths drawn through another label


@dataclass(frozen=True)
class Against:
    """Two paths through one window, of uses counted through all labels with the unknown the last of each.

    Attributes:
        own, other: of the reason's label and of the other one, ``(F,)``.
        gap: evidence by which the first explains each frame better, in nats, ``(F,)``.
        nats: by how much the steps of the reason's label are likelier.
    """

    own: Tensor
    other: Tensor
    gap: Tensor
    nats: float


@dataclass(frozen=True)
class WhyNotQuery:
    """Answers why one window is not of another class.

    Attributes:
        decoder: of the model that gave the reason.
        states: their probabilities at each frame, ``(F, V)``; keep: frames that were seen, ``(F,)``.
        label: of the reason.
        first: frame of the recording that the window starts with.
    """

    decoder: Decoder
    states: Tensor
    keep: Tensor
    label: int
    first: int

    @torch.no_grad()
    def __call__(self, label: str) -> WhyNot:
        """See `vqtext.reason.Reason.why_not`."""
        display = self.decoder.vocabulary.transcripts[self.number(label)].display
        against = self.against(label)
        if against is None:
            return WhyNot(label, 0.0, (), 0.0, display)
        steps = self._steps(against)
        return WhyNot(label, against.nats, steps, against.nats - float(against.gap.sum()), display)

    def number(self, label: str) -> int:
        """Place of a label among the model's.

        Raises:
            DataError: there is no such class.
        """
        labels = [transcript.label for transcript in self.decoder.vocabulary.transcripts]
        if label not in labels:
            raise DataError(f"there is no class {label!r}; the model's are {', '.join(map(repr, labels))}")
        return labels.index(label)

    @torch.no_grad()
    def against(self, label: str) -> Against | None:
        """The likeliest path through another label beside that of the reason; None where both have the same
        steps."""
        other = self.number(label)
        if self.decoder.same[self.label, other]:
            return None
        emission = self.decoder.emission(self.states[None].float(), self.keep[None])
        chain = self.decoder.chain()
        log_posterior = self.decoder.of_groups(semi_markov.label_posterior(emission, chain))[0]
        # no step is less likely than the unknown: where none fits, durations decide
        least = self.decoder.log_scale.exp() * CONFIG.background
        weights = self.decoder.path_weight() * emission.maximum(least)
        (own,) = semi_markov.viterbi(weights, chain, torch.tensor([self.label]))
        evidence = emission[0].flatten(1)
        path = self._typical_path(weights, chain, other, own, evidence)
        frames = torch.arange(len(own))
        gap = evidence[frames, own] - evidence[frames, path]
        return Against(own, path, gap, float(log_posterior[self.label] - log_posterior[other]))

    def _typical_path(
        self, weights: Tensor, chain: Chain, other: int, own: Tensor, evidence: Tensor
    ) -> Tensor:
        """The likeliest of `SAMPLES` paths through another label, drawn with the durations that its steps
        have. The most likely path of all would stay in one step where none fits, since the many ways to go on
        share their probability.

        Args:
            weights: of all labels, ``(1, F, n, U + 1)``; own: uses of the reason's label, ``(F,)``.
            evidence: of each use at each frame, ``(F, n · (U + 1))``.
        """
        uses = weights.shape[3]
        # beside a border the window may stay what it was there, but not its own class
        allowed = torch.zeros(weights.shape[2], dtype=torch.bool)
        allowed[own.div(uses, rounding_mode="floor")] = True
        allowed[self.label], allowed[other] = False, True
        weights = torch.where(allowed[:, None], weights, FORBIDDEN)
        weights[..., other, -1] = FORBIDDEN  # the unknown would explain the stretch, but says nothing of it
        uniform = torch.full_like(chain.prior, 1 / len(chain.prior))  # a label may never have been learned
        paths = semi_markov.sample(
            weights.expand(SAMPLES, -1, -1, -1),
            replace(chain, prior=uniform),
            torch.full((SAMPLES,), other),
            torch.Generator().manual_seed(0),
        )
        return paths[evidence.gather(1, paths.T).sum(0).argmax()]

    def _steps(self, against: Against) -> tuple[Missing, ...]:
        frame_s, seen = self.decoder.config.frame_s, self.keep.tolist()
        path, steps = against.other.tolist(), []
        own = [self._named(use) for use in against.own.tolist()]
        for use, run in groupby(range(len(path)), lambda f: path[f] if seen[f] else None):
            if use is None:
                continue
            begin, *_ = frames = list(run)
            end = begin + len(frames)
            name, display = self._named(use)
            others = Counter(step for step in own[begin:end] if step[0] != name)
            instead, shown = others.most_common(1)[0][0] if others else (name, display)
            steps.append(
                Missing(
                    name,
                    round((self.first + begin) * frame_s, 3),
                    round((self.first + end) * frame_s, 3),
                    shown or instead,
                    round(float(against.gap[begin:end].sum()), 4),
                    display,
                    round((end - begin - others.total()) * frame_s, 3),
                )
            )
        return tuple(steps)

    def _named(self, place: int) -> tuple[str, str | None]:
        """Phrase of a use counted through all labels, the last of each of which is the unknown, and what
        people are shown instead."""
        vocabulary = self.decoder.vocabulary
        label, number = divmod(place, vocabulary.longest + 1)
        if number == vocabulary.longest:
            return UNKNOWN_NAME, None
        _, use = vocabulary.use_at(label * vocabulary.longest + number)
        return vocabulary.anchors[use.anchor], use.display
