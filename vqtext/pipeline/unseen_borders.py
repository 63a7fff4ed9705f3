"""Neighbouring steps of a label that read the same: no sensor shows where one ends and the next begins.

Steps of which nothing at all is written are left to the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from vqtext.data.heading import SIGNS
from vqtext.pipeline.identifiability import Sensors
from vqtext.schema import Cell, SubAction

Read: TypeAlias = tuple[str | None, str | None, str | None]
"""Motion, direction and posture that are written of one sensor, each None where it is not, or not felt."""

_WAY = {direction: way for way, signs in SIGNS.items() for direction in signs}
"""What has to be measured for a direction to be seen."""


def unseen_borders(steps: Sequence[SubAction], cyclic: bool, sensors: Sensors) -> list[list[int]]:
    """The steps of a label as runs of neighbours that read the same, most of them one step long.

    Args:
        cyclic: the last step has the first for a neighbour; a run that holds both comes first.

    Returns:
        Places of the steps, in order.
    """
    said = reads(steps, sensors)

    def alike(i: int, j: int) -> bool:
        return said[i] == said[j] and any(any(read) for read in said[i])

    runs = [[0]]
    for i in range(1, len(steps)):
        if alike(i - 1, i):
            runs[-1].append(i)
        else:
            runs.append([i])
    if cyclic and len(runs) > 1 and alike(len(steps) - 1, 0):
        runs = [runs[-1] + runs[0], *runs[1:-1]]
    return runs


def reads(steps: Sequence[SubAction], sensors: Sensors) -> list[list[Read]]:
    """What each step's signature says of each location, for each hand that occurs."""
    return [[_read(step, place, cell, sensors) for place, cell in sensors.cells(step)] for step in steps]


def _read(step: SubAction, place: str, name: str | None, sensors: Sensors) -> Read:
    cell = (step.signature or {})[name] if name is not None else Cell()
    way = _WAY.get(cell.direction or "")
    return (
        cell.motion,
        cell.direction if way is not None and sensors.feels(place, way) else None,
        cell.posture if sensors.feels(place, "rise") else None,
    )
