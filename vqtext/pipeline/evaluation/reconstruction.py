"""How much of the signal codes draw: what `stitch` leaves over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vqtext.data.windows.windows import Windows

if TYPE_CHECKING:
    from vqtext.model.load import VQText


def reconstruction_error(model: VQText, windows: Windows, rows: np.ndarray) -> tuple[float, float]:
    """Share of each series' own variance in its window that is missed, mean over windows and channels: by the
    pieces that codes draw alone, and by all that the tokens of a window tell together. NaN where nothing
    varies.

    Args:
        rows: places of the windows.
    """
    import torch

    from vqtext.model.decoding.inputs import blocks
    from vqtext.model.training.losses import residual

    if not len(rows):
        return float("nan"), float("nan")
    found: tuple[list[torch.Tensor], list[torch.Tensor]] = ([], [])
    with torch.no_grad():
        for block in blocks(windows.signal, rows, model.config):
            out = model.network(block)
            for share, drawn in zip(found, (out.stitched, out.rebuilt), strict=True):
                share.append(residual(drawn, out.signal, out.seen))
    alone, together = (float(torch.cat(share).mean()) for share in found)
    return alone, together
