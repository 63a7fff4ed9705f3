"""A row of steps cut into stretches that are long enough, and within which as little as can be differs."""

from __future__ import annotations

import numpy as np


def partition(lasts: np.ndarray, features: np.ndarray, least: float, cyclic: bool) -> list[list[int]]:
    """The stretches with the least variance inside; of those that have as little, the most stretches.

    Args:
        lasts: how long each of n steps lasts, ``(n,)``; features: what differs between them, ``(n, f)``.
        least: how long a stretch must last, if not all of them together are shorter.
        cyclic: the first step follows the last.

    Returns:
        Places of the steps of each stretch, in order; one that holds the last and the first comes first.
    """
    n = len(lasts)
    found = []
    for start in range(n if cyclic else 1):
        order = np.roll(np.arange(n), -start)
        best: list[tuple[float, int, list[int]] | None] = [(0.0, 0, [])]  # cost, −stretches, where they end
        for end in range(1, n + 1):
            ways = [
                (cost + _spread(lasts[own], features[own]), count - 1, [*ends, end])
                for begin, before in enumerate(best)
                if before is not None and lasts[own := order[begin:end]].sum() >= least
                for cost, count, ends in [before]
            ]
            best.append(min(ways, key=lambda way: (round(way[0], 9), way[1])) if ways else None)
        if (last := best[-1]) is not None:
            found.append((round(last[0], 9), last[1], -start, last[2]))
    if not found:
        return [list(range(n))]
    _, _, start, ends = min(found)
    order = np.roll(np.arange(n), start)
    parts = [order[begin:end].tolist() for begin, end in zip([0, *ends], ends, strict=False)]
    first = next(i for i, part in enumerate(parts) if 0 in part)
    return parts[first:] + parts[:first]


def _spread(lasts: np.ndarray, features: np.ndarray) -> float:
    """Variance times the time of a stretch."""
    away = features - np.average(features, axis=0, weights=lasts) if features.size else features
    return float((lasts[:, None] * np.square(away)).sum())
