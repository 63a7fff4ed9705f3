"""Which uses of a phrase nothing in the sensors or the transcripts can tell apart.

A name may only be claimed where something would have come out differently under another name. Two anchors are
apart if one is in a label the other is not in, if their signatures differ at a location that has a sensor, or
if their neighbours in a transcript are apart. Colour refinement finds what is left: a watch on one wrist sees
an arm swing forward and back alike, and turning the whole walking cycle by half a stride changes nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """One step of a label's transcript: its anchor, and what its signature says of the data's locations."""

    anchor: int
    signature: Hashable


def ambiguous_groups(transcripts: Sequence[tuple[bool, Sequence[Place]]], anchors: int) -> list[set[int]]:
    """Groups of anchors that could be renamed among themselves without anything looking different.

    Args:
        transcripts: for each label, whether it is cyclic and its steps in order.
        anchors: K.

    Returns:
        The groups of two or more anchors. Within a group each anchor is ambiguous with the others.
    """
    colour: list[Hashable] = [0] * anchors
    count = 1
    while True:
        seen: list[list[Hashable]] = [[] for _ in range(anchors)]
        for label, (cyclic, places) in enumerate(transcripts):
            for i, place in enumerate(places):
                around = [_neighbour(places, colour, i + step, cyclic) for step in (-1, 1)]
                seen[place.anchor].append((label, place.signature, *around))
        refined = [(colour[k], tuple(sorted(seen[k], key=repr))) for k in range(anchors)]
        number = {key: i for i, key in enumerate(dict.fromkeys(refined))}
        colour = [number[key] for key in refined]
        if len(number) == count:
            break
        count = len(number)
    groups: dict[Hashable, set[int]] = {}
    for k in range(anchors):
        if seen[k]:
            groups.setdefault(colour[k], set()).add(k)
    return [group for group in groups.values() if len(group) > 1]


def _neighbour(places: Sequence[Place], colour: Sequence[Hashable], i: int, cyclic: bool) -> Hashable:
    if cyclic:
        return colour[places[i % len(places)].anchor]
    return colour[places[i].anchor] if 0 <= i < len(places) else None
