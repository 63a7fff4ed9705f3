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
from vqtext.steps import BY_INFERENCE, UNKNOWN_NAME, UNSURE, Carrier, Step, digits, passages

__all__ = ["BY_INFERENCE", "UNKNOWN_NAME", "UNSURE", "Carrier", "Step", "digits"]  # and what is defined here

OUT_OF_DISTRIBUTION = "out of distribution"
"""The remark on a window that is not `Reason.familiar`."""
MIN_GAP_S = 0.1
"""Less than this between two segments of a recording is no gap: seconds of steps are rounded."""
MAX_PASSAGES = 8
"""Passages that a line of text shows; a reason has all steps."""


@dataclass(frozen=True)
class Missing:
    """One step that another class would have needed.

    Attributes:
        name: the step; display: what people are shown instead.
        start_s, end_s: when, in seconds as in `Step`.
        instead: the step of the reason for most of that time.
        lost: evidence by which that explains the stretch better, in nats; below 0 where it explains it worse.
        there_s: seconds of that time in which the reason has the same step, which would have had to last
            longer.
    """

    name: str
    start_s: float
    end_s: float
    instead: str
    lost: float
    display: str | None = None
    there_s: float = 0.0


@dataclass(frozen=True)
class WhyNot:
    """Why a window is not of another class: the best path through its steps, compared with the reason.

    ``str(why)`` is one line: ``not descending: its steps are 6.2 nats less likely; most is lost at 1.2–1.6 s,
    where "plant the left foot" would have had to be, not "swing the left leg" (4.1 nats)``.

    Attributes:
        label: the other class; display: what people are shown instead.
        nats: by how much the steps of the reason's class are likelier; 0 where both have the same steps, and
            only the rest of the signal distinguishes them.
        steps: of the other class's best path, in order.
        order: nats of ``nats`` that no single step lost: order, durations, how often classes occur, and all
            paths but this one. Below 0 where the class would rather leave the window unknown.
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
        if most.lost <= 0 or sum(step.lost for step in self.steps) <= self.order:
            return f"{line}; most is lost by order and durations ({self.order:.1f} nats)"
        decimals = digits([Step(most.name, most.start_s, most.end_s, 1.0)])
        longer = round(most.end_s - most.start_s - most.there_s, 3)
        lacks = "would have had to be"
        if most.there_s > 0:
            lacks = f"would have had to last {longer:.{max(decimals, 1)}f} s longer"
        what = f'"{most.display or most.name}" {lacks}, not "{most.instead}"'
        if longer <= 0:  # the same step, as another label has it
            what = f'"{most.display or most.name}" would have had to stand between other steps'
        return (
            f"{line}; most is lost at {most.start_s:.{decimals}f}–{most.end_s:.{decimals}f} s, where {what} "
            f"({most.lost:.1f} nats)"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Redrawn:
    """A window of which one stretch was drawn anew, as the steps of another class.

    Attributes:
        start_s, end_s: the stretch.
        steps: that were drawn, in order, as people are shown them.
        label, confidence: the class of the window as it is now.
        enough: whether that is the class that was asked for.
        signal: the whole window, ``(C, T)`` in physical units.
        display: what people are shown instead of ``label``.
    """

    start_s: float
    end_s: float
    steps: tuple[str, ...]
    label: str
    confidence: float
    signal: Any = field(repr=False, compare=False)
    display: str | None = None
    enough: bool = True

    def __str__(self) -> str:
        steps = _line(list(self.steps))
        when, name = Step("", self.start_s, self.end_s, 1.0), self.display or self.label
        then = "then" if self.enough else "even then"
        return f"{steps}, drawn into{when}: {then} it is read as {name} ({self.confidence:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON, without the signal."""
        plain = asdict(replace(self, signal=None))
        del plain["signal"]
        return plain


@dataclass(frozen=True)
class Reason:
    """A class with its ordered reason.

    ``str(reason)`` is one line: ``left leg swings 0.0–0.4 s → … = walking (0.72); also possible: running,
    0.21``, shortened after `MAX_PASSAGES` passages. A step less sure than `UNSURE` becomes unknown, and two
    rounds and more a cycle (`vqtext.steps.passages`); ``steps`` has them all. Steps and label are shown by
    their ``display`` where they have one. A window that is not `familiar` says so at the end.

    Attributes:
        label: the class.
        confidence: its posterior, 0 to 1.
        steps: in order.
        display: what people are shown instead of ``label``.
        runner_up: the second class with its own steps, where it is likely enough to be shown.
        familiar: 1 where the window is like those learned; less, the further it is from all of them, and then
            the class and each step are as much less sure. Of people that the model has not seen about one
            window in a hundred is below 1; noise, other units and sensors that were swapped mostly are.
        same_steps: classes that are written as the same steps: which of them it is, not the steps say but the
            rest of the signal (the class head).
        of_same: how sure that choice is, 0 to 1; None where no other class has the same steps.
        cycle: names of the steps of one round, in order, where the class is a cycle of two or more.
    """

    label: str
    confidence: float
    steps: tuple[Step, ...] = field(default_factory=tuple)
    display: str | None = None
    runner_up: Reason | None = None
    familiar: float = 1.0
    same_steps: tuple[str, ...] = ()
    of_same: float | None = None
    cycle: tuple[str, ...] = ()
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
        sure = f"{self.confidence:.2f}"
        if self.of_same is not None:
            others = " or ".join(self.same_steps)
            sure += f"; the same steps as {others}: the rest of the signal says so, {self.of_same:.2f}"
        line = f"{_line(passages(self.steps, self.cycle))} = {self.display or self.label} ({sure})"
        if (other := self.runner_up) is not None:
            line += f"; also possible: {other.display or other.label}, {other.confidence:.2f}"
        if self.familiar < 1:
            line += f"; {OUT_OF_DISTRIBUTION}"
        return line

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        other = self.runner_up
        plain = asdict(replace(self, asked=None, runner_up=None))
        del plain["asked"]
        return plain | {"runner_up": other and other.to_dict()}


def _line(passages: list[str]) -> str:
    return " → ".join([*passages[:MAX_PASSAGES], *["…"] * (len(passages) > MAX_PASSAGES)])


@dataclass(frozen=True)
class Segment:
    """One step of a recording's reason, with its class.

    Attributes:
        start_s, end_s: seconds from the start of the recording.
        label, label_confidence, label_display, familiar: of the class, as in `Reason`.
        step, confidence, display, inferred: of the step, as in `Step`.
    """

    start_s: float
    end_s: float
    label: str
    step: str
    confidence: float
    label_confidence: float
    familiar: float
    inferred: bool
    label_display: str | None
    display: str | None


@dataclass(frozen=True)
class ClassStretch:
    """A stretch of a recording that is one class throughout.

    Attributes:
        confidence: the mean over its time.
        text: its steps in one line, as in a reason.
    """

    start_s: float
    end_s: float
    label: str
    confidence: float
    display: str | None
    text: str


@dataclass(frozen=True)
class RecordingReasons:
    """The reasons of a whole recording.

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
                reason.display,
                step.display,
            )
            for reason in self.reasons
            for step in reason.steps
        ]

    @property
    def stretches(self) -> list[ClassStretch]:
        """Segments of one class that follow each other without a gap, as one each."""
        groups: list[list[tuple[Reason, Step]]] = []
        for reason, step in ((whole, step) for whole in self.reasons for step in whole.steps):
            last, before = groups[-1][-1] if groups else (None, None)
            if not last or not before or (last.label, before.end_s) != (reason.label, step.start_s):
                groups.append([])
            groups[-1].append((reason, step))
        return [_stretch(group) for group in groups]

    @property
    def silent(self) -> list[tuple[float, float]]:
        """Stretches ``(start_s, end_s)`` without a reason."""
        ends = [0.0, *(s.end_s for s in self.segments)]
        starts = [*(s.start_s for s in self.segments), self.duration_s]
        return [(end, start) for end, start in zip(ends, starts, strict=True) if start - end > MIN_GAP_S]

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
        """The segments as a CSV file, one a row."""
        with Path(path).open("w", encoding="utf-8", newline="") as text:
            write_segments(text, [self])


def write_segments(text: TextIO, recordings: Iterable[RecordingReasons]) -> None:
    """Segments as CSV, with the name of their recording in the first column."""
    out = csv.writer(text)
    out.writerow(["recording", *(part.name for part in fields(Segment))])
    for recording in recordings:
        for segment in recording.segments:
            out.writerow([recording.name, *asdict(segment).values()])


def _stretch(pairs: list[tuple[Reason, Step]]) -> ClassStretch:
    """Steps of one class that follow each other, each with its reason."""
    first, steps = pairs[0][0], [step for _, step in pairs]
    lasts = [step.end_s - step.start_s for step in steps]
    sure = sum(reason.confidence * s for (reason, _), s in zip(pairs, lasts, strict=True)) / sum(lasts)
    text = _line(passages(steps, first.cycle))
    return ClassStretch(steps[0].start_s, steps[-1].end_s, first.label, round(sure, 4), first.display, text)
