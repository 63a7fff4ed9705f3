"""What both ways to see a window hand on to what reads it: its tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from vqtext.model.guidance.fusion import Fused
from vqtext.model.vqshape.losses import Losses


class Reconstruction(NamedTuple):
    """The input from its tokens, in standard units, ``(B, C, T)`` each.

    Attributes:
        stitched: the drawn pieces alone, put back together.
        rebuilt: the copy that knows of all tokens.
    """

    stitched: Tensor
    rebuilt: Tensor


@dataclass(frozen=True)
class Tokenised:
    """Tokens of B windows, and all that must be known of them to read and to teach them.

    S series of M tokens each give the window's tokens one series after the other; joint tokens are of one
    series.

    Attributes:
        code, t, l, keep: ``(B, S·M)``; mu, sigma: ``(B, S·M, c)``.
        latent: tokens before they were given a code, ``(B, S·M, dim_code)``.
        features: what a token is told by, zero where it is not kept, ``(B, S·M, f)``.
        draw: the input from the tokens, given what was read of them, ``(B, S·M, D)``.
        action: action vectors of each token's code, ``(B, S·M, sub-steps, r)``.
        commitment: codebook loss, a scalar.
        original: the losses of VQShape, each with its weight, None for joint tokens.
        fused: where text met signal, None where there was no text.
    """

    code: Tensor
    t: Tensor
    l: Tensor
    keep: Tensor
    mu: Tensor
    sigma: Tensor
    latent: Tensor
    features: Tensor
    action: Tensor
    draw: Callable[[Tensor], Reconstruction]
    commitment: Tensor
    original: Losses | None
    fused: Fused | None
