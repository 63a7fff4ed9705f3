"""What would tell steps apart that were joined: a sensor, a rate, or other words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import ceil

from vqtext.data.features.vertical_velocity import SIGNS
from vqtext.data.locations import best_cell, canonical, matches, sensed
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.identifiability import Sensors
from vqtext.pipeline.vocabulary.resolve import Join, resolve
from vqtext.schema import SubAction

PLACES = 2
"""Places of sensors that are proposed, the most spoken of first."""


class Separating:
    """Of words as they were before anything was joined, with the sensors of the data."""

    def __init__(self, words: Words, sensors: Sensors) -> None:
        self.words, self.sensors = words, sensors
        self._left: dict[tuple[str, ...], list[Join]] = {}  # places added → what would still be joined

    def __call__(self, join: Join) -> str:
        """What would separate the parts of a joined step, as a sentence."""
        if join.needed_hz is not None:
            return f"a rate of {ceil(join.needed_hz)} Hz would separate them"
        places = Counter(place for step in join.parts for place in _named(step))
        unseen = [place for place, _ in places.most_common() if not self._has(place)]
        enough = [place for place in unseen if self._apart(join, [place])]
        if enough:
            return f"a sensor at the {' or the '.join(enough[:PLACES])} would separate them"
        if unseen and self._apart(join, unseen):
            return f"sensors at the {' and the '.join(unseen)} together would separate them"
        if silent := self._silent(join.parts):
            where = " or the ".join(silent[:PLACES])
            return f"a sensor at the {where} would separate them, with signatures that differ there"
        if opposed := self._opposed(join.parts):
            return (
                f"the {opposed} moves another way in each: signatures with other levels there would separate "
                "them"
            )
        if join.why == "order":
            return "other signatures, or a label that has one and not the other would separate them"
        return "other signatures would separate them"

    def _has(self, place: str) -> bool:
        return any(matches(place, own, hand) for own in self.sensors.locations for hand in self.sensors.hands)

    def _apart(self, join: Join, more: Sequence[str]) -> bool:
        """Whether sensors at more places would leave no two of the parts in one step."""
        key = tuple(more)
        if key not in self._left:
            ways = self.sensors.directions
            sensed = None if ways is None else [*ways, *((place, way) for place in more for way in SIGNS)]
            wider = replace(self.sensors, locations=[*self.sensors.locations, *more], directions=sensed)
            self._left[key] = resolve(self.words, wider, float("inf")).joined
        own = {part.phrase for part in join.parts}
        return all(
            len(own & {part.phrase for part in one.parts}) < 2
            for one in self._left[key]
            if one.label == join.label
        )

    def _silent(self, parts: Sequence[SubAction]) -> list[str]:
        """Where a sensor would sit on what the phrases speak of, if each speaks of another part or side."""
        claimed = [(step.body_part, step.side) for step in parts]
        if len({*claimed}) < len(claimed):
            return []
        found = [
            canonical(f"{side} {part}" if side in ("left", "right") else part)
            for part, side in claimed
            if part
            and not any(sensed(self.sensors.locations, part, side, hand) for hand in self.sensors.hands)
        ]
        return [place for place in dict.fromkeys(found) if place is not None]

    def _opposed(self, parts: Sequence[SubAction]) -> str | None:
        """A sensor where the parts differ in direction."""
        for location in self.sensors.locations:
            for hand in self.sensors.hands:
                ways = [_way(step, location, hand) for step in parts]
                if len({*ways}) == len(ways) and not {None, "none"} & {*ways}:
                    return location
        return None


def _named(step: SubAction) -> list[str]:
    """Places that a signature names, as sensors are called."""
    return [place for cell in step.signature or () if (place := canonical(cell)) is not None]


def _way(step: SubAction, location: str, hand: str | None) -> str | None:
    written = step.signature or {}
    cell = best_cell(location, written, hand)
    if cell is not None and written[cell].direction is not None:
        return written[cell].direction
    return step.direction if sensed([location], step.body_part, step.side, hand) else None
