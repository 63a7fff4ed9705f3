"""Why a window is not of another class: its best path through that class, held against the reason's own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from vqtext.errors import DataError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import FORBIDDEN
from vqtext.reason import UNKNOWN_NAME, Missing, WhyNot


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
        chain, labels = self.decoder.chain(), len(self.decoder.vocabulary.transcripts)
        likely = self.decoder.of_groups(semi_markov.label_posterior(emission, chain))[0]
        path = self.decoder.path_weight() * emission  # where a step ends, the reason tells by this weight
        (own,) = semi_markov.viterbi(path, chain, torch.tensor([self.label]))
        # beside a border the window may stay what it was there; of its own class it would have nothing
        allowed = torch.zeros(1, labels, dtype=torch.bool)
        allowed[0, own.div(emission.shape[3], rounding_mode="floor")] = True
        allowed[0, self.label], allowed[0, other] = False, True
        path[..., other, -1] = FORBIDDEN  # the unknown would explain the stretch, but tells nothing of it
        (theirs,) = semi_markov.viterbi(path, chain, torch.tensor([other]), allowed)
        frames = torch.arange(len(own))
        each = emission[0].flatten(1)
        gap = each[frames, own] - each[frames, theirs]
        return Against(own, theirs, gap, float(likely[self.label] - likely[other]))

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
