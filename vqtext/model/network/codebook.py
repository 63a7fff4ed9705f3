"""The codebook and its two faces: a code owns a shape vector and a short sequence of action vectors."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.distributed import batch_count, mean_of, mean_over_ranks, of_rank_zero

DEAD = 0.05  # a code used less than this share of its fair part is moved
DECAY = 0.95  # memory of the usage count, per step
REVIVE_EVERY = 50  # steps between two looks at dead codes
ENTROPY = 0.1  # weight of the entropy terms


@dataclass(frozen=True)
class Quantised:
    """Attributes:
    z: the code vector with a straight-through gradient, ``(..., dim_code)``.
    code: index of the code, ``(...)``.
    action: its action vectors, with a gradient to z too: which code is chosen depends on how well the names
        of the codes around suit the token, ``(..., S, action_dim)``.
    loss: commitment + codebook − entropy of use, a scalar.
    """

    z: Tensor
    code: Tensor
    action: Tensor
    loss: Tensor


class Codebook(nn.Module):
    """Euclidean codebook after VQShape, with dead codes moved to where tokens are.

    Source: van den Oord et al. 2017 (commitment); VQShape, NeurIPS 2024 (entropy terms). The entropy term
    rewards using all codes over the batch and being sure of one for each token.

    Args:
        codes: size of the codebook.
        dim: width of a code.
        substeps: action vectors a code owns, S.
        action_dim: their width, that of the anchors.
    """

    usage: Tensor
    steps: Tensor

    def __init__(self, codes: int, dim: int, substeps: int, action_dim: int) -> None:
        super().__init__()
        self.shape = nn.Parameter(torch.randn(codes, dim))
        self.action = nn.Parameter(torch.randn(codes, substeps, action_dim) / action_dim**0.5)
        self.register_buffer("usage", torch.full((codes,), 1 / codes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    def forward(self, z: Tensor, keep: Tensor) -> Quantised:
        """Quantise ``z (B, M, dim)``; tokens with ``keep (B, M)`` False count for nothing."""
        squared = (z**2).sum(-1, keepdim=True) + (self.shape**2).sum(-1) - 2 * z @ self.shape.T
        code = squared.argmin(-1)
        chosen = self.shape[code]
        distance = (chosen.detach() - z).square().mean(-1) + (chosen - z.detach()).square().mean(-1)
        loss = mean_of(distance, keep)
        action = self.action[code]
        if self.training:
            scale = mean_over_ranks(mean_of(squared.detach().mean(-1), keep))
            share = torch.softmax(-squared / (0.1 * scale + 1e-8), dim=-1)
            total = torch.where(keep[..., None], share, 0.0).flatten(0, -2).sum(0)
            used = mean_over_ranks(total) / batch_count(keep)  # of the batch of all processes
            loss = loss + ENTROPY * (mean_of(_entropy(share), keep) - _entropy(used))
            soft = (share @ self.action.detach().flatten(1)).view_as(action)
            action = action + (soft - soft.detach())
        return Quantised(z + (chosen - z).detach(), code, action, loss)

    @torch.no_grad()
    def revive(self, z: Tensor, code: Tensor) -> None:
        """Count what was used and move dead codes onto tokens of this batch; call after an optimiser step.

        Args:
            z: unquantised tokens, ``(n, dim)``; code: of each, ``(n,)``.
        """
        self.usage.lerp_(F.one_hot(code, len(self.usage)).float().mean(0), 1 - DECAY)
        self.steps += 1
        if int(self.steps) % REVIVE_EVERY:
            return
        dead = (self.usage < DEAD / len(self.usage)).nonzero()[:, 0]
        if len(dead):
            pick = of_rank_zero(torch.randint(len(z), (len(dead),), device=z.device))
            self.shape[dead] = z[pick] + 0.01 * of_rank_zero(torch.randn_like(z[pick]))
            self.action[dead] = self.action[code[pick]]
            self.usage[dead] = 1 / len(self.usage)


def _entropy(p: Tensor) -> Tensor:
    return -(p * p.clamp(min=1e-8).log()).sum(-1)


def perplexity(counts: Tensor) -> float:
    """Effective number of codes in use, ``exp(entropy)`` of the usage counts."""
    total = counts.sum()
    return float(_entropy(counts / total).exp()) if total > 0 else 0.0
