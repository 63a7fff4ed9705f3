"""Merging near-duplicate phrases: complete linkage by cosine, under the vetoes of `contrast`.

Phrases and clusters merge in the order of their cosine, the nearest first, where the cosine of two clusters
is that of their two *farthest* members; a vetoed pair never shares a cluster. So no two members of a cluster
are ever below the threshold or vetoed with each other, which chains of near phrases would allow ("raise the
arm" ~ "raise the hand" ~ "wave the hand"). The veto is no metric: these are our own few lines, not scipy's.

The merges, made once down to a floor, form a tree: every threshold above the floor is a cut through it.
Memory grows with the number of near pairs, not with n².
"""

from __future__ import annotations

import heapq
import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqtext.errors import UsageError, WordsError
from vqtext.pipeline.contrast import TOLERANCE, facets_differ, nearer_to_opposite, nearest_opposite

FLOOR = 0.5
"""Lowest threshold the tree is made for: below, plain cosines of short phrases say nothing."""

_BLOCK = 2048  # rows and columns of one block of cosines: 16 MB

Reason = Literal["opposite", "facet", "linkage"]


def same_text(text: str) -> str:
    """What two spellings of one phrase have in common: Unicode form, case and spaces are ignored."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True)
class Phrase:
    """What merging knows of a phrase, from all its uses.

    Attributes:
        text: the phrase as written; no two phrases of one list may be the same text.
        vector: unit vector ``(d,)``, as the encoder gave it: contrast is for anchors, not for merging.
        opposites: unit vectors of its opposites; may be empty.
        sides: its sides, such as ``{"left"}``; ``both`` and ``none`` say nothing here.
        directions: its directions, such as ``{"up"}``; ``none`` says nothing.
        labels: how many labels use it.
    """

    text: str
    vector: np.ndarray
    opposites: tuple[np.ndarray, ...] = ()
    sides: frozenset[str] = frozenset()
    directions: frozenset[str] = frozenset()
    labels: int = 1


@dataclass(frozen=True)
class Vetoed:
    """Two phrases that are near enough and yet apart.

    Attributes:
        a, b: positions of the phrases.
        cosine: their cosine, at least the threshold.
        reason: ``opposite`` (nearer to the other's opposite), ``facet`` (another side or direction), or
            ``linkage`` (other members of their clusters keep the two apart).
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
        anchors: the phrase kept of each cluster, its medoid, in the order of the texts ``(K,)``.
        members: the phrases of each cluster, its anchor among them.
        vetoed: every pair at or above the threshold that is not in one cluster, nearest first.
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

    Raises:
        WordsError: no phrases, two of the same text, or a vector that is zero, NaN or not of length one.
    """

    def __init__(self, phrases: Iterable[Phrase], floor: float = FLOOR):
        self.phrases = sorted(phrases, key=lambda phrase: (same_text(phrase.text), phrase.text))
        self.floor = floor
        _check(self.phrases)
        self._vectors = np.stack([phrase.vector for phrase in self.phrases])
        self._pairs, self._cosines = near_pairs(self._vectors, floor)
        self._opposite, self._facet = self._vetoes()
        free = ~(self._opposite | self._facet)
        self._merges = _link(len(self.phrases), self._pairs[free], self._cosines[free])
        self._heights = np.array([height for _, _, height in self._merges])

    def _vetoes(self) -> tuple[np.ndarray, np.ndarray]:
        opposites = [(vector, i) for i, phrase in enumerate(self.phrases) for vector in phrase.opposites]
        vectors = np.array([vector for vector, _ in opposites]).reshape(-1, self._vectors.shape[1])
        owners = np.array([owner for _, owner in opposites], dtype=np.int64)
        a, b = self._pairs.T
        sides = _bits([phrase.sides for phrase in self.phrases])
        directions = _bits([phrase.directions for phrase in self.phrases])
        to_opposite = nearest_opposite(self._vectors, vectors, owners, self._pairs)
        return (
            nearer_to_opposite(self._cosines, to_opposite),
            facets_differ(sides[a], sides[b]) | facets_differ(directions[a], directions[b]),
        )

    def count(self, threshold: float) -> int:
        """How many clusters a threshold leaves; reads the tree, merges nothing."""
        return len(self.phrases) - int((self._heights >= self._cut(threshold)).sum())

    def at(self, threshold: float) -> Clusters:
        """Cut the tree, and verify the cut.

        Raises:
            UsageError: the threshold is outside (0, 1], or below the tree's floor.
        """
        cut = self._cut(threshold)
        members = {i: [i] for i in range(len(self.phrases))}
        for kept, absorbed, height in self._merges:
            if height >= cut:
                members[kept] += members.pop(absorbed)
        by_anchor = sorted((self._medoid(cluster), sorted(cluster)) for cluster in members.values())
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

    def _medoid(self, cluster: list[int]) -> int:
        """The member nearest to all; of equals the one that most labels use, then the first by text."""
        vectors = self._vectors[cluster]
        nearness = (vectors @ vectors.T).mean(1).round(5)
        ranked = [(-near, -self.phrases[i].labels, i) for near, i in zip(nearness, cluster, strict=True)]
        return min(ranked)[2]

    def _verify(self, cluster_of: np.ndarray, cut: float) -> None:
        """Count the free near pairs inside and between clusters: all inside, never all between."""
        size = np.bincount(cluster_of)
        free = (self._cosines >= cut) & ~(self._opposite | self._facet)
        a, b = np.sort(cluster_of[self._pairs[free]], axis=1).T
        within = np.bincount(a[a == b], minlength=len(size))
        across, found = np.unique(np.stack([a[a != b], b[a != b]]), axis=1, return_counts=True)
        if (within != size * (size - 1) // 2).any() or (found == size[across[0]] * size[across[1]]).any():
            raise WordsError("two anchors could still merge, or two members may not: please report this")

    def _apart(self, cluster_of: np.ndarray, cut: float) -> list[Vetoed]:
        a, b = self._pairs.T
        apart = np.flatnonzero((self._cosines >= cut) & (cluster_of[a] != cluster_of[b]))
        vetoed = [Vetoed(int(a[p]), int(b[p]), float(self._cosines[p]), self._reason(p)) for p in apart]
        return sorted(vetoed, key=lambda pair: (-pair.cosine, pair.a, pair.b))

    def _reason(self, pair: int) -> Reason:
        return "opposite" if self._opposite[pair] else "facet" if self._facet[pair] else "linkage"


def near_pairs(vectors: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """All pairs i < j with a cosine of at least ``floor``, found in blocks: ``(p, 2)`` and ``(p,)``."""
    pairs, cosines = [], []
    for top in range(0, len(vectors), _BLOCK):
        for left in range(top, len(vectors), _BLOCK):
            cosine = vectors[top : top + _BLOCK] @ vectors[left : left + _BLOCK].T
            i, j = np.nonzero(cosine >= floor - TOLERANCE)
            upper = i + top < j + left
            i, j = i[upper], j[upper]
            pairs.append(np.stack([i + top, j + left], axis=1))
            cosines.append(cosine[i, j])
    return np.concatenate(pairs), np.concatenate(cosines)


def _link(n: int, pairs: np.ndarray, cosines: np.ndarray) -> list[tuple[int, int, float]]:
    """Complete linkage on the pairs that may merge: ``(kept, absorbed, cosine)``, nearest first.

    A cluster goes by its first member. Two clusters are linked only while all their members are, so a pair
    that is missing (too far, or vetoed) keeps its clusters apart for good.
    """
    link: list[dict[int, float]] = [{} for _ in range(n)]
    for (a, b), cosine in zip(pairs.tolist(), cosines.tolist(), strict=True):
        link[a][b] = link[b][a] = cosine
    heap = [(-cosine, a, b) for (a, b), cosine in zip(pairs.tolist(), cosines.tolist(), strict=True)]
    heapq.heapify(heap)
    merges = []
    while heap:
        cosine, a, b = heapq.heappop(heap)
        if link[a].get(b) != -cosine:
            continue  # one of the two has merged since
        merges.append((a, b, -cosine))
        both = {c: min(link[a][c], link[b][c]) for c in link[a].keys() & link[b].keys()}
        for old in (a, b):
            for c in link[old]:
                del link[c][old]
            link[old] = {}
        link[a] = both
        for c, farthest in both.items():
            link[c][a] = farthest
            heapq.heappush(heap, (-farthest, min(a, c), max(a, c)))
    return merges


def _bits(facets: Sequence[frozenset[str]]) -> np.ndarray:
    """One bit for each value that tells something, ``(n,)``."""
    values = sorted(frozenset().union(*facets) - {"both", "none"})
    bit = {value: 1 << place for place, value in enumerate(values)}
    return np.array([sum(bit.get(value, 0) for value in facet) for facet in facets], dtype=np.int64)


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
