"""Pieces of error messages."""

from __future__ import annotations

from collections.abc import Iterable


def listed(names: Iterable[str], most: int = 10) -> str:
    """The first names, and how many more there are."""
    names = list(names)
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def one_line(error: object) -> str:
    """The text of an error on one line, at most 200 characters of it."""
    return " ".join(str(error).split())[:200]
