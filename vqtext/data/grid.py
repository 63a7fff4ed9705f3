"""Time stamps → a regular grid: rows that are late, lost, twice there or stamped as they arrived.

Stamps are counted in periods of the rate from the first one on, so that neither the clock's origin nor the
last digits of a float decide anything. A step of k periods (rounded) means that k − 1 samples are lost. A
loss of up to `GAP_S` is missing samples, exactly as empty fields are: what bridges or masks those comes
later, in `vqtext.data.windowing`. A longer one is a break, which no window crosses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from vqtext.data.findings import Tell
from vqtext.data.recording import Recording, Track
from vqtext.errors import DataError

GAP_S = 1.0
"""Seconds without a sample beyond which time is broken: no window crosses them."""

WRAPS_S = (86400.0, 2**32 / 1e3, 2**32 / 1e6, 2**16 / 1e3)
"""Where clocks begin anew: at midnight, and counters of 32 or 16 bits that count ms or µs."""

_NEAR = 0.1  # of a period: stamps so near to the grid are on it
_NOISE = 0.002  # of a period: float stamps of today's epoch at 10 kHz are this uncertain
_SAME = 0.5  # of a period: rows so near to the one before came with it
_RATE = 0.02  # share by which stamps may differ from the rate without a word

Repeated = Literal["keep_first", "mean", "error"]


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


def on_time(
    recording: Recording,
    times: np.ndarray,
    tell: Tell,
    where: str,
    lines: Sequence[int] | None = None,
    repeated: Repeated = "keep_first",
) -> Recording:
    """A recording whose rows have time stamps, as one whose samples are a period apart.

    Args:
        recording: its rows as they stand in the file.
        times, where, lines, repeated: as `on_grid`.
        tell: takes what was wrong with the stamps and what was done: its kind, and a line.
    """
    grid = on_grid(recording.signal, times, recording.rate_hz, where, lines, repeated)
    for kind, remark in grid.remarks.items():
        tell(f"recordings with {kind}", remark)

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


@dataclass
class _Stamped:
    """Rows that are being put in order.

    Attributes:
        periods: their times, ``(n,)``; rows: which they are; signal: ``(C, n)``.
        starts: where the clock begins anew.
    """

    periods: np.ndarray
    rows: np.ndarray
    signal: np.ndarray
    where: str
    lines: Sequence[int]
    starts: list[int] = field(default_factory=list)
    remarks: dict[str, str] = field(default_factory=dict)

    def at(self, place: int) -> str:
        return f"{self.where}, row {self.lines[self.rows[place]]}"

    def take(self, places: np.ndarray) -> None:
        self.periods, self.rows, self.signal = (
            self.periods[places],
            self.rows[places],
            self.signal[:, places],
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
    stamped = _Stamped(times, np.arange(len(times)), signal, where, lines or range(1, len(times) + 1))
    _drop_unstamped(stamped, repeated)
    stamped.periods = (stamped.periods - stamped.periods[0]) * rate_hz
    _turn_round(stamped, repeated)
    _unwrap(stamped, rate_hz)
    _sort(stamped, rate_hz, repeated)
    pieces = list(pairwise([0, *stamped.starts, len(stamped.periods)]))
    if _came_in_packets(stamped, pieces, rate_hz):
        for start, stop in pieces:
            stamped.periods[start:stop] = _evened(stamped.periods[start:stop], rate_hz)
    else:
        pieces = _merge_repeated(stamped, pieces, repeated)
        _check_rate(stamped, pieces, rate_hz)
    return _laid(stamped, pieces, rate_hz)


def _drop_unstamped(stamped: _Stamped, repeated: Repeated) -> None:
    missing = np.isnan(stamped.periods)
    if not missing.any():
        return
    at = stamped.at(int(missing.argmax()))
    if missing.all() or repeated == "error":
        raise DataError(f"{at}: an empty time stamp")
    stamped.take(~missing)
    stamped.remarks["rows without a time stamp"] = f"{at}: {int(missing.sum())} rows are left out"


def _turn_round(stamped: _Stamped, repeated: Repeated) -> None:
    """Put a file that was written with the newest row first the right way round: nearly every step is back.
    Where half of them are, rows stand in disorder, as in pairs that changed places."""
    steps = np.diff(stamped.periods)
    back = (steps < 0).sum()
    if repeated == "error" or not back or back < 3 * (steps > 0).sum():
        return
    stamped.take(np.arange(len(stamped.periods))[::-1])
    stamped.periods -= stamped.periods[0]
    stamped.remarks["rows in reverse order"] = f"{stamped.where}: time runs backwards: rows are turned round"


def _unwrap(stamped: _Stamped, rate_hz: float) -> None:
    """Let a counter that began anew go on counting."""
    for at in np.flatnonzero(np.diff(stamped.periods) < -GAP_S * rate_hz) + 1:
        step = stamped.periods[at] - stamped.periods[at - 1]
        for wrap in (seconds * rate_hz for seconds in WRAPS_S):
            if 0 < step + wrap <= GAP_S * rate_hz + 1:
                stamped.periods[at:] += wrap
                stamped.remarks["clocks that begin anew"] = (
                    f"{stamped.at(at)}: the clock begins anew and is counted on"
                )
                break


def _sort(stamped: _Stamped, rate_hz: float, repeated: Repeated) -> None:
    """Sort late rows in, and note where the clock was set back: rows stay late for longer than a gap."""
    start, moved = 0, np.arange(len(stamped.periods))
    while True:
        own = stamped.periods[start:]
        late = own < np.maximum.accumulate(own)
        edges = np.flatnonzero(np.diff(late, prepend=False, append=False))
        long = [int(a) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > GAP_S * rate_hz]
        stop = start + long[0] if long else len(stamped.periods)
        moved[start:stop] = start + np.argsort(stamped.periods[start:stop], kind="stable")
        if not long:
            break
        stamped.starts.append(stop)
        stamped.remarks["clocks that were set back"] = (
            f"{stamped.at(stop)}: time goes backwards and stays there: what follows is taken for later"
        )
        start = stop
    if (moved[1:] < moved[:-1]).any():
        at = int((np.diff(stamped.periods) < 0).argmax()) + 1
        if repeated == "error":
            raise DataError(f"{stamped.at(at)}: time goes backwards")
        count = int((moved != np.arange(len(moved))).sum())
        stamped.remarks["rows out of order"] = f"{stamped.at(at)}: {count} rows are sorted by their time"
        stamped.take(moved)


def _merge_repeated(
    stamped: _Stamped, pieces: list[tuple[int, int]], repeated: Repeated
) -> list[tuple[int, int]]:
    """One row for each stamp; returns the pieces as they are then."""
    is_new = np.diff(stamped.periods, prepend=-np.inf) > _NOISE
    is_new[[start for start, _ in pieces]] = True
    if is_new.all():
        return pieces
    at = stamped.at(int((~is_new).argmax()))
    count = int((~is_new).sum())
    if 2 * count >= len(is_new):
        raise DataError(
            f"{at}: {count} of {len(is_new)} rows have the stamp of another: are stamps rounded, or several "
            "sensors in one file? Leave out time_column where rows follow each other at rate_hz"
        )
    if repeated == "error":
        raise DataError(
            f"{at}: duplicate time stamp; repeated_times may be keep_first, or mean, where one row is meant"
        )
    if repeated == "mean":
        firsts = np.flatnonzero(is_new)
        total = np.add.reduceat(np.nan_to_num(stamped.signal), firsts, axis=1)
        seen = np.add.reduceat(~np.isnan(stamped.signal), firsts, axis=1, dtype=np.int64)
        stamped.signal = stamped.signal.copy()
        stamped.signal[:, firsts] = np.divide(total, seen, out=np.full_like(total, np.nan), where=seen > 0)
    what = "the first row of each is kept" if repeated == "keep_first" else "their means are taken"
    stamped.remarks["time stamps that stand twice"] = f"{at}: {count} rows have the stamp of another; {what}"
    stamped.take(is_new)
    kept = np.append(0, np.cumsum(is_new))
    return [(int(kept[start]), int(kept[stop])) for start, stop in pieces]


def _came_in_packets(stamped: _Stamped, pieces: list[tuple[int, int]], rate_hz: float) -> bool:
    """Are rows stamped when they arrived, several at once, or to the full second? Then a stamp is no moment
    of its row, but as many rows come in a second as should."""
    steps = np.concatenate([np.diff(stamped.periods[start:stop]) for start, stop in pieces])
    together = steps < _SAME
    if not steps.size or together.mean() < 0.2:
        return False
    apart = steps[~together]
    if not apart.size:
        return False
    usual = apart <= 2.5 * np.median(apart)
    per_row = apart[usual].mean() * usual.mean() * len(apart) / len(steps)
    if not 0.8 < per_row < 1.25:
        return False
    stamped.remarks["stamps of arrival"] = (
        f"{stamped.where}: rows come {len(stamped.periods) / (len(apart) + len(pieces)):.3g} at once and are "
        f"spread evenly, at {rate_hz:g} Hz"
    )
    return True


def _evened(periods: np.ndarray, rate_hz: float) -> np.ndarray:
    """Times of rows that were stamped on arrival: a period apart, and later where packets are lost.

    A packet that is late makes those after it seem late for a while, a lost one for good: the least delay
    that is still to come within `GAP_S` tells them apart.
    """
    firsts = np.flatnonzero(np.diff(periods, prepend=-np.inf) >= _SAME)
    delay = periods[firsts] - firsts
    size = np.median(np.diff(firsts)) if len(firsts) > 1 else 1.0
    ahead = max(3, int(GAP_S * rate_hz / size) + 1)
    padded = np.pad(delay, (0, ahead - 1), constant_values=np.inf)
    least = np.lib.stride_tricks.sliding_window_view(padded, ahead).min(axis=1)
    jumps = np.diff(least, prepend=least[0])
    lost = np.zeros(len(periods))
    lost[firsts] = np.where(jumps >= max(1.5, size / 2), np.round(jumps), 0)
    return np.arange(len(periods)) + np.cumsum(lost)


def _check_rate(stamped: _Stamped, pieces: list[tuple[int, int]], rate_hz: float) -> None:
    """Raises DataError where the rows have another rate."""
    steps = np.concatenate([np.diff(stamped.periods[start:stop]) for start, stop in pieces])
    if not steps.size:
        return
    usual = steps[steps <= 2.5 * np.median(steps)].mean()
    if not 0.8 < usual < 1.25:
        raise DataError(
            f"{stamped.where}: rows are {usual / rate_hz:.6g} s apart ({rate_hz / usual:.4g} Hz), but "
            f"rate_hz is {rate_hz:g}; say the rate of the rows, and the unit of their stamps with time_unit; "
            "files of another rate go into a folder of their own"
        )
    if abs(usual - 1) > _RATE:
        stamped.remarks["rates other than rate_hz"] = (
            f"{stamped.where}: rows come at {rate_hz / usual:.4g} Hz and are brought to rate_hz = "
            f"{rate_hz:g} by straight lines; rate_hz = {rate_hz / usual:.4g} with --rate {rate_hz:g} filters "
            "them as well"
        )


def _laid(stamped: _Stamped, pieces: list[tuple[int, int]], rate_hz: float) -> Grid:
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


def _whole(periods: np.ndarray) -> np.ndarray:
    """Rounded, half up, whatever the last digits are."""
    return np.floor(periods + 0.5 + _NOISE)


def _straight(signal: np.ndarray, periods: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One piece without a break on its grid, ``(C, t)``, and the row nearest to each sample, ``(t,)``."""
    due = np.arange(int(periods[-1] + _NEAR + _NOISE) + 1)
    nearest = np.searchsorted((periods[1:] + periods[:-1]) / 2, due - _NOISE)
    place = np.round(periods).astype(int)
    if np.abs(periods - place).max() <= _NEAR + _NOISE:  # and so no two rows at one place
        laid = np.full((len(signal), len(due)), np.nan, dtype=signal.dtype)
        laid[:, place] = signal
        return laid, nearest
    laid = np.stack([np.interp(due, periods, row) for row in signal]).astype(signal.dtype)
    after = np.searchsorted(periods, due).clip(1, max(len(periods) - 1, 1))  # the row after each sample
    if len(periods) > 1:
        before = after - 1
        is_loss = _whole(periods[after] - periods[before] - 1) > 0
        inside = (due - periods[before] > 0.5 + _NOISE) & (periods[after] - due > 0.5 + _NOISE)
        laid[:, is_loss & inside] = np.nan
    return laid, nearest
