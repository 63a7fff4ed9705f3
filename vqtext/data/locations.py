"""One vocabulary of sensor places, so that one lexicon fits several sensor set-ups.

The words themselves are in ``locations.toml``. A canonical location is a place with its side before it
("left ankle"), without one where the side is unknown ("wrist"), or with the wearer's ("dominant wrist"),
which becomes left or right once the subject's dominant hand is known.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from vqtext.schema import OTHER_SIDE, same_text

SIDE_WORDS = {
    "left": "left",
    "l": "left",
    "right": "right",
    "r": "right",
    "dominant": "dominant",
    "dom": "dominant",
    "nondominant": "non-dominant",
    "nondom": "non-dominant",
}
SIDES = tuple(dict.fromkeys(SIDE_WORDS.values()))
"""What may stand before a place in a canonical name."""


@dataclass(frozen=True)
class _Location:
    """A place and its side; side "" is unknown, or none at all for a place in the middle."""

    place: str
    side: str

    def __str__(self) -> str:
        return f"{self.side} {self.place}".strip()

    def of(self, hand: str | None) -> _Location:
        """The same location with "dominant" resolved, where the dominant ``hand`` is known."""
        if hand not in OTHER_SIDE:
            return self
        resolved = {"dominant": hand, "non-dominant": OTHER_SIDE[hand]}
        return _Location(self.place, resolved.get(self.side, self.side))


@dataclass(frozen=True)
class _Vocabulary:
    place_of: dict[str, str]  # every spelling of a place → its canonical name
    part_of: dict[str, str]  # every spelling of a body part → its canonical name
    sided: dict[str, bool]  # place → has a left and a right one
    part_sided: dict[str, bool]
    seen_from: dict[str, frozenset[str]]  # body part → places that can show it
    rank: dict[str, tuple[str, int]]  # place → its chain and its position there, 0 = far end


@cache
def _vocabulary() -> _Vocabulary:
    text = resources.files("vqtext.data").joinpath("locations.toml").read_text(encoding="utf-8")
    raw: dict[str, dict[str, Any]] = tomllib.loads(text)
    places, parts = raw["places"], raw["parts"]
    return _Vocabulary(
        place_of=_spellings(places),
        part_of=_spellings(parts),
        sided={name: entry["sided"] for name, entry in places.items()},
        part_sided={name: entry["sided"] for name, entry in parts.items()},
        seen_from={name: frozenset(entry["places"]) for name, entry in parts.items()},
        rank={place: (chain, i) for chain, row in raw["chains"].items() for i, place in enumerate(row)},
    )


def _spellings(table: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {spelling: name for name, entry in table.items() for spelling in (name, *entry["aliases"])}


def _split(name: str) -> tuple[str, str]:
    """A name as written → (its side, the rest): "LeftAnkle", "ankle (L)" → ("left", "ankle")."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold()
    words = re.findall(r"[a-z0-9]+", re.sub(r"non[\s_-]+(?=dom)", "non", spaced))
    sides = [SIDE_WORDS[word] for word in words if word in SIDE_WORDS]
    rest = " ".join(word for word in words if word not in SIDE_WORDS)
    return (sides[0] if sides else ""), rest


@cache
def _parse(name: str) -> _Location | None:
    vocabulary = _vocabulary()
    side, rest = _split(name)
    place = vocabulary.place_of.get(rest)
    if place is None:
        return None
    return _Location(place, side if vocabulary.sided[place] else "")


def places() -> tuple[str, ...]:
    """The canonical names of all places, without sides."""
    return tuple(_vocabulary().sided)


def canonical(name: str) -> str | None:
    """The canonical name of a location: "Lower_Leg_L" → "left shank"; None where it is unknown."""
    location = _parse(name)
    return None if location is None else str(location)


def _distance(cell: str, location: str, hand: str | None) -> tuple[int, int, int] | None:
    """How far a signature's location is from a sensor's; None where it is not about that sensor.

    Ordered by steps along the chain, then the exact side before an unsided cell, then the far end first.
    """
    written, sensor = _parse(cell), _parse(location)
    if written is None or sensor is None:  # a place of the user's own is spoken of by its name alone
        return (0, 0, 0) if written is sensor is None and same_text(cell) == same_text(location) else None
    written, sensor = written.of(hand), sensor.of(hand)
    if written.side not in ("", sensor.side):
        return None
    (chain, position), (other_chain, other) = (_vocabulary().rank[x.place] for x in (written, sensor))
    if chain != other_chain:
        return None
    return abs(position - other), int(written.side != sensor.side), other


def matches(cell: str, location: str, hand: str | None = None) -> bool:
    """Is a signature cell written for ``cell`` about a sensor at ``location``?

    The same place or a neighbour on its chain (foot, ankle, shank, knee, thigh), on the same side. A cell
    without a side is about either side; one with a side is never about a sensor of unknown side.

    Args:
        cell, location: names in any known spelling; an unknown one matches itself alone.
        hand: the subject's dominant hand, "left" or "right", which resolves "dominant".
    """
    return _distance(cell, location, hand) is not None


def best_cell(location: str, cells: Iterable[str], hand: str | None = None) -> str | None:
    """The one of a signature's ``cells`` that is nearest to the sensor at ``location``.

    Where a signature writes both ankle and thigh, a sensor on the shank is judged by the nearer of the two
    only, and a cell for "wrist" is about both wrists. None where no cell is about it.
    """
    distances = {cell: _distance(cell, location, hand) for cell in cells}
    known = {cell: distance for cell, distance in distances.items() if distance is not None}
    return min(known, key=known.__getitem__, default=None)


def senses(location: str, body_part: str | None, side: str | None, hand: str | None = None) -> bool:
    """Can a sensor at ``location`` alone show that ``body_part`` of ``side`` moves?

    Args:
        location: where the sensor sits.
        body_part: "arm", "left foot", "body" …; None claims nothing, so it is True. A part that is in no
            vocabulary (a racket, a ball) is sensed nowhere.
        side: left, right, both, either, none or None. A limb's side needs a sensor known to be on that side;
            two sides need two sensors, so "both" of a limb is never sensed by one: see `sensed`.
        hand: the subject's dominant hand, which resolves "dominant".
    """
    if body_part is None:
        return True
    vocabulary = _vocabulary()
    own_side, rest = _split(body_part)
    part, sensor = vocabulary.part_of.get(rest), _parse(location)
    if part is None or sensor is None or sensor.place not in vocabulary.seen_from[part]:
        return False
    claimed = own_side if side in (None, "none", "either") else side
    if not claimed or not vocabulary.part_sided[part]:
        return True
    return sensor.of(hand).side == _Location(part, claimed).of(hand).side


def sensed(
    locations: Iterable[str], body_part: str | None, side: str | None, hand: str | None = None
) -> bool:
    """Can the sensors at ``locations`` together show it? "Both" needs one that sees each side.

    Where this is False a phrase is *inferred*: it claims more than the sensors can know.
    """
    places = list(locations)
    if body_part is None:
        return True
    part = _vocabulary().part_of.get(_split(body_part)[1], "")
    if side == "both" and _vocabulary().part_sided.get(part, False):
        return all(sensed(places, body_part, one, hand) for one in ("left", "right"))
    return any(senses(place, body_part, side, hand) for place in places)
