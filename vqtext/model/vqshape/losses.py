"""What VQShape is trained by."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from vqtext.model.distributed import batch_mean
from vqtext.model.vqshape.attributes import MIN_LENGTH
from vqtext.model.vqshape.config import VQShapeConfig

MIN_DISTANCE = 0.2  # tokens nearer than this push each other away


class Losses(NamedTuple):
    """Each a scalar. The original's names: ``ts_loss``, ``vq_loss``, ``shape_loss``, ``dist_loss``.

    Attributes:
        signal: squared error of the series' copy, in the series' own units.
        latent: of the codebook, see `Codebook.loss`.
        shape: squared error of drawn shapes against the pieces they stand for.
        spread: tokens that stand for almost the same stretch, see `spread`.
    """

    signal: Tensor
    latent: Tensor
    shape: Tensor
    spread: Tensor

    def weighed(self, config: VQShapeConfig) -> Losses:
        """Each times its weight."""
        c = config
        return Losses(
            c.signal_weight * self.signal,
            c.latent_weight * self.latent,
            c.shape_weight * self.shape,
            c.spread_weight * self.spread,
        )

    def total(self, config: VQShapeConfig) -> Tensor:
        """What the original's pretraining lowers."""
        return torch.stack(self.weighed(config)).sum()


def spread(t: Tensor, l: Tensor) -> Tensor:
    """How far tokens of one series, ``t, l (B, M, 1)``, fall short of being `MIN_DISTANCE` from each other.

    A token is a point of the half plane: its angle is its start, its distance from the origin falls with the
    logarithm of its length, so that long tokens lie close together wherever they start.
    """
    reach = l.log() / math.log(MIN_LENGTH)
    place = torch.cat([torch.cos(torch.pi * t) * reach, torch.sin(torch.pi * t) * reach], -1)  # (B, M, 2)
    distance = torch.norm(place[:, None] - place[:, :, None], dim=-1)  # (B, M, M)
    others = 1 - torch.eye(distance.shape[-1], device=t.device)
    return batch_mean((MIN_DISTANCE - distance).relu() * others)
