"""Emissions by sensor features: a Gaussian of each sub-state of each step.

B windows of a part, F frames, R features.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from vqtext.model.grounding.emissions import EPS, EmissionConfig, Evidence


class Gaussians:
    """Gaussian emissions of each state: a mean of its own, variances shared by all states.

    Features are standardised within subject alone, so that a still activity stays stiller than a lively
    one. Free variances, or going on to convergence, name worse.
    """

    def __init__(self, evidence: Evidence, config: EmissionConfig) -> None:
        self.config = config
        self.x = evidence.standardised
        self.seen = evidence.features.isfinite()
        self.weight, self.hand = evidence.data_weight(config), evidence.hand

    def fit(self, parts: Iterable[tuple[Tensor, Tensor, Tensor]], kin: Tensor) -> None:
        """Take means and variances from posteriors, in parts.

        Means are drawn towards those of their kin, for a movement is much the same in every label: where the
        words of one label are wrong, those of others count.

        Args:
            parts: rows of windows ``(b,)``, the probabilities of some states there, ``(b, F, s)``, and which
                states these are, ``(s,)``.
            kin: the family of each state, ``(states,)``.
        """
        sensors, states = self.x.shape[2], len(kin)
        total, first, second = (self.x.new_zeros(states, sensors) for _ in range(3))
        for rows, share, some in parts:
            x, share = self.x[rows].flatten(0, 1), share.flatten(0, 1).T
            seen = self.seen[rows].flatten(0, 1).to(x.dtype)
            total.index_add_(0, some, share @ seen)
            first.index_add_(0, some, share @ x)
            second.index_add_(0, some, share @ x.square())
        self.mean = first / total.clamp(min=EPS)
        within = (second - total * self.mean.square()).sum(0) / total.sum(0).clamp(min=EPS)
        self.variance = within.clamp(min=self.config.min_variance)
        families = self.x.new_zeros(int(kin.max()) + 1, sensors)
        count = families.index_add(0, kin, total).clamp(min=EPS)
        family = families.index_add(0, kin, first) / count
        self.mean = torch.lerp(self.mean, family[kin], self.config.shrink)

    def emission(self, rows: Tensor, states: Tensor) -> Tensor:
        """Log weights of some states in some windows.

        Args:
            rows: windows, ``(b,)``; states: which states, for each hand, ``(hands, ...)``.

        Returns:
            ``(b, F, ...)``.
        """
        x, seen, hand = self.x[rows], self.seen[rows] / self.variance, self.hand[rows]
        some, place = states.unique(return_inverse=True)
        mean = self.mean[some]
        # |x − m|² over what was measured, as three products
        away = (x.square() * seen).sum(-1, keepdim=True) - 2 * (x * seen) @ mean.T
        away = -0.5 * self.weight * (away + seen @ mean.square().T)
        out = away.new_empty(*away.shape[:2], *states.shape[1:])
        for h in hand.unique():
            out[hand == h] = away[hand == h][..., place[h]]
        return out
