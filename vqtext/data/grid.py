"""Time stamps → a regular grid: where rows are not exactly a period apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from vqtext.errors import DataError

GAP = 3.0
"""A step of more periods than this is a gap: nothing is drawn across it."""
NEAR = 0.1
"""Stamps this share of a period from the grid are on it."""


def check_times(times: np.ndarray, rate_hz: float, lines: Sequence[int], where: str, column: str) -> None:
    """Stamps of one subject in one file, in seconds, ``(T,)``.

    Raises:
        DataError: a stamp is missing, stands twice, runs backwards, or the rows have another rate; names the
            file (``where``), its row and column.
    """

    def fail(at: int, what: str) -> None:
        raise DataError(f"{where}, row {lines[at]}, column {column!r}: {what}")

    missing = np.flatnonzero(np.isnan(times))
    if missing.size:
        fail(int(missing[0]), "an empty time stamp")
    step = np.diff(times)
    wrong = np.flatnonzero(step <= 0)
    if wrong.size:
        at = int(wrong[0]) + 1
        what = "duplicate time stamp" if step[at - 1] == 0 else "time goes backwards, to"
        fail(at, f"{what} {times[at]:.10g} s")
    if step.size and not 0.8 < np.median(step) * rate_hz < 1.25:
        raise DataError(
            f"{where}, column {column!r}: rows are {np.median(step):.6g} s apart "
            f"({1 / np.median(step):.4g} Hz), but rate_hz is {rate_hz:g}; the column is in seconds, "
            "and files of another rate go into a folder of their own"
        )


def on_grid(
    signal: np.ndarray, times: np.ndarray, rate_hz: float
) -> tuple[np.ndarray, np.ndarray, dict[int, float]]:
    """Samples a period apart, by straight lines between the rows, never across a gap.

    Args:
        signal: ``(C, T)``; NaN is missing, and stays so.
        times: ``(T,)`` seconds, rising.

    Returns:
        The signal ``(C, T')``, for each new sample the row nearest in time, ``(T',)``, and the breaks: the
        sample after each, and the seconds that are lost before it.
    """
    edges = [0, *(np.flatnonzero(np.diff(times) * rate_hz > GAP) + 1), len(times)]
    pieces, rows = [], []
    breaks: dict[int, float] = {}
    length, end = 0, times[0]
    for start, stop in pairwise(edges):
        own = times[start:stop]
        due = np.arange(int((own[-1] - own[0]) * rate_hz + NEAR) + 1) / rate_hz + own[0]
        if start:
            breaks[length] = float(own[0] - end)
        length, end = length + len(due), own[0] + len(due) / rate_hz
        if len(due) == len(own) and np.abs(due - own).max() * rate_hz <= NEAR:
            pieces.append(signal[:, start:stop])  # as recorded, to the last digit
            rows.append(np.arange(start, stop))
            continue
        pieces.append(np.stack([np.interp(due, own, row) for row in signal[:, start:stop]]))
        middles = (own[1:] + own[:-1]) / 2
        rows.append(start + np.searchsorted(middles, due))
    return np.concatenate(pieces, axis=1), np.concatenate(rows), breaks
