"""Renamings that leave transcripts as they are, found as turns of cycles.

A renaming that keeps a cyclic transcript up to where it begins can only turn it; one that keeps a transcript
with two ends keeps each of its anchors. So a renaming of everything is one turn for each label, such that
labels that share an anchor agree on what becomes of it. Most turns die as soon as the labels are compared on
shared anchors; the others are followed to the end by search.

The turns of one label that fit, with the labels before it left alone, are a subgroup of its cycle: its
smallest turn d makes all the others, and they are as many as d goes into the cycle. The number of renamings
is the product of these over the labels, and the anchors that their smallest turns connect are the orbits.
So 10³⁰ renamings are counted without listing them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

BUDGET = 3_000_000
"""Looks at what a turn makes of an anchor, before a bound must do: about two seconds."""

_STAY = frozenset({0})
_Turns: TypeAlias = dict[int, frozenset[int]]  # label → its turns that are still open


@dataclass(frozen=True)
class WheelStep:
    """One use of an anchor in a label's transcript.

    Attributes:
        anchor: index of the anchor.
        signature: what this use says of each place that is looked at; None where it says nothing.
        cells: which written cell each entry of the signature comes from; empty, each stands for itself.
    """

    anchor: int
    signature: tuple[Hashable, ...] = ()
    cells: tuple[str, ...] = ()

    def cell(self, place: int) -> str:
        """The written cell that one entry of the signature comes from."""
        return self.cells[place] if self.cells else str(place)


@dataclass(frozen=True)
class Wheel:
    """One label, and the turns that it alone would allow.

    Attributes:
        names: its anchors in order, one period.
        turns: steps by which each name moves up; 0 is always among them.
    """

    names: tuple[int, ...]
    turns: frozenset[int]
    first: dict[int, int] = field(repr=False)  # anchor → where it first stands

    @classmethod
    def of(cls, cyclic: bool, steps: Sequence[WheelStep], signed: bool) -> Wheel:
        """The turns that keep the order and, where ``signed``, the signature at each of its places."""
        names = tuple(step.anchor for step in steps)
        first = {anchor: i for i, anchor in reversed(list(enumerate(names)))}
        if not cyclic or not names:
            return cls(names, _STAY, first)
        signatures = [step.signature for step in steps] if signed else []
        period = next(p for p in range(1, len(names) + 1) if names[p:] + names[:p] == names)
        fitting = (r for r in turns_of(names) if signatures[r:] + signatures[:r] == signatures)
        return cls(names[:period], frozenset(r % period for r in fitting), first)

    def image(self, anchor: int, turn: int) -> int:
        """What a turn makes of an anchor."""
        return self.names[(self.first[anchor] + turn) % len(self.names)]


@dataclass(frozen=True)
class Symmetries:
    """The renamings that keep every label.

    Attributes:
        count: how many, the one that changes nothing among them.
        exact: False where the search was cut short: count is then an upper bound, and groups may be too wide.
        groups: the orbits of two or more anchors: each may take the name of each other one.
        turns: for each label those that the other labels do not rule out at first sight.
    """

    count: int
    exact: bool
    groups: list[list[int]]
    turns: list[frozenset[int]]


def turns_of(names: Sequence[int]) -> Iterable[int]:
    """Turns of a cycle that are renamings: an anchor that occurs twice must become the same one twice."""
    twice = list(names) * 2
    if len(set(names)) == len(names):
        return range(len(names))
    return (r for r in range(len(names)) if len(set(zip(names, twice[r:], strict=False))) == len(set(names)))


def symmetries(wheels: Sequence[Wheel], budget: int = BUDGET) -> Symmetries:
    """Count the renamings that turn every wheel by one of its turns, and find their orbits.

    Args:
        wheels: for each label.
        budget: what the search may spend, in looks at what a turn makes of an anchor.
    """
    purse = _Purse(budget)
    labels = dict(enumerate(wheels))
    free = _Search(labels, purse).settle({i: wheel.turns for i, wheel in labels.items()})
    open_labels = [i for i, turns in free.items() if len(turns) > 1]
    linked = _Sets()
    user: dict[int, int] = {}
    for i in open_labels:
        # an anchor that stays itself whatever its label does ties the label to no other one
        moving = [a for a in wheels[i].first if any(wheels[i].image(a, turn) != a for turn in free[i])]
        linked.join_all((i, user.setdefault(a, i)) for a in moving)
    count, orbits = 1, _Sets()
    for part in linked.sets():
        search = _Search({i: wheels[i] for i in part}, purse)
        count *= search.count({i: free[i] for i in part}, orbits)
    if purse.overdrawn:
        for i in open_labels:
            orbits.join_all((a, wheels[i].image(a, turn)) for a in wheels[i].first for turn in free[i])
    groups = [group for group in orbits.sets() if len(group) > 1]
    return Symmetries(count, not purse.overdrawn, groups, list(free.values()))


@dataclass
class _Purse:
    """What a search may still spend."""

    left: int
    overdrawn: bool = False


class _Search:
    """Turns for some labels at once that agree on every anchor that these labels share."""

    def __init__(self, wheels: dict[int, Wheel], purse: _Purse) -> None:
        self.wheels, self.purse = wheels, purse
        users: dict[int, list[int]] = {}
        for i, wheel in wheels.items():
            for anchor in wheel.first:
                users.setdefault(anchor, []).append(i)
        self.users = {anchor: labels for anchor, labels in users.items() if len(labels) > 1}

    def settle(self, turns: _Turns) -> _Turns:
        """Drop the turns that no other label can agree with. Turning nothing always remains."""
        settled = self._narrow(turns, self.users)
        assert settled is not None
        return settled

    def count(self, turns: _Turns, orbits: _Sets) -> int:
        """How many renamings there are; the anchors that they connect are joined in ``orbits``.

        Where the purse does not suffice, what could not be ruled out is counted.
        """
        count = 1
        for i, wheel in self.wheels.items():
            cycle = len(wheel.names)
            for turn in sorted(turn for turn in turns[i] if turn and cycle % turn == 0):
                found = self._complete(turns, i, turn)
                if found is not None or self.purse.overdrawn:
                    count *= cycle // turn
                    for j, shift in (found or {}).items():
                        orbits.join_all((a, self.wheels[j].image(a, shift)) for a in self.wheels[j].first)
                    break
            turns = self.settle(turns | {i: _STAY})
        return count

    def _narrow(self, turns: _Turns, anchors: Iterable[int]) -> _Turns | None:
        """Drop turns until all labels agree on each anchor by itself; None if a label has none left.

        Args:
            turns: those still open, for each label.
            anchors: where to look first.
        """
        turns = dict(turns)
        queue = dict.fromkeys(anchors)
        while queue:
            anchor, _ = queue.popitem()
            images = {i: {t: self.wheels[i].image(anchor, t) for t in turns[i]} for i in self.users[anchor]}
            self.purse.left -= sum(map(len, images.values()))
            agreed = set.intersection(*(set(image.values()) for image in images.values()))
            for i, image in images.items():
                kept = frozenset(turn for turn, becomes in image.items() if becomes in agreed)
                if not kept:
                    return None
                if len(kept) < len(image):
                    turns[i] = kept
                    queue |= dict.fromkeys(self._shared_by(i))
        return turns

    def _complete(self, turns: _Turns, label: int, turn: int) -> dict[int, int] | None:
        """One turn for each label, given one label's; None if there is none, or the purse is empty."""
        choices = [(turns, label, turn)]
        while choices:
            if self.purse.left <= 0:
                self.purse.overdrawn = True
                return None
            turns, label, turn = choices.pop()
            narrowed = self._narrow(turns | {label: frozenset({turn})}, self._shared_by(label))
            if narrowed is None:
                continue
            undecided = [i for i, still in narrowed.items() if len(still) > 1]
            self.purse.left -= len(narrowed)
            if not undecided:
                return {i: next(iter(still)) for i, still in narrowed.items()}
            label = min(undecided, key=lambda i: len(narrowed[i]))
            choices += [(narrowed, label, turn) for turn in sorted(narrowed[label], reverse=True)]
        return None

    def _shared_by(self, label: int) -> list[int]:
        return [anchor for anchor in self.wheels[label].first if anchor in self.users]


class _Sets:
    """Numbers joined pair by pair into sets."""

    def __init__(self) -> None:
        self.parent: dict[int, int] = {}

    def join_all(self, pairs: Iterable[tuple[int, int]]) -> None:
        for a, b in pairs:
            low, high = sorted((self._root(a), self._root(b)))
            self.parent[high] = low

    def _root(self, a: int) -> int:
        while self.parent.setdefault(a, a) != a:
            self.parent[a] = self.parent[self.parent[a]]
            a = self.parent[a]
        return a

    def sets(self) -> list[list[int]]:
        """Each in rising order, and they by their first numbers."""
        found: dict[int, list[int]] = {}
        for a in sorted(self.parent):
            found.setdefault(self._root(a), []).append(a)
        return list(found.values())
