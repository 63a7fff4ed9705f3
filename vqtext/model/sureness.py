"""How sure a told step may be.

A posterior adds up what a network says of each frame as if each were news: a slight liking for a name becomes
a certainty within seconds. What it is worth shows in people that the network has not seen. Their own sensors
and what is written name their steps as well, without the network, and how often the two say the same is how
sure it may be.
"""

from __future__ import annotations

import torch
from torch import Tensor

SHRUNK_S = 5.0  # seconds of a use that say as much of it as its label does, and of a label as all labels do


def sureness(path: Tensor, posterior: Tensor, walked: Tensor, anchor: Tensor, frame_s: float) -> Tensor:
    """What the posterior of each use is to be multiplied by, so that steps are as sure as they are right.

    Args:
        path: uses that windows of unseen people are told, ``(N, F)``, counted through all labels
            (label · U + use); −1 none.
        posterior: of what the path says, ``(N, F)``.
        walked: anchors by the evidence alone, ``(N, F)``; −1 where it names none.
        anchor: of each use, ``(n, U)``.
        frame_s: seconds a frame lasts.

    Returns:
        ``(n, U)``, above 0 and at most 1; 1 where there is nothing to hold against each other.
    """
    own = (path >= 0) & (walked >= 0)
    use, posterior = path[own], posterior[own]
    right = (anchor.flatten()[use] == walked[own]).to(posterior.dtype)

    def seconds(values: Tensor) -> Tensor:
        return frame_s * values.new_zeros(anchor.numel()).index_add_(0, use, values).view(anchor.shape)

    time = seconds(torch.ones_like(posterior))
    if not len(use):
        return torch.ones_like(time)

    def mean(values: Tensor) -> Tensor:
        total = seconds(values)
        label = (total.sum(1) + SHRUNK_S * total.sum() / time.sum()) / (time.sum(1) + SHRUNK_S)
        return (total + SHRUNK_S * label[:, None]) / (time + SHRUNK_S)

    return (mean(right) / mean(posterior)).clamp(max=1)
