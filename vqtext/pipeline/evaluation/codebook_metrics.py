"""Whether a code means one thing: tables of codes against truth words, or against labels."""

from __future__ import annotations

import numpy as np

SHUFFLES = 5
"""Permutations whose mean is the null: what a measure would be of codes that mean nothing."""


def code_words(
    code: np.ndarray, t: np.ndarray, l: np.ndarray, truth: np.ndarray, words: int, codes: int, substeps: int
) -> np.ndarray:
    """How many samples under each sub-step of each code carry each truth word, ``(codes, substeps, words)``.

    Where tokens overlap, a sample counts for each of them.

    Args:
        code: of each token, ``(n, M)``, −1 for none; t, l: start and length as shares of the window.
        truth: ``(n, T)``, −1 unknown.
        words, codes, substeps: how many there are.
    """
    n, steps = truth.shape
    table = np.zeros((codes, substeps, words), dtype=np.int64)
    border = t[..., None] + l[..., None] * np.linspace(0, 1, substeps + 1)
    edge = np.clip(np.rint(border * steps), 0, steps).astype(int).reshape(n, -1)  # (n, M·(S+1))
    used = code >= 0
    for word in range(words):
        upto = np.pad(np.cumsum(truth == word, axis=1), ((0, 0), (1, 0)))
        at = np.take_along_axis(upto, edge, axis=1).reshape(*code.shape, substeps + 1)
        np.add.at(table[..., word], code[used], np.diff(at)[used])
    return table


def purity(table: np.ndarray) -> float:
    """Share of all that is counted in ``(codes, words)`` that carries its own code's commonest word."""
    return float(table.max(-1).sum() / max(table.sum(), 1))


def nmi(table: np.ndarray) -> float:
    """Mutual information of ``(codes, words)``, as a share of the mean of their entropies."""
    p = table / max(table.sum(), 1)
    code, word = p.sum(1), p.sum(0)
    entropy = (_entropy(code) + _entropy(word)) / 2
    return (_entropy(code) + _entropy(word) - _entropy(p.ravel())) / entropy if entropy > 0 else 0.0


def shuffled(code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The same tokens with their codes shuffled, ``(n, M)``; −1 stays where it is."""
    shuffled_code = code.copy()
    used = code >= 0
    shuffled_code[used] = rng.permutation(code[used])
    return shuffled_code


def _entropy(p: np.ndarray) -> float:
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())
