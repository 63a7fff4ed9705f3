"""What a model finds in series, as columns for other learners: seconds of each step, and how often each code
occurs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from vqtext.model.load import VQText


def features(model: VQText, signal: np.ndarray) -> np.ndarray:
    """Columns as `feature_names` calls them, of series ``(n, C, T)``: ``(n, K + 1 + codes)``."""
    config = model.config
    decoded, tokens = model.decode(signal), model.tokenize(signal)
    frame_s = config.window_s / config.frames
    anchor = np.where(decoded.keep, decoded.anchor, -2)  # -1 is a frame that fits no step
    steps = [*range(len(model.vocabulary.anchors)), -1]
    seconds = frame_s * np.stack([(anchor == step).sum(axis=1) for step in steps], axis=1)
    code = tokens.code
    counts = np.stack([(code == i).sum(axis=1) for i in range(config.settings.codes)], axis=1)
    return np.hstack([seconds, counts / np.maximum((code >= 0).sum(axis=1), 1)[:, None]])


def feature_names(model: VQText) -> np.ndarray:
    """``seconds PHRASE`` of each anchor, ``seconds unknown``, ``share of code 0`` …, ``(K + 1 + codes,)``."""
    steps = [f"seconds {phrase}" for phrase in (*model.vocabulary.anchors, "unknown")]
    codes = [f"share of code {i}" for i in range(model.config.settings.codes)]
    return np.array([*steps, *codes], dtype=object)
