"""The named terms of the loss."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from vqtext.model import guided_losses
from vqtext.model.distributed import batch_count, batch_mean
from vqtext.model.network import Output, Reading
from vqtext.model.painting import coverage, paint
from vqtext.model.pieces import FAINT
from vqtext.model.vqshape.losses import Losses

NAMES = ("names", "own_names")  # of the tokens, and of their codes
WEIGHTS = {
    "rebuild": 1.0,
    "shape": 1.0,  # by what codes draw alone
    "commitment": 0.5,
    "name": 3.0,  # names come first: as one term among many they stay coarse
    "own_name": 1.5,  # a code means one thing: its own action vectors must say what its tokens say
    **{f"vqshape_{name}": 1.0 for name in Losses._fields},  # each comes with VQShape's own weight
    **guided_losses.WEIGHTS,
}


def frame_names(out: Reading, names: Tensor, frames: int) -> Tensor:
    """Logits of the tokens' sub-steps ``(B, M·S, K)`` → probabilities of the anchors at each frame,
    ``(B, F, K)``."""
    return paint(names.softmax(-1), _weights(out, frames))


def all_frame_names(out: Reading, frames: int) -> dict[str, Tensor]:
    """The `frame_names` of each of `NAMES`."""
    weights = _weights(out, frames)
    return {which: paint(getattr(out, which).softmax(-1), weights) for which in NAMES}


def losses(
    out: Output,
    said: Mapping[str, Tensor],
    label: Tensor,
    target: Tensor,
    frame_keep: Tensor,
    label_vectors: Tensor,
) -> dict[str, Tensor]:
    """The named terms of the loss, each a scalar.

    Args:
        said: of ``out``, as `all_frame_names` gives it.
        label: ``(B,)``; target: what each frame should be called, ``(B, F, K)``.
        frame_keep: ``(B, F)``; label_vectors: ``(n, d)``.
    """
    kept = batch_count(frame_keep)

    def naming(which: str) -> Tensor:
        """Kullback-Leibler divergence: 0 where the targets are met, however soft they are."""
        away = target * (target.clamp(min=1e-6).log() - said[which].clamp(min=1e-6).log())
        return (away.sum(-1) * frame_keep).sum() / kept

    return {
        **_drawing(out),
        "name": naming("names"),
        "own_name": naming("own_names"),
        **guided_losses.guided_losses(out, label, label_vectors),
    }


def _weights(out: Reading, frames: int) -> Tensor:
    """How much each sub-step has to say about each frame, ``(B, F, M·S)``."""
    return coverage(out.t, out.l, out.names.shape[1] // out.code.shape[1], frames)


def _drawing(out: Output) -> dict[str, Tensor]:
    """How well codes draw the signal: VQShape's own losses where channels are independent."""
    if out.original is not None:
        return {f"vqshape_{name}": value for name, value in out.original._asdict().items()}
    return {
        "rebuild": batch_mean(residual(out.rebuilt, out.signal, out.seen)),
        "shape": batch_mean(residual(out.stitched, out.signal, out.seen)),
        "commitment": out.commitment,
    }


def residual(rebuilt: Tensor, signal: Tensor, seen: Tensor) -> Tensor:
    """Share of each series' own variance in its window that is missed; a calm series counts as a lively one.

    Args:
        rebuilt, signal, seen: ``(B, C, T)``.

    Returns:
        One number a series that varies, ``(·,)``.
    """
    count = seen.sum(-1).clamp(min=1)
    mean = (signal * seen).sum(-1, keepdim=True) / count[..., None]
    variance = ((signal - mean).square() * seen).sum(-1) / count
    missed = ((rebuilt - signal).square() * seen).sum(-1) / count
    varies = variance > FAINT**2
    return (missed / variance.clamp(min=FAINT**2))[varies]
