"""The answer for one window, and for a recording: class and the ordered sub-actions that say why.

A leaf module: ``model`` makes reasons, ``pipeline`` and ``report`` show them.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TextIO

from vqtext.errors import DataError

UNKNOWN_NAME = "unknown"
"""Name of a step that fits none of its label's sub-actions, and of a code that is too unsure of its own."""
INFERRED_MARK = "*"
AMBIGUOUS_MARK = "?"
UNRESOLVABLE_MARK = "~"
UNSURE = 0.3
"""Confidence below which a step is told as a guess: several names of the label fit about as well."""
UNLIKE = "unlike everything learned"
"""What is said of a window that is not `Reason.familiar`."""
SILENT_S = 0.1
"""Less than this between two segments of a recording is no gap: seconds of steps are rounded."""
SHOWN = 8
"""Steps that a line of text shows; a reason has them all."""


@dataclass(frozen=True)
class Step:
    """One named stretch of the signal.

    Attributes:
        name: the anchor's phrase, or `UNKNOWN_NAME`.
        start_s, end_s: borders in seconds from the start of the window, or of the recording.
        confidence: mean posterior of the name inside the stretch, as much as people that were not seen bear
            it out, 0 to 1.
        inferred: the phrase speaks of a body part that no sensor of the data sits on.
        ambiguous_with: other phrases that nothing in words or sensors tells apart from this one.
        display: what people are shown instead of ``name``, in their language, as the label's words have it.
        unresolvable: it is shorter than two samples, or a round of its label is too fast for each of its
            steps to have two, so that the signal cannot show where it begins and ends.
    """

    name: str
    start_s: float
    end_s: float
    confidence: float
    inferred: bool = False
    ambiguous_with: tuple[str, ...] = ()
    display: str | None = None
    unresolvable: bool = False

    def __str__(self) -> str:
        return self.told(digits([self]))

    def told(self, decimals: int) -> str:
        """Name, marks and borders, in seconds with so many decimals; of a guess also how unsure it is."""
        marks = (
            INFERRED_MARK * self.inferred
            + AMBIGUOUS_MARK * bool(self.ambiguous_with)
            + UNRESOLVABLE_MARK * self.unresolvable
        )
        guess = f" ({self.confidence:.2f})" if self.confidence < UNSURE else ""
        borders = f"{self.start_s:.{decimals}f}–{self.end_s:.{decimals}f} s"
        return f"{self.display or self.name}{marks} {borders}{guess}"


def digits(steps: Iterable[Step], least: int = 1) -> int:
    """Decimals of the seconds that let no step look as if it took no time; three are all there are."""
    steps = list(steps)
    apart = (n for n in range(least, 3) if all(round(s.start_s, n) < round(s.end_s, n) for s in steps))
    return next(apart, 3)


@dataclass(frozen=True)
class Missing:
    """One step that another class would have needed.

    Attributes:
        name: the step; display: what people are shown instead.
        start_s, end_s: when, in seconds as in `Step`.
        instead: what the reason tells for most of that time.
        lost: evidence by which that explains the stretch better, in nats; below 0 where it explains it worse.
    """

    name: str
    start_s: float
    end_s: float
    instead: str
    lost: float
    display: str | None = None


@dataclass(frozen=True)
class WhyNot:
    """Why a window is not of another class: the best path through its steps, held against the reason.

    ``str(why)`` is one line: ``not descending: its steps are 6.2 nats less likely; most is lost at 1.2–1.6 s,
    where "plant the left foot" would have had to be, not "swing the left leg" (4.1 nats)``.

    Attributes:
        label: the other class; display: what people are shown instead.
        nats: by how much the steps of the reason's class are likelier; 0 where both have the same steps, and
            only the rest of the signal tells them apart.
        steps: of the other class's best path, in order.
        order: nats of ``nats`` that no single step lost: order, durations, how often classes occur, and all
            paths but the best.
    """

    label: str
    nats: float
    steps: tuple[Missing, ...]
    order: float
    display: str | None = None

    def __str__(self) -> str:
        name = self.display or self.label
        if not self.steps:
            return f"{name} has the same steps: only the rest of the signal speaks against it"
        line = f"not {name}: its steps are {self.nats:.1f} nats less likely"
        most = max(self.steps, key=lambda step: step.lost)
        if most.lost <= max(self.order, 0):
            return f"{line}; most is lost by order and durations ({self.order:.1f} nats)"
        decimals = digits([Step(most.name, most.start_s, most.end_s, 1.0)])
        return (
            f"{line}; most is lost at {most.start_s:.{decimals}f}–{most.end_s:.{decimals}f} s, where "
            f'"{most.display or most.name}" would have had to be, not "{most.instead}" ({most.lost:.1f} nats)'
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Reason:
    """A class with its ordered reason.

    ``str(reason)`` is one line: ``left leg swings 0.0–0.4 s → … = walking (0.72); also possible: running,
    0.21``, shortened after `SHOWN` steps. A name followed by ``*`` is inferred, by ``?`` ambiguous, by ``~``
    unresolvable (see `Step`); a step less sure than `UNSURE` is followed by its confidence. Steps and label
    are told by their ``display`` where they have one. A window that is not `familiar` says so at the end.

    Attributes:
        label: the class.
        confidence: its posterior, 0 to 1.
        steps: in order.
        display: what people are shown instead of ``label``.
        runner_up: the second class with its own steps, where it is likely enough to be told.
        familiar: 1 where the window is like those learned; less, the further it is from all of them, and then
            the class and each step are as much less sure. Of people that the model has not seen about one
            window in a hundred is below 1; noise, other units and sensors that were swapped mostly are.
        same_steps: classes that are written as the same steps: which of them it is, not the steps say but the
            rest of the signal (the class head).
        of_same: how sure that choice is, 0 to 1; None where no other class has the same steps.
    """

    label: str
    confidence: float
    steps: tuple[Step, ...] = field(default_factory=tuple)
    display: str | None = None
    runner_up: Reason | None = None
    familiar: float = 1.0
    same_steps: tuple[str, ...] = ()
    of_same: float | None = None
    asked: Callable[[str], WhyNot] | None = field(default=None, repr=False, compare=False)

    def why_not(self, label: str) -> WhyNot:
        """Why it is not this other class.

        Raises:
            DataError: no such class, the reason's own, or a reason that was not made by a model here.
        """
        if self.asked is None:
            raise DataError("this reason was read or put together: only one that a model gave can be asked")
        if label == self.label:
            raise DataError(f"{label!r} is the class of this reason: ask about another one")
        return self.asked(label)

    def __str__(self) -> str:
        shown = self.steps[:SHOWN]
        told = [step.told(digits(shown)) for step in shown]
        if len(self.steps) > SHOWN:
            told.append("…")
        sure = f"{self.confidence:.2f}"
        if self.of_same is not None:
            others = " or ".join(self.same_steps)
            sure += f"; the same steps as {others}: the rest of the signal says so, {self.of_same:.2f}"
        line = f"{' → '.join(told)} = {self.display or self.label} ({sure})"
        if (other := self.runner_up) is not None:
            line += f"; also possible: {other.display or other.label}, {other.confidence:.2f}"
        if self.familiar < 1:
            line += f"; {UNLIKE}"
        return line

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        other = self.runner_up
        plain = asdict(replace(self, asked=None, runner_up=None))
        del plain["asked"]
        return plain | {"runner_up": other and other.to_dict()}


@dataclass(frozen=True)
class Segment:
    """One step of a recording's reason, with the class that it speaks for.

    Attributes:
        start_s, end_s: seconds from the start of the recording.
        label, label_confidence, label_display, familiar: of the class, as in `Reason`.
        step, confidence, display, inferred, ambiguous_with, unresolvable: of the step, as in `Step`.
    """

    start_s: float
    end_s: float
    label: str
    step: str
    confidence: float
    label_confidence: float
    familiar: float
    inferred: bool
    ambiguous_with: tuple[str, ...]
    unresolvable: bool
    label_display: str | None
    display: str | None


@dataclass(frozen=True)
class ClassStretch:
    """A stretch of a recording that is one class throughout; ``confidence`` is the mean over its time."""

    start_s: float
    end_s: float
    label: str
    confidence: float
    display: str | None


@dataclass(frozen=True)
class RecordingReasons:
    """What a model says of a whole recording.

    Attributes:
        name: of the recording.
        duration_s: its length, with what was lost inside.
        reasons: in order, times in seconds from the start of the recording. Where nothing was measured there
            is none.
    """

    name: str
    duration_s: float
    reasons: tuple[Reason, ...]

    @property
    def segments(self) -> list[Segment]:
        """Every step in order."""
        return [
            Segment(
                step.start_s,
                step.end_s,
                reason.label,
                step.name,
                step.confidence,
                reason.confidence,
                reason.familiar,
                step.inferred,
                step.ambiguous_with,
                step.unresolvable,
                reason.display,
                step.display,
            )
            for reason in self.reasons
            for step in reason.steps
        ]

    @property
    def stretches(self) -> list[ClassStretch]:
        """Segments of one class that follow each other without a gap, as one each."""
        groups: list[list[Segment]] = []
        for segment in self.segments:
            last = groups[-1][-1] if groups else None
            if last is None or (last.label, last.end_s) != (segment.label, segment.start_s):
                groups.append([])
            groups[-1].append(segment)
        return [
            ClassStretch(
                group[0].start_s,
                group[-1].end_s,
                group[0].label,
                round(_mean([s.label_confidence for s in group], group), 4),
                group[0].label_display,
            )
            for group in groups
        ]

    @property
    def silent(self) -> list[tuple[float, float]]:
        """Stretches ``(start_s, end_s)`` of which nothing is said."""
        ends = [0.0, *(s.end_s for s in self.segments)]
        starts = [*(s.start_s for s in self.segments), self.duration_s]
        return [(end, start) for end, start in zip(ends, starts, strict=True) if start - end > SILENT_S]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "name": self.name,
            "duration_s": self.duration_s,
            "stretches": [asdict(stretch) for stretch in self.stretches],
            "segments": [asdict(segment) for segment in self.segments],
            "silent": self.silent,
        }

    def to_frame(self) -> Any:
        """The segments as a pandas DataFrame, one a row."""
        import pandas

        names = [part.name for part in fields(Segment)]
        return pandas.DataFrame([asdict(segment) for segment in self.segments], columns=names)

    def to_csv(self, path: Path | str) -> None:
        """The segments as a CSV file, one a row; several ambiguous phrases are joined by " | "."""
        with Path(path).open("w", encoding="utf-8", newline="") as text:
            write_segments(text, [self])


def write_segments(text: TextIO, recordings: Iterable[RecordingReasons]) -> None:
    """Segments as CSV, with the name of their recording in the first column."""
    out = csv.writer(text)
    out.writerow(["recording", *(part.name for part in fields(Segment))])
    for recording in recordings:
        for segment in recording.segments:
            row = asdict(segment) | {"ambiguous_with": " | ".join(segment.ambiguous_with)}
            out.writerow([recording.name, *row.values()])


def _mean(values: Iterable[float], segments: Iterable[Segment]) -> float:
    """Mean over the time of the segments."""
    lasts = [segment.end_s - segment.start_s for segment in segments]
    return sum(v * s for v, s in zip(values, lasts, strict=True)) / sum(lasts)
