"""Each level of motion that a signature writes, held against the one that a trained model finds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vqtext.data.features.motion import MotionScale
from vqtext.pipeline.evaluation.motion_check import within_label
from vqtext.pipeline.inspection.check_lines import written_lines
from vqtext.pipeline.inspection.decoded_steps import DecodedSteps
from vqtext.pipeline.vocabulary.signature_cells import ONE_LEVEL, level_of
from vqtext.schema import MOTIONS

MIN_SLOPE = 0.25  # of what is found on what is written: words that fit nowhere are not blown up to fit


def check_levels(steps: DecodedSteps) -> list[dict[str, Any]]:
    """Each cell of each signature that a sensor of the data can speak of, the most doubtful first.

    Motion is the mean of a location's log motion, as a z-score within subject and label, over the frames in
    which the decoding says the step, in training windows whose label it got right. It is put back onto the
    four levels as levels are compared in grounding: around the mean of what the label writes for that
    location, in units of how far its levels lie apart.

    Returns:
        The rows of `DecodedSteps.measured` with ``found``, None where ``z`` is, and ``doubt``: how many
        levels the two lie apart.
    """
    windows, index = steps.windows, steps.index
    scale = MotionScale.of(windows.signal, steps.train, windows.channels, windows.rate_hz)
    energy = scale.frames(windows.signal, index, steps.frames)
    motion = within_label(energy, windows.subject[index], windows.label[index])
    rows = steps.measured(motion, scale.locations, lambda cell, _: cell.motion)
    return sorted(_judged(rows), key=lambda row: -(row["doubt"] if row["doubt"] is not None else -1))


def level_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The rows of `check_levels` for people: those in doubt, and those that training left out."""
    if not rows:
        return [
            "no signature writes a level of motion for a sensor of this data: there is nothing to compare"
        ]
    silent = sum(row["found"] is None for row in rows)
    notes = [f"{silent} belong to steps that are never, or hardly, found"] if silent else []
    heading = ("sensor", "written", "found", "levels apart", "seen")
    lines = written_lines(rows, "levels", heading, _columns, notes)
    if len(lines) > 1 + len(notes):
        lines.append(
            "nothing was changed; where you agree, mend the signature in subactions.json and train again"
        )
    return lines


def _columns(row: Mapping[str, Any]) -> tuple[str, ...]:
    where = row["location"] if row["cell"] == row["location"] else f"{row['location']} ({row['cell']})"
    apart = "–" if row["doubt"] is None else f"{row['doubt']:.1f}"
    return where, row["written"], row["found"] or "–", apart, f"{row['seconds']:g} s"


def _judged(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with ``found`` and ``doubt``."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["label"], row["location"]].append(row)
    spread = {key: float(np.std([_level(row) for row in own])) for key, own in groups.items()}
    apart = [value for value in spread.values() if value > 0]
    usual = float(np.mean(apart)) if apart else ONE_LEVEL / 2
    centred = [
        (row, (_level(row) - np.mean([_level(other) for other in own])) / (spread[key] or usual))
        for key, own in groups.items()
        for row in own
    ]
    known = [(row["z"], c) for row, c in centred if row["z"] is not None]
    size = sum(c * c for _, c in known)
    slope = max(sum(z * c for z, c in known) / size if size else 1.0, MIN_SLOPE)
    judged = []
    for row, c in centred:
        found, doubt = None, None
        if row["z"] is not None:
            unit = spread[row["label"], row["location"]] or usual
            value = float(np.clip(_level(row) + unit * (row["z"] / slope - c), -1, 1))
            found = MOTIONS[round((value + 1) / ONE_LEVEL)]
            doubt = round(abs(value - _level(row)) / ONE_LEVEL, 3)
        judged.append({**row, "found": found, "doubt": doubt})
    return judged


def _level(row: Mapping[str, Any]) -> float:
    return level_of(row["written"])
