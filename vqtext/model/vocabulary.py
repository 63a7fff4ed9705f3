"""The anchors, and for each label its transcript of uses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from vqtext.errors import ArtifactError
from vqtext.model.hsmm.semi_markov import FORBIDDEN
from vqtext.schema import MIN_SAMPLES, USUAL_S, order_of

FORMAT = 1
SKIP = 0.03  # least chance that a step of a transcript is passed over


@dataclass(frozen=True)
class Use:
    """One step of one label: a phrase as that label uses it.

    Attributes:
        anchor: index of the anchor the phrase was merged into.
        inferred: the phrase speaks of a body part no sensor sits on.
        display: what people are shown instead of the anchor's phrase.
        lasts: how long it is written to last beside the others of its label.
    """

    anchor: int
    inferred: bool = False
    display: str | None = None
    lasts: float = 1.0


@dataclass(frozen=True)
class Transcript:
    """The ordered uses of one label.

    Attributes:
        display: what people are shown instead of the label.
    """

    label: str
    cyclic: bool
    uses: tuple[Use, ...]
    display: str | None = None


@dataclass(frozen=True)
class Vocabulary:
    """Anchors' phrases and, in the order of the model's labels, their transcripts."""

    anchors: tuple[str, ...]
    transcripts: tuple[Transcript, ...]

    @property
    def longest(self) -> int:
        """Steps of the longest transcript, U."""
        return max(len(t.uses) for t in self.transcripts)

    def use_at(self, place: int) -> tuple[Transcript, Use]:
        """A use that is counted through all labels: label · U + use."""
        label, use = divmod(place, self.longest)
        return self.transcripts[label], self.transcripts[label].uses[use]

    def cycle(self, transcript: Transcript) -> tuple[str, ...]:
        """Names of the steps of one round of a label, in order; empty where it does not go round."""
        goes_round = transcript.cyclic and len(transcript.uses) > 1
        return tuple(self.anchors[use.anchor] for use in transcript.uses) if goes_round else ()

    def same_steps(self) -> Tensor:
        """Which labels are written as the same steps, in the same order, for as long, ``(n, n)`` of zeros and
        ones: no chain of steps tells them apart."""
        orders = [
            (t.cyclic, order_of([(use.anchor, use.lasts) for use in t.uses], t.cyclic))
            for t in self.transcripts
        ]
        return torch.tensor([[float(one == other) for other in orders] for one in orders])

    def displays(self) -> dict[str, str]:
        """Phrase → what people are shown instead where no label is at hand: the display of most of its
        uses."""
        counts: dict[str, Counter[str]] = {}
        for use in (use for transcript in self.transcripts for use in transcript.uses):
            if use.display is not None:
                counts.setdefault(self.anchors[use.anchor], Counter())[use.display] += 1
        return {phrase: count.most_common(1)[0][0] for phrase, count in counts.items()}

    def label_displays(self) -> dict[str, str]:
        """Label → what people are shown instead, of the labels that have such a text."""
        return {t.label: t.display for t in self.transcripts if t.display is not None}

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Vocabulary:
        """Inverse of `to_dict`; keys that older models lack take their defaults, other keys are ignored.

        Raises:
            ArtifactError: another format, or keys missing.
        """
        if data.get("format") != FORMAT:
            raise ArtifactError(
                f"anchors.json has format {data.get('format')!r}, this version reads {FORMAT}: "
                "train again with `vqtext train`"
            )
        try:
            anchors, transcripts = tuple(data["anchors"]), []
            for t in data["transcripts"]:
                uses = tuple(
                    Use(u["anchor"], u["inferred"], u.get("display"), float(u.get("lasts", 1.0)))
                    for u in t["uses"]
                )
                transcripts.append(Transcript(t["label"], bool(t["cyclic"]), uses, t.get("display")))
                for use in uses:
                    anchors[use.anchor]
            return cls(anchors, tuple(transcripts))
        except (IndexError, KeyError, TypeError) as error:
            raise ArtifactError(
                f"anchors.json is not a model's ({error!r}): train again with `vqtext train`"
            ) from error


@dataclass(frozen=True)
class Grammar:
    """Transcripts as chains over uses, padded to U uses.

    Attributes:
        anchor: anchor of each use, ``(n, U)``; 0 where padded.
        valid: False where padded, ``(n, U)``.
        state: of each use, ``(n, U)``: an anchor between the one before and the one after. Uses of any label
            with the same three are one state, as a phone between two others is one in speech recognition.
        of_state: anchor of each of the V states, ``(V,)``.
        start: log weights, ``(n, U)``: a window may begin anywhere.
        ordered: log chance of what follows a use once it is over, by the transcript, ``(n, U, U)``.
        unordered: the same if any other use of the label may follow.
    """

    anchor: Tensor
    valid: Tensor
    state: Tensor
    of_state: Tensor
    start: Tensor
    ordered: Tensor
    unordered: Tensor

    @classmethod
    def of(cls, transcripts: Sequence[Transcript], rate_hz: float) -> Grammar:
        """Grammar of some transcripts, for signals of this rate."""
        longest = max(len(t.uses) for t in transcripts)
        # A step shorter than two samples cannot be seen: it may be passed over as often as that happens.
        skip = max(SKIP, 1 - math.exp(-MIN_SAMPLES / (USUAL_S * rate_hz)))
        anchor = torch.zeros(len(transcripts), longest, dtype=torch.long)
        valid = torch.zeros_like(anchor, dtype=torch.bool)
        keys: dict[tuple[int, int, int], int] = {}
        state = torch.zeros_like(anchor)
        ordered, unordered = torch.zeros(2, len(transcripts), longest, longest)
        for i, transcript in enumerate(transcripts):
            n = len(transcript.uses)
            own = [use.anchor for use in transcript.uses]
            anchor[i, :n] = torch.tensor(own)
            for u in range(n):
                state[i, u] = keys.setdefault((own[u - 1], own[u], own[(u + 1) % n]), len(keys))
            valid[i, :n] = True
            ordered[i, :n, :n] = _follow(n, transcript.cyclic, skip)
            unordered[i, :n, :n] = 1 - torch.eye(n) if n > 1 else 1
        start = torch.where(valid, -valid.sum(1, keepdim=True).log(), FORBIDDEN)
        of_state = torch.tensor([key[1] for key in keys])
        return cls(anchor, valid, state, of_state, start, _log(ordered), _log(unordered))

    def onto_states(self) -> Tensor:
        """Uses of each label → states, ``(n, U, V)`` of zeros and ones."""
        onto = torch.nn.functional.one_hot(self.state, len(self.of_state)).float()
        return onto * self.valid[..., None]


def _follow(n: int, cyclic: bool, skip: float) -> Tensor:
    """Weights of what follows each of n uses: the next one, or, the rarer the further, one beyond it; after
    the last of a transcript that has an end the first."""
    move = torch.zeros(n, n)
    for i in range(n):
        for k in range(1, n if cyclic else n - i):
            move[i, (i + k) % n] += skip ** (k - 1)
        if not move[i].any():
            move[i, 0] = 1.0
    return move


def _log(weight: Tensor) -> Tensor:
    """Log chances of rows of weights."""
    total = weight.sum(-1, keepdim=True).clamp(min=1e-30)
    return torch.where(weight > 0, (weight / total).clamp(min=1e-30).log(), FORBIDDEN)
