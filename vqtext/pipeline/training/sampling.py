"""A few windows that stand for many."""

from __future__ import annotations

import numpy as np


def few_of_each(label: np.ndarray, most: int) -> np.ndarray:
    """Places of at most ``most`` windows of each label, spread over its own, in order."""
    places = [np.flatnonzero(label == name) for name in np.unique(label)]
    spread = [np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int) for own in places]
    return np.sort(np.concatenate([own[few] for own, few in zip(places, spread, strict=True)]))
