"""One table of own data, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class OwnTable:
    """Columns of n rows.

    Attributes:
        signal: the columns of numbers, ``(C, n) float64``, NaN where a sample is missing.
        words: the columns of words, None where a field is empty.
        lines: what an error calls each row: the line of a text file, or the row counted from 1.
        times: seconds since the first time stamp, ``(n,) float64``, NaN where a stamp is missing; None
            without time stamps. They may be in any order.
        start_s: the first stamp itself, in seconds: since 1970 where stamps say a date (by UTC where they say
            no zone), since midnight where they say the time of day, else by the clock of the device.
        found: how the table was read, where that was left open; in words.
        left_out: rows that were left out, in words.
    """

    signal: np.ndarray
    words: dict[str, list[str | None]]
    lines: Sequence[int]
    times: np.ndarray | None = None
    start_s: float | None = None
    found: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
