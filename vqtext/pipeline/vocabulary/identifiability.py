"""How many permutations of the anchors are non-identifiable, and which anchors nothing tells apart.

A name may only be claimed where something would have come out differently under another name. Three things
can speak against a renaming: a label that has one anchor and not the other; the order, where cycles may begin
anywhere; and the signatures, as far as sensors see them. A watch on one wrist sees an arm swing forward and
back alike, and turning the whole walking cycle by half a stride changes nothing.

An anchor that no label uses keeps its name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from math import factorial, prod
from pathlib import Path
from typing import TypeAlias

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.features.magnitudes import SHOW_MOTION
from vqtext.data.features.vertical_velocity import direction_cells
from vqtext.data.locations import best_cell
from vqtext.pipeline.vocabulary.cycle_turns import Wheel, WheelStep, symmetries
from vqtext.schema import Channel, SubAction

Transcript: TypeAlias = tuple[bool, Sequence[WheelStep]]
"""Whether a label is cyclic, and its steps in order."""

MAX_JSON_NUMBER = 10**300
"""Larger numbers are given as text: many readers of JSON would make them infinite."""

MAX_CELLS_TRIED = 100
"""Single cells that are tried for what hangs by them; words written with care have none or a few."""


@dataclass(frozen=True)
class Count:
    """A number of renamings, the one that changes nothing among them; not exact: an upper bound."""

    value: int
    exact: bool = True

    def __str__(self) -> str:
        number = str(self.value) if self.value < 100_000 else f"{Decimal(self.value):.1e}".replace("e+", "e")
        return number if self.exact else f"at most {number}"

    @property
    def plain(self) -> int | str:
        """For JSON: the whole number; text where it is a bound, or too large for most readers."""
        return self.value if self.exact and self.value < MAX_JSON_NUMBER else str(self)


@dataclass(frozen=True)
class Fragile:
    """Anchors that a single cell tells apart: if any one of ``cells`` were wrong, these groups were not.

    Attributes:
        groups: of anchors.
        cells: (label, step, the cell's name), each of them enough.
    """

    groups: list[list[int]]
    cells: list[tuple[int, int, str]]


@dataclass(frozen=True)
class Identifiability:
    """How many renamings are consistent with the label sets; with the order too; with the signatures too.

    Attributes:
        groups: anchors that may be renamed among themselves without anything looking different.
        fragile: those that a single cell tells apart.
    """

    labels: Count
    order: Count
    signature: Count
    groups: list[list[int]]
    fragile: list[Fragile]


@dataclass(frozen=True)
class Sensors:
    """What the data can see.

    Attributes:
        locations: places that show motion.
        hands: the dominant hands that occur; None: not known.
        directions: places that show which way they go, as `direction_cells` tells them; None: all do.
    """

    locations: Sequence[str]
    hands: Sequence[str | None]
    directions: Sequence[tuple[str, str]] | None = None

    def measures(self, place: str, way: str) -> bool:
        """Whether a place shows that it goes a way of `SIGNS`; one that shows a rise
        measures gravity, and so how it is held."""
        return self.directions is None or (place, way) in self.directions

    def cells(self, step: SubAction) -> list[tuple[str, str | None]]:
        """Each location, for each hand, and which cell of the step's signature is read there."""
        written = step.signature or {}
        return [(place, best_cell(place, written, hand)) for hand in self.hands for place in self.locations]


def identifiability(transcripts: Sequence[Transcript]) -> Identifiability:
    """Count the renamings that each label's set of anchors, its order and its signatures allow.

    Args:
        transcripts: for each label. Signatures have the same length everywhere.
    """
    used: dict[int, set[int]] = {}
    for label, (_, steps) in enumerate(transcripts):
        for step in steps:
            used.setdefault(step.anchor, set()).add(label)
    classes = Counter(frozenset(labels) for labels in used.values())
    labels = Count(prod(factorial(size) for size in classes.values()))
    ordered = symmetries([Wheel.of(cyclic, steps, signed=False) for cyclic, steps in transcripts])
    wheels = [Wheel.of(cyclic, steps, signed=True) for cyclic, steps in transcripts]
    signed = symmetries(wheels)
    certain = ordered.exact and signed.exact
    return Identifiability(
        labels=labels,
        order=Count(min(ordered.count, labels.value), ordered.exact),
        signature=Count(min(signed.count, ordered.count, labels.value), signed.exact),
        groups=signed.groups,
        fragile=_fragile(transcripts, wheels, ordered.turns, signed.groups) if certain else [],
    )


def _fragile(
    transcripts: Sequence[Transcript],
    wheels: Sequence[Wheel],
    turns: Sequence[frozenset[int]],
    groups: Sequence[Sequence[int]],
) -> list[Fragile]:
    """Change each cell that alone keeps a cycle from turning, and see which anchors become alike."""
    found: dict[tuple[tuple[int, ...], ...], list[tuple[int, int, str]]] = {}
    for label, i, cell, changed in islice(_near_misses(transcripts, wheels, turns), MAX_CELLS_TRIED):
        cyclic, steps = transcripts[label]
        altered = [*wheels]
        altered[label] = Wheel.of(cyclic, [*steps[:i], changed, *steps[i + 1 :]], signed=True)
        alike = symmetries(altered).groups
        new = [group for group in alike if not any(set(group) <= set(old) for old in groups)]
        cells = found.setdefault(tuple(map(tuple, new)), [])
        if (label, i, cell) not in cells:
            cells.append((label, i, cell))
    return [Fragile([list(group) for group in new], cells) for new, cells in found.items() if new]


def _near_misses(
    transcripts: Sequence[Transcript], wheels: Sequence[Wheel], turns: Sequence[frozenset[int]]
) -> Iterator[tuple[int, int, str, WheelStep]]:
    """Label, step and cell that alone forbid a turn, and the step as it would be without that cell's veto."""
    for label, (_, steps) in enumerate(transcripts):
        period = len(wheels[label].names)  # anchors may come round more often than signatures
        for turn in sorted(turns[label] - wheels[label].turns):
            for shift in range(turn, len(steps), period):
                for i, cell in sorted(_blamed(steps, shift)):
                    yield label, i, cell, _borrow(steps[i], cell, steps[(i + shift) % len(steps)])


def _blamed(steps: Sequence[WheelStep], turn: int) -> set[tuple[int, str]]:
    """Cells, each of which alone keeps the signatures from agreeing after a turn: (step, the cell's name)."""
    blamed: set[tuple[int, str]] | None = None
    for i, step in enumerate(steps):
        j = (i + turn) % len(steps)
        for place, (one, two) in enumerate(zip(step.signature, steps[j].signature, strict=True)):
            if one != two:
                pair = {(i, step.cell(place)), (j, steps[j].cell(place))}
                blamed = pair if blamed is None else blamed & pair
                if not blamed:
                    return blamed
    return blamed or set()


def _borrow(step: WheelStep, cell: str, other: WheelStep) -> WheelStep:
    """The step as it would be if one of its cells were as another step's signature has it there."""
    signature = tuple(
        theirs if step.cell(place) == cell else own
        for place, (own, theirs) in enumerate(zip(step.signature, other.signature, strict=True))
    )
    return replace(step, signature=signature)


def transcripts_of(
    uses: Sequence[Sequence[tuple[int, SubAction]]], cyclic: Sequence[bool], sensors: Sensors
) -> list[Transcript]:
    """Each label's steps, with the motion levels and the postures that sensors can be held against.

    Directions are evidence too, but a name is not claimed by them alone: seen by one sensor, a rise was not
    enough to find where in its round a cycle is.

    Args:
        uses: for each label its steps: anchor and the sub-action as that label writes it.
        cyclic: for each label.
        sensors: a cell is read for each location and each hand, so "dominant wrist" may be either wrist's.
    """

    def step(anchor: int, subaction: SubAction) -> WheelStep:
        written = subaction.signature or {}
        read = sensors.cells(subaction)
        motion = [None if cell is None else written[cell].motion for _, cell in read]
        posture = [
            written[cell].posture if cell is not None and sensors.measures(place, "rise") else None
            for place, cell in read
        ]
        names = [cell or location for location, cell in read]
        return WheelStep(anchor, (*motion, *posture), (*names, *names))

    return [(turns, [step(*use) for use in label]) for turns, label in zip(cyclic, uses, strict=True)]


def sensors_of(windows: Path | str) -> Sensors | None:
    """The sensors of windows.h5 that show motion; None where there are no windows.

    Raises:
        ArtifactError: the file is damaged or foreign.
    """
    if not Path(windows).exists():
        return None
    with open_artifact(windows, "windows") as file:
        channels, subjects = file.attrs["channels"], file.attrs["subjects"]
    return sensors_among([Channel(**c) for c in channels], [subject.get("hand") for subject in subjects])


def sensors_among(channels: Sequence[Channel], hands: Iterable[str | None]) -> Sensors:
    """The sensors that show motion, among channels worn by people of these dominant hands."""
    moving = [channel.location for channel in channels if channel.modality in SHOW_MOTION]
    return Sensors(
        list(dict.fromkeys(moving)), sorted({*hands}, key=str) or [None], direction_cells(channels)
    )
