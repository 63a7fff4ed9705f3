"""Codes and attributes → shapes and signal."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqtext.model.config import ModelConfig
from vqtext.model.network.encoder import CHANNEL_DIM, virtual_channels
from vqtext.model.network.segments import SHAPE_STEPS


class ShapeDecoder(nn.Module):
    """Code → its shape ``(c, SHAPE_STEPS)``, in units of sigma, each channel with mean 0.

    How far a channel goes tells how sure its code is of it: where tokens of one code go different ways, the
    shape between them is flat.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, self.virtual = 2 * config.settings.dim, virtual_channels(config)
        self.outside = nn.Sequential(
            nn.Linear(config.settings.dim_code, dim), nn.GELU(), nn.Linear(dim, self.virtual * SHAPE_STEPS)
        )
        self.mix = nn.Linear(CHANNEL_DIM, self.virtual)

    def forward(self, z: Tensor, channels: Tensor) -> Tensor:
        """``z (..., dim_code)`` → ``(..., c, SHAPE_STEPS)``"""
        s = self.outside(z).unflatten(-1, (self.virtual, SHAPE_STEPS))
        s = s - s.mean(-1, keepdim=True)
        return torch.einsum("...rt,cr->...ct", s, self.mix(channels) / self.virtual**0.5)


class SignalDecoder(nn.Module):
    """Tokens read together → what their shapes miss, ``(S, M, c, SHAPE_STEPS)`` in units of sigma.

    A code is drawn the same wherever it is used. What its neighbours tell beyond that, and beyond the trend
    of their means (`align`), is added here.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.virtual = virtual_channels(config)
        self.outside = nn.Linear(config.settings.dim, self.virtual * SHAPE_STEPS)
        self.mix = nn.Linear(CHANNEL_DIM, self.virtual)

    def forward(self, h: Tensor, channels: Tensor) -> Tensor:
        """``h (S, M, D)``"""
        x = self.outside(h).unflatten(-1, (self.virtual, SHAPE_STEPS))
        return torch.einsum("smrt,cr->smct", x, self.mix(channels) / self.virtual**0.5)
