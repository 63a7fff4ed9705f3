"""Merging near-duplicate phrases: complete linkage by cosine, under the vetoes of `vetoes`.

Phrases and clusters merge in the order of their cosine, the nearest first, where the cosine of two clusters
is that of their two *farthest* members; a vetoed pair never shares a cluster. So no two members of a cluster
are ever below the threshold or vetoed with each other, which chains of near phrases would allow ("raise the
arm" ~ "raise the hand" ~ "wave the hand"). What a person decided by hand goes before all of this.

The merges, made once down to a floor, form a tree: every threshold above the floor is a cut through it.
Memory grows with the number of near pairs, not with n².
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqtext.errors import UsageError, WordsError
from vqtext.pipeline.anchors.linkage import Near, between, complete_linkage, cosines_of, near_pairs
from vqtext.pipeline.anchors.vetoes import GROUNDS, Ground, Phrase, vetoes
from vqtext.pipeline.encoders.opposites import TOLERANCE
from vqtext.schema import same_text

FLOOR = 0.5
"""Lowest threshold the tree is made for: below, plain cosines of short phrases say nothing."""

MANY = 1 << 14
"""Phrases from which on the encoder's own vectors are no longer all compared with each other."""

Reason = Ground | Literal["linkage"]


@dataclass(frozen=True)
class Vetoed:
    """Two phrases that are near enough and yet apart.

    Attributes:
        a, b: positions of the phrases.
        cosine: their plain cosine, at least the threshold.
        reason: ``opposite`` (opposites, mirror images, or nearer to the other's opposite), ``facet`` (another
            way, side or part of the body), ``label`` (two steps of one label), ``signature`` (other levels or
            directions are written), or ``linkage`` (their clusters keep the two apart: other members, or an
            anchor each that is kept).
    """

    a: int
    b: int
    cosine: float
    reason: Reason


@dataclass(frozen=True)
class Clusters:
    """The phrases cut at one threshold. Positions are those of ``Tree.phrases``.

    Attributes:
        threshold: where the tree was cut.
        anchors: the phrase kept of each cluster, its head or else its medoid, in the order of the texts.
        members: the phrases of each cluster, its anchor among them.
        vetoed: every pair whose plain cosine reaches the threshold and that is not in one cluster, nearest
            first; of more than `MANY` phrases only those that are near by their merging vectors too.
    """

    threshold: float
    anchors: list[int]
    members: list[list[int]]
    vetoed: list[Vetoed]


class Tree:
    """All merges of a list of phrases, down to ``floor``. The order of the list does not matter.

    Args:
        phrases: at least one, no two of the same text.
        floor: the lowest threshold that can be asked of the tree.
        ceiling: how far the floor may be raised where there are too many near pairs; None = not at all.
        heads: phrases that are the anchor of their cluster, so that no two share one, as `same_text`.
        joined: phrase → the head it is merged with whatever cosine and vetoes say, both as `same_text`.

    Attributes:
        phrases: in the order of their texts.
        floor: the lowest threshold that can be asked for.

    Raises:
        WordsError: no phrases, two of the same text, or a vector that is zero, NaN or not of length one.
    """

    def __init__(
        self,
        phrases: Iterable[Phrase],
        floor: float = FLOOR,
        ceiling: float | None = None,
        heads: Collection[str] = (),
        joined: Mapping[str, str] | None = None,
    ) -> None:
        self.phrases = sorted(phrases, key=lambda phrase: (same_text(phrase.text), phrase.text))
        _check(self.phrases)
        place = {same_text(phrase.text): i for i, phrase in enumerate(self.phrases)}
        self._head = np.isin(np.arange(len(place)), [place[key] for key in heads])
        self._group = np.arange(len(place))
        for key, head in (joined or {}).items():
            self._head[place[head]] = True
            self._group[place[key]] = place[head]
        vectors = np.stack([phrase.vector for phrase in self.phrases]).astype(np.float32, copy=False)
        near = near_pairs(vectors, floor, ceiling)
        self.floor = near.floor
        self._pairs, self._cosines, self._vectors = near.pairs, near.cosines, vectors
        self._grounds = vetoes(self.phrases, near.pairs, near.cosines)
        a, b = self._pairs.T
        self._free = (self._grounds < 0) & ~(self._head[a] & self._head[b])
        pairs, cosines = self._pairs[self._free], self._cosines[self._free]
        if joined:
            pairs, cosines = between(pairs, cosines, self._group)
        self._merges = complete_linkage(len(self.phrases), pairs, cosines)
        self._heights = np.array([height for _, _, height in self._merges])

    def count(self, threshold: float) -> int:
        """How many clusters a threshold leaves; reads the tree, merges nothing."""
        return self._most - int((self._heights >= self._cut(threshold)).sum())

    @property
    def _most(self) -> int:
        """Clusters before any merge that a threshold decides."""
        return len(np.unique(self._group))

    def threshold_for(self, count: int) -> float:
        """The threshold that leaves the number of clusters nearest to ``count``, as a number that is short.

        Of two numbers as near it takes the larger, which merges less.
        """
        lengths = np.arange(len(self._merges) + 1)  # how many of the merges are made
        misses = np.abs(self._most - lengths - count)
        for made in np.lexsort((lengths, misses)).tolist():
            highest = min(1.0, self._heights[made - 1] + TOLERANCE) if made else 1.0
            for digits in range(2, 7):
                threshold = math.floor(highest * 10**digits) / 10**digits
                if threshold >= self.floor and self.count(threshold) == self._most - made:
                    return threshold
        return self.floor  # no merge has a height of its own

    def at(self, threshold: float) -> Clusters:
        """Cut the tree, and verify the cut.

        Raises:
            UsageError: the threshold is outside (0, 1], or below the tree's floor.
        """
        cut = self._cut(threshold)
        members: dict[int, list[int]] = {}
        for i, group in enumerate(self._group.tolist()):
            members.setdefault(group, []).append(i)
        for kept, absorbed, height in self._merges:
            if height >= cut:
                members[kept] += members.pop(absorbed)
        by_anchor = sorted((self._anchor(cluster), sorted(cluster)) for cluster in members.values())
        anchors, clusters = [anchor for anchor, _ in by_anchor], [cluster for _, cluster in by_anchor]
        cluster_of = np.empty(len(self.phrases), dtype=np.int64)
        for number, cluster in enumerate(clusters):
            cluster_of[cluster] = number
        self._verify(cluster_of, cut)
        return Clusters(threshold, anchors, clusters, self._apart(cluster_of, cut))

    def _cut(self, threshold: float) -> float:
        if not 0 < threshold <= 1:
            raise UsageError(f"the threshold is {threshold:g}: it must be above 0 and at most 1")
        if threshold < self.floor:
            raise UsageError(f"the threshold is {threshold:g}, below the floor {self.floor:g} of this tree")
        return threshold - TOLERANCE

    def _anchor(self, cluster: list[int]) -> int:
        """The head; or the member nearest to all, of equals the one that most labels use, then the first."""
        if len(cluster) == 1:
            return cluster[0]
        heads = [i for i in cluster if self._head[i]]
        if heads:
            return heads[0]
        vectors = np.stack([self.phrases[i].vector for i in cluster])
        nearness = (vectors @ vectors.T).mean(1).round(5)
        ranked = [(-near, -len(self.phrases[i].labels), i) for near, i in zip(nearness, cluster, strict=True)]
        return min(ranked)[2]

    def _verify(self, cluster_of: np.ndarray, cut: float) -> None:
        """Count the free near pairs inside and between clusters: all inside, never all between."""
        size = np.bincount(cluster_of)
        joined = np.bincount(self._group)  # pairs of those joined by hand need not be free
        by_hand = np.bincount(cluster_of[joined > 0], joined[joined > 0] ** 2, minlength=len(size))
        pairs = self._pairs[(self._cosines >= cut) & self._free]
        pairs = pairs[self._group[pairs[:, 0]] != self._group[pairs[:, 1]]]
        a, b = np.sort(cluster_of[pairs], axis=1).T
        within = np.bincount(a[a == b], minlength=len(size))
        across, found = np.unique((a * len(size) + b)[a != b], return_counts=True)
        could = size[across // len(size)] * size[across % len(size)]
        if (2 * within != size**2 - by_hand).any() or (found == could).any():
            raise WordsError("two anchors could still merge, or two members may not: please report this")

    def _apart(self, cluster_of: np.ndarray, cut: float) -> list[Vetoed]:
        own = [phrase.vector if phrase.plain is None else phrase.plain for phrase in self.phrases]
        plain = np.stack(own).astype(np.float32, copy=False)
        known = len(plain) > MANY
        near = Near(self._pairs, cosines_of(plain, self._pairs), 0) if known else near_pairs(plain, cut, 1.0)
        a, b = near.pairs.T
        across = np.flatnonzero((near.cosines >= cut) & (cluster_of[a] != cluster_of[b]))
        across = across[np.lexsort((b[across], a[across], -near.cosines[across]))]
        pairs = near.pairs[across]
        cosines = self._cosines[across] if known else cosines_of(self._vectors, pairs)
        grounds = self._grounds[across] if known else vetoes(self.phrases, pairs, cosines)
        # near by the encoder alone, and moved apart by the ways they go
        grounds = np.where((grounds < 0) & (cosines < cut), GROUNDS.index("facet"), grounds)
        return [
            Vetoed(one, other, cosine, GROUNDS[ground] if ground >= 0 else "linkage")
            for (one, other), cosine, ground in zip(
                pairs.tolist(), near.cosines[across].tolist(), grounds.tolist(), strict=True
            )
        ]


def _check(phrases: Sequence[Phrase]) -> None:
    if not phrases:
        raise WordsError("there are no phrases to merge: run `vqtext gen-subactions`")
    for before, phrase in itertools.pairwise(phrases):
        if same_text(before.text) == same_text(phrase.text):
            raise WordsError(f"the phrase {phrase.text!r} is in the list twice")
    for phrase in phrases:
        for vector in (phrase.vector, *phrase.opposites):
            if not abs(np.linalg.norm(vector) - 1) < 1e-3:
                what = "its opposite" if vector is not phrase.vector else "it"
                raise WordsError(
                    f"the encoder has no direction for the phrase {phrase.text[:60]!r}: the vector of {what} "
                    "is zero, NaN or not of length one; say it in other words, or use another encoder"
                )
