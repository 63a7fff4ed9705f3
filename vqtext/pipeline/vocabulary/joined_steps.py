"""Steps joined into one: its name, and what is written of it.

Two kinds: steps that follow each other, one movement ("arm swings back, elbow drives back"), and steps of
which no sensor shows which it is ("swing the left leg or swing the right leg").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar, get_args

from vqtext.data.locations import best_cell
from vqtext.pipeline.vocabulary.signature_cells import level_of, written_duration, written_level
from vqtext.schema import Cell, Motion, SubAction

T = TypeVar("T")

AFTER, OR = ", ", " or "
MAX_PARTS_NAMED = 3
"""Parts that a name holds; the rest is counted."""


class Joined(SubAction):
    """A step that was joined of others.

    Attributes:
        parts: as the label writes them, in order; none of them is joined itself.
        between: what stands between the names of each part and the one before, `AFTER` or `OR`.
        beside: how long it is written to last beside the others of its label.
        turns: how often it comes in one round of the label, since others that came there are taken for it.
    """

    parts: tuple[SubAction, ...]
    between: tuple[str, ...]
    beside: float
    turns: int = 1


def parts_of(step: SubAction) -> tuple[SubAction, ...]:
    """What a step was joined of; itself alone where it was not."""
    return step.parts if isinstance(step, Joined) else (step,)


def counted_as(step: SubAction) -> SubAction:
    """The part that stands for a step where it is held against a truth: the longest, the first of several."""
    return max(parts_of(step), key=written_duration)


def relative_duration(step: SubAction) -> float:
    """How long a step is written to last beside the others of its label."""
    return step.beside if isinstance(step, Joined) else written_duration(step)


def round_of(steps: Sequence[SubAction]) -> float:
    """How long a round of these steps of a label is written to last, all turns of its cycle together."""
    turns = max((step.turns for step in steps if isinstance(step, Joined)), default=1)
    return turns * sum(map(relative_duration, steps))


def join(steps: Sequence[SubAction], how: str, blurred: bool = False) -> Joined:
    """Several steps as one: in order, one after the other (`AFTER`), or one or the other of them (`OR`).

    Args:
        blurred: they differ, but are too short: of their levels the mean is what is left. Otherwise what
            differs is open.
    """
    parts = tuple(part for step in steps for part in parts_of(step))
    inside = [mark for step in steps for mark in (how, *(_between(step)[1:]))]
    lasts = [relative_duration(step) for step in steps]
    turns = max(step.turns if isinstance(step, Joined) else 1 for step in steps)
    shown = [step.display or step.phrase for step in steps for step in parts_of(step)]
    return Joined(
        phrase=named([part.phrase for part in parts], inside),
        display=named(shown, inside) if any(part.display for part in parts) else None,
        body_part=_agreed(part.body_part for part in parts),
        side=_agreed(part.side for part in parts),
        direction=_agreed(part.direction for part in parts),
        signature=_signature(steps, lasts if blurred else None),
        parts=parts,
        between=tuple(inside),
        beside=sum(lasts) if how == AFTER else sum(lasts) / len(lasts),
        turns=turns if how == AFTER else turns * len(steps),
    )


def apart(steps: Sequence[SubAction], before: Sequence[SubAction]) -> list[SubAction]:
    """Steps of a label of which some were joined for their length, with levels as far apart as they were.

    Levels are relative to the other steps of a label. Means lie nearer to each other than what they are means
    of, and would be one level.

    Args:
        before: the steps that they were.
    """
    found = list(steps)
    for place in dict.fromkeys(place for step in steps for place in step.signature or ()):
        means = [_mean(step, place) for step in steps]
        known = [mean for mean in means if mean is not None]
        written = [level for step in before if (level := written_level(step, place, None)) is not None]
        if not known or min(known) == max(known):
            continue
        for i, (step, mean) in enumerate(zip(steps, means, strict=True)):
            cells = found[i].signature or {}
            if isinstance(step, Joined) and mean is not None and place in cells:
                share = (mean - min(known)) / (max(known) - min(known))
                motion = _nearest(min(written) + share * (max(written) - min(written)))
                cell = cells[place].model_copy(update={"motion": motion})
                found[i] = found[i].model_copy(update={"signature": {**cells, place: cell}})
    return found


def _mean(step: SubAction, place: str) -> float | None:
    """Mean level of the parts of a step; None where one of them says none."""
    levels = [written_level(part, place, None) for part in parts_of(step)]
    if None in levels:
        return None
    lasts = [*map(written_duration, parts_of(step))]
    return sum(level * s for level, s in zip(levels, lasts, strict=True) if level is not None) / sum(lasts)


def named(parts: Sequence[str], between: Sequence[str], most: int = MAX_PARTS_NAMED) -> str:
    """The name of a joined step: some of its parts, the first of each alternative before the others, and how
    many there are besides. A part that comes again is named once."""
    marks: dict[str, str] = {}
    for part, mark in zip(parts, between, strict=True):
        marks.setdefault(part, mark)
    depth, depths = 0, {}
    for part, mark in marks.items():
        depth = 0 if mark == OR else depth + 1
        depths[part] = depth
    shown = {*sorted(marks, key=lambda part: depths[part])[:most]}
    text = "".join(f"{mark}{part}" for part, mark in marks.items() if part in shown)
    text = text.removeprefix(AFTER).removeprefix(OR)
    rest = len(marks) - len(shown)
    return f"{text} and {rest} more" if rest > 0 else text


def _between(step: SubAction) -> tuple[str, ...]:
    return step.between if isinstance(step, Joined) else (AFTER,)


def _agreed(values: Iterable[T | None]) -> T | None:
    first, *others = values
    return first if all(other == first for other in others) else None


def _signature(steps: Sequence[SubAction], lasts: Sequence[float] | None) -> dict[str, Cell] | None:
    """What is written of all of them alike; of motion the mean over their time, where one is asked for."""
    written = [step.signature or {} for step in steps]
    found = {}
    for place in dict.fromkeys(place for cells in written for place in cells):
        names = [place if place in cells else best_cell(place, cells) for cells in written]
        cells = [Cell() if n is None else own[n] for n, own in zip(names, written, strict=True)]
        found[place] = Cell(
            motion=_level([cell.motion for cell in cells], lasts)
            if lasts
            else _agreed(cell.motion for cell in cells),
            direction=_agreed(cell.direction for cell in cells),
            posture=_agreed(cell.posture for cell in cells),
        )
    return found or None


def _level(motions: Sequence[Motion | None], lasts: Sequence[float]) -> Motion | None:
    if None in motions:
        return None
    mean = sum(level_of(m) * s for m, s in zip(motions, lasts, strict=True) if m) / sum(lasts)
    return _nearest(mean)


def _nearest(level: float) -> Motion:
    return min(get_args(Motion), key=lambda motion: abs(level_of(motion) - level))
