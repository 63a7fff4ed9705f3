"""Columns of a published table that are no signal: activity codes and time stamps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vqtext.data.recording import Track
from vqtext.errors import DataError


def code_track(values: np.ndarray, words: Mapping[int, str], file: Path, column: int) -> Track:
    """A column of published codes as a `Track`; 0 says nothing.

    Raises:
        DataError: a code that the data set does not have; names file, row and column.
    """
    strange = np.flatnonzero(~np.isin(values, [0, *words]))
    if strange.size:
        raise DataError(
            f"{file}, row {strange[0] + 1}, column {column}: "
            f"{values[strange[0]]:g} is no code of this data set"
        )
    codes = np.full(len(values), -1, dtype=np.int32)
    for i, code in enumerate(words):
        codes[values == code] = i
    return Track(tuple(words.values()), codes)


def time_breaks(seconds: np.ndarray, rate_hz: float, file: Path, column: int) -> tuple[int, ...]:
    """Samples that come more than one and a half periods after the one before.

    Raises:
        DataError: a stamp is missing, or time stands still or runs backwards; names file, row and column.
    """
    step = np.diff(seconds)
    wrong = np.flatnonzero(~np.isfinite(seconds))
    if wrong.size:
        raise DataError(f"{file}, row {wrong[0] + 1}, column {column}: a time stamp is missing")
    wrong = np.flatnonzero(step <= 0)
    if wrong.size:
        at = wrong[0] + 1
        what = "the time stamp is the one before again" if step[at - 1] == 0 else "time goes backwards"
        raise DataError(f"{file}, row {at + 1}, column {column}: {what} ({seconds[at]:g} s)")
    return tuple(int(at) + 1 for at in np.flatnonzero(step > 1.5 / rate_hz))
