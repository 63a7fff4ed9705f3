"""How much of the label the guidance gives away: a classifier that reads the text and never the signal.

Wordings of the label stand in the guidance, so with text any model is right; a score with text means nothing,
and every score of ours is of the signal alone. Guidance of test windows is made for this check only.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.evaluation.frame_metrics import Measure, over
from vqtext.settings.schema import GuidanceSettings

BLOCK = 256


def text_only_accuracy(
    path: Path, windows: Windows, splits: Sequence[Split], settings: GuidanceSettings, seeds: Sequence[int]
) -> tuple[Measure, Measure]:
    """Accuracy on the test windows of a logistic regression on the mean of their text tokens; and the same
    where each window has the text of another one, so that what is read is chance.

    Args:
        path: of texts.h5.
        windows, splits: of each fold; it is fitted on ``split.learn``.
        settings: whose words guide, as in training; without any there is nothing to measure.
        seeds: each draws the wordings anew, as training does.
    """
    if settings.source == "none":
        return over([]), over([])
    whole = settings.model_copy(update={"drop_tokens": 0.0, "drop_facts": 0.0})
    rows = [
        np.concatenate([_right(path, windows, split, whole, seed) for split in splits], axis=1)
        for seed in seeds
    ]
    own, shuffled = (over([float(row[which].mean()) for row in rows]) for which in (0, 1))
    return own, shuffled


def _right(path: Path, windows: Windows, split: Split, settings: GuidanceSettings, seed: int) -> np.ndarray:
    """Which test windows of a split are read right, by their own text and by others', ``(2, n)``."""
    from vqtext.pipeline.training.assemble import _guidance
    from vqtext.pipeline.training.linear_head import linear

    learn, test = split.learn, split.test
    pool = np.concatenate([learn, test])
    with open_artifact(path, "texts") as texts:
        guidance = _guidance(texts, windows, pool, settings)
    assert guidance is not None
    label = windows.label[pool]
    draws = np.random.default_rng(seed).integers(1 << 31, size=len(label))
    rows = []
    for start in range(0, len(label), BLOCK):
        own = range(start, min(start + BLOCK, len(label)))
        text, mask = guidance.batch(own, label[own].tolist(), draws[own].tolist(), drop=0.0)
        rows.append((text.sum(1) / mask.sum(1, keepdim=True).clamp(min=1)).numpy())
    features = np.concatenate(rows)
    right = []
    for inputs in (features, features[np.random.default_rng(seed).permutation(len(features))]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an optimiser at its last iteration
            classifier = linear(seed).fit(inputs[: len(learn)], label[: len(learn)])
        right.append(classifier.predict(inputs[len(learn) :]) == label[len(learn) :])
    return np.stack(right)
