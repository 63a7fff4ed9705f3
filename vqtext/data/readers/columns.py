"""Columns of a published table that are no signal: activity codes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vqtext.data.recordings.recording import Track
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
