"""Features of corrected moments: evidence for a step, whatever is written of it.

A corrected moment gives features of its step, and relative to the rest of the label these are much the same
for everybody. So the first pass of the E-step uses them beside the words, for all people, in the label that
was corrected. Written levels count less, the more of the step was corrected: a wrong word costs one
correction, not one a person.

N training windows, F frames, n labels, U uses of a label, M steps (`steps_of`), R features.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vqtext.model.grounding.emissions import EmissionConfig, Evidence


@dataclass(frozen=True)
class CorrectedConfig:
    """Attributes:
    sure: nats by which a corrected frame's step leads every other one: more than sensors and order say of
        a frame, less than they say of a whole stretch, so that a slip of the hand breaks no chain.
    weight: frames of others that a corrected one counts as where the features of steps are fitted: a
        person's few moments are right, the many of the others are a guess.
    half_s: seconds of a step that were corrected after which what is written of it counts half: one short
        step in two windows.
    trust: mixture weight of what was shown of a feature; the rest is a background that fits anything,
        for a feature may be the person's own. spread: standard deviation around what was shown, in units
        of the feature's spread within the person and label.
    unseen: how well a step without a correction is taken to fit any moment, as a share of how well corrected
        steps fit their own: else its moments go to those beside it, of which more is known.
    """

    sure: float = 20.0
    weight: float = 5.0
    half_s: float = 0.1
    trust: float = 0.6
    spread: float = 0.6
    unseen: float = 0.5


CONFIG = CorrectedConfig()
ROWS = 256  # windows whose features are held once more


@dataclass(frozen=True)
class CorrectedFeatures:
    """What corrected moments show of each step: `features`, their mean, standardised within person and
    label, ``(M, R)``, and `sure`, how far it counts, 0 to 1, ``(M,)``."""

    features: Tensor
    sure: Tensor


def corrected_features(evidence: Evidence, step: Tensor) -> CorrectedFeatures | None:
    """What the corrected moments show; None where nothing was corrected.

    Args:
        step: that each use is, ``(hands, n, U)``.
    """
    if evidence.corrected is None or not (evidence.corrected >= 0).any():
        return None
    row, frame = (evidence.corrected >= 0).nonzero(as_tuple=True)
    of = step.flatten(1)[evidence.hand[row], evidence.corrected[row, frame]]
    x = evidence.standardised_in_label[row, frame]
    count = torch.bincount(of, minlength=int(step.max()) + 1)
    mean = x.new_zeros(len(count), x.shape[1]).index_add(0, of, x) / count.clamp(min=1)[:, None]
    seconds = count * evidence.frame_s
    return CorrectedFeatures(mean, seconds / (seconds + CONFIG.half_s))


def fits_corrected(
    evidence: Evidence, step: Tensor, seen: CorrectedFeatures, config: EmissionConfig
) -> Tensor:
    """Log weight of each use of a window's own label by what was shown of it, ``(N, F, U)``, 0 in labels
    without a correction: how much likelier each feature is than in any step."""
    x = evidence.standardised_in_label
    own = step[evidence.hand, evidence.label]  # (N, U)
    out = x.new_zeros(*x.shape[:2], own.shape[1])
    for k in own.unique()[seen.sure[own.unique()] > 0].tolist():
        for at in (own == k).nonzero().split(ROWS):
            row, use = at.T
            fits = log_ratio(x[row], seen.features[k], float(seen.sure[k]))
            out[row, :, use] = torch.where(evidence.features[row].isfinite(), fits, 0.0).sum(-1)
    is_seen = seen.sure[own] > 0
    unseen = (~is_seen & is_seen.any(1, keepdim=True))[:, None]
    out += unseen * CONFIG.unseen * _own_fit(out, evidence)
    return evidence.words_weight(config) * evidence.data_weight(config) * out


def log_ratio(x: Tensor, mean: Tensor, sure: float = 1.0) -> Tensor:
    """How much likelier features ``x (..., R)`` are near the ``mean (R,)`` of a step than in any step of the
    label, in nats, of the shape of ``x``."""
    trust = sure * CONFIG.trust
    away = 0.5 * (x.square() - ((x - mean) / CONFIG.spread).square())
    return torch.logaddexp(away + math.log(trust / CONFIG.spread), away.new_tensor(math.log(1 - trust)))


def _own_fit(fits: Tensor, evidence: Evidence) -> Tensor:
    """Mean of what corrected frames of a window's own label get for the use they were given."""
    assert evidence.corrected is not None
    use = evidence.corrected - evidence.label[:, None] * fits.shape[2]
    row, frame = ((use >= 0) & (use < fits.shape[2])).nonzero(as_tuple=True)
    own = fits[row, frame, use[row, frame]]
    return own.sum() / max(1, len(own))


def leading(emission: Tensor, corrected: Tensor, label: Tensor) -> Tensor:
    """Log weights in which the uses of corrected frames lead all others.

    Args:
        emission: ``(b, F, n, U, K)``, or those of each window's own label, ``(b, F, 1, U, K)``.
        corrected: as in `Evidence`, ``(b, F)``; label: of the windows, ``(b,)``.
    """
    labels, uses = emission.shape[2:4]
    of_label, use = corrected.div(uses, rounding_mode="floor"), corrected % uses
    if labels == 1:  # uses of other labels are not there
        corrected = torch.where(of_label == label[:, None], corrected, -1)
        of_label = torch.zeros_like(of_label)
    row, frame = (corrected >= 0).nonzero(as_tuple=True)
    if not len(row):
        return emission
    out, at = emission.clone(), (row, frame, of_label[row, frame], use[row, frame])
    right = emission[at]  # (frames, K)
    out[row, frame] = (right.amax(-1) - CONFIG.sure)[:, None, None, None]
    out[at] = right
    return out
