"""The answer for one window: its class and the ordered sub-actions that say why.

A leaf module: ``model`` makes reasons, ``pipeline`` and ``report`` show them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

UNKNOWN_NAME = "unknown"
"""Name of a step that fits none of its label's sub-actions, and of a code that is too unsure of its own."""
INFERRED_MARK = "*"
AMBIGUOUS_MARK = "?"
UNRESOLVABLE_MARK = "~"
UNSURE = 0.3
"""Confidence below which a step is told as a guess: several names of the label fit about as well."""
UNLIKE = "unlike everything learned"
"""What is said of a window that is not `Reason.familiar`."""
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
    """

    label: str
    confidence: float
    steps: tuple[Step, ...] = field(default_factory=tuple)
    display: str | None = None
    runner_up: Reason | None = None
    familiar: float = 1.0

    def __str__(self) -> str:
        shown = self.steps[:SHOWN]
        told = [step.told(digits(shown)) for step in shown]
        if len(self.steps) > SHOWN:
            told.append("…")
        line = f"{' → '.join(told)} = {self.display or self.label} ({self.confidence:.2f})"
        if (other := self.runner_up) is not None:
            line += f"; also possible: {other.display or other.label}, {other.confidence:.2f}"
        if self.familiar < 1:
            line += f"; {UNLIKE}"
        return line

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
