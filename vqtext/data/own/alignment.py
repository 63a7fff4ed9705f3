"""Pieces of signal at rates of their own → one grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vqtext.data.recordings.resample import resample
from vqtext.data.recordings.time_stamped import GAP_S

_TOLERANCE = 0.1
"""Samples this share of a period from the grid are on it."""


@dataclass(frozen=True)
class Piece:
    """Samples of one file that follow each other without a break.

    Attributes:
        at: seconds from the file's first sample to its own.
        rate_hz: its samples a second: the study's, or as near as the filter comes.
        signal: ``(c, t)``; rows: which row of the file is nearest to each.
    """

    at: float
    rate_hz: float
    signal: np.ndarray
    rows: np.ndarray


Laid = tuple[int, float, Piece]
"""Which file, how many periods after the beginning, and what."""


def stretches(laid: list[Laid], rate_hz: float) -> Iterator[tuple[int, int, list[Laid]]]:
    """Stretches in which some file has samples, save for up to `GAP_S`: the first sample, the one after the
    last, counted in periods, and what is in it."""
    current: list[Laid] = []
    first = stop = 0
    for entry in sorted(laid, key=lambda entry: entry[1]):
        _, offset, piece = entry
        start = int(np.ceil(offset - _TOLERANCE))
        last = int(offset + (piece.signal.shape[1] - 1) * rate_hz / piece.rate_hz + _TOLERANCE)
        if last < start:
            continue  # less than a period, between two samples
        if current and start > stop + GAP_S * rate_hz:
            yield first, stop, current
            current = []
        first, stop = (min(first, start), max(stop, last + 1)) if current else (start, last + 1)
        current.append(entry)
    if current:
        yield first, stop, current


def at_rate(signal: np.ndarray, rows: np.ndarray, at: float, rate_hz: float, new_hz: float) -> Piece:
    """Samples of one file at another rate, or as near to it as the filter comes; none beyond the last one.

    Args:
        signal: ``(c, t)``, at ``rate_hz``.
        rows: which row of the file is nearest to each, ``(t,)``.
        at: seconds from the file's first sample to the first of these.
    """
    if signal.shape[1] == 1 or abs(rate_hz / new_hz - 1) < 1e-9:
        return Piece(at, rate_hz, signal, rows)
    new = resample(signal, rate_hz, new_hz)
    made_hz = rate_hz * float(Fraction(new_hz / rate_hz).limit_denominator(1000))
    moments = np.arange(new.shape[1]) * (rate_hz / made_hz)  # in samples as recorded
    moments = moments[moments < len(rows) - 1 + 1e-6]  # beyond the last one the filter makes them up
    return Piece(at, made_hz, new[:, : len(moments)], rows[np.round(moments).astype(int)])


def lay(
    piece: Piece, offset: float, rate_hz: float, signal: np.ndarray, channels: list[int], nearest: np.ndarray
) -> None:
    """Write a piece into the recording.

    Args:
        offset: periods of the recording before the first sample.
        signal: of the recording, ``(C, T)``, changed.
        nearest: the row of the file that is nearest to each sample, ``(T,)``, changed.
    """
    count = piece.signal.shape[1]
    places = offset + np.arange(count) * (rate_hz / piece.rate_hz)
    start, stop = int(np.ceil(places[0] - _TOLERANCE)), min(int(places[-1] + _TOLERANCE) + 1, signal.shape[1])
    grid = np.arange(start, stop)
    if grid.size == count and np.abs(places - grid).max() <= _TOLERANCE:
        signal[channels, start:stop], nearest[start:stop] = piece.signal, piece.rows
        return
    signal[channels, start:stop] = [np.interp(grid, places, row) for row in piece.signal]
    nearest[start:stop] = piece.rows[np.searchsorted((places[1:] + places[:-1]) / 2, grid)]
