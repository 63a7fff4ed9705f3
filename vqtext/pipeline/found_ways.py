"""Each direction that a signature writes, held against the one that a trained model finds.

As for levels of motion (`found_levels`): what the words say is a guess, the sensors can be asked once it is
known when each step happens, and nothing is changed by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.heading import SIGNS, headings, ways
from vqtext.data.motion import frame_means
from vqtext.data.windows import Windows
from vqtext.pipeline.few import few_of_each
from vqtext.pipeline.found_levels import LINES, LOOKED_AT, tallied
from vqtext.pipeline.lines import cut_short, table

if TYPE_CHECKING:
    from vqtext.model.load import VQText
    from vqtext.pipeline.words import Words

CLEAR = 0.2  # mean velocity, in units of a person's own spread, below which a step goes neither way
NEITHER = "neither"


def found_ways(model: VQText, windows: Windows, train: np.ndarray, words: Words) -> list[dict[str, Any]]:
    """Each cell that says up, down or a turn, of a sensor that shows it, the most doubtful first.

    Args:
        train: places of the training windows, ``(n,)``. No other window is looked at.

    Returns:
        For each cell ``label, phrase, location, cell`` (its key in the signature), ``written``, ``found``
        (a direction, "neither", or None where the step hardly occurs), ``z`` and
        ``seconds``.
    """
    told = ways(windows.channels)
    if not told:
        return []
    index = train[few_of_each(windows.label[train], LOOKED_AT)]
    speed = frame_means(
        lambda block: headings(block, windows.channels, windows.rate_hz),
        windows.signal,
        index,
        model.config.frames,
    )
    for who in np.unique(windows.subject[index]):
        own = windows.subject[index] == who
        spread = np.sqrt(np.nan_to_num(np.square(speed[own])).mean((0, 1)))
        speed[own] /= np.maximum(spread, 1e-6)
    rows = tallied(
        model,
        windows,
        index,
        words,
        speed,
        [location for location, _ in told],
        lambda cell, place: cell.direction if cell.direction in SIGNS[told[place][1]] else None,
    )
    for row in rows:
        row["found"] = None if row["z"] is None else _way(row["z"], row["written"])
    return sorted(rows, key=_rightness)


def way_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of `found_ways` for people: those in doubt."""
    if not rows:
        return []
    doubtful = [row for row in rows if row["found"] not in (None, row["written"])]
    silent = sum(row["found"] is None for row in rows)
    told = [f"{len(rows) - len(doubtful) - silent} of {len(rows)} written directions are what is found"]
    if not doubtful:
        return told
    shown = [("label", "sub-action", "sensor", "written", "found", "seen")]
    shown += [
        (
            cut_short(row["label"], 30),
            cut_short(row["phrase"], 50),
            row["location"],
            row["written"],
            row["found"],
            f"{row['seconds']:g} s",
        )
        for row in doubtful[:LINES]
    ]
    more = [f"and {len(doubtful) - LINES} more, in --json"] if len(doubtful) > LINES else []
    return [*told, *table(shown), *more]


def _way(z: float, written: str) -> str:
    """The direction that a mean velocity shows, among those that ``written`` is one of."""
    signs = next(own for own in SIGNS.values() if written in own)
    return NEITHER if abs(z) < CLEAR else next(way for way, sign in signs.items() if sign * z > 0)


def _rightness(row: Mapping[str, Any]) -> float:
    """How well it goes as written: the velocity that way; the last where it was not seen."""
    if row["z"] is None:
        return float("inf")
    return row["z"] * next(own[row["written"]] for own in SIGNS.values() if row["written"] in own)
