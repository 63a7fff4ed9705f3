"""The shapes a text stands for: codes whose action vectors say it, drawn in the units of the sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vqtext.pipeline.training.sampling import few_of_each

if TYPE_CHECKING:
    from vqtext.data.windows.windows import Windows
    from vqtext.model.load import VQText

WINDOWS_PER_LABEL = 200
"""Training windows of a label that are enough to know how large and how long a code usually is."""

MIN_USES = 5
"""Tokens of them from which on a code is drawn: rarer ones may be leftovers of training."""


@dataclass(frozen=True)
class Shape:
    """A code as it usually looks.

    Attributes:
        code: its index; names: the anchor that each of its sub-steps says, ``(S,)``.
        says: how much of what it says is what was asked, 0 to 1.
        usage: share of the tokens; length_s: how long it usually is.
        values: ``(C, SHAPE_STEPS)``, in the units of the channels; where channels are independent tokens,
            ``(1, SHAPE_STEPS)`` in standard deviations of a series.
    """

    code: int
    names: tuple[int, ...]
    says: float
    usage: float
    length_s: float
    values: np.ndarray


def shapes_of(model: VQText, windows: Windows, learn: np.ndarray, wanted: np.ndarray) -> list[Shape]:
    """The codes in use, those that say most of what is asked first.

    Args:
        learn: places of the windows the model was made of; only they are looked at.
        asked: how much each anchor counts, 0 to 1, ``(K,)``.
    """
    import torch

    tokens = model.tokenize(windows.signal, learn[few_of_each(windows.label[learn], WINDOWS_PER_LABEL)])
    with torch.no_grad():
        names = model.network.code_names().numpy()  # (codes, S, K)
        drawn = model.network.code_shapes().numpy()  # (codes, c, SHAPE_STEPS)
        std, mean = (part.numpy() for part in (model.network.normalise.std, model.network.normalise.mean))
    says = (names @ wanted).mean(1)
    count = np.bincount(tokens.code[tokens.code >= 0], minlength=len(names))
    found = []
    for code in np.argsort(-says, kind="stable").tolist():
        if count[code] < MIN_USES:
            continue
        here = tokens.code == code
        mu, sigma = np.median(tokens.mu[here], axis=0), np.median(tokens.sigma[here], axis=0)
        values = mu[:, None] + sigma[:, None] * drawn[code]
        if model.config.joint:
            values = values * std[:, None] + mean[:, None]
        length_s = float(np.median(tokens.l[here])) * model.config.window_s
        sequence = tuple(names[code].argmax(1).tolist())
        found.append(
            Shape(code, sequence, float(says[code]), float(count[code] / count.sum()), length_s, values)
        )
    return found


def put(signal: np.ndarray, shape: Shape, start: int, stop: int) -> np.ndarray:
    """A window ``(C, T)`` in which samples from ``start`` to ``stop`` are the shape, drawn over that time."""
    changed = np.array(signal, dtype=np.float32)
    at = np.linspace(0, shape.values.shape[1] - 1, stop - start)
    for row, values in enumerate(shape.values):
        changed[row, start:stop] = np.interp(at, np.arange(len(values)), values)
    return changed


def liveliest(values: np.ndarray, spread: np.ndarray, most: int) -> Sequence[int]:
    """Channels that go furthest beside their usual spread ``(C,)``, at most ``most``, furthest first."""
    return np.argsort(-np.ptp(values, axis=1) / np.maximum(spread, 1e-9), kind="stable")[:most].tolist()
