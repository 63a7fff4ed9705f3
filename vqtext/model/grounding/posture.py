"""How a place is held, against how it is written to be held.

The axes of a place are the wearer's while standing upright: x to the front, y to the left, z up. A place that
is held otherwise has gravity in another direction: a chest that lies face up has up in front. How the
sensor's axes lie to these is not known; labels whose words say how a place is held give the reference, for
each person.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class PostureConfig:
    """Attributes:
    lean: radians that a leaning place is off upright; past half of it, it is nearer to leaning.
    concentration: of measured directions about the written one (von Mises-Fisher): at 8, two thirds lie
        within 30 degrees.
    contradiction: radians beyond which a measured direction contradicts the words.
    """

    lean: float = math.radians(30)
    concentration: float = 8.0
    contradiction: float = math.radians(60)


CONFIG = PostureConfig()
_AWAY, _ALONG = math.sin(CONFIG.lean), math.cos(CONFIG.lean)

UP: dict[str, tuple[float, float, float]] = {
    "upright": (0.0, 0.0, 1.0),
    "leaning forward": (-_AWAY, 0.0, _ALONG),
    "leaning backward": (_AWAY, 0.0, _ALONG),
    "leaning left": (0.0, -_AWAY, _ALONG),
    "leaning right": (0.0, _AWAY, _ALONG),
    "lying face up": (1.0, 0.0, 0.0),
    "lying face down": (-1.0, 0.0, 0.0),
    "lying on the left side": (0.0, -1.0, 0.0),
    "lying on the right side": (0.0, 1.0, 0.0),
    "upside down": (0.0, 0.0, -1.0),
}
"""Posture → where up is in the axes of the place, unit vectors."""


def fits_postures(up: Tensor, written_up: Tensor, label: Tensor, group: Tensor, trust: float) -> Tensor:
    """Log weight of each use by how the places are held, ``(N, F, U)``, 0 where nothing is known.

    The measured direction is von Mises-Fisher distributed about the written one, or anyhow where the words
    are wrong. A use that leaves it open is held like any of its label's.

    Args:
        up: where up is, in the axes of each of the H places' sensor, ``(N, F, H, 3)``, NaN where not known.
        written_up: where it is written to be in the axes of the place, ``(N, U, H, 3)``, NaN where it is not.
        label, group: label and person of each window, ``(N,)``.
        trust: weight of the words.
    """
    out = up.new_zeros(*up.shape[:2], written_up.shape[1])
    for who in group.unique():
        own = group == who
        for place in range(up.shape[2]):
            reference = reference_of(up[own, :, place], written_up[own, :, place], label[own])
            if reference is None:
                continue
            measured, written = up[own, :, place], written_up[own, :, place]
            near = cosines(measured, written, reference)  # (n, F, U)
            # density over that of any direction
            k = CONFIG.concentration
            fits = 2 * k / (1 - math.exp(-2 * k)) * (k * (near - 1)).exp()
            fits = torch.where(near.isfinite(), trust * fits + 1 - trust, torch.nan)
            # a use without a posture contradicts none of those that its label has
            out[own] += torch.where(fits.isnan(), fits.nanmean(2, keepdim=True), fits).log().nan_to_num()
    return out


@dataclass(frozen=True)
class Reference:
    """Directions in the axes of a place and the same in those of its sensor, ``(n, 3)`` each, of the labels
    ``(n,)`` that write one and the same of it."""

    written: Tensor
    measured: Tensor
    label: Tensor


def reference_of(up: Tensor, written_up: Tensor, label: Tensor) -> Reference | None:
    """The reference directions of one person and place; None where no label gives any.

    Args:
        up: ``(n, F, 3)``; written_up: ``(n, U, 3)``; label: ``(n,)``, as for `fits_postures`.
    """
    directions, means, labels = [], [], []
    for i in label.unique():
        of_label = label == i
        written = written_up[of_label][0]
        written = written[written.isfinite().all(-1)]
        mean = up[of_label].flatten(0, 1).nanmean(0)
        if len(written) and (written == written[0]).all() and mean.isfinite().all():
            directions.append(written[0])
            means.append(mean)
            labels.append(i)
    if not labels:
        return None
    return Reference(torch.stack(directions), torch.stack(means), torch.stack(labels))


def cosines(measured: Tensor, written: Tensor, reference: Reference) -> Tensor:
    """Cosine between measured directions ``(n, F, 3)`` and written ones ``(n, U, 3)``, ``(n, F, U)``, NaN
    where either is not known.

    Two directions or more fix how the sensor was put on (Wahba 1965, solved as by Kabsch 1976). One alone
    leaves it free to turn about that direction: then the angles to it are compared.
    """
    left, size, right = torch.linalg.svd(reference.written.T @ reference.measured)
    if size[1] < 0.1 * size[0]:
        away = (measured @ right[0]).clamp(-1, 1).acos()[:, :, None]
        away = away - (written @ left[:, 0]).clamp(-1, 1).acos()[:, None]
        return away.cos()
    mirror = torch.diag(torch.tensor([1.0, 1.0, float((torch.linalg.det(left @ right)).sign())]))
    return measured @ (left @ mirror @ right).T @ written.transpose(1, 2)
