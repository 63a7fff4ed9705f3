"""A few windows that stand for many."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np


def few_of_each(label: np.ndarray, most: int) -> np.ndarray:
    """Places of at most ``most`` windows of each label, spread over its own, in order."""
    places = [np.flatnonzero(label == name) for name in np.unique(label)]
    spread = [np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int) for own in places]
    return np.sort(np.concatenate([own[few] for own, few in zip(places, spread, strict=True)]))


def evenly(group: np.ndarray, most: int) -> np.ndarray:
    """Places of at most ``most`` windows, of each group as many as of any other that has so many, spread over
    its own, in order; one of each group where there are more groups than that."""
    counts = np.unique(group, return_counts=True)[1]
    sizes = range(1, int(counts.max()) + 1)
    return few_of_each(group, max(1, bisect_right(sizes, most, key=lambda n: np.minimum(counts, n).sum())))
