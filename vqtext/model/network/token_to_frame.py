"""Between tokens and the time axis.

Tokens start and last as they like, so two token sequences cannot be compared index by index. Names are
painted onto a common axis of F frames by their ``(t, l)``; everything about timing is decided there.
"""

from __future__ import annotations

import torch
from torch import Tensor

FALLOFF = 1e-3  # weight of the nearest step where no token reaches: every frame has a name
MIN_WEIGHT = 1e-12  # smaller weights are 0


def substep_borders(t: Tensor, l: Tensor, substeps: int) -> tuple[Tensor, Tensor]:
    """Start and end of each sub-step of each token, as shares of the window: two ``(B, M·S)``."""
    edges = torch.linspace(0, 1, substeps + 1, device=t.device)
    start = t[..., None] + l[..., None] * edges[:-1]
    end = t[..., None] + l[..., None] * edges[1:]
    return start.flatten(1), end.flatten(1)


def coverage(t: Tensor, l: Tensor, substeps: int, frames: int) -> Tensor:
    """Weight of each sub-step at each frame.

    Args:
        t, l: start and length of the tokens as shares of the window, ``(B, M)``.
        substeps: S, names a token emits.
        frames: F, frames of the window.

    Returns:
        Weights ``(B, F, M·S)``; over the sub-steps they sum to 1 at every frame.
    """
    start, end = (border.detach()[:, None] for border in substep_borders(t, l, substeps))
    left = torch.arange(frames, device=t.device)[None, :, None] / frames
    right = left + 1 / frames
    overlap = (torch.minimum(end, right) - torch.maximum(start, left)).clamp(min=0) * frames
    distance = ((start + end) / 2 - (left + right) / 2).abs()
    weight = overlap + FALLOFF * nearness(distance * frames)
    return weight / weight.sum(-1, keepdim=True)


def nearness(distance: Tensor) -> Tensor:
    """Softmax of negative distances ``(…, M)``, without its subnormal values.

    They would be lost beside the others, and take processors ten times as long to multiply.
    """
    share = torch.softmax(-distance, dim=-1)
    return torch.where(share > MIN_WEIGHT, share, 0.0)


def to_frames(names: Tensor, weights: Tensor) -> Tensor:
    """Probabilities of sub-steps ``(B, M·S, K)`` → probabilities of frames ``(B, F, K)``."""
    return weights @ names


def anchors_of(states: Tensor, of_state: Tensor, anchors: int) -> Tensor:
    """Probabilities of states ``(..., V)`` → of their anchors, ``(..., K)``; ``of_state (V,)``."""
    return states @ torch.nn.functional.one_hot(of_state, anchors).to(states.dtype)
