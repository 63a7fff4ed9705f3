"""Other recordings of the same movement, made from one."""

from __future__ import annotations

import torch
from torch import Tensor

LOUDER, NOISE = 0.1, 0.1  # augmentation: spread of the gain, noise as a share of a channel's own spread


def augment(signal: Tensor, frame_keep: Tensor) -> tuple[Tensor, Tensor]:
    """Other recordings of the same movement: started at another moment, a little louder, noisier.

    Args:
        signal: ``(B, C, T)``; frame_keep: ``(B, F)``; a window that is not full is not turned round.

    Returns:
        The signal, and by how many frames each window was turned, ``(B,)``.
    """
    batch, _, steps = signal.shape
    frames = frame_keep.shape[1]
    turn = torch.randint(frames, (batch,), device=signal.device) * frame_keep.all(1)
    at = torch.arange(steps, device=signal.device) - (turn * steps // frames)[:, None]
    signal = signal.gather(2, (at % steps)[:, None].expand_as(signal))
    scale = 1 + LOUDER * torch.randn(batch, 1, 1, device=signal.device)
    spread = signal.nan_to_num().std(-1, keepdim=True)
    return signal * scale + NOISE * spread * torch.randn_like(signal), turn


def turn_frames(x: Tensor, turn: Tensor) -> Tensor:
    """Turn the frames of each row ``(B, F, K)`` round by its own number."""
    at = (torch.arange(x.shape[1], device=x.device) - turn[:, None]) % x.shape[1]
    return x.gather(1, at[..., None].expand_as(x))
