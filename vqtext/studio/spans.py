"""The named steps of all recordings, as the page draws them and as files hold them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

NONE = -1  # where there is no step, or one that is none of its label's


class Spans:
    """What a session found, recording by recording.

    Args:
        spans: of `Session.names`; sorted within a recording, and apart.
        steps: label → its phrases, whose places the page knows steps by.
    """

    def __init__(self, spans: Iterable[Any], steps: Mapping[str, Sequence[str]]) -> None:
        self.of: dict[str, list[Any]] = {}
        for span in spans:
            self.of.setdefault(span.recording, []).append(span)
        place = {label: i for i, label in enumerate(steps)}
        step = {(label, name): i for label, names in steps.items() for i, name in enumerate(names)}
        self._columns = {
            name: (
                np.array([s.start_s for s in own]),
                np.array([s.end_s for s in own]),
                np.array([place.get(s.label, NONE) for s in own]),
                np.array([step.get((s.label, s.phrase), NONE) for s in own]),
            )
            for name, own in self.of.items()
        }

    def columns(self, recording: str) -> dict[str, list[Any]]:
        """Starts and ends in seconds, places of label and step (-1: none), and confidence in percent."""
        start, end, label, step = self._columns.get(recording, (np.empty(0),) * 4)
        return {
            "start": start.round(4).tolist(),
            "end": end.round(4).tolist(),
            "label": label.tolist(),
            "step": step.tolist(),
            "sure": [round(100 * s.confidence) for s in self.of.get(recording, [])],
        }

    def at(self, recording: str, seconds: float) -> Any | None:
        """The step of a moment; None where there is none."""
        place = int(self._places(recording, np.array([seconds]))[0])
        return None if place == NONE else self.of[recording][place]

    def _places(self, recording: str, seconds: np.ndarray) -> np.ndarray:
        if recording not in self._columns:
            return np.full(len(seconds), NONE)
        start, end, *_ = self._columns[recording]
        place = np.searchsorted(start, seconds, side="right") - 1
        return np.where((place >= 0) & (seconds < end[place]), place, NONE)

    def _label_and_step(self, recording: str, seconds: np.ndarray) -> np.ndarray:
        """Label and step of moments ``(n,)``, as ``(2, n)``."""
        if recording not in self._columns:
            return np.full((2, len(seconds)), NONE)
        place = self._places(recording, seconds)
        return np.where(place == NONE, NONE, np.stack(self._columns[recording][2:])[:, place])

    def borders(self, recording: str) -> np.ndarray:
        """Where steps begin and end, in seconds."""
        return np.concatenate(self._columns[recording][:2] if recording in self._columns else [np.empty(0)])


def changed(before: Spans, after: Spans) -> dict[str, float]:
    """For how many seconds, and in how many recordings, two sets of names differ."""
    seconds, recordings = 0.0, 0
    for name in {*before.of, *after.of}:
        borders = np.unique(np.concatenate([before.borders(name), after.borders(name)]))
        middle = (borders[1:] + borders[:-1]) / 2
        differs = (before._label_and_step(name, middle) != after._label_and_step(name, middle)).any(0)
        seconds += float(np.diff(borders)[differs].sum())
        recordings += bool(differs.any())
    return {"seconds": round(seconds, 2), "recordings": recordings}
