"""Token embeddings ↔ attributes ``z, t, l, mu, sigma``."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.vqshape.config import VQShapeConfig

MIN_LENGTH = 1 / 64  # least length of a token, a share of the series


class Attributes(NamedTuple):
    """Attributes of M tokens: ``z (B, M, code_dim)`` before quantisation, all others ``(B, M, 1)``.

    ``t`` and ``l`` are shares of the series; ``mu`` and ``sigma`` are in units of the series' own deviation.
    """

    z: Tensor
    t: Tensor
    l: Tensor
    mu: Tensor
    sigma: Tensor


class AttributeDecoder(nn.Module):
    """Token embeddings ``(B, M, D)`` → `Attributes`, each by a head of its own."""

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        self.latent = _head(config.dim, config.code_dim)
        self.place = _head(config.dim, 2)
        self.offset = _head(config.dim, 1)
        self.scale = _head(config.dim, 1)

    def forward(self, x: Tensor) -> Attributes:
        t, l = self.place(x).sigmoid().chunk(2, -1)
        t = t * (1 - MIN_LENGTH)
        l = l * (1 - t) + MIN_LENGTH  # may end after the series by MIN_LENGTH: pieces are cut off there
        return Attributes(self.latent(x), t, l, self.offset(x), F.softplus(self.scale(x)))


class AttributeEncoder(nn.Module):
    """Attributes, with z as its code's vector, → token embeddings ``(B, M, D)``."""

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        self.project = nn.Linear(config.features, config.dim)

    def forward(self, z: Tensor, a: Attributes) -> Tensor:
        return self.project(torch.cat([z, a.mu, a.sigma, a.t, a.l], -1))  # the order of the weights' columns


def _head(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, inside), nn.ReLU(), nn.Linear(inside, outside))
