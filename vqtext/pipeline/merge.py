"""Merging near-duplicate phrases: complete linkage by cosine, under the vetoes of `contrast`.

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
from vqtext.pipeline.contrast import TOLERANCE, nearer_to_opposite, nearest_opposite
from vqtext.pipeline.linkage import Near, between, complete_linkage, cosines_of, near_pairs
from vqtext.prompts.facets import NOTHING, Facets, contrasted, disjoint, opposed
from vqtext.schema import same_text

FLOOR = 0.5
"""Lowest threshold the tree is made for: below, plain cosines of short phrases say nothing."""

MANY = 1 << 14
"""Phrases from which on the encoder's own vectors are no longer all compared with each other."""

Reason = Literal["opposite", "facet", "linkage"]


@dataclass(frozen=True)
class Phrase:
    """What merging knows of a phrase, from all its uses.

    Attributes:
        text: the phrase as written; no two phrases of one list may be the same text.
        vector: unit vector ``(d,)``, as `wording.Wording.vectors`: contrast is for anchors, not for merging.
        opposites: unit vectors of its opposites; may be empty.
        facets: which way it goes, and what it moves.
        labels: how many labels use it.
        plain: unit vector as the encoder gave it, by which pairs are reported as near; None = ``vector``.
    """

    text: str
    vector: np.ndarray
    opposites: tuple[np.ndarray, ...] = ()
    facets: Facets = NOTHING
    labels: int = 1
    plain: np.ndarray | None = None


@dataclass(frozen=True)
class Vetoed:
    """Two phrases that are near enough and yet apart.

    Attributes:
        a, b: positions of the phrases.
        cosine: their plain cosine, at least the threshold.
        reason: ``opposite`` (nearer to the other's opposite), ``facet`` (another way, side or part of the
            body), or ``linkage`` (their clusters keep the two apart: other members, or an anchor each that is
            kept).
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
        self._opposite, self._facet = vetoes(self.phrases, near.pairs, near.cosines)
        a, b = self._pairs.T
        self._free = ~(self._opposite | self._facet | self._head[a] & self._head[b])
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
        ranked = [(-near, -self.phrases[i].labels, i) for near, i in zip(nearness, cluster, strict=True)]
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
        opposite, facet = (
            (self._opposite[across], self._facet[across]) if known else vetoes(self.phrases, pairs, cosines)
        )
        facet = facet | (cosines < cut)  # near by the encoder alone, and moved apart by the ways they go
        found = zip(pairs.tolist(), near.cosines[across].tolist(), opposite, facet, strict=True)
        return [
            Vetoed(one, other, cosine, "opposite" if against else "facet" if says else "linkage")
            for (one, other), cosine, against, says in found
        ]


def vetoes(
    phrases: Sequence[Phrase], pairs: np.ndarray, cosines: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which pairs may not merge, whatever the threshold.

    Of a pair that goes the same way by its words, the opposites' vectors are the weaker witness: they keep it
    apart only if one is twice as near to the other's opposite as to the other.

    Args:
        phrases: n phrases.
        pairs: positions of phrases, ``(p, 2)``.
        cosines: of their vectors, ``(p,)``.

    Returns:
        Those that their opposites keep apart, and those that what they say keeps apart, ``(p,)`` each.
    """
    opposites = [(vector, i) for i, phrase in enumerate(phrases) for vector in phrase.opposites]
    owners = np.array([owner for _, owner in opposites], dtype=np.int64)
    vectors = np.stack([phrase.vector for phrase in phrases]).astype(np.float32, copy=False)
    stacked = np.array([vector for vector, _ in opposites], dtype=np.float32).reshape(-1, vectors.shape[1])
    said = [phrase.facets for phrase in phrases]
    poles, heading, sides, parts = (
        np.array([getattr(facets, name) for facets in said], dtype=np.int64)
        for name in ("poles", "heading", "sides", "parts")
    )
    a, b = pairs.T
    other_part = disjoint(sides[a], sides[b]) | disjoint(parts[a], parts[b])
    facet = opposed(poles[a], poles[b]) | disjoint(heading[a], heading[b]) | other_part
    length = np.array([len(facets.words) for facets in said])
    asked = np.flatnonzero(~facet & (length[a] == length[b]))  # others are no contrast
    facet[asked] = [contrasted(said[i], said[j]) for i, j in pairs[asked].tolist()]
    to_opposite = nearest_opposite(vectors, stacked, owners, pairs)
    same_way = ~facet & (poles[a] & poles[b] != 0)
    opposite = np.where(
        same_way, 1 - to_opposite < (1 - cosines) / 2, nearer_to_opposite(cosines, to_opposite)
    )
    return opposite & ~other_part, facet


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
