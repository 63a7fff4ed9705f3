"""What is written of steps, as far as the sensors at hand read it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TypeAlias

import numpy as np

from vqtext.data.features.vertical_velocity import SIGNS
from vqtext.pipeline.vocabulary.identifiability import Sensors
from vqtext.pipeline.vocabulary.signature_cells import level_of
from vqtext.schema import Cell, SubAction

Read: TypeAlias = tuple[str | None, str | None, str | None]
"""Motion, direction and posture that are written of one sensor, None where not written or not shown."""

_WAY = {direction: way for way, signs in SIGNS.items() for direction in signs}
"""What has to be measured for a direction to be seen."""


def reads(steps: Sequence[SubAction], sensors: Sensors) -> list[list[Read]]:
    """What each step's signature says of each location, for each hand that occurs."""
    return [[_read(step, place, cell, sensors) for place, cell in sensors.cells(step)] for step in steps]


def _read(step: SubAction, place: str, name: str | None, sensors: Sensors) -> Read:
    cell = (step.signature or {})[name] if name is not None else Cell()
    way = _WAY.get(cell.direction or "")
    return (
        cell.motion,
        cell.direction if way is not None and sensors.measures(place, way) else None,
        cell.posture if sensors.measures(place, "rise") else None,
    )


def more_or_less(readings: Sequence[Sequence[Read]]) -> list[tuple[Hashable, ...]]:
    """What steps read, with levels of motion that are no more than above or below the mean of their place."""
    columns = []
    for column in zip(*readings, strict=True):
        levels = [level_of(motion) for motion, *_ in column if motion is not None]
        mean = sum(levels) / max(len(levels), 1)
        columns.append([(m and level_of(m) > mean, *rest) for m, *rest in column])
    return [*zip(*columns, strict=True)] if columns else [()] * len(readings)


def features(read: Sequence[Sequence[Read]]) -> np.ndarray:
    """What steps read as numbers: levels, unknown ones in the middle of theirs; directions and postures each
    as one place more, ``(steps, features)``."""
    columns = []
    for column in zip(*read, strict=True):
        levels = np.array([np.nan if motion is None else level_of(motion) for motion, *_ in column])
        if np.isfinite(levels).any():
            columns.append(np.where(np.isnan(levels), np.nanmean(levels), levels))
        for one in (1, 2):
            values = [each[one] for each in column]
            columns += [
                np.array([other == what for other in values])
                for what in dict.fromkeys(values)
                if what is not None
            ]
    return np.array(columns, dtype=float).reshape(len(columns), len(read)).T
