"""Out-of-distribution detection: how far a window lies from the training windows of every label.

A softmax is as confident on noise as on a person who walks. The Mahalanobis distance of a window's pooled
tokens to the nearest label's mean is not (Lee et al. 2018, "A simple unified framework for detecting
out-of-distribution samples and adversarial attacks"). The distances of held-out subjects set the threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class OODConfig:
    """Attributes:
    false_alarms: share of the windows of held-out subjects beyond the threshold.
    min_windows: of held-out subjects; with fewer there is no threshold.
    min_variance: of a direction of the pooled tokens; those of dead channels never vary.
    """

    false_alarms: float = 0.01
    min_windows: int = 8
    min_variance: float = 1e-12


CONFIG = OODConfig()


class OutOfDistribution(nn.Module):
    """Mahalanobis distances to the labels' means, with one covariance for all labels.

    Args:
        labels: n; width: g, of the pooled tokens.
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
        self.register_buffer("strict", torch.tensor(0.0))  # 1 / threshold; 0: nothing is out of distribution

    @torch.no_grad()
    def fit(self, pooled: Tensor, label: Tensor) -> None:
        """Fit means of the labels that occur and the shared covariance, shrunk as by Ledoit and Wolf 2004.

        Args:
            pooled: ``(N, g)``; label: ``(N,)``.
        """
        from sklearn.covariance import LedoitWolf

        pooled = pooled.double()
        self.mean.zero_(), self.known.fill_(False)
        residual = torch.empty_like(pooled)
        for i in label.unique():
            self.mean[i], self.known[i] = pooled[label == i].mean(0), True
            residual[label == i] = pooled[label == i] - self.mean[i]
        covariance = torch.from_numpy(LedoitWolf(assume_centered=True).fit(residual.numpy()).covariance_)
        scale, axes = torch.linalg.eigh(covariance)
        least = max(float(scale.max()) * 1e-6, CONFIG.min_variance)
        self.whiten.copy_(axes / scale.clamp(min=least).sqrt())

    @torch.no_grad()
    def threshold(self, pooled: Tensor) -> float:
        """The distance that a new window of an unseen subject exceeds with chance `OODConfig.false_alarms`:
        a prediction bound for log-normal distances. Infinite where there are too few windows.

        Args:
            pooled: of held-out subjects, ``(N, g)``.
        """
        from scipy.stats import t

        if len(pooled) < CONFIG.min_windows:
            return float("inf")
        log = self.distance(pooled).double().clamp(min=1e-6).log()
        spread = log.std() * (1 + 1 / len(log)) ** 0.5
        return float((log.mean() + t.ppf(1 - CONFIG.false_alarms, len(log) - 1) * spread).exp())

    def distance(self, pooled: Tensor) -> Tensor:
        """To the nearest label, ``(B, g)`` → ``(B,)``."""
        return torch.cdist(pooled @ self.whiten, self.mean[self.known] @ self.whiten).amin(1)

    def forward(self, pooled: Tensor) -> Tensor:
        """In-distribution score, ``(B, g)`` → ``(B,)``: 1 up to the threshold, falling with the square of the
        distance beyond."""
        return 1 / (self.strict * self.distance(pooled)).square().clamp(min=1.0)
