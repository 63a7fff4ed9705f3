"""Confidence of a decoded step, calibrated on held-out subjects.

A chain's posterior multiplies the network's outputs of all frames as if they were independent: a slight
preference becomes a certainty within seconds. Held-out subjects show what it is worth: the E-step names their
moments by their own sensors and the words, without the network, and the factor of a step is how often the two
agree, over the mean posterior. Means are shrunk: of a step in a label to its label's, of a label to all.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class ConfidenceConfig:
    """Attributes:
    prior_all: pseudo-subjects that agree with everything, for the mean of all labels.
    prior_label, prior_step: pseudo-subjects that agree as all labels do, for the mean of a label, and as
        the label does, for the mean of a step.
    half_subject_s: seconds after which a subject counts half of one: subjects count, not frames.
    min_posterior: floor of the posterior that is divided by.
    """

    prior_all: float = 0.1
    prior_label: float = 2.0
    prior_step: float = 1.0
    half_subject_s: float = 5.0
    min_posterior: float = 1e-3


CONFIG = ConfidenceConfig()


def calibration_factors(
    path: Tensor, posterior: Tensor, e_step: Tensor, group: Tensor, anchor: Tensor, frame_s: float
) -> Tensor:
    """What the posterior of each use is multiplied by, so that steps are as confident as they are right.

    Args:
        path: decoded uses of windows of held-out subjects, ``(N, F)``, counted through all labels
            (label · U + use); −1 none.
        posterior: of the path, ``(N, F)``.
        e_step: anchors by the E-step, ``(N, F)``; −1 where it names none.
        group: subject of each window, ``(N,)``.
        anchor: of each use, ``(n, U)``.
        frame_s: seconds a frame lasts.

    Returns:
        ``(n, U)``, above 0 and at most 1; 1 where there is nothing to compare.
    """
    both = (path >= 0) & (e_step >= 0)
    if not both.any():
        return torch.ones(anchor.shape)
    subject = group.unique(return_inverse=True)[1]
    place = (subject[:, None] * anchor.numel() + path)[both]
    agrees = (anchor.flatten()[path[both]] == e_step[both]).float()

    def seconds(values: Tensor) -> Tensor:
        total = torch.zeros(int(subject.max() + 1) * anchor.numel()).index_add_(0, place, frame_s * values)
        return total.view(-1, *anchor.shape)  # (subjects, n, U)

    time = seconds(torch.ones(len(place)))
    stated = posterior[both].float().clamp(min=CONFIG.min_posterior)

    def mean(values: Tensor) -> Tensor:
        total = seconds(values)
        of_all = _shrunk(total.sum((1, 2)), time.sum((1, 2)), stated.mean(), CONFIG.prior_all)
        of_label = _shrunk(total.sum(2), time.sum(2), of_all, CONFIG.prior_label)
        return _shrunk(total, time, of_label[:, None], CONFIG.prior_step)

    return (mean(agrees) / mean(stated)).clamp(max=1)


def at_most_chance(factors: Tensor, identified: Tensor, valid: Tensor) -> Tensor:
    """The same factors, at most chance in labels whose steps nothing distinguishes: sensors may agree that
    such steps change when they are decoded to, but which is which is arbitrary.

    Args:
        factors: as `calibration_factors` gives them, ``(n, U)``.
        identified: labels whose steps something distinguishes, ``(n,)``; valid: uses of labels, ``(n, U)``.
    """
    chance = 1 / valid.sum(1, keepdim=True).clamp(min=1)
    return torch.where(identified[:, None], factors, torch.minimum(factors, chance))


def _shrunk(total: Tensor, time: Tensor, towards: Tensor, strength: float) -> Tensor:
    """Means ``total / time`` of subjects ``(subjects, …)``, shrunk towards that of ``strength`` more."""
    subjects = (time / (time + CONFIG.half_subject_s)).sum(0)
    own = total.sum(0) / time.sum(0).clamp(min=1e-9)
    return (subjects * own + strength * towards) / (subjects + strength)
