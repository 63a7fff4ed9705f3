"""Tokens of windows, joint or of independent channels."""

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
class TokenAttributes:
    """Tokens of B windows, M a window. Of independent channels, one series comes after the other.

    Attributes:
        code, t, l, keep: ``(B, M)``.
        mu, sigma: ``(B, M, c)``, in standard units; where channels are independent, in units of the series'
            own deviation, as in VQShape.
        latent: tokens before they were given a code, ``(B, M, dim_code)``.
        features: ``(code vector, mu, sigma, t, l)`` of each token, zero where it is not kept, ``(B, M, f)``;
            where channels are independent, the mean and the log deviation of its series come after.
    """

    code: Tensor
    t: Tensor
    l: Tensor
    keep: Tensor
    mu: Tensor
    sigma: Tensor
    latent: Tensor
    features: Tensor


@dataclass(frozen=True)
class Tokenised(TokenAttributes):
    """Tokens, and what reading and training them needs besides.

    Attributes:
        action: action vectors of each token's code, ``(B, M, sub-steps, r)``.
        draw: the input from the tokens, given what was read of them, ``(B, M, D)``.
        commitment: codebook loss, a scalar.
        original: the losses of VQShape, each with its weight, None for joint tokens.
        fused: where text met signal, None where there was no text.
    """

    action: Tensor
    draw: Callable[[Tensor], Reconstruction]
    commitment: Tensor
    original: Losses | None
    fused: Fused | None
