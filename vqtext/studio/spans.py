"""The named steps of all recordings, as the page draws them and as files hold them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from vqtext.steps import UNKNOWN_NAME


class Spans:
    """What a session found, recording by recording.

    Args:
        spans: of `Session.names`; sorted within a recording.
        steps: label → its phrases, whose places the page knows steps by.
    """

    def __init__(self, spans: Iterable[Any], steps: Mapping[str, Sequence[str]]) -> None:
        self.of: dict[str, list[Any]] = {}
        for span in spans:
            self.of.setdefault(span.recording, []).append(span)
        self._label = {label: i for i, label in enumerate(steps)}
        self._step = {label: {name: i for i, name in enumerate(names)} for label, names in steps.items()}

    def columns(self, recording: str) -> dict[str, list[Any]]:
        """Starts and ends in seconds, places of label and step (-1: none), and confidence in percent."""
        mine = self.of.get(recording, [])
        return {
            "start": [round(s.start_s, 4) for s in mine],
            "end": [round(s.end_s, 4) for s in mine],
            "label": [self._label.get(s.label, -1) for s in mine],
            "step": [self._step.get(s.label, {}).get(s.phrase, -1) for s in mine],
            "sure": [round(100 * s.confidence) for s in mine],
        }

    def at(self, recording: str, seconds: float) -> Any | None:
        """The step of a moment; None where there is none."""
        mine = self.of.get(recording, [])
        place = bisect_right(mine, seconds, key=lambda s: s.start_s) - 1
        return mine[place] if place >= 0 and seconds < mine[place].end_s else None


def changed(before: Spans, after: Spans) -> dict[str, float]:
    """For how many seconds, and in how many recordings, two sets of names differ."""
    seconds, recordings = 0.0, 0
    for name in {*before.of, *after.of}:
        borders = sorted(
            {edge for side in (before, after) for s in side.of.get(name, []) for edge in (s.start_s, s.end_s)}
        )
        own = sum(
            end - start
            for start, end in pairwise(borders)
            if _said(before, name, (start + end) / 2) != _said(after, name, (start + end) / 2)
        )
        seconds += own
        recordings += own > 0
    return {"seconds": round(seconds, 2), "recordings": recordings}


def _said(spans: Spans, recording: str, seconds: float) -> tuple[str, str] | None:
    span = spans.at(recording, seconds)
    return None if span is None else (span.label, span.phrase or UNKNOWN_NAME)
