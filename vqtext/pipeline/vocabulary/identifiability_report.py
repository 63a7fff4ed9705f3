"""The identifiability of anchors in words: permutations that look the same, and what a single cell decides.

``vqtext dedup`` calls it with the words as written and the anchor of each use::

    found = report(labels, anchor_of, phrases, sensors_of(cache / "windows.h5"))
    found.answer  # {"labels": 240, "order": 12, "signature": 2, "groups": [["swing left", "swing right"]]}
    found.lines   # the same for people
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from vqtext.console.text import cut_short, printable
from vqtext.data.locations import canonical
from vqtext.pipeline.vocabulary.identifiability import Sensors, identifiability, transcripts_of
from vqtext.schema import LabelWords, SubAction

MAX_CELLS = 2
"""Cells that are named where each of them is enough."""

MAX_LISTED = 12
"""Single cells that people are shown."""


@dataclass(frozen=True)
class Report:
    """The answer for ``--json``, with its four keys, and the lines for people."""

    answer: dict[str, Any]
    lines: list[str]


def report(
    labels: Sequence[LabelWords],
    anchor_of: Sequence[Sequence[int]],
    phrases: Sequence[str],
    sensors: Sensors | None,
) -> Report:
    """What tells the anchors apart, for ``--json`` and for people.

    Args:
        labels: the words as written.
        anchor_of: the anchor of each sub-action of each label.
        phrases: of the anchors.
        sensors: of the data; None: every place that a signature names is taken to have one.
    """
    uses = [
        list(zip(own, words.subactions, strict=True)) for own, words in zip(anchor_of, labels, strict=True)
    ]
    cyclic = [bool(words.cyclic) for words in labels]
    seen = sensors or sensors_named(use for own in uses for _, use in own)
    found = identifiability(transcripts_of(uses, cyclic, seen))
    answer = {
        "labels": found.labels.plain,
        "order": found.order.plain,
        "signature": found.signature.plain,
        "groups": [[phrases[anchor] for anchor in group] for group in found.groups],
    }
    lines = [
        f"non-identifiable permutations of the anchors (1: none): {found.labels} by which labels use them, "
        f"{found.order} with their order, {found.signature} with signatures as well"
        + ("" if sensors else " (no windows yet: every place they name is taken to have a sensor)")
    ]
    for weak in found.fragile[:MAX_LISTED]:
        cells = [_cell(labels[label], step, name) for label, step, name in weak.cells]
        lines.append(f"told apart by a single cell, {' or '.join(cells[:MAX_CELLS])}")
        lines += [f"  {_side_by_side(phrases, group)}" for group in weak.groups[:MAX_LISTED]]
    more = len(found.fragile) - MAX_LISTED
    lines += [f"and {more} more such cells"] if more > 0 else []
    return Report(answer, lines)


def _cell(label: LabelWords, step: int, name: str) -> str:
    return f"{_short(name)} of {_short(label.subactions[step].phrase)!r} in {_short(label.label)!r}"


def _side_by_side(phrases: Sequence[str], group: Sequence[int]) -> str:
    more = [f"{len(group) - MAX_LISTED} more"] if len(group) > MAX_LISTED else []
    return " | ".join([*(_short(phrases[anchor]) for anchor in group[:MAX_LISTED]), *more])


def _short(text: str) -> str:
    return cut_short(printable(text))


def sensors_named(steps: Iterable[SubAction]) -> Sensors:
    """A sensor at every place that the signatures of some steps name."""
    named = (canonical(cell) for step in steps for cell in step.signature or ())
    return Sensors([*dict.fromkeys(place for place in named if place is not None)], [None])
