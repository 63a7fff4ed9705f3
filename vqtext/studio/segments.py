"""Stretches of recordings that are steps, as files of others have them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from vqtext.errors import DataError

FOUND, CORRECTED = "found", "corrected"


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording that is a step of a label.

    Attributes:
        recording: its name.
        start_s, end_s: seconds from the beginning of the recording.
        label, phrase: the step; phrase "" where it is none of the label's.
        confidence: 0 to 1; of what a person said, 1.
        source: whether it was found, or said by a person.
    """

    recording: str
    start_s: float
    end_s: float
    label: str
    phrase: str
    confidence: float = 1.0
    source: Literal["found", "corrected"] = "corrected"


@dataclass(frozen=True)
class Read:
    """What a file says: the segments that a person said, and a line on each thing that was left out."""

    segments: tuple[Segment, ...]
    left_out: tuple[str, ...] = ()


def segment(recording: str, start: float, end: float, label: str, phrase: str, where: str) -> Segment:
    """A segment that a person marked.

    Raises:
        DataError: it ends before it begins; ``where`` says in which part of the file.
    """
    if not 0 <= start < end:
        raise DataError(f"{where}: it ends at {end:g} s and begins at {start:g} s: the end must come later")
    return Segment(recording, start, end, label, phrase)


def seconds_of(value: object, where: str) -> float:
    """A number of a file, in seconds from the beginning of its recording.

    Raises:
        DataError: it is none; ``where`` says in which part of the file.
    """
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        seconds = math.nan
    if isinstance(value, bool) or not math.isfinite(seconds):
        raise DataError(
            f"{where}: {str(value)[:40]!r} is no number of seconds from the recording's beginning"
        )
    return seconds


def left_out(counts: Mapping[str, int]) -> tuple[str, ...]:
    """A line on each kind of thing that was left out."""
    return tuple(f"{count} {what}" for what, count in counts.items() if count)
