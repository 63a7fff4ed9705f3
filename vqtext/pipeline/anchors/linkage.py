"""Near pairs among many vectors, and complete linkage on the pairs that may merge.

All cosines are compared, in blocks, so what is found is exact: an index of approximate neighbours would miss
pairs, and then neither the linkage nor its verification would hold. Only near pairs are kept.
"""

from __future__ import annotations

import heapq
import itertools
import math
from dataclasses import dataclass

import numpy as np

from vqtext.pipeline.encoders.opposites import TOLERANCE

BLOCK = 1024
"""Rows and columns of one block of cosines: 4 MB, small enough to stay in a processor's cache."""

PAIRS_EACH = 32
"""Near pairs kept for each vector, on average, before the floor is raised: memory stays linear."""

DENSE_PAIRS = 1 << 22
"""Near pairs that are never too many."""


@dataclass(frozen=True, eq=False)
class Near:
    """All pairs of vectors that are near.

    Attributes:
        pairs: ``(p, 2)``, the lower position first.
        cosines: ``(p,)``, all at least ``floor``.
        floor: what was asked for, or higher where that would have been too many pairs.
    """

    pairs: np.ndarray
    cosines: np.ndarray
    floor: float


def near_pairs(vectors: np.ndarray, floor: float, ceiling: float | None = None) -> Near:
    """All pairs with a cosine of at least ``floor``.

    Args:
        vectors: unit vectors, ``(n, d)`` float32.
        floor: the least cosine.
        ceiling: how far the floor may be raised if there are too many pairs; None = not at all.
    """
    most = max(DENSE_PAIRS, PAIRS_EACH * len(vectors))
    near = Near(np.empty((0, 2), dtype=np.int32), np.empty(0, dtype=np.float32), floor)
    found, held = [near], 0
    for top, left in itertools.combinations_with_replacement(range(0, len(vectors), BLOCK), 2):
        cosine = vectors[top : top + BLOCK] @ vectors[left : left + BLOCK].T
        i, j = np.divmod(np.flatnonzero(cosine >= near.floor - TOLERANCE), cosine.shape[1])
        upper = i + top < j + left
        i, j = i[upper], j[upper]
        pairs = np.stack([i + top, j + left], axis=1).astype(np.int32)
        found.append(Near(pairs, cosine[i, j], near.floor))
        held += len(pairs)
        if held > most and ceiling is not None and near.floor < ceiling:
            near = _raised(_joined(found, near.floor), most // 2, ceiling)
            found, held = [near], len(near.pairs)
    return _joined(found, near.floor)


def _joined(found: list[Near], floor: float) -> Near:
    return Near(
        np.concatenate([near.pairs for near in found]),
        np.concatenate([near.cosines for near in found]),
        floor,
    )


def _raised(near: Near, n_pairs: int, ceiling: float) -> Near:
    """The nearest ``kept`` pairs, by a floor of two decimals that is no higher than the ceiling."""
    least = float(np.partition(near.cosines, -n_pairs)[-n_pairs])
    floor = min(math.ceil(100 * least) / 100, ceiling)
    keep = near.cosines >= floor - TOLERANCE
    return Near(near.pairs[keep], near.cosines[keep], floor)


def cosines_of(vectors: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """The cosines of pairs of unit vectors, ``(p,)``, a block of them at a time."""
    found = np.empty(len(pairs), dtype=np.float32)
    for start in range(0, len(pairs), 16 * BLOCK):
        a, b = pairs[start : start + 16 * BLOCK].T
        np.einsum("pd,pd->p", vectors[a], vectors[b], out=found[start : start + 16 * BLOCK])
    return found


def between(pairs: np.ndarray, cosines: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of vectors → pairs of groups of which all members are paired, with the least of their cosines.

    Args:
        pairs: ``(p, 2)``, each pair once.
        cosines: ``(p,)``.
        group: the group of each vector, ``(n,)``: the position of one of its members.

    Returns:
        Pairs of groups ``(q, 2)``, the lower number first, and their cosines ``(q,)``.
    """
    n, size = len(group), np.bincount(group, minlength=len(group))
    a, b = np.sort(group[pairs], axis=1).T
    both, place, count = np.unique((a * n + b)[a != b], return_inverse=True, return_counts=True)
    least = np.full(len(both), np.inf, dtype=np.float32)
    np.minimum.at(least, place, cosines[a != b])
    ends = np.stack([both // n, both % n], axis=1)
    whole = count == size[ends].prod(1)
    return ends[whole], least[whole]


def complete_linkage(n: int, pairs: np.ndarray, cosines: np.ndarray) -> list[tuple[int, int, float]]:
    """Merge the nearest clusters first, where the cosine of two clusters is that of their farthest members.

    Two clusters are linked only while all their members are, so a pair that is missing (too far, or vetoed)
    keeps its clusters apart for good.

    Args:
        n: how many there are to merge.
        pairs: ``(p, 2)`` those that may merge, the lower position first, each pair once.
        cosines: ``(p,)``.

    Returns:
        ``(kept, absorbed, cosine)``, nearest first; a cluster goes by its first member.
    """
    order = np.lexsort((pairs[:, 1], pairs[:, 0], -cosines))
    heap = list(zip((-cosines[order]).tolist(), *pairs[order].T.tolist(), strict=True))  # sorted is a heap
    link: list[dict[int, float]] = [{} for _ in range(n)]
    for far, a, b in heap:
        link[a][b] = link[b][a] = far
    merges = []
    while heap:
        far, a, b = heapq.heappop(heap)
        if link[a].get(b) != far:
            continue  # one of the two has merged since
        merges.append((a, b, -far))
        ours, theirs = link[a], link[b]
        for old, neighbours in ((a, ours), (b, theirs)):
            for c in neighbours:
                del link[c][old]
        link[a] = {c: max(ours[c], theirs[c]) for c in ours.keys() & theirs.keys()}
        link[b] = {}
        for c, farthest in link[a].items():
            link[c][a] = farthest
            if farthest != ours[c]:  # else it is queued already
                heapq.heappush(heap, (farthest, min(a, c), max(a, c)))
    return merges
