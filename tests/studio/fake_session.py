"""A session without a model: recordings are waves, steps take turns, and corrections are obeyed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.schema import Channel
from vqtext.studio.signals import Drawn, Pyramid

RATE = 25.0
STEPS = {
    "walking": ["plant the left foot", "swing the right leg", "plant the right foot", "swing the left leg"],
    "sitting down": ["bend the knees", "lower the hips", "lean back"],
}
PLACES = ("torso", "right wrist", "left wrist", "right thigh", "left thigh")


@dataclass(frozen=True)
class Span:
    recording: str
    start_s: float
    end_s: float
    label: str
    phrase: str | None
    confidence: float = 0.8
    alternatives: Sequence[tuple[str, float]] = ()
    places: Mapping[str, float] = field(default_factory=lambda: {"left wrist": 2.5, "torso": -0.75})


@dataclass(frozen=True)
class Question:
    recording: str
    start_s: float
    end_s: float
    label: str
    options: Sequence[str]
    gain: float = 0.5


def words_of(steps: Mapping[str, Sequence[str]] = STEPS) -> dict[str, Any]:
    """What subactions.json holds."""
    return {
        "labels": [
            {"label": label, "subactions": [{"phrase": phrase} for phrase in phrases]}
            for label, phrases in steps.items()
        ]
    }


class FakeSession:
    def __init__(
        self,
        steps: Mapping[str, Sequence[str]] = STEPS,
        recordings: Mapping[str, float] | None = None,
        step_s: float = 0.6,
    ) -> None:
        self._steps, self.step_s = {label: list(names) for label, names in steps.items()}, step_s
        self._seconds = dict(recordings or {"P01 session 1": 60.0, "P02 session 1": 30.0})
        self._signals: dict[str, Pyramid] = {}

    def recordings(self) -> list[dict[str, Any]]:
        return [
            {"name": name, "subject": name.partition(" ")[0], "seconds": seconds, "labels": [*self._steps]}
            for name, seconds in self._seconds.items()
        ]

    def channels(self) -> list[Channel]:
        kinds = (("acc", "m/s2"), ("gyro", "rad/s"), ("mag", "uT"))
        return [
            Channel(f"{place} {kind} {axis}", place, kind, axis, unit)
            for place in PLACES
            for kind, unit in kinds
            for axis in "xyz"
        ]

    def steps(self) -> dict[str, dict[str, str | None]]:
        return {label: dict.fromkeys(names) for label, names in self._steps.items()}

    def check(self, corrections: Corrections) -> list[str]:
        never = {(c.label, c.phrase) for c in corrections.of_kind("never")}
        return [
            f"{c.phrase!r} never happens, and happens at {c.start_s:g} s"
            for c in corrections.of_kind("is")
            if (c.label, c.phrase) in never
        ]

    def names(self, corrections: Corrections) -> list[Span]:
        never = {(c.label, c.phrase) for c in corrections.of_kind("never")}
        found = []
        for recording, seconds in self._seconds.items():
            own = [c for c in corrections.of_kind("is") if c.recording == recording]
            count = max(1, round(seconds / self.step_s))
            borders = sorted(
                {i * self.step_s for i in range(count)}
                | {edge for c in own for edge in (c.start_s, c.end_s)}
                | {seconds}
            )
            labels = list(self._steps)
            for start, end in pairwise(borders):
                middle = (start + end) / 2
                label = labels[min(int(middle / seconds * len(labels)), len(labels) - 1)]
                names = [name for name in self._steps[label] if (label, name) not in never]
                phrase = names[int(middle / self.step_s) % len(names)]
                said = next((c for c in own if c.start_s <= middle < c.end_s), None)
                if said is not None:
                    label, phrase = said.label, said.phrase
                others = [(name, 0.2 / len(names)) for name in names if name != phrase]
                sure = 1.0 if said else (0.25, 0.9, 0.7)[int(middle / self.step_s) % 3]
                if found and (found[-1].recording, found[-1].label, found[-1].phrase) == (
                    recording,
                    label,
                    phrase,
                ):
                    found[-1] = Span(recording, found[-1].start_s, end, label, phrase, sure, others)
                else:
                    found.append(Span(recording, start, end, label, phrase, sure, others))
        return found

    def detail(self, corrections: Corrections, recording: str) -> list[Span]:
        return [span for span in self.names(corrections) if span.recording == recording]

    def ask(self, corrections: Corrections, count: int) -> list[Question]:
        spans = [s for s in self.names(corrections) if s.confidence < 0.3][::7]
        return [
            Question(
                s.recording, s.start_s, s.end_s, s.label, [s.phrase, *(name for name, _ in s.alternatives)]
            )
            for s in spans[:count]
        ]

    def signal(self, recording: str, start_s: float, end_s: float, points: int) -> Drawn:
        if recording not in self._signals:
            self._signals[recording] = Pyramid(waves(int(self._seconds[recording] * RATE), 45), RATE)
        return self._signals[recording].drawn(start_s, end_s, points)


def waves(steps: int, channels: int) -> np.ndarray:
    """Signals ``(C, N)`` that differ."""
    time = np.arange(steps, dtype=np.float32) / np.float32(RATE)
    noise = np.random.default_rng(0).normal(scale=0.15, size=steps).astype(np.float32)
    rows = [np.sin(time * (2 + i % 5) * 1.3 + i) * (0.3 + i % 4) + noise for i in range(channels)]
    return np.stack(rows).astype(np.float32)
