"""How long one round of an activity takes, read from the motion of its training windows."""

from __future__ import annotations

import torch
from torch import Tensor

from vqtext.model.evidence import Evidence

USUAL_S = 1.2  # a stride, a stroke, a jump: where no rhythm is clear
RANGE_S = (0.4, 4.0)
CLEAR = 0.3  # correlation of a movement with itself one round later


def cycle_s(evidence: Evidence, labels: int) -> Tensor:
    """Seconds of a round of each label, ``(n,)``: where its motion is most like itself.

    Correlations are averaged over the label's windows and locations. A location that moves twice a round
    (a hip, a fist) rings at half of it, one that moves once does not: their sum is highest at the whole.
    """
    energy = torch.where(evidence.energy.isfinite(), evidence.energy, 0.0)
    energy = energy - energy.mean(1, keepdim=True)
    frames = energy.shape[1]
    spectrum = torch.fft.rfft(energy, 2 * frames, dim=1).abs().square()
    alike = torch.fft.irfft(spectrum, dim=1)[:, :frames]  # (N, F, L)
    first, last = (round(s / evidence.frame_s) for s in RANGE_S)
    last = min(last, frames * 2 // 3)
    out = torch.full((labels,), USUAL_S)
    for i in evidence.label.unique():
        own = alike[evidence.label == i].mean((0, 2))
        own = own / own[0].clamp(min=1e-9) * frames / (frames - torch.arange(frames))
        if last <= first:
            continue
        here = own[first:last]
        peak = int(here.argmax())
        if here[peak] > CLEAR and 0 < peak < len(here) - 1:
            out[i] = (first + peak) * evidence.frame_s
    return out
