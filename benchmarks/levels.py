"""Written levels of motion against those that are found where the truth is known. For measuring only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vqtext.data.features.motion import MotionScale
from vqtext.data.locations import best_cell
from vqtext.data.recordings.recording import Recording, Track
from vqtext.errors import DataError
from vqtext.schema import MOTIONS, LabelWords


@dataclass(frozen=True)
class Level:
    """One step of one label at one sensor: the level that is written, and the mean log motion, a z-score."""

    label: str
    phrase: str
    location: str
    written: str
    found: float


def levels(recordings: Sequence[Recording], words: Sequence[LabelWords]) -> list[Level]:
    """Each level that a signature writes for a sensor, with what is found while the truth is that step.

    Log motion is scored over each recording, so people who move more do not count for more; the mean is over
    all samples of all recordings.

    Raises:
        DataError: a recording has no truth.
    """
    found: dict[tuple[str, str, str, str], list[np.ndarray]] = {}
    for recording in recordings:
        label, truth = recording.label, recording.truth
        if not isinstance(label, Track) or truth is None:
            raise DataError(f"recording {recording.name!r} has no truth to hold words against")
        signal = recording.signal[None]
        scale = MotionScale.of(signal, np.arange(1), recording.channels, recording.rate_hz)
        energy = scale.best(scale.motion(signal))
        hand = None if recording.subject is None else recording.subject.hand
        for said in words:
            for step in said.subactions:
                if said.label not in label.words or step.phrase not in truth.words:
                    continue
                now = (label.codes == label.words.index(said.label)) & (
                    truth.codes == truth.words.index(step.phrase)
                )
                for i, location in enumerate(scale.locations):
                    cell = best_cell(location, step.signature or {}, hand)
                    level = None if cell is None else (step.signature or {})[cell].motion
                    if cell is not None and level is not None and now.any():
                        # a cell of the dominant wrist is one cell, whichever wrist it is
                        where = cell if "dominant" in cell else location
                        found.setdefault((said.label, step.phrase, where, level), []).append(
                            energy[0, now, i]
                        )
    return [Level(*key, float(np.nanmean(np.concatenate(values)))) for key, values in found.items()]


def agreement(found: Sequence[Level]) -> tuple[int, int]:
    """Pairs of steps of one label, at one location, whose levels differ: (found in that order, all)."""
    right = pairs = 0
    for one, other in combinations(found, 2):
        if (one.label, one.location) == (other.label, other.location) and one.written != other.written:
            pairs += 1
            higher = MOTIONS.index(one.written) > MOTIONS.index(other.written)
            right += higher == (one.found > other.found)
    return right, pairs
