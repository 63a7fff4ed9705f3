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

DRAWN = 16
"""Paths through another label that are drawn."""


@dataclass(frozen=True)
class Against:
    """Two paths through one window, of uses counted through all labels with the unknown the last of each.

    Attributes:
        own, theirs: of the reason's label and of the other one, ``(F,)``.
        gap: evidence by which the first explains each frame better, in nats, ``(F,)``.
        nats: by how much the steps of the reason's label are likelier.
    """

    own: Tensor
    theirs: Tensor
    gap: Tensor
    nats: float


@dataclass(frozen=True)
class Asked:
    """A window that can be asked why it is not of another class.

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
        likely = self.decoder.of_groups(semi_markov.label_posterior(emission, chain))[0]
        # no step is less likely than the unknown: where none fits, durations decide
        least = self.decoder.log_scale.exp() * CONFIG.background
        path = self.decoder.path_weight() * emission.maximum(least)
        (own,) = semi_markov.viterbi(path, chain, torch.tensor([self.label]))
        each = emission[0].flatten(1)
        theirs = self._typical(path, chain, other, own, each)
        frames = torch.arange(len(own))
        gap = each[frames, own] - each[frames, theirs]
        return Against(own, theirs, gap, float(likely[self.label] - likely[other]))

    def _typical(self, path: Tensor, chain: Chain, other: int, own: Tensor, each: Tensor) -> Tensor:
        """The likeliest of some paths through another label, drawn with the durations that its steps have.
        The one that is likeliest of all would stay in one step where none fits: the many ways to walk on
        share what the chain gives to them.

        Args:
            path: weights of all labels, ``(1, F, n, U + 1)``; own: uses of the reason's label, ``(F,)``.
            each: what each use explains of each frame, ``(F, n · (U + 1))``.
        """
        uses = path.shape[3]
        # beside a border the window may stay what it was there; of its own class it would have nothing
        allowed = torch.zeros(path.shape[2], dtype=torch.bool)
        allowed[own.div(uses, rounding_mode="floor")] = True
        allowed[self.label], allowed[other] = False, True
        kept = torch.where(allowed[:, None], path, FORBIDDEN)
        kept[..., other, -1] = FORBIDDEN  # the unknown would explain the stretch, but tells nothing of it
        alike = torch.full_like(chain.prior, 1 / len(chain.prior))  # a label that was never learned, too
        drawn = semi_markov.sample(
            kept.expand(DRAWN, -1, -1, -1),
            replace(chain, prior=alike),
            torch.full((DRAWN,), other),
            torch.Generator().manual_seed(0),
        )
        return drawn[each.gather(1, drawn.T).sum(0).argmax()]

    def _steps(self, against: Against) -> tuple[Missing, ...]:
        config, found = self.decoder.config, []
        frame_s, seen = config.window_s / config.frames, self.keep.tolist()
        theirs, gap = against.theirs.tolist(), against.gap
        own = [self._named(use) for use in against.own.tolist()]
        for use, run in groupby(range(len(theirs)), lambda f: theirs[f] if seen[f] else None):
            if use is None:
                continue
            inside = list(run)
            begin, end = inside[0], inside[-1] + 1
            name, display = self._named(use)
            others = Counter(told for told in own[begin:end] if told[0] != name)
            called, shown = others.most_common(1)[0][0] if others else (name, display)
            found.append(
                Missing(
                    name,
                    round((self.first + begin) * frame_s, 3),
                    round((self.first + end) * frame_s, 3),
                    shown or called,
                    round(float(gap[begin:end].sum()), 4),
                    display,
                    round((end - begin - others.total()) * frame_s, 3),
                )
            )
        return tuple(found)

    def _named(self, state: int) -> tuple[str, str | None]:
        """Phrase of a use counted through all labels, the last of each of which is the unknown, and what
        people are shown instead."""
        vocabulary = self.decoder.vocabulary
        label, use = divmod(state, vocabulary.longest + 1)
        if use == vocabulary.longest:
            return UNKNOWN_NAME, None
        _, said = vocabulary.use_at(label * vocabulary.longest + use)
        return vocabulary.anchors[said.anchor], said.display
