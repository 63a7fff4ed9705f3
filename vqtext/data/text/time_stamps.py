"""Time stamps as devices write them → seconds since the first of them.

The first stamp is taken away before anything becomes a float, since nanoseconds since 1970 do not fit in one.
Nothing here judges their order, gaps or duplicates.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.data.text.dates import is_packed, moments, parsed, spread
from vqtext.data.text.fields import MISSING, floats, like_number
from vqtext.data.text.file_keys import FileKeys
from vqtext.errors import DataError

SECONDS = {"days": 86400.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "100ns": 1e-7, "ns": 1e-9}
_SNIFFED = ("s", "ms", "us", "ns", "days")
_EPOCH = (1e9, 4e9)  # seconds since 1970: the years 2001 to 2096
_LARGEST = 10**19
EXACT = 2.0**53
"""Whole numbers below it are floats without loss."""


@dataclass(frozen=True)
class Stamps:
    """The time of n rows.

    Attributes:
        times: seconds since the first stamp, ``(n,)``; NaN where one is missing; None where rows have none.
        start_s: the first stamp itself, in seconds: since 1970 where the stamps say a date (by UTC where they
            say no zone), since midnight where they say the time of day, else by the device's own clock. None
            where every stamp is missing.
        found: what was found and a user should know, in words; "" for plain seconds.
    """

    times: np.ndarray | None = None
    start_s: float | None = None
    found: str = ""


def is_epoch(seconds: float) -> bool:
    """Can these be seconds since 1970?"""
    return _EPOCH[0] <= seconds < _EPOCH[1]


def from_numbers(values: np.ndarray, unit: str | None, rate_hz: float | None) -> Stamps:
    """Stamps that are numbers.

    Args:
        values: ``(n,)`` float64, NaN where missing; int64 or Python's whole numbers where they are too large
            for that.
        unit: one of `SECONDS`; None finds it by the rate.
    """
    known = np.flatnonzero([True] * len(values) if values.dtype.kind != "f" else ~np.isnan(values))
    if not known.size:
        return Stamps(np.full(len(values), np.nan), None)
    first = values[known[0]]
    since = (values - first).astype(np.float64)
    if unit is not None:
        return Stamps(_scaled(since, unit), float(first) * SECONDS[unit])
    unit = unit_of(since[known], float(first), rate_hz)
    start = float(first) * SECONDS[unit]
    note = f"times in {unit}" + (" since 1970" if is_epoch(start) and unit != "days" else "")
    return Stamps(_scaled(since, unit), start, "" if note == "times in s" else note)


def _scaled(since: np.ndarray, unit: str) -> np.ndarray:
    """In seconds; divided where that is exact, so that 20 ms are the float 0.02."""
    return since * SECONDS[unit] if unit == "days" else since / round(1 / SECONDS[unit])


def unit_of(since: np.ndarray, first: float, rate_hz: float | None) -> str:
    """The unit of stamps, by how far they are apart, or else by the first.

    They are looked at two seconds apart, whatever comes in bursts or in whole seconds, loses packets or
    starts anew; units are a thousand times apart.
    """
    if rate_hz is not None and len(since) > 1:
        apart = min(math.ceil(2 * rate_hz), max(len(since) // 2, 1))
        steps = np.abs(since[apart:] - since[:-apart]) / apart  # the newest row may be first
        steps = steps[steps > 0]
        if steps.size:
            periods = {unit: float(np.median(steps)) * SECONDS[unit] * rate_hz for unit in _SNIFFED}
            nearest = min(periods, key=lambda unit: abs(math.log10(periods[unit])))
            if 0.1 < periods[nearest] < 10:
                return nearest
    return next((unit for unit in _SNIFFED if is_epoch(first * SECONDS[unit])), "s")


def from_fields(
    fields: Sequence[str | None], keys: FileKeys, rate_hz: float | None, lines: Sequence[int], name: str
) -> Stamps:
    """Stamps that are text, or whole numbers too large for a float.

    Args:
        fields: one a row.
        lines, name: what errors call each row and the table.

    Raises:
        DataError: a field is no time, or its date may be read in two ways; names row and column.
    """
    texts = [None if field is None else field.strip() for field in fields]
    known = [
        i
        for i, text in enumerate(texts)
        if text is not None and text.lower() not in MISSING and text not in keys.missing
    ]
    present = [texts[i] or "" for i in known]

    def wrong(i: int, what: str) -> DataError:
        column = " ".join(keys.times)
        return DataError(f"{name}, row {lines[known[i]]}, column {column!r}: {present[i]!r} {what}")

    if not present:
        return Stamps(np.full(len(texts), np.nan), None)
    is_open = keys.time_unit is keys.time_format is None
    if is_open and is_packed(present[0]):
        present = [spread(text) for text in present]
    if keys.time_unit in SECONDS or (is_open and like_number(present[0])):
        column, own_lines = " ".join(keys.times), [lines[i] for i in known]
        try:
            whole = [int(text) for text in present]
        except ValueError:
            numbers = floats(present, column, own_lines, name, keys.decimal or ".")
        else:
            if max(map(abs, whole)) > _LARGEST:
                raise wrong(max(range(len(whole)), key=lambda i: abs(whole[i])), "is no time")
            numbers = np.array(whole, dtype=object)
        stamps = from_numbers(numbers, keys.time_unit, rate_hz)
    elif keys.time_format is not None:
        stamps = _of_moments(parsed(present, keys.time_format, wrong))
    else:
        stamps = _of_moments(*moments(present, keys.time_unit, wrong))
    times = np.full(len(texts), np.nan)
    times[known] = stamps.times
    return Stamps(times, stamps.start_s, "" if keys.time_unit else stamps.found)


def _of_moments(made: Sequence[int], found: str = "") -> Stamps:
    """Microseconds, exact until the first is taken away."""
    return Stamps(np.array([moment - made[0] for moment in made]) / 1e6, made[0] / 1e6, found)
