"""Whether people face ways of their own, or the same ways in the same activities."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from vqtext.schema import Channel, sensors

MIN_SHARE_BETWEEN_PEOPLE = (
    0.5  # share of what headings of an activity differ by between people, beyond which they are their own
)


def magnetometers(channels: Sequence[Channel]) -> tuple[Tensor, Tensor]:
    """Channels x, y and z of each magnetometer at a place that knows where up is, and those of the
    accelerometer there, ``(s, 3)`` each."""
    every = sensors(channels)
    up = {sensor.location: sensor.axes for sensor in every if sensor.upright}
    pairs = [(s.axes, up[s.location]) for s in every if s.modality == "mag" and s.location in up]
    compass, gravity = torch.tensor(pairs, dtype=torch.long).reshape(-1, 2, 3).unbind(1)
    return compass, gravity


def own_yaw(mean: Tensor, label: Tensor, group: Tensor, channels: Sequence[Channel]) -> bool:
    """Whether headings depend on the person: a network must not learn where one person happened to face.

    η² is the share of a heading's variance between people, averaged over activities. It is small where all
    go the same ways (up and down one corridor), and near 1 where each was recorded facing a way of their own.

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
    shares = []
    for i in label[seen].unique():
        own = seen & (label == i)
        people = group[own].unique()
        if len(people) > 1:
            deviation = level[own] - level[own].mean(0)
            of_each = [deviation[group[own] == who] for who in people]
            between = sum(len(rows) * rows.mean(0).square().sum() for rows in of_each)
            shares.append(between / deviation.square().sum().clamp(min=1e-12))
    return not shares or float(torch.stack(shares).mean()) > MIN_SHARE_BETWEEN_PEOPLE
