"""Names against the truth, sample by sample.

The truth runs in samples and a model names frames, so names are spread over the samples of their frames and
compared there: the resolution of a model changes nothing. Samples without truth, among them those beyond a
window's own length, are left out. A name that stands for no truth word is −1, and is never right.

Measures of segments are in `segment_metrics`, those of codes in `codebook_metrics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

BINS = 15
"""Equal-width bins of the calibration error."""

Measure: TypeAlias = dict[str, Any]
"""``{"mean", "std", "values"}``, as `over` makes it."""


def over(values: Sequence[float]) -> Measure:
    """Mean and spread (with n − 1) over seeds; of no value at all, None."""
    values = [float(value) for value in values]
    if not values:
        return {"mean": None, "std": None, "values": []}
    std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": std, "values": values}


def over_each(rows: Sequence[Mapping[str, float]]) -> dict[str, Measure]:
    """One mapping a seed, all with the same keys → each key over the seeds."""
    return {key: over([row[key] for row in rows]) for key in rows[0]}


def at_samples(frames: np.ndarray, steps: int) -> np.ndarray:
    """Values of frames ``(n, F)``, at each of the window's samples ``(n, steps)``.

    Frame f begins at sample ``f · steps // F``.
    """
    count = frames.shape[1]
    starts = np.arange(count) * steps // count
    return frames[:, np.searchsorted(starts, np.arange(steps), side="right") - 1]


def named_accuracy(named: np.ndarray, truth: np.ndarray) -> float:
    """Share of the samples with a truth that are named right; words ``(n, T)``, −1 none."""
    return float((named == truth)[truth >= 0].mean())


def named_recall(named: np.ndarray, truth: np.ndarray, within: int = 0) -> float:
    """Mean, over the truth words that occur, of the share of their samples that are named so.

    Args:
        named, truth: words, ``(n, T)``, −1 none.
        within: samples by which a border may be off: a name is right where it is the truth's at most so many
            samples earlier or later in the same window.
    """
    by_word = recalls(named, truth, within)
    return float(np.mean([*by_word.values()]))


def recalls(named: np.ndarray, truth: np.ndarray, within: int = 0) -> dict[int, float]:
    """Share of each truth word's samples that are named right; arguments as `named_recall`."""
    right = named == truth
    for away in range(1, min(within, truth.shape[1] - 1) + 1):
        right[:, away:] |= named[:, away:] == truth[:, :-away]
        right[:, :-away] |= named[:, :-away] == truth[:, away:]
    right &= named >= 0
    return {int(word): float(right[truth == word].mean()) for word in np.unique(truth[truth >= 0])}


def hungarian_accuracy(named: np.ndarray, truth: np.ndarray, words: int) -> float:
    """Accuracy after the best renaming of the truth words among themselves: what names could reach if only
    their meaning were at stake. A name that stands for no word stays wrong.

    Args:
        named, truth: ``(n, T)``, −1 none.
        words: how many truth words there are.
    """
    from scipy.optimize import linear_sum_assignment

    known = truth >= 0
    table = np.zeros((words, words), dtype=np.int64)
    both = known & (named >= 0)
    np.add.at(table, (named[both], truth[both]), 1)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / known.sum())


def agreement(named: Sequence[np.ndarray], keep: np.ndarray) -> list[float]:
    """Share of frames that two seeds name alike, for every pair of seeds; empty for a single seed.

    Args:
        named: of each seed, ``(n, F)``.
        keep: frames inside their window, ``(n, F)``.
    """
    return [float((a == b)[keep].mean()) for a, b in combinations(named, 2)]


def calibration_error(posterior: np.ndarray, label: np.ndarray) -> float:
    """Expected calibration error of the likeliest class: how far confidence and accuracy lie apart in `BINS`
    equal-width bins, weighted by how many windows fall in each (Guo and others, 2017, arXiv 1706.04599).

    Args:
        posterior: ``(n, labels)``; label: the true one, ``(n,)``.
    """
    sure = posterior.max(1)
    right = posterior.argmax(1) == label
    place = np.clip(np.ceil(sure * BINS).astype(int) - 1, 0, BINS - 1)
    gap = np.bincount(place, weights=right - sure, minlength=BINS)
    return float(np.abs(gap).sum() / len(label))
