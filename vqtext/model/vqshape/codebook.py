"""The Euclidean codebook."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from vqtext.model.distributed import batch_count, batch_mean, mean_over_ranks
from vqtext.model.vqshape.config import VQShapeConfig

TEMPERATURE = 0.01  # of the soft choice that the entropy term looks at, in squared distance
MIN_PROBABILITY = 1e-5  # probability under the logarithm


class Quantised(NamedTuple):
    """``z (B, M, code_dim)``: each token's code vector, which passes gradients on to the token's own z;
    ``code (B, M)``: its index; ``distance (B·M, codes)``: squared, from each token to each code.
    """

    z: Tensor
    code: Tensor
    distance: Tensor


class Codebook(nn.Module):
    """Each token takes the nearest code."""

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        self.config = config
        self.vectors = nn.Parameter(torch.empty(config.codes, config.code_dim))
        nn.init.uniform_(self.vectors, -1 / config.codes, 1 / config.codes)

    def forward(self, z: Tensor) -> Quantised:
        flat = z.flatten(0, 1)
        # |a|² + |b|² − 2ab, in this order: codes must be the original's, also where two are almost as near
        distance = (
            flat.square().sum(1, keepdim=True) + self.vectors.square().sum(1) - 2 * (flat @ self.vectors.T)
        )
        code = distance.argmin(1).view(z.shape[:2])
        return Quantised(z + (self.vectors[code] - z).detach(), code, distance)

    def loss(self, z: Tensor, q: Quantised) -> Tensor:
        """Tokens move to their codes, codes to their tokens; choices are sure, and all codes are used."""
        c = self.config
        own = self.vectors[q.code]
        loss = batch_mean((own.detach() - z).square())
        loss = loss + c.codebook_weight * batch_mean((own - z.detach()).square())
        if c.entropy_weight > 0:
            p = (-q.distance / TEMPERATURE).softmax(-1)
            used = mean_over_ranks(p.sum(0)) / batch_count(torch.ones_like(q.code, dtype=torch.bool))
            loss = loss + c.entropy_weight * (batch_mean(_entropy(p)) - c.evenness * _entropy(used))
        return loss


def _entropy(p: Tensor) -> Tensor:
    return -(p * p.clamp(min=MIN_PROBABILITY).log()).sum(-1)
