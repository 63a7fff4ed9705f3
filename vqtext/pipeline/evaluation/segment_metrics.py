"""Whether the right names come in the right order: edit score and F1 of segments.

As temporal action segmentation has them (Lea and others, 2017, arXiv 1611.05267; Farha and Gall, 2019,
arXiv 1903.01945): the edit score is a mean over windows, the F1 is pooled over them, both from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np


def edit_score(named: np.ndarray, truth: np.ndarray) -> float:
    """1 − the edit distance of the sequences of segments, as a share of the longer one; how long a segment
    lasts does not matter.

    Args:
        named, truth: words, ``(n, T)``, −1 none; samples without truth are cut out.
    """
    scores = []
    for predicted, true in _known(named, truth):
        a, b = (row[starts] for row, starts in ((predicted, _starts(predicted)), (true, _starts(true))))
        scores.append(1 - _distance(a, b) / max(len(a), len(b)))
    return float(np.mean(scores))


def segment_f1(named: np.ndarray, truth: np.ndarray, overlap: float) -> float:
    """F1 of segments: one is found where a segment of its name covers, as a share of the union of the two, at
    least ``overlap`` of it; each true segment is found once. Arguments as `edit_score`."""
    found = wrong = missed = 0
    for predicted, true in _known(named, truth):
        word, start, end = _segments(true)
        taken = np.zeros(len(word), dtype=bool)
        for name, first, last in zip(*_segments(predicted), strict=True):
            shared = np.minimum(end, last) - np.maximum(start, first)
            union = np.maximum(end, last) - np.minimum(start, first)
            fits = np.where(word == name, shared / union, 0)
            best = int(fits.argmax())
            if fits[best] >= overlap and not taken[best]:
                taken[best] = True
                found += 1
            else:
                wrong += 1
        missed += int((~taken).sum())
    return 2 * found / max(2 * found + wrong + missed, 1)


def _known(named: np.ndarray, truth: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Names and truth of each window where there is a truth."""
    for predicted, true in zip(named, truth, strict=True):
        known = true >= 0
        if known.any():
            yield predicted[known], true[known]


def _starts(row: np.ndarray) -> np.ndarray:
    return np.flatnonzero(np.r_[True, row[1:] != row[:-1]])


def _segments(row: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Word, start and end of each segment."""
    starts = _starts(row)
    return row[starts], starts, np.r_[starts[1:], len(row)]


def _distance(a: np.ndarray, b: np.ndarray) -> int:
    """Levenshtein's: insertions, deletions and replacements, each 1."""
    before = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + int(x != y)))
        before = row
    return before[-1]
