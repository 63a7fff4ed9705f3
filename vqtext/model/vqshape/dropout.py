"""Dropout that is fast on a CPU, where torch's takes a seventh of a training step.

torch draws a number for each element; here four elements share one draw of 64 bits.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

LEAST, STEPS = -(2**15), 2**16  # of 16 bits


def dropped(x: Tensor, share: float, onto: Tensor | None = None) -> Tensor:
    """``x`` with a share of its elements 0 and the others larger by as much, plus ``onto``.

    On a processor the share is rounded to a 65536th: 0.1 is 0.100006.
    """
    if share == 0:
        return x if onto is None else onto + x
    if x.device.type != "cpu" or torch.compiler.is_compiling():  # what is compiled draws fast by itself
        x = F.dropout(x, share)
        return x if onto is None else onto + x
    draws = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
    lost = round(share * STEPS)
    mask = draws[: x.numel()].view(x.shape) >= LEAST + lost
    scale = mask.to(x.dtype).mul_(STEPS / (STEPS - lost))
    return x * scale if onto is None else torch.addcmul(onto, x, scale)
