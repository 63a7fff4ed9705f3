"""What would make the words of a label better: asked for once more, and then taken as it is.

Each weakness is a sentence for the model, which names the sub-actions by their phrases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from vqtext.prompts.checks import POSTURE, Wanted
from vqtext.prompts.facets import read_facets
from vqtext.prompts.replies import POSTURES, CellReply, LabelReply, StepReply
from vqtext.schema import MIN_SAMPLES, OTHER_SIDE, same_text

_QUIET = ("still", "slight")
_LEGS = frozenset(
    ["foot", "feet", "heel", "heels", "toe", "toes", "ankle", "shin", "knee", "thigh", "leg", "legs"]
)


def label_weaknesses(reply: LabelReply, wanted: Wanted) -> list[str]:
    """What to ask for once more; nothing where the words serve as they are."""
    steps = [step for step in reply.subactions if same_text(step.phrase)]
    return [
        *_number(steps, wanted),
        *_not_distinct(steps, wanted),
        *_without_mirror(steps, reply.cyclic),
        *_held_without_posture(steps, wanted),
        *_own_words(steps),
    ]


def _number(steps: Sequence[StepReply], wanted: Wanted) -> Iterator[str]:
    """Too many; fewer than asked for are no weakness, or held labels and quick rounds would be padded."""
    count = len(steps)
    if count > wanted.many:
        yield (
            f"There are {count} subactions, and these sensors at {wanted.rate_hz:g} samples a second tell "
            f"{wanted.few} to {wanted.many} apart (each needs {MIN_SAMPLES} samples): join those that they "
            "do not."
        )


def _is_held(steps: Sequence[StepReply]) -> bool:
    """Whether every place that is written of is quiet all the while, as in sitting."""
    return all(step.signature and all(cell.motion in _QUIET for cell in step.signature) for step in steps)


def _not_distinct(steps: Sequence[StepReply], wanted: Wanted) -> Iterator[str]:
    """Sub-actions whose cells are the same, as far as sensors measure it; a still place goes no way."""
    by_cells: dict[frozenset[Hashable], list[str]] = {}
    for step in steps:
        cells = frozenset(_distinctive(cell, wanted) for cell in step.signature)
        by_cells.setdefault(cells, []).append(same_text(step.phrase))
    for cells, phrases in by_cells.items():
        if len(phrases) > 1:
            same = "have the same cells, as far as the sensors show" if cells else "have no cells"
            yield (
                f"{_listed(phrases)} {same}, and nothing else tells them apart: say in which motion, "
                "measured direction or posture they differ, or make them one sub-action, or leave one "
                "out; do not invent a difference."
            )


def _distinctive(cell: CellReply, wanted: Wanted) -> Hashable:
    """What sensors measure of a cell: two cells with the same of it are by_cells."""
    place, way, posture = wanted.place(cell.location), cell.direction, cell.posture
    is_going = cell.motion != "still" and way not in (None, "none") and wanted.is_felt(place, way)
    is_held = posture is not None and wanted.is_felt(place, POSTURE)
    return place, cell.motion, way if is_going else None, posture if is_held else None


def _without_mirror(steps: Sequence[StepReply], cyclic: bool) -> Iterator[str]:
    """Steps of one side whose mirror image is missing where others (most, where nothing repeats) have theirs;
    of a cycle of the legs also where none has."""
    wordings = {read_facets(step.phrase).canonical for step in steps}
    lonely: list[tuple[str, str]] = []
    pairs = 0
    for step in steps:
        mirrored = read_facets(step.phrase).mirrored
        if mirrored is None or step.side in ("both", "either"):
            continue
        if read_facets(mirrored).canonical in wordings:
            pairs += 1
        else:
            lonely.append((same_text(step.phrase), same_text(mirrored)))
    if pairs and (cyclic or len(lonely) < pairs):  # what is done once may well be done with one side
        for phrase, mirrored in lonely:
            yield (
                f"{phrase!r} has no counterpart on the other side, {mirrored!r}, as others have: give both "
                "sides, in the same words, unless the other side really does nothing of the kind."
            )
    if pairs:
        return
    sides = {side for phrase, _ in lonely for side in OTHER_SIDE if side in phrase.split()}
    of_legs = [phrase for phrase, _ in lonely if _LEGS & {*phrase.split()}]
    if cyclic and len(sides) == 1 and len(of_legs) > 1:
        (side,) = sides
        yield (
            f"{_listed(of_legs)} speak of the {side} side, and nothing of the {OTHER_SIDE[side]} one: a "
            "round has each side once, in the same words, unless that side really rests."
        )


def _held_without_posture(steps: Sequence[StepReply], wanted: Wanted) -> Iterator[str]:
    feels_posture = any(wanted.is_felt(place, POSTURE) for place in wanted.places)
    if feels_posture and _is_held(steps) and not any(c.posture for s in steps for c in s.signature):
        yield (
            "All places are quiet, so that posture alone tells this label from others: say of each place "
            "that is held how it is held."
        )


def _own_words(steps: Sequence[StepReply]) -> Iterator[str]:
    for step in steps:
        phrase = same_text(step.phrase)
        for text in Counter(cell.posture for cell in step.signature if cell.posture):
            if text not in POSTURES:
                yield f"{phrase!r}: the posture {text!r} is none of {', '.join(POSTURES)}; null is allowed."
        named = OTHER_SIDE.keys() & {*phrase.split()}
        if step.side == "either" and len(named) == 1 and read_facets(phrase).mirrored:
            yield f"{phrase!r}: its side is 'either', but the phrase says {min(named)!r}."


def _listed(phrases: Sequence[str]) -> str:
    """'a', 'b' and 'c'."""
    *first, last = map(repr, phrases)
    return f"{', '.join(first)} and {last}" if first else last
