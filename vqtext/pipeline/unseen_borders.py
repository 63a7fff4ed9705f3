"""Neighbouring steps of a label of which the same is written: no sensor shows where one ends and the next
begins.

The order says which of them comes first and nothing says when, so that a name for one of them is a guess: a
person who stands still may be said to sway to the left, to the right, forward and back. Steps of which
nothing at all is written are left to the order, and are not told here.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from vqtext.data.heading import SIGNS
from vqtext.pipeline.identifiability import Sensors
from vqtext.schema import Cell, SubAction

_WAY = {direction: way for way, signs in SIGNS.items() for direction in signs}
"""What has to be measured for a direction to be seen."""


def unseen_borders(
    uses: Sequence[Sequence[tuple[int, SubAction]]], cyclic: Sequence[bool], sensors: Sensors
) -> list[list[list[int]]]:
    """For each label, its runs of neighbours that read the same: two or more anchors each.

    Args:
        uses: for each label its steps: anchor and the sub-action as that label writes it.
        cyclic: for each label; the last step of a cycle has the first for a neighbour.
    """
    return [_runs(steps, turns, sensors) for steps, turns in zip(uses, cyclic, strict=True)]


def _runs(steps: Sequence[tuple[int, SubAction]], cyclic: bool, sensors: Sensors) -> list[list[int]]:
    runs: list[set[int]] = []
    said = [_read(step, sensors) for _, step in steps]
    for i in range(len(steps) if cyclic else len(steps) - 1):
        j = (i + 1) % len(steps)
        if not any(said[i]) or said[i] != said[j] or steps[i][0] == steps[j][0]:
            continue
        pair = {steps[i][0], steps[j][0]}
        touched = [run for run in runs if run & pair]
        runs = [run for run in runs if not run & pair] + [pair.union(*touched)]
    return [sorted(run) for run in runs]


def _read(step: SubAction, sensors: Sensors) -> tuple[Hashable, ...]:
    """What the step's signature says of each location, for each hand that occurs."""
    written = step.signature or {}
    said: list[Hashable] = []
    for place, name in sensors.cells(step):
        cell = written[name] if name is not None else Cell()
        way = _WAY.get(cell.direction or "")
        seen = way is not None and (sensors.ways is None or (place, way) in sensors.ways)
        read = (cell.motion, cell.direction if seen else None)
        said.append(read if any(read) else None)
    return tuple(said)
