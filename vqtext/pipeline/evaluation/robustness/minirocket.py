"""MiniRocket, as aeon has it: the peer that classes are compared with. It gives no names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np

from vqtext.data.recordings.resample import fill
from vqtext.data.windows.windows import Windows

MISSING = "MiniRocket is not compared: aeon is not installed: pip install 'vqtext[aeon]'"
MAX_WINDOWS = 10_000
"""Training windows, spread over all, that it learns from: its features of more would not fit into memory."""
MIN_SAMPLES = 9
"""Its kernels have as many weights; a shorter series is followed by its last value."""


def is_there() -> bool:
    """Whether aeon is installed."""
    return find_spec("aeon") is not None


def with_what() -> str:
    """What a comparison holds: one that was made without MiniRocket is made again once aeon is there."""
    return "with MiniRocket" if is_there() else "without MiniRocket"


@contextmanager
def _same_threads() -> Iterator[None]:
    """numba sets the threads of OpenMP, which torch computes with too: a training afterwards would add up in
    another order."""
    import torch

    threads = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class MiniRocket:
    """Trained on the windows that a model learned from, as they are.

    It knows no missing sample: gaps are bridged by straight lines, the ends of a window take its nearest
    sample, and a channel without any sample is its mean in training.
    """

    def __init__(self, windows: Windows, learn: np.ndarray, seed: int) -> None:
        from aeon.classification.convolution_based import MiniRocketClassifier

        if len(learn) > MAX_WINDOWS:
            learn = learn[np.linspace(0, len(learn) - 1, MAX_WINDOWS).round().astype(int)]
        signal = np.asarray(windows.signal[learn], dtype=np.float64)
        seen = np.isfinite(signal)
        self._usual = np.where(seen, signal, 0).sum((0, 2)) / np.maximum(seen.sum((0, 2)), 1)
        self._model = MiniRocketClassifier(random_state=seed)
        with _same_threads():
            self._model.fit(self._whole(signal), windows.label[learn])

    def predict(self, signal: np.ndarray) -> np.ndarray:
        """Classes of windows ``(n, C, T)``, ``(n,)``."""
        with _same_threads():
            return np.asarray(self._model.predict(self._whole(signal)))

    def _whole(self, signal: np.ndarray) -> np.ndarray:
        n, channels, steps = signal.shape
        filled = fill(signal.reshape(n * channels, steps).astype(np.float64)).reshape(signal.shape)
        filled = np.where(np.isnan(filled), self._usual[:, None], filled)
        return np.pad(filled, ((0, 0), (0, 0), (0, max(0, MIN_SAMPLES - steps))), mode="edge")
