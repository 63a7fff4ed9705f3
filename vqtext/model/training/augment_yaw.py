"""Whether where people face is their own, or belongs to what they do and where all of them do it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from vqtext.schema import Channel, sensors

OWN = 0.5  # share of what headings of an activity differ by between people, beyond which they are their own


def magnetometers(channels: Sequence[Channel]) -> tuple[Tensor, Tensor]:
    """Channels x, y and z of each magnetometer at a place that knows where up is, and those of the
    accelerometer there, ``(s, 3)`` each."""
    every = sensors(channels)
    up = {sensor.location: sensor.axes for sensor in every if sensor.upright}
    pairs = [(s.axes, up[s.location]) for s in every if s.modality == "mag" and s.location in up]
    compass, gravity = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2, 3).unbind(1)
    return compass, gravity


def own_yaw(mean: Tensor, label: Tensor, group: Tensor, channels: Sequence[Channel]) -> bool:
    """Whether compasses tell who somebody is: what a network learned of where one person happened to face
    would be told of the next.

    Where people do the same in the same directions (all of them up and down one corridor), who it is says
    little of a heading: η², the share of its variance between people, is small. Where each was recorded
    facing a way of their own it is near 1. The mean is taken over activities.

    Args:
        mean: of each channel in each training window, ``(N, C)``, NaN where nothing was measured.
        label, group: of the windows, and their subjects, ``(N,)``.
        channels: metadata of the C channels.

    Returns:
        True too where nothing is known: without a compass, or of one person.
    """
    compass, gravity = magnetometers(channels)
    if not len(compass):
        return True
    up = F.normalize(mean[:, gravity], dim=-1)  # (N, s, 3)
    north = mean[:, compass]
    level = (north - (north * up).sum(-1, keepdim=True) * up).flatten(1)
    seen = level.isfinite().all(1)
    found = []
    for i in label[seen].unique():
        own = seen & (label == i)
        people = group[own].unique()
        if len(people) > 1:
            away = level[own] - level[own].mean(0)
            of_each = [away[group[own] == who] for who in people]
            between = sum(len(rows) * rows.mean(0).square().sum() for rows in of_each)
            found.append(between / away.square().sum().clamp(min=1e-12))
    return not found or float(torch.stack(found).mean()) > OWN
