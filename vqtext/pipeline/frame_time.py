"""Time of pandas DataFrames: dates, durations and texts of dates → seconds."""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def is_frame(given: Any) -> bool:
    """Whether it is a pandas DataFrame."""
    return hasattr(given, "columns") and hasattr(given, "iloc")


def has_dates(frame: Any) -> bool:
    """Whether the index of a frame is of dates or durations."""
    return frame.index.dtype.kind in "mM"


def of_index(frame: Any, column: str) -> Any:
    """The frame with its index as a column."""
    return frame.assign(**{column: frame.index})


def in_seconds(frame: Any, column: str) -> tuple[Any, bool]:
    """The frame with a column of dates, durations or ISO texts as seconds since the earliest of them, and
    whether it was one: any other column stays as it is."""
    import pandas

    if list(frame.columns).count(column) != 1 or not len(frame):
        return frame, False
    stamps = frame[column]
    if stamps.dtype.kind not in "mMiuf":
        with suppress(ValueError, TypeError):
            stamps = pandas.to_datetime(stamps, utc=True, format="ISO8601")
    if stamps.dtype.kind not in "mM":
        return frame, False
    return frame.assign(**{column: (stamps - stamps.min()).dt.total_seconds()}), True
