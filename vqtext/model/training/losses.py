"""The named terms of the loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from vqtext.model.decoding.decoder import Decoder
from vqtext.model.distributed import batch_count, batch_mean
from vqtext.model.network.frame_names import own_frame_names
from vqtext.model.network.network import TrainingOutput
from vqtext.model.network.segments import MIN_SPREAD
from vqtext.model.network.token_to_frame import anchors_of
from vqtext.model.training import guidance_losses
from vqtext.model.vqshape.losses import Losses

WEIGHTS = {  # of the terms; `benchmarks/ablation.py` says what `steps` and guidance are worth
    "rebuild": 1.0,
    "shape": 1.0,  # by what codes draw alone
    "commitment": 0.5,
    "name": 3.0,  # names come first: as one term among many they stay coarse
    "own_name": 1.5,  # a code means one thing: its own action vectors must name what its tokens name
    "steps": 0.3,  # the class by the steps, as it is decided (decision 0037)
    **{f"vqshape_{name}": 1.0 for name in Losses._fields},  # each comes with VQShape's own weight
    **guidance_losses.WEIGHTS,
}


def losses(
    out: TrainingOutput,
    states: Tensor,
    label: Tensor,
    target: Tensor,
    frame_keep: Tensor,
    label_vectors: Tensor,
    decoder: Decoder,
) -> dict[str, Tensor]:
    """The named terms of the loss, each a scalar.

    Args:
        states: of ``out``, as `frame_states` gives them, ``(B, F, V)``.
        label: ``(B,)``; target: which state each frame should be, ``(B, F, V)``, 0 where it is unknown.
        frame_keep: ``(B, F)``; label_vectors: ``(n, d)``.
        decoder: the chain of steps that the class is decided by.
    """
    taught = frame_keep & (target.sum(-1) > 0)
    frames = batch_count(taught)

    def divergence(target: Tensor, probability: Tensor) -> Tensor:
        """Kullback-Leibler: 0 where the targets are met, however soft they are."""
        each = target * (target.clamp(min=1e-6).log() - probability.clamp(min=1e-6).log())
        return (each.sum(-1) * taught).sum() / frames

    own = own_frame_names(out, frame_keep.shape[1])
    return {
        **_drawing(out),
        "name": divergence(target, states),
        "own_name": divergence(anchors_of(target, decoder.grammar.of_state, own.shape[-1]), own),
        "steps": _steps(out, states, label, frame_keep, decoder),
        **guidance_losses.guided_losses(out, label, label_vectors),
    }


def _steps(
    out: TrainingOutput, states: Tensor, label: Tensor, frame_keep: Tensor, decoder: Decoder
) -> Tensor:
    """Cross-entropy of the class by the steps alone, over the windows without text. Labels of the same steps
    are one class here."""
    rows = (label >= 0) & ~guidance_losses.guided_rows(out, label)
    steps = decoder.of_groups(decoder.steps(states[rows].float(), frame_keep[rows]))
    return F.nll_loss(steps, label[rows], reduction="sum") / batch_count(rows)


def _drawing(out: TrainingOutput) -> dict[str, Tensor]:
    """How well codes draw the signal: VQShape's own losses where channels are independent."""
    if out.original is not None:
        return {f"vqshape_{name}": value for name, value in out.original._asdict().items()}
    return {
        "rebuild": batch_mean(residual(out.rebuilt, out.signal, out.seen)),
        "shape": batch_mean(residual(out.stitched, out.signal, out.seen)),
        "commitment": out.commitment,
    }


def residual(rebuilt: Tensor, signal: Tensor, seen: Tensor) -> Tensor:
    """Unexplained share of each series' own variance in its window; a calm series counts as a lively one.

    Args:
        rebuilt, signal, seen: ``(B, C, T)``.

    Returns:
        One number a series that varies, ``(·,)``.
    """
    count = seen.sum(-1).clamp(min=1)
    mean = (signal * seen).sum(-1, keepdim=True) / count[..., None]
    variance = ((signal - mean).square() * seen).sum(-1) / count
    error = ((rebuilt - signal).square() * seen).sum(-1) / count
    varies = variance > MIN_SPREAD**2
    return (error / variance.clamp(min=MIN_SPREAD**2))[varies]
