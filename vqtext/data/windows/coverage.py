"""Which share of the signal is in no window, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

Reason = Literal["no label", "breaks", "borders", "too short", "between strides", "no sample"]
"""Samples without a label; what is shorter than a window and left over before a break in time, before a
change of label, and at the end of a recording; what a stride leaves out; windows without a single sample."""

REMARKED = 0.1
"""Share of a person's labelled signal that may be lost without a remark."""


class Coverage:
    """Seconds of signal in no window, by subject and reason; unknown subjects together, as ""."""

    def __init__(self, seconds: Mapping[str, Mapping[str, float]] | None = None) -> None:
        self.seconds = {subject: dict(counted) for subject, counted in (seconds or {}).items()}

    def add(self, subject: str, total_s: float, lost_s: Mapping[str, float]) -> None:
        """Count one more recording: how long it is, and what of it is in no window."""
        own = self.seconds.setdefault(subject, {"total": 0.0})
        for name, seconds in {"total": total_s, **lost_s}.items():
            own[name] = own.get(name, 0.0) + seconds

    def summary(self) -> dict[str, Any]:
        """The share in no window, and that of each reason."""
        total = Coverage()
        for counted in self.seconds.values():
            total.add("", 0.0, counted)
        return _shares(total.seconds.get("", {}))

    def remarks(self) -> list[str]:
        """A line for each subject that loses more than `REMARKED` of what has a label."""
        lines = []
        for subject, counted in self.seconds.items():
            labelled = dict(counted)
            labelled["total"] -= labelled.pop("no label", 0.0)
            shares = _shares(labelled)
            if shares["share"] > REMARKED:
                why = ", ".join(f"{reason} {share:.0%}" for reason, share in shares["why"].items())
                who = f"subject {subject!r}" if subject else "the recordings"
                lines.append(f"{who}: {shares['share']:.0%} of the labelled signal is in no window ({why})")
        return lines


def _shares(counted: Mapping[str, float]) -> dict[str, Any]:
    total = counted.get("total") or 1.0
    why = {reason: lost / total for reason, lost in counted.items() if reason != "total" and lost > 0}
    return {"share": sum(why.values()), "why": dict(sorted(why.items(), key=lambda one: -one[1]))}
