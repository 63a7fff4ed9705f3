"""How unlike everything learned a window is.

A softmax is as sure of noise as of a person who walks: it only knows what tells labels apart. How far a
window's tokens, read together, lie from those of every label knows more (Lee et al. 2018, "A simple unified
framework for detecting out-of-distribution samples and adversarial attacks"). How far people lie whom the
network has not seen says what is still usual.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

RARE = 0.01  # share of the windows of unseen people that are told as unlike everything learned
LEAST_VARIANCE = 1e-12  # that windows differ by at least: those of dead channels are all the same
LEAST = 8  # windows of unseen people: fewer cannot say what is usual


class Novelty(nn.Module):
    """Mahalanobis distances to the labels' means, by the covariance that all labels share.

    Args:
        labels: n; width: g, of what the class is told from.
    """

    mean: Tensor
    known: Tensor
    whiten: Tensor
    strict: Tensor

    def __init__(self, labels: int, width: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(labels, width))
        self.register_buffer("whiten", torch.eye(width))
        self.register_buffer("known", torch.ones(labels, dtype=torch.bool))
        self.register_buffer("strict", torch.tensor(0.0))  # 1 / usual distance; at 0 nothing is unusual

    @torch.no_grad()
    def fit(self, pooled: Tensor, label: Tensor) -> None:
        """Learn where windows of each label lie, ``(N, g)`` with labels ``(N,)``; of a label without any,
        nothing. The covariance is shrunk as much as its own error asks for (Ledoit and Wolf 2004)."""
        from sklearn.covariance import LedoitWolf

        pooled = pooled.double()
        self.mean.zero_(), self.known.fill_(False)
        away = torch.empty_like(pooled)
        for i in label.unique():
            self.mean[i], self.known[i] = pooled[label == i].mean(0), True
            away[label == i] = pooled[label == i] - self.mean[i]
        covariance = torch.from_numpy(LedoitWolf(assume_centered=True).fit(away.numpy()).covariance_)
        scale, axes = torch.linalg.eigh(covariance)
        least = max(float(scale.max()) * 1e-6, LEAST_VARIANCE)
        self.whiten.copy_(axes / scale.clamp(min=least).sqrt())

    @torch.no_grad()
    def usual(self, pooled: Tensor) -> float:
        """The distance beyond which one in a hundred windows of people lies that the network has not seen,
        ``(N, g)``: a bound for the next one, if the logarithms of distances are normal. Infinite where there
        are too few windows to say."""
        from scipy.stats import t

        if len(pooled) < LEAST:
            return float("inf")
        far = self.distance(pooled).double().clamp(min=1e-6).log()
        spread = far.std() * (1 + 1 / len(far)) ** 0.5
        return float((far.mean() + t.ppf(1 - RARE, len(far) - 1) * spread).exp())

    def distance(self, pooled: Tensor) -> Tensor:
        """To the nearest label, ``(B, g)`` → ``(B,)``."""
        return torch.cdist(pooled @ self.whiten, self.mean[self.known] @ self.whiten).amin(1)

    def forward(self, pooled: Tensor) -> Tensor:
        """How familiar windows are, ``(B, g)`` → ``(B,)``: 1 up to the usual distance, falling with its
        square beyond."""
        return 1 / (self.strict * self.distance(pooled)).square().clamp(min=1.0)
