"""Each direction that a signature writes, held against the one that a trained model finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vqtext.data.features.motion import frame_means
from vqtext.data.features.vertical_velocity import SIGNS, direction_cells, vertical_velocities
from vqtext.pipeline.inspection.check_lines import written_lines
from vqtext.pipeline.inspection.decoded_steps import DecodedSteps

MIN_VELOCITY = 0.2  # mean velocity, in units of a person's own spread, below which a step goes neither way
NEITHER = "neither"


def check_directions(steps: DecodedSteps) -> list[dict[str, Any]]:
    """Each cell that says up, down or a turn, of a sensor that shows it, the most doubtful first.

    Returns:
        The rows of `DecodedSteps.measured` with ``found``: a direction, "neither", or None where ``z`` is.
    """
    windows, index = steps.windows, steps.index
    ways = direction_cells(windows.channels)
    if not ways:
        return []
    speed = frame_means(
        lambda block: vertical_velocities(block, windows.channels, windows.rate_hz),
        windows.signal,
        index,
        steps.frames,
    )
    for who in np.unique(windows.subject[index]):
        own = windows.subject[index] == who
        spread = np.sqrt(np.nan_to_num(np.square(speed[own])).mean((0, 1)))
        speed[own] /= np.maximum(spread, 1e-6)
    rows = steps.measured(
        speed,
        [location for location, _ in ways],
        lambda cell, place: cell.direction if cell.direction in SIGNS[ways[place][1]] else None,
        going=True,
    )
    for row in rows:
        row["found"] = None if row["z"] is None else _way(row["z"], row["written"])
    return sorted(rows, key=_rightness)


def direction_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of `check_directions` for people: those in doubt."""
    return written_lines(
        rows,
        "directions",
        ("sensor", "written", "found", "seen"),
        lambda row: (row["location"], row["written"], row["found"] or "–", f"{row['seconds']:g} s"),
    )


def _way(z: float, written: str) -> str:
    """The direction that a mean velocity shows, among those that ``written`` is one of."""
    signs = next(own for own in SIGNS.values() if written in own)
    return NEITHER if abs(z) < MIN_VELOCITY else next(way for way, sign in signs.items() if sign * z > 0)


def _rightness(row: Mapping[str, Any]) -> float:
    """How well it goes as written: the velocity that way; the last where it was not seen."""
    if row["z"] is None:
        return float("inf")
    return row["z"] * next(own[row["written"]] for own in SIGNS.values() if row["written"] in own)
