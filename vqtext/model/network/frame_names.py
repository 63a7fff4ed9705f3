"""Names of tokens on the time axis."""

from __future__ import annotations

from torch import Tensor

from vqtext.model.network.network import NetworkOutput
from vqtext.model.network.token_to_frame import coverage, to_frames


def frame_states(out: NetworkOutput, frames: int) -> Tensor:
    """Probabilities of the V states at each frame, ``(B, F, V)``."""
    return to_frames(out.states.exp(), _weights(out, frames))


def own_frame_names(out: NetworkOutput, frames: int) -> Tensor:
    """Probabilities of the anchors at each frame by the codes' own action vectors alone, ``(B, F, K)``."""
    return to_frames(out.own_names.softmax(-1), _weights(out, frames))


def _weights(out: NetworkOutput, frames: int) -> Tensor:
    """Weight of each sub-step at each frame, ``(B, F, M·S)``."""
    return coverage(out.t, out.l, out.names.shape[1] // out.code.shape[1], frames)
