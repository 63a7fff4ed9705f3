"""Rows with time stamps → rows in order: what is late, there twice, or stamped by a clock that began anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from vqtext.data.recordings.resample import runs
from vqtext.errors import DataError

GAP_S = 1.0
"""Seconds without a sample beyond which time is broken: no window crosses them."""

WRAPS_S = (86400.0, 2**32 / 1e3, 2**32 / 1e6, 2**16 / 1e3)
"""Where clocks begin anew: at midnight, and counters of 32 or 16 bits that count ms or µs."""

NOISE = 0.002
"""Of a period: float stamps of today's epoch at 10 kHz are this uncertain."""

_COPIES = 0.9  # share of rows with the same stamp that are the same altogether, where they are copies
_SCANNED = 1 << 14  # rows in which a reset is looked for first

Repeated = Literal["keep_first", "mean", "error"]


@dataclass
class Stamped:
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
        """A row, for messages."""
        return f"{self.where}, row {self.lines[self.rows[place]]}"

    def take(self, places: np.ndarray) -> None:
        self.periods, self.rows, self.signal = (
            self.periods[places],
            self.rows[places],
            self.signal[:, places],
        )


def in_order(stamped: Stamped, rate_hz: float, repeated: Repeated) -> None:
    """Put the rows in the order of their times, which become periods of the rate since the first of them.

    Raises:
        DataError: no row has a stamp, or what ``repeated`` refuses.
    """
    _drop_unstamped(stamped, repeated)
    stamped.periods = (stamped.periods - stamped.periods[0]) * rate_hz
    _turn_round(stamped, repeated)
    _drop_copies(stamped, repeated)
    _unwrap(stamped, rate_hz)
    _sort(stamped, rate_hz, repeated)


def _drop_unstamped(stamped: Stamped, repeated: Repeated) -> None:
    missing = np.isnan(stamped.periods)
    if not missing.any():
        return
    at = stamped.at(int(missing.argmax()))
    if missing.all() or repeated == "error":
        raise DataError(f"{at}: an empty time stamp")
    stamped.take(~missing)
    stamped.remarks["rows without a time stamp"] = (
        f"{at}: {int(missing.sum())} rows without a time stamp are left out"
    )


def _turn_round(stamped: Stamped, repeated: Repeated) -> None:
    """Put a file that was written with the newest row first the right way round: nearly every step is back.
    Where half of them are, rows stand in disorder, as in pairs that changed places."""
    steps = np.diff(stamped.periods)
    is_turned = steps.sum() < 0 and (steps < 0).sum() >= 3 * (steps > 0).sum()
    if repeated == "error" or not is_turned:
        return
    stamped.take(np.arange(len(stamped.periods))[::-1])
    stamped.periods -= stamped.periods[0]
    stamped.remarks["rows in reverse order"] = f"{stamped.where}: time runs backwards: rows are turned round"


def _drop_copies(stamped: Stamped, repeated: Repeated) -> None:
    """Leave out stretches that were sent or written again later: the same stamps with the same values."""
    if repeated == "error" or not (np.diff(stamped.periods) < 0).any():
        return
    order = np.argsort(stamped.periods, kind="stable")
    later = order[1:][np.diff(stamped.periods[order]) == 0]
    if not later.size:
        return
    earlier = order[:-1][np.diff(stamped.periods[order]) == 0]
    values, before = stamped.signal[:, later], stamped.signal[:, earlier]
    copies = later[((values == before) | (np.isnan(values) & np.isnan(before))).all(axis=0)]
    if copies.size <= _COPIES * later.size:  # a clock that was set back, and a few values that agree
        return
    stamped.remarks["rows that stand twice"] = (
        f"{stamped.at(int(copies.min()))}: {copies.size} rows stand there twice and are left out"
    )
    stamped.take(np.setdiff1d(np.arange(len(stamped.periods)), copies))


def _unwrap(stamped: Stamped, rate_hz: float) -> None:
    """Let a counter that began anew go on counting."""
    for at in np.flatnonzero(np.diff(stamped.periods) < -GAP_S * rate_hz) + 1:
        step = stamped.periods[at] - stamped.periods[at - 1]
        for wrap in (seconds * rate_hz for seconds in WRAPS_S):
            if 0 < step + wrap <= GAP_S * rate_hz + 1:
                stamped.periods[at:] += wrap
                stamped.remarks.setdefault(
                    "clocks that begin anew", f"{stamped.at(at)}: the clock begins anew and is counted on"
                )
                break


def _sort(stamped: Stamped, rate_hz: float, repeated: Repeated) -> None:
    """Sort late rows in, and note where the clock was set back: rows stay late for longer than a gap."""
    start, moved = 0, np.arange(len(stamped.periods))
    size = _SCANNED
    while True:
        own = stamped.periods[start : start + size]
        late = own < np.maximum.accumulate(own)
        long = [a for a, b in runs(late) if b - a > GAP_S * rate_hz]
        if not long and start + size < len(stamped.periods):
            size *= 2  # so that many resets do not each scan all that follows
            continue
        stop, size = start + long[0] if long else len(stamped.periods), _SCANNED
        moved[start:stop] = start + np.argsort(stamped.periods[start:stop], kind="stable")
        if not long:
            break
        if repeated == "error":
            raise DataError(f"{stamped.at(stop)}: time goes backwards")
        stamped.starts.append(stop)
        stamped.remarks.setdefault(
            "clocks that were set back",
            f"{stamped.at(stop)}: time goes backwards and stays there: what follows is taken for later",
        )
        start = stop
    if (moved[1:] < moved[:-1]).any():
        at = int((np.diff(stamped.periods) < 0).argmax()) + 1
        if repeated == "error":
            raise DataError(f"{stamped.at(at)}: time goes backwards")
        count = int((moved != np.arange(len(moved))).sum())
        stamped.remarks["rows out of order"] = f"{stamped.at(at)}: {count} rows are sorted by their time"
        stamped.take(moved)


def merge_repeated(
    stamped: Stamped, pieces: list[tuple[int, int]], repeated: Repeated
) -> list[tuple[int, int]]:
    """One row for each stamp; returns the pieces as they are then."""
    is_new = np.diff(stamped.periods, prepend=-np.inf) > NOISE
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
    place = np.append(0, np.cumsum(is_new))
    return [(int(place[start]), int(place[stop])) for start, stop in pieces]
