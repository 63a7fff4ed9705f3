"""What the words of a movement say of direction, side and body part, read with the table of ``facets.toml``.

A text encoder tells what a phrase is about and hardly which way it goes: "lower the knee" is nearer to "knee
up" than "the knee is being raised" is. The way it goes stands in few words, though, and those can be listed.
An inflected text becomes base forms, cues become poles of axes, and what is left is the content. Three uses:

- phrases that go opposite ways, or move other parts of the body, never merge (`conflict`, `contrasted`);
- a phrase has an opposite even where none was written (`Facets.opposite`);
- "the knee goes up" and "lifting up your knee" have the same `Facets.canonical` wording.

Sets are kept as bits of an integer, so that `opposed` and `disjoint` work on numpy arrays of them as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache, reduce
from operator import or_
from typing import Any

from vqtext.prompts.movement_words import END, LEFT, RIGHT, SIDES, Cue, Table, load_table, longest, read_words
from vqtext.schema import OTHER_SIDE

_FIRST = 0x5555_5555_5555_5555  # the bits of all first poles


@dataclass(frozen=True)
class Facets:
    """What a phrase says, by its words alone.

    Attributes:
        poles: bit 2i for the first pole of axis i of `axes`, bit 2i + 1 for the second; an axis on which the
            phrase says both has neither.
        heading: those of the poles that pure words give and that lie in space: a movement has one of them.
        sides: sides of the body that move, the bits of `SIDES`.
        parts: parts of the body that move, one bit a part.
        canonical: the phrase in the fewest, most common words; phrases with one canonical wording mean one
            movement.
        words: the words of the canonical wording.
        goal: the word after the last "to": where the way ends.
        opposite: the phrase with its direction turned round; None where no word of it can be.
        mirrored: the phrase on the other side of the body; None where it names no side.
    """

    poles: int
    heading: int
    sides: int
    parts: int
    canonical: str
    words: frozenset[str]
    goal: str | None
    opposite: str | None
    mirrored: str | None

    def also(self, sides: Iterable[str | None], directions: Iterable[str | None]) -> Facets:
        """With what authors wrote beside the phrase, where the phrase itself says nothing of it.

        Args:
            sides: of all its uses; what is none of `SIDES` says nothing.
            directions: of all its uses, as `schema.Direction`; two that are opposite say nothing.
        """
        side = reduce(or_, (SIDES.get(side or "", 0) for side in sides), 0)
        pole = reduce(or_, (_directions().get(direction or "", 0) for direction in directions), 0)
        spoken = self.poles | _swapped(self.poles) | pole & _swapped(pole)
        return replace(self, sides=self.sides or side, poles=self.poles | pole & ~spoken)


NOTHING = Facets(0, 0, 0, 0, "", frozenset(), None, None, None)
"""Of a phrase that says nothing."""


def conflict(a: Facets, b: Facets) -> bool:
    """Whether two phrases cannot mean one movement: they go opposite ways, or move other sides or parts."""
    sets = ((a.heading, b.heading), (a.sides, b.sides), (a.parts, b.parts))
    return opposed(a.poles, b.poles) or any(disjoint(one, other) for one, other in sets)


def opposed(a: Any, b: Any) -> Any:
    """Whether poles, as `Facets.poles`, are opposite on some axis; integers, or arrays of them."""
    return a & _swapped(b) != 0


def disjoint(a: Any, b: Any) -> Any:
    """Whether both sets say something and have nothing in common; integers, or arrays of them."""
    return (a != 0) & (b != 0) & (a & b == 0)


def contrasted(a: Facets, b: Facets) -> bool:
    """Whether two phrases have the same frame of words, filled in another way, or turned round.

    Nobody words one movement twice like that: "breathe through the nose" and "breathe through the mouth",
    "from toe to heel" and "from heel to toe" are a contrast, whatever the table knows of the words. Phrases
    that share a direction are left to their vectors: "fasten the belt" and "buckle the belt" are one; and a
    number counts phrases as often as it tells them apart.
    """
    if a.words == b.words:
        return a.goal is not None and b.goal is not None and a.goal != b.goal
    if a.poles & b.poles:
        return False
    ours, theirs, frame = len(a.words - b.words), len(b.words - a.words), len(a.words & b.words)
    if not ours or not theirs or max(ours, theirs) > min(frame, 2):
        return False
    return not any(word.isdigit() for word in a.words ^ b.words)


@cache
def axes() -> dict[str, list[tuple[str, str]]]:
    """Every axis with the pairs of words that name its two poles, the first pole first. The last axis is the
    side of the body."""
    sides = [(f"left {part}", f"right {part}") for part in ("arm", "hand", "leg", "foot")]
    return {**{name: pairs[:_NAMING] for name, pairs in load_table().pairs.items()}, "side": sides}


def ways(facets: Facets) -> list[int]:
    """What a phrase says of each axis of `axes`: 1 the first pole, −1 the second, 0 nothing."""
    poles = [(facets.poles >> 2 * i & 1) - (facets.poles >> (2 * i + 1) & 1) for i in range(len(axes()) - 1)]
    return [*poles, int(facets.sides == LEFT) - int(facets.sides == RIGHT)]


def _swapped(poles: Any) -> Any:
    return (poles & _FIRST) << 1 | poles >> 1 & _FIRST


_NAMING = 8  # pairs of words that name an axis to an encoder
_SPACE = ("vertical", "sagittal", "turn", "lateral")


@dataclass(frozen=True)
class _Span:
    """Words of a phrase that are one cue: their places, and what they say."""

    start: int
    stop: int
    cues: list[Cue]


@lru_cache(maxsize=1 << 17)
def read_facets(text: str) -> Facets:
    """What a phrase says. Any text will do; one without a known word says nothing."""
    table = load_table()
    words, base = read_words(text)
    spans = _spans(base, table)
    poles = _poles(spans)
    pure = [cue for span in spans for cue in span.cues if cue.pure and cue.axis in poles]
    named, moving = _sides(base, table)
    canonical = _canonical(base, spans, poles, table)
    last_to = max((i for i, word in enumerate(base) if word == "to"), default=len(base))
    return Facets(
        poles=_bits(poles),
        heading=_bits({cue.axis: cue.second for cue in pure if table.names[cue.axis] in _SPACE}),
        sides=moving,
        parts=_parts(base, table),
        canonical=canonical,
        words=frozenset(canonical.split()),
        goal=next(iter(base[last_to + 1 :]), None),
        opposite=_opposite(words, spans, poles),
        mirrored=_mirrored(text) if named & ~SIDES["both"] else None,
    )


def _spans(base: Sequence[str], table: Table) -> list[_Span]:
    """The cues of a phrase in their order, the longest at each place, none of them inside another."""
    spans: list[_Span] = []
    ended = [*base, END]
    done = 0
    for i, word in enumerate(base):
        found = longest(ended, i, table.cues)
        if found is None and word in OTHER_SIDE and not _is_side(base, i, table):
            turn = Cue(table.names.index("turn"), word == "right", OTHER_SIDE[word], pure=True)
            found = 1, [turn]
        if found is None or i + found[0] <= done:
            continue
        done = i + found[0]
        cues = _negated(found[1], base[i - 1] if i else "", table)
        if cues:
            spans.append(_Span(i, min(done, len(base)), cues))
    strong = [span for span in spans if not all(cue.weak for cue in span.cues)]
    return strong or spans


def _negated(cues: list[Cue], before: str, table: Table) -> list[Cue]:
    """Cues turned round behind "without", and those of posture behind "from": where it starts is not where
    it goes ("up from the chair")."""

    def turned(cue: Cue) -> bool:
        leaves = before in table.single["leaving"] and table.names[cue.axis] in ("vertical", "bend")
        return leaves or before in table.single["negation"]

    return [
        replace(cue, second=not cue.second, counterpart=None, pure=False) if turned(cue) else cue
        for cue in cues
    ]


def _poles(spans: Sequence[_Span]) -> dict[int, bool]:
    """Axis → whether it is the second pole, where one alone is said; pure words rule ("jump down")."""
    poles: dict[int, dict[bool, set[bool]]] = {}
    for cue in (cue for span in spans for cue in span.cues):
        poles.setdefault(cue.axis, {}).setdefault(cue.pure, set()).add(cue.second)
    ruling = {axis: by_kind.get(True) or by_kind[False] for axis, by_kind in poles.items()}
    return {axis: min(both) for axis, both in ruling.items() if len(both) == 1}


def _bits(poles: Mapping[int, bool]) -> int:
    return sum(1 << 2 * axis + second for axis, second in poles.items())


def _is_side(base: Sequence[str], i: int, table: Table) -> bool:
    """Whether "left" at place i is a side of the body: a part of it, or what it holds, follows."""
    after = base[i + 1 : i + 3]
    return base[i] in table.side and any(
        (word,) in table.part or word in table.single["holders"] for word in after
    )


def _sides(base: Sequence[str], table: Table) -> tuple[int, int]:
    """The sides that are named, and those that move: all, where each only says where something goes ("shift
    the weight to the left leg")."""
    named = moving = 0
    for i, word in enumerate(base):
        if _is_side(base, i, table):
            named |= table.side[word]
            moving |= 0 if _is_where(base, i, table) else table.side[word]
    return named, moving or named


def _is_where(base: Sequence[str], i: int, table: Table) -> bool:
    """Whether a part of the body at place i only says where another one goes."""
    return bool({*base[max(0, i - 2) : i]} & table.single["prepositions"])


def _parts(base: Sequence[str], table: Table) -> int:
    """The parts that move; a part behind a preposition only says where they go."""
    moving = i = 0
    while i < len(base):
        n, parts = longest(base, i, table.part) or (1, 0)
        if not _is_where(base, i, table):
            moving |= parts
        i += n
    return moving


def _canonical(base: Sequence[str], spans: Sequence[_Span], poles: Mapping[int, bool], table: Table) -> str:
    """The directions first, in one word each, then what is left, each word once."""
    pure = [span for span in spans if all(cue.pure and cue.axis in poles for cue in span.cues)]
    words = dict.fromkeys(table.canonical[cue.axis][poles[cue.axis]] for span in pure for cue in span.cues)
    gone = {i for span in pure for i in range(span.start, span.stop)}
    rest = [word for i, word in enumerate(base) if i not in gone]
    i = 0
    while i < len(rest):
        n, word = longest(rest, i, table.same) or (1, rest[i])
        if word not in table.single["stop"] and not (poles and word in table.single["light"]):
            words[word] = None
        i += n
    return " ".join(words)


def _opposite(words: Sequence[str], spans: Sequence[_Span], poles: Mapping[int, bool]) -> str | None:
    """The phrase with every cue turned round that has a counterpart."""
    out: list[str] = []
    at = 0
    turned = False
    for span in spans:
        if span.start < at:
            continue
        known = [cue.counterpart for cue in span.cues if cue.axis in poles and not cue.weak]
        other = next((counterpart for counterpart in known if counterpart), None)
        out += [*words[at : span.start], *([other] if other else words[span.start : span.stop])]
        turned = turned or other is not None
        at = span.stop
    return " ".join([*out, *words[at:]]) if turned else None


def _mirrored(text: str) -> str:
    return re.sub(r"\b(left|right)\b", lambda side: OTHER_SIDE[side[0].lower()], text, flags=re.IGNORECASE)


@cache
def _directions() -> dict[str, int]:
    """`schema.Direction` → the bit of its pole."""
    table = load_table()
    poles = (
        ("vertical", "up", "down"),
        ("sagittal", "forward", "backward"),
        ("lateral", "out", "in"),
        ("turn", "left", "right"),
        ("turn", "turn left", "turn right"),
    )
    return {
        name: 1 << 2 * table.names.index(axis) + second
        for axis, *names in poles
        for second, name in enumerate(names)
    }
