"""The identifiability of anchors in words: what nothing tells apart, and what would.

``vqtext dedup`` asks with the words as written and the anchor of each use::

    told = report(labels, anchor_of, phrases, sensors_of(cache / "windows.h5"))
    told.answer  # {"labels": 240, "order": 12, "signature": 2, "groups": [["swing left", "swing right"]]}
    told.lines   # the same for people, with what would tell the groups apart
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from vqtext.data.locations import best_cell, canonical, matches, sensed
from vqtext.pipeline.identifiability import Sensors, ambiguous_groups, identifiability, transcripts_of
from vqtext.pipeline.lines import cut_short, printable
from vqtext.pipeline.unseen_borders import unseen_borders
from vqtext.schema import LabelWords, SubAction

PLACES = 2
"""Sensor positions that are proposed for a group, the most spoken of first."""

SHOWN = 12
"""Groups, and single cells, that people are told of; ``--json`` has all groups."""


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
    named = dict.fromkeys(place for own in uses for _, use in own for place in _named(use))
    seen = sensors or Sensors(list(named), [None])
    found = identifiability(transcripts_of(uses, cyclic, seen))
    answer = {
        "labels": found.labels.plain,
        "order": found.order.plain,
        "signature": found.signature.plain,
        "groups": [[phrases[anchor] for anchor in group] for group in found.groups],
    }
    lines = [
        f"renamings of the anchors that nothing contradicts: {found.labels} by the labels' sets alone, "
        f"{found.order} with the order, {found.signature} with the signatures too"
        + ("" if sensors else " (no windows yet: every place they name is taken to have a sensor)")
    ]
    advice = _Advice(uses, cyclic, seen)
    remedies: dict[str, list[str]] = {}
    for group in found.groups[:SHOWN]:
        remedies.setdefault(advice.on(group), []).append(_side_by_side(phrases, group))
    for remedy, alike in remedies.items():
        lines += [f"nothing tells these apart; {remedy}", *(f"  {group}" for group in alike)]
    lines += _and_more(len(found.groups), "groups that nothing tells apart")
    unseen = [
        f"  {_short(words.label)}: {_side_by_side(phrases, run)}"
        for words, runs in zip(labels, unseen_borders(uses, cyclic, seen), strict=True)
        for run in runs
        if not any({*run} <= {*group} for group in found.groups)
    ]
    if unseen:
        lines += [
            "neighbours of which the same is written: no sensor shows where one ends and the next begins",
            *unseen[:SHOWN],
            *_and_more(len(unseen), "such neighbours"),
        ]
    for weak in found.fragile[:SHOWN]:
        cells = [_cell(labels[label], step, name) for label, step, name in weak.cells]
        lines.append(f"these hang by one cell, {' or '.join(cells[:PLACES])}")
        lines += [f"  {_side_by_side(phrases, group)}" for group in weak.groups[:SHOWN]]
    lines += _and_more(len(found.fragile), "such cells")
    return Report(answer, lines)


def _cell(label: LabelWords, step: int, name: str) -> str:
    return f"{_short(name)} of {_short(label.subactions[step].phrase)!r} in {_short(label.label)!r}"


def _side_by_side(phrases: Sequence[str], group: Sequence[int]) -> str:
    more = [f"{len(group) - SHOWN} more"] if len(group) > SHOWN else []
    return " | ".join([*(_short(phrases[anchor]) for anchor in group[:SHOWN]), *more])


def _and_more(count: int, what: str) -> list[str]:
    return [f"and {count - SHOWN} more {what}"] if count > SHOWN else []


def _short(text: str) -> str:
    return cut_short(printable(text))


def _named(use: SubAction) -> list[str]:
    """Places that a signature names, as sensors are called."""
    return [place for cell in use.signature or () if (place := canonical(cell)) is not None]


class _Advice:
    """What would tell a group of anchors apart."""

    def __init__(
        self, uses: list[list[tuple[int, SubAction]]], cyclic: Sequence[bool], sensors: Sensors
    ) -> None:
        self.uses, self.cyclic, self.sensors = uses, cyclic, sensors
        self.left_by: dict[tuple[str, ...], list[list[int]]] = {}  # sensors added → groups that remain

    def on(self, group: Sequence[int]) -> str:
        own = [[use for label in self.uses for anchor, use in label if anchor == one] for one in group]
        places = Counter(place for uses in own for use in uses for place in _named(use))
        unseen = [place for place, _ in places.most_common() if not self._has(place)]
        enough = [place for place in unseen if self._would_tell(group, [place])]
        if enough:
            return f"a sensor at the {' or the '.join(enough[:PLACES])} would"
        if unseen and self._would_tell(group, unseen):
            return f"sensors at the {' and the '.join(unseen)} together would"
        if silent := self._silent_parts(own):
            return (
                f"a sensor at the {' or the '.join(silent[:PLACES])} would, with signatures that differ there"
            )
        if opposed := self._opposed(own):
            return (
                f"the {opposed} moves another way in each, which levels of motion do not show: signatures "
                "with other levels there would, or a label that has one and not the other"
            )
        return "a label that has one and not the other would"

    def _has(self, place: str) -> bool:
        return any(matches(place, own, hand) for own in self.sensors.locations for hand in self.sensors.hands)

    def _would_tell(self, group: Sequence[int], more: Sequence[str]) -> bool:
        if tuple(more) not in self.left_by:
            sensors = replace(self.sensors, locations=[*self.sensors.locations, *more])
            steps = transcripts_of(self.uses, self.cyclic, sensors)
            self.left_by[tuple(more)] = ambiguous_groups(steps)
        return all(len(set(group) & set(alike)) < 2 for alike in self.left_by[tuple(more)])

    def _silent_parts(self, own: Sequence[Sequence[SubAction]]) -> list[str]:
        """Where a sensor would sit on what the phrases speak of, if each speaks of another part or side."""
        sides = [{(use.body_part, use.side) for use in uses} for uses in own]
        if any(one & two for i, one in enumerate(sides) for two in sides[:i]):
            return []
        parts = dict.fromkeys((part, side) for claimed in sides for part, side in claimed if part)
        found = [
            canonical(f"{side} {part}" if side in ("left", "right") else part)
            for part, side in parts
            if not any(sensed(self.sensors.locations, part, side, hand) for hand in self.sensors.hands)
        ]
        return [place for place in dict.fromkeys(found) if place is not None]

    def _opposed(self, own: Sequence[Sequence[SubAction]]) -> str | None:
        """A sensor where the anchors differ in direction."""
        for location in self.sensors.locations:
            for hand in self.sensors.hands:
                ways = [{_way(use, location, hand) for use in uses} for uses in own]
                apart = not any(one & two for i, one in enumerate(ways) for two in ways[:i])
                if apart and not any(way in (None, "none") for said in ways for way in said):
                    return location
        return None


def _way(use: SubAction, location: str, hand: str | None) -> str | None:
    written = use.signature or {}
    cell = best_cell(location, written, hand)
    if cell is not None and written[cell].direction is not None:
        return written[cell].direction
    return use.direction if sensed([location], use.body_part, use.side, hand) else None
