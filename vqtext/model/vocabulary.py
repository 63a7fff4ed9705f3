"""What there is to say: the anchors, and for each label its transcript of uses."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from vqtext.errors import ArtifactError
from vqtext.model.hmm import FORBIDDEN

FORMAT = 1
LEAST_SAMPLES = 2  # a shorter step has no borders that a signal of this rate could show
DWELL_S = 0.3  # first guess of how long a step lasts, in seconds; training re-estimates it
SKIP = 0.03  # least chance that a step of a transcript is passed over
RESTART = 0.2  # chance that a transcript with an end begins again when its last step is over


@dataclass(frozen=True)
class Use:
    """One step of one label: a phrase as that label uses it.

    Attributes:
        anchor: index of the anchor the phrase was merged into.
        inferred: the phrase speaks of a body part no sensor sits on.
        ambiguous_with: phrases of this label that the sensors cannot tell from this one.
        display: what people are shown instead of the anchor's phrase.
    """

    anchor: int
    inferred: bool = False
    ambiguous_with: tuple[str, ...] = ()
    display: str | None = None


@dataclass(frozen=True)
class Transcript:
    """The ordered uses of one label.

    Attributes:
        display: what people are shown instead of the label.
        too_fast: a round of the label is over before each of its uses had `LEAST_SAMPLES`.
    """

    label: str
    cyclic: bool
    uses: tuple[Use, ...]
    display: str | None = None
    too_fast: bool = False


@dataclass(frozen=True)
class Vocabulary:
    """Anchors' phrases and, in the order of the model's labels, their transcripts."""

    anchors: tuple[str, ...]
    transcripts: tuple[Transcript, ...]

    @property
    def longest(self) -> int:
        """Steps of the longest transcript, U."""
        return max(len(t.uses) for t in self.transcripts)

    def alike(self) -> Tensor:
        """Which uses of a label have to share what is said of them, where windows are cut out of recordings:
        themselves, and in a label that is no cycle those that the sensors cannot tell from them; of an anchor
        that is used again one use alone. ``(n, U, U)`` of zeros and ones.

        What nobody can see is learned by chance. In a cycle its steps still follow each other.
        """
        out = torch.eye(self.longest).repeat(len(self.transcripts), 1, 1)
        for label, transcript in enumerate(self.transcripts):
            if transcript.cyclic:
                continue
            first = {use.anchor: place for place, use in reversed([*enumerate(transcript.uses)])}
            for u, use in enumerate(transcript.uses):
                group = [k for k in first if k == use.anchor or self.anchors[k] in use.ambiguous_with]
                out[label, u] = 0.0
                out[label, u, [first[k] for k in group]] = 1.0
        return out

    def displays(self) -> dict[str, str]:
        """Phrase → what people are shown instead where no label is at hand: what most of its uses say."""
        said: dict[str, Counter[str]] = {}
        for use in (use for transcript in self.transcripts for use in transcript.uses):
            if use.display is not None:
                said.setdefault(self.anchors[use.anchor], Counter())[use.display] += 1
        return {phrase: count.most_common(1)[0][0] for phrase, count in said.items()}

    def to_dict(self) -> dict[str, Any]:
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Vocabulary:
        """Inverse of `to_dict`; what models of before did not have is not there.

        Raises:
            ArtifactError: another format, or keys missing.
        """
        if data.get("format") != FORMAT:
            raise ArtifactError(
                f"anchors.json has format {data.get('format')!r}, this version reads {FORMAT}: "
                "train again with `vqtext train`"
            )
        try:
            transcripts = tuple(
                Transcript(
                    t["label"],
                    bool(t["cyclic"]),
                    tuple(
                        Use(u["anchor"], u["inferred"], tuple(u["ambiguous_with"]), u.get("display"))
                        for u in t["uses"]
                    ),
                    t.get("display"),
                    bool(t.get("too_fast")),
                )
                for t in data["transcripts"]
            )
            return cls(tuple(data["anchors"]), transcripts)
        except (KeyError, TypeError) as error:
            raise ArtifactError(
                f"anchors.json is not a model's ({error!r}): train again with `vqtext train`"
            ) from error


@dataclass(frozen=True)
class Grammar:
    """Transcripts as Markov chains over uses, padded to U states.

    Attributes:
        anchor: anchor of each state, ``(n, U)``; 0 where padded.
        valid: False where padded, ``(n, U)``.
        start: log weights, ``(n, U)``: a window may begin anywhere.
        ordered: log transitions that follow the transcript, ``(n, U, U)``.
        unordered: log transitions from each use to any other use of the label, ``(n, U, U)``.
    """

    anchor: Tensor
    valid: Tensor
    start: Tensor
    ordered: Tensor
    unordered: Tensor

    @classmethod
    def of(cls, transcripts: Sequence[Transcript], frames_per_second: float, rate_hz: float) -> Grammar:
        states = max(len(t.uses) for t in transcripts)
        stay = math.exp(-1 / (DWELL_S * frames_per_second))
        # A step shorter than two samples cannot be seen: it may be passed over as often as that happens.
        skip = max(SKIP, 1 - math.exp(-2 / (DWELL_S * rate_hz)))
        anchor = torch.zeros(len(transcripts), states, dtype=torch.long)
        valid = torch.zeros(len(transcripts), states, dtype=torch.bool)
        ordered = torch.zeros(len(transcripts), states, states)
        unordered = torch.zeros(len(transcripts), states, states)
        for i, transcript in enumerate(transcripts):
            n = len(transcript.uses)
            anchor[i, :n] = torch.tensor([use.anchor for use in transcript.uses])
            valid[i, :n] = True
            ordered[i, :n, :n] = _follow(n, transcript.cyclic, stay, skip)
            unordered[i, :n, :n] = _any(n, stay)
        start = torch.where(valid, -valid.sum(1, keepdim=True).log(), FORBIDDEN)
        return cls(anchor, valid, start, _log(ordered), _log(unordered))

    def emission(self, log_names: Tensor, labels: Tensor | slice = slice(None)) -> Tensor:
        """Anchors' log weights ``(B, F, K)`` → states' of all labels, or of some, ``(B, n, F, U)``, padding
        forbidden."""
        states = log_names[..., self.anchor[labels]].transpose(1, 2)
        return torch.where(self.valid[labels][:, None], states, FORBIDDEN)


def _follow(n: int, cyclic: bool, stay: float, skip: float) -> Tensor:
    move = torch.zeros(n, n)
    for i in range(n):
        steps = range(1, n) if cyclic else range(1, n - i)
        for k in steps:
            move[i, (i + k) % n] += skip ** (k - 1)
        if not cyclic and i == n - 1:
            move[i, 0] += RESTART
    return _leave(move, stay)


def _any(n: int, stay: float) -> Tensor:
    return _leave(1 - torch.eye(n), stay)


def _leave(move: Tensor, stay: float) -> Tensor:
    """Rows of relative ways out → rows of probabilities that stay with ``stay``."""
    total = move.sum(1, keepdim=True)
    out = torch.where(total > 0, move / total.clamp(min=1e-9), 0.0) * (1 - stay)
    return out + torch.diag(1 - out.sum(1))


def _log(p: Tensor) -> Tensor:
    return torch.where(p > 0, p.clamp(min=1e-30).log(), FORBIDDEN)
