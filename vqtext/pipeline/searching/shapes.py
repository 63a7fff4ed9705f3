"""The shapes a text stands for: codes whose tokens are named so, drawn in the units of the sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from vqtext.pipeline.training.sampling import few_of_each

if TYPE_CHECKING:
    from vqtext.data.windows.windows import Windows
    from vqtext.model.load import Tokens, VQText

WINDOWS_PER_LABEL = 200
"""Training windows of a label that are enough to know what the tokens of a code are called."""

MIN_USES = 5
"""Tokens of them from which on a code is drawn: rarer ones may be leftovers of training."""

TRIED, PLACES = 5, 15
"""Codes that are drawn into windows and read again before they are offered, and the places for it
(``docs/search.md`` says what it earns)."""


@dataclass(frozen=True)
class Shape:
    """A code, drawn as one of its tokens.

    Attributes:
        code: its index; names: what the network calls each sub-step of that token, ``(S,)``.
        says: how much of what the code's tokens are called is what was asked, 0 to 1.
        usage: share of the tokens; length_s: how long that token is.
        values: ``(C, SHAPE_STEPS)``, in the units of the channels; where channels are independent tokens,
            ``(1, SHAPE_STEPS)`` in standard deviations of a series.
    """

    code: int
    names: tuple[int, ...]
    says: float
    usage: float
    length_s: float
    values: np.ndarray


class Shapes:
    """Tokens of training windows, read once, of which shapes are drawn.

    Args:
        learn: places of the windows the model was made of; only they are looked at.
    """

    def __init__(self, model: VQText, windows: Windows, learn: np.ndarray) -> None:
        import torch

        self.model, self.windows = model, windows
        self.index = learn[few_of_each(windows.label[learn], WINDOWS_PER_LABEL)]
        self.tokens = model.tokenize(windows.signal, self.index)
        with torch.no_grad():
            self.drawn = model.network.code_shapes().numpy()  # (codes, c, SHAPE_STEPS)
        substeps, frames = model.config.substeps, model.config.frames
        within = (np.arange(substeps) + 0.5) / substeps
        middle = self.tokens.t[..., None] + self.tokens.l[..., None] * within
        self.frame = (middle * frames).astype(int).clip(max=frames - 1)  # of each sub-step, (n, M, S)

    def of(self, wanted: np.ndarray) -> list[Shape]:
        """The codes in use, those that are called what is asked first.

        What the codes' own action vectors say is not enough: a token is named by its offset, scale and
        neighbours as well. So a code counts as its tokens are called, is drawn as the one that is called so
        most clearly, and the first few are read again in other windows.

        Args:
            wanted: how much each anchor counts, 0 to 1, ``(K,)``.
        """
        code, rows = self.tokens.code, np.arange(len(self.index))[:, None, None]
        says = (self.tokens.names @ wanted)[rows, self.frame].mean(-1)  # (n, M)
        used = code >= 0
        count = np.bincount(code[used], minlength=len(self.drawn))
        mean = np.bincount(code[used], says[used], len(self.drawn)) / np.maximum(count, 1)
        found = [
            self._shape(c, says, float(mean[c]), float(count[c] / count.sum()))
            for c in np.argsort(-mean, kind="stable").tolist()
            if count[c] >= MIN_USES
        ]
        if not self.model.config.joint:  # a shape of no channel in particular has no place in a window
            return found
        signal, spans = self._places
        again = [float((called(self.model, signal, shape, spans) @ wanted).mean()) for shape in found[:TRIED]]
        return [found[i] for i in np.argsort(-np.array(again), kind="stable")] + found[TRIED:]

    def _shape(self, code: int, says: np.ndarray, mean: float, usage: float) -> Shape:
        """A code as that token of it of which ``says (n, M)`` is the most; ``mean``: over all of them."""
        model, tokens = self.model, self.tokens
        at = np.unravel_index(np.where(tokens.code == code, says, -1.0).argmax(), says.shape)
        values = tokens.mu[at][:, None] + tokens.sigma[at][:, None] * self.drawn[code]
        if model.config.joint:
            scale = model.network.normalise
            values = values * scale.std.numpy()[:, None] + scale.mean.numpy()[:, None]
        names = tokens.names[at[0], self.frame[at]].argmax(-1)
        return Shape(
            code, tuple(names.tolist()), mean, usage, float(tokens.l[at]) * model.config.window_s, values
        )

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray]:
        """Windows in which shapes are read again, ``(PLACES, C, T)``, and the samples of a token of each,
        ``(PLACES, 2)``."""
        where = np.argwhere(self.tokens.code >= 0)
        where = where[np.random.default_rng(0).permutation(len(where))[:PLACES]]
        spans = token_samples(self.tokens, self.windows.T)[tuple(where.T)]
        return self.windows.signal[self.index[where[:, 0]]], spans


def token_samples(tokens: Tokens, size: int) -> np.ndarray:
    """First sample of each token, and the one after its last, of windows of ``size``, ``(n, M, 2)``."""
    first = np.round(tokens.t * size).astype(int).clip(max=size - 1)
    last = np.round((tokens.t + tokens.l) * size).astype(int)
    return np.stack([first, np.maximum(last, first + 1)], -1)


def called(model: VQText, signal: np.ndarray, shape: Shape, spans: np.ndarray) -> np.ndarray:
    """What the network calls a shape that is drawn into windows.

    Args:
        signal: p windows, ``(p, C, T)``; spans: the samples of each that are drawn anew, ``(p, 2)``.

    Returns:
        Chances of the anchors over that time, ``(p, K)``.
    """
    drawn = np.stack([put(x, shape, *span) for x, span in zip(signal, spans.tolist(), strict=True)])
    names, size = model.tokenize(drawn).names, signal.shape[-1]
    frames = spans * names.shape[1] / size
    first, last = np.floor(frames[:, 0]).astype(int), np.ceil(frames[:, 1]).astype(int)
    return np.stack([own[a:b].mean(0) for own, a, b in zip(names, first, last, strict=True)])


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
