"""Controls: what a run would be if its words were destroyed in one way or another.

Each is a pure change of the words, of the training data or of the settings; everything else is trained and
measured as in the run itself. What names an anchor is its place in anchors.h5, so that destroyed words are
held against the same truth.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from torch import Tensor

from vqtext.model.guidance.text_tokens import Guidance
from vqtext.model.training.training_data import TrainingData
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.schema import Cell, SubAction

Chance: TypeAlias = np.random.Generator


def permuted_names(words: Words, rng: Chance) -> Words:
    """Each anchor keeps its phrase and its place in the transcripts, and gets another's signature."""
    donor = _derangement(len(words.phrases), rng)
    first: dict[int, SubAction] = {}
    for uses in words.uses:
        for anchor, subaction in uses:
            first.setdefault(anchor, subaction)

    def change(anchor: int, subaction: SubAction) -> SubAction:
        other = first.get(int(donor[anchor]))
        written = other or SubAction(phrase="-")
        return subaction.model_copy(update={"signature": written.signature, "lasts": written.lasts})

    return _with(words, [[(a, change(a, s)) for a, s in uses] for uses in words.uses])


def swapped_sides(words: Words, rng: Chance) -> Words:
    """What a signature says of the left, it says of the right: names must come out swapped."""

    def change(subaction: SubAction) -> SubAction:
        signature = {_other_side(name): _mirrored(cell) for name, cell in (subaction.signature or {}).items()}
        return subaction.model_copy(update={"signature": signature or None})

    return _with(words, [[(a, change(s)) for a, s in uses] for uses in words.uses])


def random_words(words: Words, rng: Chance) -> Words:
    """Each step of a label becomes a step of some other label, with phrase and signature."""
    changed = []
    for label, uses in enumerate(words.uses):
        others = [use for other, own in enumerate(words.uses) if other != label for use in own]
        places = rng.permutation(np.arange(max(len(uses), len(others))) % len(others))[: len(uses)]
        changed.append([others[place] for place in places])
    return _with(words, changed)


def random_phrases(words: Words, rng: Chance) -> Words:
    """Each anchor gets the vector of another phrase; signatures and order stay."""
    return replace(words, vectors=words.vectors[_derangement(len(words.phrases), rng)])


def shuffled_order(words: Words, rng: Chance) -> Words:
    """The steps of each label in another order; one of three steps or more is no turn of the old cycle."""
    return _with(words, [_shuffled(uses, rng) for uses in words.uses])


def shuffled_guidance(data: TrainingData, rng: Chance) -> TrainingData:
    """Each window has the guidance of another one: its label, its description and its subject's facts; and
    its names are sought in the texts of another one's segments."""
    near = data.evidence.similarity
    if near is not None:
        near = near[rng.permutation(len(near))]
        data = replace(data, evidence=replace(data.evidence, similarity=near))
    if data.guidance is None:
        return data
    donors = rng.permutation(len(data.label)).tolist()
    return replace(data, guidance=OfOthers(**vars(data.guidance), donors=donors, labels=data.label.tolist()))


@dataclass(frozen=True)
class OfOthers(Guidance):
    """Guidance of windows that is another's: the donor of each, and ``labels`` of all."""

    donors: Sequence[int] = ()
    labels: Sequence[int] = ()

    def batch(
        self, index: Sequence[int], label: Sequence[int], draws: Sequence[int], drop: float
    ) -> tuple[Tensor, Tensor]:
        others = [self.donors[window] for window in index]
        return super().batch(others, [self.labels[window] for window in others], draws, drop)


@dataclass(frozen=True)
class Control:
    """One way to destroy words.

    Attributes:
        what: in words.
        words, data: the change; None leaves them.
        without_text: no guidance and no grounding: tokens go to whichever anchor is nearest. Their names are
            those anchors', given without any knowledge of the data.
        falls_with: names must fall where the run's grounding has one of these in its name.
    """

    what: str
    words: Callable[[Words, Chance], Words] | None = None
    data: Callable[[TrainingData, Chance], TrainingData] | None = None
    without_text: bool = False
    falls_with: tuple[str, ...] = ()

    def must_fall(self, grounding: str) -> bool:
        """Whether names must fall in a run of this grounding."""
        return any(part in grounding for part in self.falls_with)


SWAPPED = "swapped_sides"
ALL_CONTROLS: dict[str, Control] = {
    "permuted_names": Control("signatures of other anchors", permuted_names, falls_with=("signal",)),
    "random_words": Control(
        "phrases and signatures of other labels",
        random_words,
        falls_with=("signal", "text", "order", "label"),
    ),
    "random_phrases": Control("vectors of other phrases", random_phrases, falls_with=("text",)),
    "shuffled_order": Control("steps in another order", shuffled_order, falls_with=("order",)),
    "shuffled_guidance": Control("guidance of other windows", data=shuffled_guidance, falls_with=("text",)),
    "no_text": Control(
        "no guidance, each token its nearest anchor",
        without_text=True,
        falls_with=("signal", "text", "order", "label"),
    ),
    SWAPPED: Control("left and right in signatures", swapped_sides, falls_with=("signal",)),
}


def _with(words: Words, uses: list[list[tuple[int, SubAction]]]) -> Words:
    return replace(words, uses=uses)


def _derangement(count: int, rng: Chance) -> np.ndarray:
    """A permutation that leaves nothing in its place: one cycle through all, in random order."""
    order = rng.permutation(count)
    donor = np.empty(count, dtype=int)
    donor[order] = np.roll(order, 1)
    return donor


def _shuffled(uses: list[tuple[int, SubAction]], rng: Chance) -> list[tuple[int, SubAction]]:
    count = len(uses)
    if count < 3:
        return uses[::-1]
    turns = [np.roll(np.arange(count), shift).tolist() for shift in range(count)]
    order = np.arange(count)
    while order.tolist() in turns:
        order = rng.permutation(count)
    return [uses[place] for place in order]


_MIRROR = {"left": "right", "right": "left"}


def _other_side(location: str) -> str:
    return " ".join(_MIRROR.get(word, word) for word in location.split())


def _mirrored(cell: Cell) -> Cell:
    direction = cell.direction
    return cell if direction is None else cell.model_copy(update={"direction": _other_side(direction)})
