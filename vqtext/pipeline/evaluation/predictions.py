"""What one model says of the windows of its split that it has never seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.evaluation.deletion_test import deletion
from vqtext.pipeline.evaluation.reconstruction import reconstruction_error
from vqtext.pipeline.training.linear_head import fit_linear, histogram
from vqtext.pipeline.training.sampling import evenly

if TYPE_CHECKING:
    from vqtext.model.load import VQText

AT_ONCE = 1000  # windows read at once
LEARN_WINDOWS = 20_000  # training windows that are enough for a linear classifier
CLASSIFIERS = ("tokens", "histogram", "head", "steps", "decoding")


@dataclass(frozen=True)
class Predictions:
    """Of n test windows. F frames and M tokens a window, K anchors.

    Attributes:
        label: the class by each of `CLASSIFIERS`, ``(n,)``.
        posterior: of the decoding, ``(n, labels)``.
        anchor: name of each frame by the decoding, ``(n, F)``, −1 where it claims none; keep: frames inside
            their window, ``(n, F)``; confidence: of that name, ``(n, F)``.
        code, t, l: of each token, ``(n, M)``.
        code_name: the anchor that each code is called, ``(codes,)``.
        substeps: names a token emits.
        strength: regularisation that was chosen for the classifiers that have one.
        drops: see `deletion_test.deletion`; empty where it was not asked for.
        familiar: by the decoding, ``(n,)``.
        tied: the class has the same steps as another one, so that the class head chose, ``(n,)``.
        missed: see `reconstruction.missed`; NaN where it was not asked for.
    """

    label: dict[str, np.ndarray]
    posterior: np.ndarray
    anchor: np.ndarray
    keep: np.ndarray
    confidence: np.ndarray
    code: np.ndarray
    t: np.ndarray
    l: np.ndarray
    code_name: np.ndarray
    substeps: int
    strength: dict[str, float]
    drops: tuple[np.ndarray, np.ndarray]
    familiar: np.ndarray
    tied: np.ndarray
    missed: tuple[float, float]


def predict(folder: Path | str, windows: Windows, split: Split, seed: int, few: np.ndarray) -> Predictions:
    """Ask the model of a folder about the test windows of its split.

    Args:
        folder: the model's.
        windows, split: the linear classifiers are fitted on `LEARN_WINDOWS` of ``split.learn``.
        seed: of their folds, and of random deletions.
        few: test windows that faithfulness, and what codes draw, are measured on, places among all windows.
    """
    from vqtext.model.load import VQText

    model = VQText.from_pretrained(folder)
    learn = split.learn[evenly(windows.label[split.learn], LEARN_WINDOWS)]
    label, group = windows.label[learn], windows.subject[learn]
    seen, new = (_tokens(model, windows, index) for index in (learn, split.test))
    codes = model.config.settings.codes
    views = {
        "tokens": (seen["features"], new["features"]),
        "histogram": (histogram(seen["code"], codes), histogram(new["code"], codes)),
    }
    label_by, strength = {}, {}
    for name, (a, b) in views.items():
        classifier, strength[name] = fit_linear(a, label, group, seed)
        label_by[name] = classifier.predict(b)
    decoded = model.decode(windows.signal, split.test)
    return Predictions(
        label={
            **label_by,
            "head": new["classes"].argmax(1),
            "steps": decoded.steps.argmax(1),
            "decoding": decoded.label,
        },
        posterior=np.exp(decoded.log_posterior),
        anchor=decoded.anchor,
        keep=decoded.keep,
        confidence=decoded.confidence,
        code=new["code"],
        t=new["t"],
        l=new["l"],
        code_name=model.network.code_names().detach().numpy().mean(1).argmax(1),
        substeps=model.config.substeps,
        strength=strength,
        drops=deletion(model, windows, few, np.random.default_rng(seed)),
        familiar=decoded.familiar,
        tied=(model.decoder.same.sum(1).numpy() > 1)[decoded.label],
        missed=reconstruction_error(model, windows, few),
    )


def _tokens(model: VQText, windows: Windows, index: np.ndarray) -> dict[str, np.ndarray]:
    """Of each window at ``index (n,)``: ``code, t, l`` of its tokens, ``(n, M)``, their ``features`` in one
    row, and its ``classes``. Windows are read a block at a time: names take twenty times as much memory."""
    parts = []
    for block in np.array_split(index, max(1, len(index) // AT_ONCE)):
        tokens = model.tokenize(windows.signal, block)
        kept = {name: getattr(tokens, name) for name in ("code", "t", "l", "classes")}
        parts.append(kept | {"features": tokens.features.reshape(len(block), -1)})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def of_all(parts: Sequence[Predictions], name: str) -> np.ndarray:
    """One array of all folds, one after the other."""
    return np.concatenate([getattr(part, name) for part in parts])
