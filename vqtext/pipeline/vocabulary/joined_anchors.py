"""Anchors of steps that were joined: a name, a vector, and one anchor for the same parts in every label."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterable, Sequence

import numpy as np

from vqtext.pipeline.encoders.opposites import unit
from vqtext.pipeline.vocabulary.joined_steps import AFTER, MAX_PARTS_NAMED, named


class Anchors:
    """Anchors by number: those there are, and behind them those that are joined of them.

    Args:
        phrases: of K anchors; vectors: theirs, ``(K, d)``.
    """

    def __init__(self, phrases: Sequence[str], vectors: np.ndarray) -> None:
        self._phrases, self._vectors = phrases, vectors
        # of each those it was joined of, with the marks before them
        self._leaves: list[tuple[tuple[int, str], ...]] = [((k, AFTER),) for k in range(len(phrases))]
        self._inside: dict[int, tuple[str, frozenset[Hashable]]] = {}  # of joined ones: how, and of what
        self._made: dict[tuple[str, frozenset[Hashable]], int] = {}

    @property
    def count(self) -> int:
        return len(self._leaves)

    def join(self, anchors: Sequence[int], how: str) -> int:
        """The anchor of some that are joined; three in a row are the same three, whichever two of them were
        joined first."""
        if len({*anchors}) == 1:
            return anchors[0]
        inside = (self._inside.get(anchor, (how, frozenset({anchor}))) for anchor in anchors)
        parts: Iterable[frozenset[Hashable]] = (
            own if mark == how else frozenset({(mark, own)}) for mark, own in inside
        )
        key = how, frozenset[Hashable]().union(*parts)
        if key not in self._made:
            self._made[key] = self.count
            self._inside[self.count] = key
            self._leaves.append(
                tuple(
                    (leaf, how if i == 0 else mark)
                    for anchor in dict.fromkeys(anchors)
                    for i, (leaf, mark) in enumerate(self._leaves[anchor])
                )
            )
        return self._made[key]

    def vectors(self, anchors: Iterable[int]) -> np.ndarray:
        """``(n, d)``: their own, or the direction of the mean of those that they were joined of."""
        own = [self._vectors[[leaf for leaf, _ in self._leaves[anchor]]] for anchor in anchors]
        return np.stack([rows[0] if len(rows) == 1 else unit(rows.mean(0)) for rows in own])

    def phrases(self, anchors: Iterable[int]) -> list[str]:
        """Their names; those of joined ones are as long as keeps them apart."""
        names: dict[str, None] = {}
        for anchor in anchors:
            own = [self._phrases[leaf] for leaf, _ in self._leaves[anchor]]
            marks = [mark for _, mark in self._leaves[anchor]]
            candidates = [
                named(own, marks, most) for most in range(MAX_PARTS_NAMED, MAX_PARTS_NAMED + len(own))
            ]
            again = (f"{candidates[-1]} ({i})" for i in itertools.count(2))  # spelled like a join
            names[next(name for name in itertools.chain(candidates, again) if name not in names)] = None
        return [*names]
