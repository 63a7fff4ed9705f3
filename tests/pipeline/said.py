"""A made-up model that says what it is told to say, and what is read off it."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.model.load import Decodings
from vqtext.pipeline.inspection.decoded_steps import DecodedSteps
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.schema import SubAction


def steps_said(
    windows: Windows,
    use: np.ndarray,
    uses: list[SubAction],
    train: np.ndarray | None = None,
    label: int = 0,
    rejected: Sequence[dict] = (),
) -> DecodedSteps:
    """Of windows with one label, while a model says ``use (N, F)`` of them, and ``label`` of all.

    Args:
        uses: the steps of the label; train: places of the training windows, all where it is None.
        rejected: cells that the data contradict.
    """
    frames = use.shape[1]

    def decode(signal: np.ndarray, index: np.ndarray) -> Decodings:
        n, said = len(index), use[index]
        sure, keep = np.ones((n, frames)), np.ones((n, frames), dtype=bool)
        return Decodings(
            np.zeros((n, 1)), np.zeros((n, 1)), np.full(n, label), said, said, sure, np.ones(n), keep
        )

    config = SimpleNamespace(frames=frames, window_s=windows.T / windows.rate_hz)
    words = Words([], np.empty((0, 0)), [[(0, step) for step in uses]], [True], [None])
    model = SimpleNamespace(decode=decode, config=config)
    train = np.arange(windows.n) if train is None else train
    return DecodedSteps.of(model, windows, train, words, rejected)  # type: ignore[arg-type]
