"""Terms of the loss with text: windows without text and windows with it have a mean each.

At test time there is no text, and where label words guide, the path with text knows the label from the start.
So each path has its mean over its own windows, and the easy one takes no weight from the other.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from vqtext.model.distributed import gather, gather_with_gradient, mean_of
from vqtext.model.guidance.fusion import SKETCH, Partners, Prediction
from vqtext.model.network.network import TrainingOutput

WEIGHTS = {  # those with text are half: it knows the label, and its gradients say little of the signal
    "class": 1.0,
    "text": 0.3,  # the pooled tokens against the labels' own texts
    "class_guided": 0.5,
    "text_guided": 0.15,
    "contrast": 0.1,
    "signal_predicts": 0.3,
    "text_predicts": 0.3,
}
TEXT_SHARPNESS = 10.0
SMOOTHING = 0.1  # of the class: with few people the network memorises them
LEAST_TEMPERATURE = 0.01  # CLIP's


def guided_losses(out: TrainingOutput, label: Tensor, label_vectors: Tensor) -> dict[str, Tensor]:
    """The terms that classify and align, each a scalar; those of guided windows only where text guides.

    Args:
        label: ``(B,)``, −1 where there is none.
        label_vectors: each label in text space, unit vectors ``(n, d)``.
    """
    named = label >= 0
    guided = guided_rows(out, label)
    each = {
        "class": _cross_entropy(out.classes, label, SMOOTHING),
        "text": _cross_entropy(TEXT_SHARPNESS * out.text @ label_vectors.T, label),
    }
    terms = {name: mean_of(value, named & ~guided) for name, value in each.items()}
    if out.fused is None:
        return terms
    terms |= {f"{name}_guided": mean_of(value, named & guided) for name, value in each.items()}
    partners = out.fused.partners
    if partners is None:
        return terms
    terms["contrast"] = contrast(partners, guided, label)
    for name, prediction in zip(("signal", "text"), partners.predictions or (), strict=False):
        terms[f"{name}_predicts"] = mean_of(_prediction(prediction, out, label), guided)
    return terms


def contrast(partners: Partners, guided: Tensor, label: Tensor) -> Tensor:
    """How well each window's two results find each other in the batch, both ways, a scalar.

    InfoNCE with a learned temperature after CLIP (Radford et al. 2021). Windows of one label have the same
    words, so they are left out of each other's negatives. A batch with one guided window has nothing
    to compare, and the term is 0.

    Args:
        guided: windows that take part, ``(B,)``; label: ``(B,)``, −1 where there is none.
    """
    with torch.autocast(guided.device.type, enabled=False):  # half precision loses the small temperatures
        signal, text = (
            gather_with_gradient(F.normalize(x.float(), dim=-1)) for x in (partners.signal, partners.text)
        )
        guided, label = gather(guided), gather(label)
        scale = partners.log_scale.float().exp().clamp(max=1 / LEAST_TEMPERATURE)
        same_label = (label[:, None] == label) & (label[:, None] >= 0)
        compared = guided[:, None] & guided & ~same_label
        compared.fill_diagonal_(True)
        logits = (scale * signal @ text.T).masked_fill(~compared, -torch.inf)
        target = torch.arange(len(label), device=label.device)
        each = [F.cross_entropy(x, target, reduction="none") for x in (logits, logits.T)]
        return mean_of((each[0] + each[1]) / 2, guided)


def guidance_metrics(out: TrainingOutput, label: Tensor) -> dict[str, tuple[Tensor, int]]:
    """Accuracy of the windows with text and of those without: name → value, and over how many windows.

    A path that no window of the batch took is left out.
    """
    right = (out.classes.argmax(-1) == label).float()
    guided = guided_rows(out, label)
    paths = {"accuracy_guided": guided, "accuracy_signal_only": ~guided}
    return {name: (right[rows].mean(), int(rows.sum())) for name, rows in paths.items() if rows.any()}


def guided_rows(out: TrainingOutput, label: Tensor) -> Tensor:
    """Windows that text guides, ``(B,)``; none where there is no text."""
    return out.fused.guided if out.fused is not None else torch.zeros_like(label, dtype=torch.bool)


def _prediction(prediction: Prediction, out: TrainingOutput, label: Tensor) -> Tensor:
    """Loss of one result alone against the window's class, or its signal where it has none, ``(B,)``."""
    seen = F.adaptive_avg_pool1d(out.seen.to(out.signal.dtype), SKETCH)
    sketch = F.adaptive_avg_pool1d(out.signal, SKETCH) / seen.clamp(min=1e-6)
    error = torch.where(seen > 0, prediction.sketch - sketch, 0.0).square().mean((1, 2))
    return torch.where(label >= 0, _cross_entropy(prediction.classes, label), error)


def _cross_entropy(logits: Tensor, label: Tensor, smoothing: float = 0.0) -> Tensor:
    """``(B,)``; 0 for a window without a label."""
    return F.cross_entropy(logits, label, ignore_index=-1, reduction="none", label_smoothing=smoothing)
