"""Signals for drawing: least and greatest values over stretches of any length, from a pyramid."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vqtext.data.windows.windows import Windows

BASE = 16  # values that become one, from a level of the pyramid to the next
KEPT_BYTES = 1 << 30  # of pyramids: some 30 hours of 45 channels at 25 Hz


@dataclass(frozen=True)
class Drawn:
    """Least and greatest values ``(C, P, 2) float32`` of P equal parts of a stretch; NaN: none there."""

    start_s: float
    end_s: float
    samples: float  # in a part
    values: np.ndarray


class Pyramid:
    """The signal of a recording ``(C, N)``, and least and greatest values of each 16, 256, … samples."""

    def __init__(self, signal: np.ndarray, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self.levels = [(signal, signal)]
        while self.levels[-1][0].shape[1] > BASE:
            least, greatest = self.levels[-1]
            starts = np.arange(0, least.shape[1], BASE)
            self.levels.append((np.fmin.reduceat(least, starts, 1), np.fmax.reduceat(greatest, starts, 1)))

    @property
    def nbytes(self) -> int:
        return self.levels[0][0].nbytes + sum(a.nbytes + b.nbytes for a, b in self.levels[1:])

    def drawn(self, start_s: float, end_s: float, points: int) -> Drawn:
        """A stretch in at most so many parts, of which each has a sample at least."""
        total = self.levels[0][0].shape[1]
        first = min(max(math.floor(start_s * self.rate_hz), 0), total - 1)
        last = min(max(math.ceil(end_s * self.rate_hz), first + 1), total)
        level = 0
        while level + 1 < len(self.levels) and BASE ** (level + 1) <= (last - first) / points:
            level += 1
        size = BASE**level
        low, high = first // size, -(-last // size)
        parts = np.linspace(0, high - low, min(points, high - low), endpoint=False).astype(int)
        least, greatest = (side[:, low:high] for side in self.levels[level])
        pairs = np.fmin.reduceat(least, parts, 1), np.fmax.reduceat(greatest, parts, 1)
        return Drawn(
            low * size / self.rate_hz,
            min(high * size, total) / self.rate_hz,
            (high - low) * size / len(parts),
            np.stack(pairs, -1).astype(np.float32),
        )


class Signals:
    """Pyramids of recordings, made when they are first looked at; those looked at last are kept."""

    def __init__(self, windows: Windows) -> None:
        self._windows = windows
        self._place = {name: i for i, name in enumerate(windows.recordings)}
        self._made: dict[str, Pyramid] = {}

    def of(self, recording: str) -> Pyramid:
        """The pyramid of a recording that has windows."""
        made = self._made.pop(recording, None) or self._make(recording)
        self._made[recording] = made
        for other in list(self._made)[:-1]:
            if sum(pyramid.nbytes for pyramid in self._made.values()) <= KEPT_BYTES:
                break
            self._made.pop(other)
        return made

    def _make(self, recording: str) -> Pyramid:
        windows = self._windows
        rows = np.flatnonzero(windows.recording == self._place[recording])
        begin = np.round(windows.start_s[rows] * windows.rate_hz).astype(np.int64)
        whole = np.full((windows.C, int((begin + windows.length[rows]).max())), np.nan, np.float32)
        for block in _blocks(rows, 256):
            signals = windows.signal[rows[block]]
            for signal, start, length in zip(signals, begin[block], windows.length[rows[block]], strict=True):
                whole[:, start : start + length] = signal[:, :length]
        return Pyramid(whole, windows.rate_hz)


def _blocks(rows: np.ndarray, size: int) -> Iterable[slice]:
    return (slice(i, i + size) for i in range(0, len(rows), size))
