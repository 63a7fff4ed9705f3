"""What the page asks: recordings, signals, names, questions; and what it may change."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from vqtext.errors import UsageError, VQTextError
from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.report.figures import MODALITIES, UNITS
from vqtext.report.palette import COLOURS, HATCHES, numbered
from vqtext.schema import Channel
from vqtext.studio import exchange
from vqtext.studio.editor import Editor
from vqtext.studio.label_words import CHOICES
from vqtext.studio.segments import Segment
from vqtext.studio.server import Reply, Route
from vqtext.studio.signals import Drawn
from vqtext.studio.spans import Spans, changed

MAX_POINTS = 16384  # columns of a drawing: more than any screen has
QUESTIONS = 8  # looked for at once


class StudioData(Protocol):
    """What the page is shown of a cache; `vqtext.studio.session_view.SessionView` is one."""

    def recordings(self) -> Sequence[Mapping[str, Any]]:
        """``name``, ``subject``, ``seconds`` and ``labels`` of each that has windows."""

    def channels(self) -> Sequence[Channel]: ...

    def steps(self) -> Mapping[str, Mapping[str, str | None]]:
        """Label → phrase → what people are shown instead, in order: the steps that a correction may name."""

    def check(self, corrections: Corrections) -> list[str]:
        """What is wrong with them, a line each."""

    def names(self, corrections: Corrections) -> Sequence[Any]:
        """The steps of all recordings, in order: `vqtext.pipeline.correcting.spans.StepSpan`."""

    def detail(self, corrections: Corrections, recording: str) -> Sequence[Any]:
        """Those of one recording, with their alternatives and what each place of the body says of them."""

    def ask(self, corrections: Corrections, count: int) -> Sequence[Any]:
        """The moments that settle most: `vqtext.pipeline.correcting.asking.Question`."""

    def signal(self, recording: str, start_s: float, end_s: float, points: int) -> Drawn:
        """A stretch of a recording for drawing; may be called beside all others."""


class Api:
    """Answers the page, in as many threads as ask.

    Args:
        editor: the corrections and words; its check becomes the session's.
        open_session: loads a session, under the words that are there now.

    Raises:
        VQTextError: there is nothing to show.
    """

    def __init__(self, editor: Editor, open_session: Callable[[], StudioData]) -> None:
        self.editor, self._open = editor, open_session
        self._computing = threading.Lock()
        self._load()

    def _load(self) -> None:
        words = self.editor.words.read()
        session = self._open()
        recordings = list(session.recordings())
        if not recordings:
            raise VQTextError("no recording has windows: there is nothing to show")
        self.session, self.recordings, self._words = session, recordings, words
        self._steps = {label: list(names) for label, names in session.steps().items()}
        self._place = {recording["name"]: i for i, recording in enumerate(self.recordings)}
        self._spans: dict[str, Spans] = {}
        self._shown: Spans | None = None
        self._detail: tuple[tuple[str, str], Spans] | None = None
        self.editor.check = session.check

    def routes(self) -> dict[str, Route]:
        """The table of the server."""
        changes: dict[str, Callable[[dict[str, Any]], None]] = {
            "correct": lambda asked: self.editor.correct(_listed(asked, "corrections", dict)),
            "remove": lambda asked: self.editor.remove(_listed(asked, "ids", str)),
            "undo": lambda _: self.editor.undo(),
            "redo": lambda _: self.editor.redo(),
            "words": lambda asked: self.editor.reword(asked.get("words", {}), asked.get("seen", {})),
        }

        def changing(change: Callable[[dict[str, Any]], None]) -> Route:
            def answer(asked: dict[str, Any]) -> dict[str, Any]:
                change(asked)
                return self._state()

            return answer

        return {
            "GET state": self.state,
            "GET signal": self.signal,
            "GET names": self.names,
            "GET step": self.step,
            "GET questions": self.questions,
            "GET export": self.export,
            **{f"POST {name}": changing(change) for name, change in changes.items()},
            "POST reopen": self.reopen,
            "POST import": self.take_in,
        }

    def state(self, _: dict[str, Any]) -> dict[str, Any]:
        """All but signals and names."""
        steps = self.session.steps()
        look = numbered([phrase for phrases in self._steps.values() for phrase in phrases])
        return {
            "recordings": [{**one, "labels": list(one["labels"])} for one in self.recordings],
            "sensors": _sensors(self.session.channels()),
            "places": list(dict.fromkeys(channel.location for channel in self.session.channels())),
            "steps": [
                {
                    "label": label,
                    "steps": [{"phrase": p, "display": shown, "look": look[p]} for p, shown in own.items()],
                }
                for label, own in steps.items()
            ],
            "palette": {"colours": COLOURS, "hatches": HATCHES},
            "choices": CHOICES,
            **self._state(),
        }

    def signal(self, asked: dict[str, Any]) -> Reply:
        """Least and greatest value of each channel in each of so many columns: float32 ``(C, P, 2)``;
        where they begin and end, and how many samples a column is of, stands in the head."""
        recording = self._recording(asked)
        seconds = float(recording["seconds"])
        start, end = (min(max(_number(asked, name), 0.0), seconds) for name in ("start", "end"))
        if end <= start:
            raise UsageError(f"{recording['name']!r} has nothing from {start:g} to {end:g} s")
        points = int(min(max(_number(asked, "points"), 1), MAX_POINTS))
        drawn = self.session.signal(recording["name"], start, end, points)
        numbers = {"X-Start": drawn.start_s, "X-End": drawn.end_s, "X-Samples": drawn.samples}
        headers = {name: f"{number:.6f}" for name, number in numbers.items()}
        return Reply(drawn.values.astype("<f4").tobytes(), headers=headers)

    def names(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The steps of a recording under the corrections of now, and what changed since the last time."""
        recording = self._recording(asked)
        with self._computing:
            before, now = self._shown, self._now()
            self._shown = now
            difference = changed(before, now) if before not in (None, now) else None
        return {"spans": now.columns(recording["name"]), "changed": difference}

    def step(self, asked: dict[str, Any]) -> dict[str, Any]:
        """The evidence and the alternatives of the step at a moment."""
        recording = self._recording(asked)
        name = recording["name"]
        with self._computing:
            corrections = self.editor.corrections
            key = corrections.fingerprint(), name
            if self._detail is None or self._detail[0] != key:
                self._detail = key, Spans(self.session.detail(corrections, name), self._steps)
            span = self._detail[1].at(name, _number(asked, "at"))
        if span is None:
            raise UsageError("there is no step at this moment")
        return {
            "start_s": span.start_s,
            "end_s": span.end_s,
            "label": span.label,
            "phrase": span.phrase,
            "confidence": _finite(span.confidence),
            "alternatives": [[phrase, _finite(share)] for phrase, share in span.alternatives],
            "places": {place: _finite(nats) for place, nats in span.places.items()},
        }

    def questions(self, _: dict[str, Any]) -> dict[str, Any]:
        """The moments that settle most, the best first."""
        with self._computing:
            found = self.session.ask(self.editor.corrections, QUESTIONS)
        rows = [{**vars(q), "recording": self._place[q.recording], "gain": _finite(q.gain)} for q in found]
        return {"questions": rows}

    def reopen(self, _: dict[str, Any]) -> dict[str, Any]:
        """Use the words of now: their texts and anchors are made, and everything is loaded again."""
        with self._computing:
            self._load()
        return self.state({})

    def export(self, asked: dict[str, Any]) -> Reply:
        """A file to keep, as `exchange.export` makes it."""
        channels = [channel.name for channel in self.session.channels()]
        return exchange.export(asked.get("kind"), self._segments, self._place, self._steps, channels)

    def take_in(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Segments of a file become corrections: all of them, or none."""
        read = exchange.read_segments(str(asked.get("text", "")), self._place, self._steps)
        self.editor.correct(self._correction(segment) for segment in read.segments)
        return {**self._state(), "taken": len(read.segments), "left_out": list(read.left_out)}

    def prepare(self) -> None:
        """Find the names that the page will ask for first. What is wrong with them is reported then."""
        with suppress(Exception), self._computing:
            self._now()

    def close(self) -> None:
        """Wait for what is being computed, and let nothing more begin: torch aborts a process that ends while
        another thread is inside of it."""
        self._computing.acquire()

    def _now(self) -> Spans:
        corrections = self.editor.corrections
        key = corrections.fingerprint()
        if key not in self._spans:
            if len(self._spans) > 4:  # enough to undo and do again
                self._spans.pop(next(iter(self._spans)))
            self._spans[key] = Spans(self.session.names(corrections), self._steps)
        return self._spans[key]

    def _segments(self) -> list[Segment]:
        with self._computing:
            now = self._now()
        return exchange.segments_of(now, self.editor.corrections, self._place)

    def _correction(self, segment: Segment) -> dict[str, Any]:
        subject = self.recordings[self._place[segment.recording]]["subject"]
        return {
            "kind": "is",
            "recording": segment.recording,
            "subject": subject,
            "start_s": segment.start_s,
            "end_s": segment.end_s,
            "label": segment.label,
            "phrase": segment.phrase,
        }

    def _state(self) -> dict[str, Any]:
        """What a change changes."""
        words = self.editor.words.read()
        return {
            **self.editor.answer(),
            "words": [label.model_dump(exclude_none=True) for label in words.labels],
            "words_are_new": words != self._words,
        }

    def _recording(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        place = _number(asked, "recording")
        if place not in range(len(self.recordings)):
            raise UsageError("there is no such recording")
        return self.recordings[int(place)]


def _sensors(channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """Channels by place and modality, in the order of their first ones."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for i, channel in enumerate(channels):
        kind = MODALITIES.get(channel.modality, channel.modality)
        key = channel.location, channel.modality
        sensor = found.setdefault(
            key,
            {
                "title": " · ".join(filter(None, (channel.location, kind))),
                "modality": channel.modality,
                "unit": UNITS.get(channel.unit, channel.unit),
                "channels": [],
            },
        )
        sensor["channels"].append({"index": i, "axis": channel.axis or channel.name})
    return list(found.values())


def _number(asked: Mapping[str, Any], name: str) -> float:
    try:
        value = float(asked[name])
    except (KeyError, TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{name} must be a number")
    return value


def _listed(asked: Mapping[str, Any], name: str, kind: type) -> list[Any]:
    values = asked.get(name)
    if not isinstance(values, list) or not all(isinstance(one, kind) for one in values):
        raise UsageError(f"{name} must be a list")
    return values


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
