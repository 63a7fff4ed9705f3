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
from vqtext.reason import UNKNOWN_NAME, Missing, WhyNot


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
        transcripts = self.decoder.vocabulary.transcripts
        labels = [transcript.label for transcript in transcripts]
        if label not in labels:
            raise DataError(f"there is no class {label!r}; the model's are {', '.join(map(repr, labels))}")
        other = labels.index(label)
        if self.decoder.same[self.label, other]:
            return WhyNot(label, 0.0, (), 0.0, transcripts[other].display)
        emission = self.decoder.emission(self.states[None].float(), self.keep[None])
        chain = self.decoder.chain()
        likely = self.decoder.of_groups(semi_markov.label_posterior(emission, chain))[0]
        nats = float(likely[self.label] - likely[other])
        (own,) = semi_markov.viterbi(emission, chain, torch.tensor([self.label]))
        # beside a border the window may stay what it was there; of its own class it would have nothing
        allowed = torch.zeros(1, len(labels), dtype=torch.bool)
        allowed[0, own.div(emission.shape[3], rounding_mode="floor")] = True
        allowed[0, self.label], allowed[0, other] = False, True
        (theirs,) = semi_markov.viterbi(emission, chain, torch.tensor([other]), allowed)
        frames = torch.arange(len(own))
        each = emission[0].flatten(1)
        gap = each[frames, own] - each[frames, theirs]
        steps = self._steps(own.tolist(), theirs.tolist(), gap)
        return WhyNot(label, nats, steps, nats - float(gap.sum()), transcripts[other].display)

    def _steps(self, own: list[int], theirs: list[int], gap: Tensor) -> tuple[Missing, ...]:
        config, found = self.decoder.config, []
        frame_s, seen = config.window_s / config.frames, self.keep.tolist()
        for use, run in groupby(range(len(theirs)), lambda f: theirs[f] if seen[f] else None):
            if use is None:
                continue
            inside = list(run)
            begin, end = inside[0], inside[-1] + 1
            instead = Counter(own[begin:end]).most_common(1)[0][0]
            name, display = self._named(use)
            called, shown = self._named(instead)
            found.append(
                Missing(
                    name,
                    round((self.first + begin) * frame_s, 3),
                    round((self.first + end) * frame_s, 3),
                    shown or called,
                    round(float(gap[begin:end].sum()), 4),
                    display,
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
