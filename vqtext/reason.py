"""The answer for one window: its class and the ordered sub-actions that say why.

A leaf module: ``model`` makes reasons, ``pipeline`` and ``report`` show them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

INFERRED_MARK = "*"
AMBIGUOUS_MARK = "?"
SHOWN = 8
"""Steps that a line of text shows; a reason has them all."""


@dataclass(frozen=True)
class Step:
    """One named stretch of the signal.

    Attributes:
        name: the anchor's phrase.
        start_s, end_s: borders in seconds from the start of the window.
        confidence: mean posterior of the name inside the stretch, 0 to 1.
        inferred: the phrase speaks of a body part that no sensor of the data sits on.
        ambiguous_with: other phrases that nothing in words or sensors tells apart from this one.
        display: what people are shown instead of ``name``, in their language, as the label's words have it.
    """

    name: str
    start_s: float
    end_s: float
    confidence: float
    inferred: bool = False
    ambiguous_with: tuple[str, ...] = ()
    display: str | None = None

    def __str__(self) -> str:
        marks = (INFERRED_MARK if self.inferred else "") + (AMBIGUOUS_MARK if self.ambiguous_with else "")
        return f"{self.display or self.name}{marks} {self.start_s:.1f}–{self.end_s:.1f} s"


@dataclass(frozen=True)
class Reason:
    """A class with its ordered reason.

    ``str(reason)`` is one line: ``left leg swings 0.0–0.4 s → … = walking (0.97)``, shortened after `SHOWN`
    steps. A name followed by ``*`` is inferred, one followed by ``?`` is ambiguous (see `Step`). Steps and
    label are told by their ``display`` where they have one.
    """

    label: str
    confidence: float
    steps: tuple[Step, ...] = field(default_factory=tuple)
    display: str | None = None

    def __str__(self) -> str:
        told = [str(step) for step in self.steps[:SHOWN]]
        if len(self.steps) > SHOWN:
            told.append("…")
        return f"{' → '.join(told)} = {self.display or self.label} ({self.confidence:.2f})"

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)
