"""pandas DataFrames whose time is their index."""

from __future__ import annotations

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
