"""What codes draw of the signal, and what it costs to shuffle them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from vqtext.data.windows.windows import Windows
from vqtext.model.load import VQText
from vqtext.pipeline.evaluation import reconstruction


def missed(model: VQText, windows: Windows, rows: np.ndarray) -> list[float]:
    """What codes alone and tokens together miss (`reconstruction`), and both again with codes
    shuffled."""
    codebook = model.network.trunk.codebook
    give, vectors = codebook.forward, codebook.shape
    order = torch.randperm(len(vectors), generator=torch.Generator().manual_seed(0))

    def shuffled(z, keep):
        right = give(z, keep)
        code = order[right.code]
        return replace(right, z=vectors[code], code=code)

    found = []
    for chosen in (give, shuffled):
        codebook.forward = chosen
        found += reconstruction.reconstruction_error(model, windows, rows)
    codebook.forward = give
    return found
