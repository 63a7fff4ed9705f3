"""What codes draw of the signal, and what it costs to shuffle them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from vqtext.data.windows import Windows
from vqtext.model.load import VQText
from vqtext.model.losses import residual


@torch.no_grad()
def missed(model: VQText, windows: Windows, rows: np.ndarray) -> list[float]:
    """Share of each series' own variance in its window that is missed, mean over windows and channels: by the
    pieces that codes draw, by all that tokens tell together, and both again with codes shuffled."""
    codebook = model.network.trunk.codebook
    give, vectors = codebook.forward, codebook.vectors
    order = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(0))

    def shuffled(z, keep):
        right = give(z, keep)
        code = order[right.code]
        return replace(right, z=vectors[code], code=code)

    found = []
    for chosen in (give, shuffled):
        codebook.forward = chosen
        shares = [[], []]
        for block in np.array_split(rows, max(1, len(rows) // 128)):
            out = model.network(torch.from_numpy(np.asarray(windows.signal[block])))
            for share, drawn in zip(shares, (out.stitched, out.rebuilt), strict=True):
                share.append(residual(drawn, out.signal, out.seen))
        found += [float(torch.cat(share).mean()) for share in shares]
    codebook.forward = give
    return found
