"""How differently people wear their sensors, by the direction of gravity."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vqtext.schema import Channel, sensors

MIN_TILT, MAX_TILT = 0.25, 0.4
"""Tilts that training may draw, standard deviations in radians about each axis: a few people do not show how
little sensors move, and beyond the most the way up no longer tells postures apart."""

UNSEEN_FACTOR = 2.0
"""How much further people yet to come may be from what is usual than those who train."""


def tilt_spread(mean: Tensor, label: Tensor, group: Tensor, channels: Sequence[Channel]) -> float:
    """Tilt of sensors from one person to the next, in radians about each axis, from `MIN_TILT` to `MAX_TILT`.

    While people do the same, the mean acceleration points to where gravity is in the axes of the sensor. How
    far its direction lies from that of all people together is how differently it is worn, or they hold
    themselves. Where nothing shows gravity, or there is one person, it is `MAX_TILT`.

    Args:
        mean: of each channel in each training window, ``(N, C)``, NaN where nothing was measured.
        label, group: of the windows, and their subjects, ``(N,)``.
        channels: metadata of the C channels.
    """
    axes = [sensor.axes for sensor in sensors(channels) if sensor.upright]
    if not axes or len(group.unique()) < 2:
        return MAX_TILT
    mean = mean[:, axes]  # (N, sensors, 3)
    angles = []
    for i in label.unique():
        who = group[label == i].unique()
        of_each = torch.stack([mean[(label == i) & (group == g)].nanmean(0) for g in who])
        direction = torch.nn.functional.normalize(of_each, dim=-1)
        usual = torch.nn.functional.normalize(direction.nanmean(0), dim=-1)
        if len(who) > 1:
            angles.append((direction * usual).sum(-1).clamp(-1, 1).acos().flatten())
    angle = torch.cat(angles) if angles else torch.zeros(0)
    angle = angle[angle.isfinite()]
    # a direction shows two of the three turns
    return (
        float((UNSEEN_FACTOR * (angle.square().mean() / 2).sqrt()).clamp(MIN_TILT, MAX_TILT))
        if len(angle)
        else MAX_TILT
    )
