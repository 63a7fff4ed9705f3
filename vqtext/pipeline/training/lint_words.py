"""What looks wrong in the words before anything is trained. Nothing is changed: a person should look."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from vqtext.data.locations import best_cell, matches
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.signature_cells import written_direction, written_level, written_posture
from vqtext.schema import MOTIONS, SubAction

FAR = 2  # levels between two sides, from which on they contradict the side that is meant
_OTHER = {"left": "right", "right": "left"}
# Parts whose own sensor moves more than the other side's. A knee that straightens over a planted foot: no.
_MOVES = {
    **dict.fromkeys(("foot", "heel", "toes", "leg"), "foot"),
    **dict.fromkeys(("hand", "fist", "wrist", "arm"), "wrist"),
}


def lint_words(
    words: Words,
    locations: Sequence[str],
    hands: Sequence[str | None],
    sources: frozenset[str],
    signs: Sequence[tuple[str, str]] = (),
    upright: Sequence[str] = (),
) -> list[str]:
    """Warnings for people, at most one of each kind.

    Args:
        locations: places that have a sensor.
        hands: dominant hands that occur.
        signs: directions of some locations that sensors show, see
            `vqtext.data.features.vertical_velocity.direction_cells`.
        sources: what the grounding reads.
        upright: places that know where up is, see `vqtext.data.features.vertical_velocity.upright_places`.
    """
    if "signal" not in sources:
        return []
    steps = [step for uses in words.uses for _, step in uses]
    levels = (written_level(step, place, hand) for step in steps for place in locations for hand in hands)
    ways = (
        written_direction(step, place, way, hand) for step in steps for place, way in signs for hand in hands
    )
    postures = (written_posture(step, place, hand) for step in steps for place in upright for hand in hands)
    absent = _absent(steps, locations, hands)
    if all(written is None for written in itertools.chain(levels, ways, postures)):
        rest = "the order of steps" if "order" in sources else "the labels"
        return [f"no signature tells how a sensor of this data moves: names follow {rest} alone"]
    warnings = []
    if absent:
        warnings.append(f"no sensor at {', '.join(absent)}: what signatures say of it is left unused")
    if found := [doubt for step in steps if (doubt := _contradiction(step))]:
        who = f"{len(found)} steps have" if len(found) > 1 else "a step has"
        warnings.append(
            f"{who} a signature or a side that seems to contradict its phrase ({found[0]}): it is used as "
            "written; once trained, `vqtext codes --words` tells what the sensors found"
        )
    return warnings


def _absent(steps: Sequence[SubAction], locations: Sequence[str], hands: Sequence[str | None]) -> list[str]:
    """Locations of signatures that no sensor sits on, for anybody: mistyped, or of other data."""
    written = dict.fromkeys(place for step in steps for place in step.signature or ())
    return [
        place
        for place in written
        if not any(matches(place, own, hand) for own in locations for hand in hands)
    ]


def _contradiction(step: SubAction) -> str | None:
    """What is odd about the sides of a step, if anything."""
    written = re.findall(r"[a-z]+", step.phrase.casefold())
    sides = _OTHER.keys() & written
    if len(sides) != 1:
        return None
    (side,) = sides
    if step.side == _OTHER[side]:
        return f"{step.phrase!r}: its side is {step.side}"
    cells = step.signature or {}
    for place in sorted({_MOVES[word] for word in _MOVES.keys() & written}):
        own, other = (best_cell(f"{which} {place}", cells) for which in (side, _OTHER[side]))
        motions = [cells[cell].motion if cell is not None else None for cell in (own, other)]
        if own == other or None in motions:
            continue
        lower, higher = (MOTIONS.index(motion) for motion in motions if motion is not None)
        if higher - lower >= FAR:
            return f"{step.phrase!r}: {own} {motions[0]}, {other} {motions[1]}"
    return None
