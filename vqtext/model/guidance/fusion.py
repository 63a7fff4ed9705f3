"""Where text meets signal, in training only.

Three ways, all by cross-attention, each result added to its own query:

- ``signal``: the signal queries the text
- ``bidirectional``: the text queries the signal too; both results go on to the codebook, each alone must
  predict the class, and a contrast over the batch pulls the two together
- ``text-contrast``: the text queries too, but only the signal's result goes on; the text's is a partner for
  the contrast and nothing else

A window without text, which is every window at test time, passes as it came, bit for bit: nothing here is
part of a trained model.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vqtext.model.config import ModelConfig

TEMPERATURE = 0.07  # of the contrast at the start; it is learned
SKETCH = 16  # stretches of a window that a result without a label must draw


@dataclass(frozen=True)
class Prediction:
    """What one result alone predicts of B windows.

    Attributes:
        classes: logits, ``(B, n)``.
        sketch: the signal's mean over `SKETCH` equal stretches, ``(B, C, SKETCH)``.
    """

    classes: Tensor
    sketch: Tensor


@dataclass(frozen=True)
class Partners:
    """The two results of B windows, each the mean over its own positions, in one space.

    Attributes:
        signal, text: ``(B, D)``, not yet of length 1.
        log_scale: log of the inverse temperature, a scalar.
        predictions: of the signal's result and of the text's; None where only the contrast uses them.
    """

    signal: Tensor
    text: Tensor
    log_scale: Tensor
    predictions: tuple[Prediction, Prediction] | None


@dataclass(frozen=True)
class Fused:
    """B windows that met their texts.

    Attributes:
        h: what goes on to the codebook, of the shape that came in, ``(S, N, D)``.
        guided: windows that have at least one text token, ``(B,)``.
        partners: both results, None where only the signal queries.
    """

    h: Tensor
    guided: Tensor
    partners: Partners | None


class Predict(nn.Module):
    """One result, alone: which class, and how the signal went."""

    def __init__(self, dim: int, labels: int, channels: int) -> None:
        super().__init__()
        self.classes = nn.Linear(dim, labels)
        self.sketch = nn.Linear(dim, channels * SKETCH)

    def forward(self, pooled: Tensor) -> Prediction:
        return Prediction(self.classes(pooled), self.sketch(pooled).unflatten(-1, (-1, SKETCH)))


class Fusion(nn.Module):
    """See the head of this file. All series of a window share its text.

    One learned token that says nothing is always there to attend to, so that a position may take nothing from
    the text, and a window without text never makes an empty softmax.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, heads = config.settings.dim, config.settings.heads
        self.project = nn.Linear(config.token_dim, dim)
        self.silence = nn.Parameter(torch.zeros(1, 1, dim))
        self.signal_norm, self.text_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.signal_asks = nn.MultiheadAttention(dim, heads, batch_first=True)
        self.both_ways = config.fusion != "signal"
        self.text_goes_on = config.fusion == "bidirectional"
        if self.both_ways:
            self.text_asks = nn.MultiheadAttention(dim, heads, batch_first=True)
            self.signal_space, self.text_space = nn.Linear(dim, dim), nn.Linear(dim, dim)
            self.log_scale = nn.Parameter(torch.tensor(-math.log(TEMPERATURE)))
        if self.text_goes_on:
            self.join = nn.Linear(dim, dim)
            sizes = dim, len(config.labels), len(config.channels)
            self.signal_predicts, self.text_predicts = Predict(*sizes), Predict(*sizes)

    def forward(self, h: Tensor, keep: Tensor, text: Tensor, mask: Tensor) -> Fused:
        """Let signal and text meet.

        Args:
            h: N positions of S series, the series of a window one after the other, ``(S, N, D)``.
            keep: positions that hold something, ``(S, N)``.
            text: text tokens of B windows, ``(B, L, token_dim)``; mask: True where one is, ``(B, L)``.
        """
        batch, guided = len(text), mask.any(1)
        signal, keep = h.reshape(batch, -1, h.shape[-1]), keep.reshape(batch, -1)
        words = self.project(text)
        query = self.signal_norm(signal)
        memory = self.text_norm(torch.cat([self.silence.expand(batch, -1, -1), words], 1))
        padding = torch.cat([mask.new_zeros(batch, 1), ~mask], 1)
        answer, _ = self.signal_asks(query, memory, memory, key_padding_mask=padding, need_weights=False)
        signal = signal + torch.where(guided[:, None, None], answer, 0.0)
        if not self.both_ways:
            return Fused(signal.reshape(h.shape), guided, None)
        answer, _ = self.text_asks(memory[:, 1:], query, query, key_padding_mask=~keep, need_weights=False)
        from_signal, from_text = _mean(signal, keep), _mean(words + answer, mask)
        predictions = None
        if self.text_goes_on:
            predictions = self.signal_predicts(from_signal), self.text_predicts(from_text)
            signal = signal + torch.where(guided[:, None], self.join(from_text), 0.0)[:, None]
        partners = Partners(
            self.signal_space(from_signal), self.text_space(from_text), self.log_scale, predictions
        )
        return Fused(signal.reshape(h.shape), guided, partners)


def meet(
    fusion: Fusion | None, h: Tensor, keep: Tensor, text: Tensor | None, mask: Tensor | None
) -> tuple[Tensor, Fused | None]:
    """What goes on to the codebook, and the meeting; without text what came in, and None."""
    if fusion is None or text is None or mask is None:
        return h, None
    fused = fusion(h, keep, text, mask)
    return fused.h, fused


def _mean(x: Tensor, keep: Tensor) -> Tensor:
    """Mean of ``x (B, N, D)`` over the positions that ``keep (B, N)`` names, ``(B, D)``."""
    return (x * keep[..., None]).sum(1) / keep.sum(1, keepdim=True).clamp(min=1)
