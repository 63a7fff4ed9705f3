"""Codes and attributes → shapes and signal: what keeps a code honest about how it looks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqtext.model.config import ModelConfig
from vqtext.model.encoder import CHANNEL_DIM

SHAPE_STEPS = 32  # samples a drawn shape has


class ShapeDecoder(nn.Module):
    """Code → its shape ``(c, SHAPE_STEPS)``, each channel with mean 0 and standard deviation 1."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim = config.settings.dim
        self.inside = nn.Linear(config.settings.dim_code, dim)
        self.gate = nn.Linear(CHANNEL_DIM, dim) if config.joint else None
        self.outside = nn.Sequential(nn.GELU(), nn.Linear(dim, dim), nn.GELU(), nn.Linear(dim, SHAPE_STEPS))

    def forward(self, z: Tensor, channels: Tensor | None) -> Tensor:
        """``z (..., dim_code)`` → ``(..., c, SHAPE_STEPS)``"""
        h = self.inside(z)[..., None, :]
        if self.gate is not None and channels is not None:
            h = h * (1 + self.gate(channels))
        s = self.outside(h)
        s = s - s.mean(-1, keepdim=True)
        return s / (s.square().mean(-1, keepdim=True) + 1e-6).sqrt()


class SignalDecoder(nn.Module):
    """Quantised tokens → the series they came from, ``(S, c, T)`` in standard units."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        s, c = config.settings, config.series_channels
        self.steps, self.segment = config.steps, -(-config.steps // config.tokens)
        self.virtual = min(2 * c, 32) if config.joint else 1
        self.inside = nn.Linear(s.dim_code + 2 * c + 2, s.dim)
        self.position = nn.Parameter(torch.randn(1, config.tokens, s.dim) * 0.02)
        layer = nn.TransformerEncoderLayer(
            s.dim, s.heads, 2 * s.dim, s.dropout, "gelu", batch_first=True, norm_first=True
        )
        self.transformer = nn.TransformerEncoder(layer, s.layers, enable_nested_tensor=False)
        self.outside = nn.Linear(s.dim, self.virtual * self.segment)
        self.mix = nn.Linear(CHANNEL_DIM, self.virtual) if config.joint else None

    def forward(self, features: Tensor, channels: Tensor | None) -> Tensor:
        h = self.transformer(self.inside(features) + self.position)
        x = self.outside(h).unflatten(-1, (self.virtual, self.segment)).transpose(1, 2).flatten(2)
        if self.mix is not None and channels is not None:
            x = torch.einsum("srt,cr->sct", x, self.mix(channels)) / self.virtual**0.5
        return x[..., : self.steps]


def cut(x: Tensor, t: Tensor, l: Tensor, steps: int) -> Tensor:
    """Stretch each token's piece of the series to ``steps`` samples by linear interpolation.

    Args:
        x: series, ``(S, c, T)``.
        t, l: start and length of the tokens, shares of the window, ``(S, M)``.

    Returns:
        ``(S, M, c, steps)``
    """
    series, channels, length = x.shape
    along = torch.linspace(0, 1, steps, device=x.device)
    at = ((t[..., None] + l[..., None] * along).clamp(0, 1) * (length - 1)).flatten(1)  # (S, M·steps)
    low = at.floor().long().clamp(max=max(length - 2, 0))
    share = (at - low)[:, None]
    index = low[:, None].expand(series, channels, -1)
    left, right = x.gather(2, index), x.gather(2, (index + 1).clamp(max=length - 1))
    piece = left + (right - left) * share
    return piece.unflatten(2, (t.shape[1], steps)).transpose(1, 2)
