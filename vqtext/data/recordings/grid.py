"""Time stamps → a regular grid: rows that are late, lost, twice there or stamped as they arrived.

Stamps are counted in periods of the rate from the first one on, so that neither the clock's origin nor the
last digits of a float decide anything. A step of k periods (rounded) means that k − 1 samples are lost. A
loss of up to `GAP_S` is missing samples, exactly as empty fields are: what bridges or masks those comes
later, in `vqtext.data.windows.windowing`. A longer one is a break, which no window crosses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from vqtext.data.recordings.findings import WarnOnce
from vqtext.data.recordings.recording import Recording, Track
from vqtext.data.recordings.time_stamped import GAP_S, NOISE, Repeated, Stamped, in_order, merge_repeated
from vqtext.errors import DataError

_GRID_TOLERANCE = 0.1  # of a period: stamps so near to the grid are on it
_SAME_PACKET = 0.5  # of a period: rows so near to the one before came with it
_RATE = 0.02  # share by which stamps may differ from the rate without a remark


@dataclass(frozen=True)
class Grid:
    """Samples a period apart.

    Attributes:
        signal: ``(C, T')``, NaN where a sample is lost.
        rows: the row nearest in time to each sample, ``(T',)``.
        breaks: the first sample after each break → seconds that are lost before it.
        remarks: what was wrong with the stamps and what was done, by kind.
    """

    signal: np.ndarray
    rows: np.ndarray
    breaks: dict[int, float]
    remarks: dict[str, str]

    def report(self, warn_once: WarnOnce) -> Grid:
        """Pass its remarks on; returns itself."""
        for kind, remark in self.remarks.items():
            warn_once(f"recordings with {kind}", remark)
        return self


def on_time(recording: Recording, times: np.ndarray, warn_once: WarnOnce, where: str) -> Recording:
    """A recording whose rows have time stamps, as one whose samples are a period apart.

    Args:
        recording: its rows as they stand in the file.
        times, where: as `on_grid`.
        warn_once: takes what was wrong with the stamps and what was done: its kind, and a line.
    """
    grid = on_grid(recording.signal, times, recording.rate_hz, where).report(warn_once)

    def along(track: Track) -> Track:
        return Track(track.words, track.codes[grid.rows])

    return replace(
        recording,
        signal=grid.signal,
        label=recording.label if isinstance(recording.label, str) else along(recording.label),
        truth=None if recording.truth is None else along(recording.truth),
        breaks=tuple(grid.breaks),
        lost_s=tuple(grid.breaks.values()),
    )


def on_grid(
    signal: np.ndarray,
    times: np.ndarray,
    rate_hz: float,
    where: str = "times",
    lines: Sequence[int] | None = None,
    repeated: Repeated = "keep_first",
) -> Grid:
    """Samples a period apart, out of rows with time stamps.

    Rows on the grid stay as they are, to the last digit; others are brought to it by straight lines between
    rows, never across a loss.

    Args:
        signal: ``(C, n)``; NaN is missing, and stays so.
        times: seconds, ``(n,)``; NaN where a row has no stamp.
        where, lines: what errors and remarks call the rows; None counts them from 1.
        repeated: what becomes of rows with the stamp of another one: the first is kept, or their mean.
            Rows out of order are sorted, rows without a stamp left out. "error" refuses all three.

    Raises:
        DataError: no row has a stamp, the rows have another rate, or what ``repeated`` refuses.
    """
    stamped = Stamped(times, np.arange(len(times)), signal, where, lines or range(1, len(times) + 1))
    in_order(stamped, rate_hz, repeated)
    pieces = list(pairwise([0, *stamped.starts, len(stamped.periods)]))
    if _came_in_packets(stamped, pieces, rate_hz):
        for start, stop in pieces:
            stamped.periods[start:stop] = _evened(stamped.periods[start:stop], rate_hz)
    else:
        pieces = merge_repeated(stamped, pieces, repeated)
        _check_rate(stamped, pieces, rate_hz)
    return _laid(stamped, pieces, rate_hz)


def _came_in_packets(stamped: Stamped, pieces: list[tuple[int, int]], rate_hz: float) -> bool:
    """Are rows stamped when they arrived, several at once, or by a clock coarser than the rows? Then a stamp
    is no moment of its row, but as many rows come in a second as should."""
    steps = np.concatenate([np.diff(stamped.periods[start:stop]) for start, stop in pieces])
    between = steps[steps >= _SAME_PACKET]
    if not between.size or between.size == steps.size:
        return False
    step = np.median(between)
    per_row = between[between <= 2.5 * step].sum() / len(steps)
    if not 0.8 < per_row < 1.25:
        return False
    is_coarse = abs(per_row - 1) < abs(step - 1) / 2  # rows that stand twice leave the others a period apart
    if between.size > 0.8 * steps.size and not is_coarse:
        return False
    stamped.remarks["stamps of arrival"] = (
        f"{stamped.where}: rows come {len(stamped.periods) / (len(between) + len(pieces)):.3g} at once and "
        f"are spread evenly, at {rate_hz:g} Hz"
    )
    return True


def _evened(periods: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times of rows that were stamped on arrival: a period apart, and later where packets are lost.

    A packet that is late makes those after it seem late for a while, a lost one for good: the least delay
    that is still to come within `GAP_S` tells them apart.
    """
    firsts = np.flatnonzero(np.diff(periods, prepend=-np.inf) >= _SAME_PACKET)
    delay = periods[firsts] - firsts
    size = np.median(np.diff(firsts)) if len(firsts) > 1 else 1.0
    ahead = max(3, int(GAP_S * rate_hz / size) + 1)
    padded = np.pad(delay, (0, ahead - 1), constant_values=np.inf)
    least = np.lib.stride_tricks.sliding_window_view(padded, ahead).min(axis=1)
    jumps = np.diff(least, prepend=least[0])
    lost = np.zeros(len(periods))
    lost[firsts] = np.where(jumps >= max(1.5, size / 2), np.round(jumps), 0)
    return np.arange(len(periods)) + np.cumsum(lost)


def _check_rate(stamped: Stamped, pieces: list[tuple[int, int]], rate_hz: float) -> None:
    """Raises DataError where the rows have another rate."""
    steps = np.concatenate([np.diff(stamped.periods[start:stop]) for start, stop in pieces])
    if not steps.size:
        return
    usual = steps[steps <= 2.5 * np.median(steps)].mean()
    single = steps[_whole(steps) == 1]
    if single.size >= 0.5 * steps.size:  # the others are losses, or stamps of a coarse clock
        usual = min(usual, single.mean(), key=lambda step: abs(step - 1))
    if not 0.8 < usual < 1.25:
        raise DataError(
            f"{stamped.where}: rows are {usual / rate_hz:.6g} s apart ({rate_hz / usual:.4g} Hz), but "
            f"rate_hz is {rate_hz:g}; say the rate of the rows, and the unit of their stamps with time_unit; "
            "leave out time_column where it counts rows; files of another rate go into a folder of their own"
        )
    if abs(usual - 1) > _RATE:
        stamped.remarks["rates other than rate_hz"] = (
            f"{stamped.where}: rows come at {rate_hz / usual:.4g} Hz and are brought to rate_hz = "
            f"{rate_hz:g} by straight lines; rate_hz = {rate_hz / usual:.4g} with --rate {rate_hz:g} filters "
            "them as well"
        )


def _laid(stamped: Stamped, pieces: list[tuple[int, int]], rate_hz: float) -> Grid:
    """The rows on the grid."""
    signals, rows = [], []
    breaks: dict[int, float] = {}
    length, end = 0, 0.0  # samples so far, and when the next one is due
    for first, last in pieces:
        lost = np.diff(stamped.periods[first:last]) - 1
        edges = [first, *(np.flatnonzero(_whole(lost) > GAP_S * rate_hz) + first + 1), last]
        for start, stop in pairwise(edges):
            own = stamped.periods[start:stop]
            if length:
                breaks[length] = max(float(own[0] - end), 0.0) / rate_hz
            piece, nearest = _straight(stamped.signal[:, start:stop], own - own[0])
            signals.append(piece)
            rows.append(stamped.rows[start + nearest])
            length, end = length + len(nearest), float(own[0]) + len(nearest)
    return Grid(np.concatenate(signals, axis=1), np.concatenate(rows), breaks, stamped.remarks)


def _whole(periods: np.ndarray) -> Any:
    """Rounded, half up, whatever the last digits are."""
    return np.floor(periods + 0.5 + NOISE)


def _straight(signal: np.ndarray, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One piece without a break on its grid, ``(C, t)``, and the row nearest to each sample, ``(t,)``."""
    due = np.arange(int(_whole(periods[-1])) + 1)
    nearest = np.searchsorted((periods[1:] + periods[:-1]) / 2, due - NOISE)
    place = np.round(periods).astype(int)
    if np.abs(periods - place).max() <= _GRID_TOLERANCE + NOISE:  # and so no two rows at one place
        laid = np.full((len(signal), len(due)), np.nan, dtype=signal.dtype)
        laid[:, place] = signal
        return laid, nearest
    laid = np.stack([np.interp(due, periods, row) for row in signal]).astype(signal.dtype)
    after = np.searchsorted(periods, due).clip(1, max(len(periods) - 1, 1))  # the row after each sample
    if len(periods) > 1:
        before = after - 1
        is_loss = _whole(periods[after] - periods[before] - 1) > 0
        inside = (due - periods[before] > 0.5 + NOISE) & (periods[after] - due > 0.5 + NOISE)
        laid[:, is_loss & inside] = np.nan
    return laid, nearest
