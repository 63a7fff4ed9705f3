"""How sure a told step may be.

A posterior adds up what a network says of each frame as if each were news: a slight liking for a name becomes
a certainty within seconds. What it is worth shows in people that the network has not seen. Their own sensors
and what is written name their steps as well, without the network, and how often the two say the same is how
sure it may be.
"""

from __future__ import annotations

import torch
from torch import Tensor

ALL, LABEL, USE = 0.1, 2.0, 1.0
"""People who are made up: a tenth of one who bears out whatever is told, and as many as say of a label what
all labels do, and of a use what its label does. What is made up for one person is made up alike for as long
as it lasts, so that people count and not frames."""

EPS = 1e-3
WHOLE_S = 5.0  # seconds of a person that count half of one


def sureness(
    path: Tensor, posterior: Tensor, walked: Tensor, group: Tensor, anchor: Tensor, frame_s: float
) -> Tensor:
    """What the posterior of each use is to be multiplied by, so that steps are as sure as they are right.

    Args:
        path: uses that windows of unseen people are told, ``(N, F)``, counted through all labels
            (label · U + use); −1 none.
        posterior: of what the path says, ``(N, F)``.
        walked: anchors by the evidence alone, ``(N, F)``; −1 where it names none.
        group: whose windows they are, ``(N,)``.
        anchor: of each use, ``(n, U)``.
        frame_s: seconds a frame lasts.

    Returns:
        ``(n, U)``, above 0 and at most 1; 1 where there is nothing to hold against each other.
    """
    own = (path >= 0) & (walked >= 0)
    if not own.any():
        return torch.ones(anchor.shape)
    person = group.unique(return_inverse=True)[1]
    place = (person[:, None] * anchor.numel() + path)[own]
    right = (anchor.flatten()[path[own]] == walked[own]).float()

    def seconds(values: Tensor) -> Tensor:
        found = torch.zeros(int(person.max() + 1) * anchor.numel()).index_add_(0, place, frame_s * values)
        return found.view(-1, *anchor.shape)  # (people, n, U)

    time = seconds(torch.ones(len(place)))

    stated = posterior[own].float().clamp(min=EPS)

    def mean(values: Tensor) -> Tensor:
        total = seconds(values)
        of_all = _drawn(total.sum((1, 2)), time.sum((1, 2)), stated.mean(), ALL)
        of_label = _drawn(total.sum(2), time.sum(2), of_all, LABEL)
        return _drawn(total, time, of_label[:, None], USE)

    return (mean(right) / mean(stated)).clamp(max=1)


def no_surer_than_chance(sure: Tensor, heard: Tensor, valid: Tensor) -> Tensor:
    """The same for labels of whose steps nothing tells one from the next, written or measured.

    Sensors may bear out that such steps change when they are told to; what they are called was drawn.

    Args:
        sure: as `sureness` gives it, ``(n, U)``.
        heard: labels of which something does, ``(n,)``; valid: uses that labels have, ``(n, U)``.
    """
    chance = 1 / valid.sum(1, keepdim=True).clamp(min=1)
    return torch.where(heard[:, None], sure, torch.minimum(sure, chance))


def _drawn(total: Tensor, time: Tensor, towards: Tensor, strength: float) -> Tensor:
    """Means ``total / time`` of people ``(people, …)``, drawn towards what so many others would say."""
    people = (time / (time + WHOLE_S)).sum(0)
    own = total.sum(0) / time.sum(0).clamp(min=1e-9)
    return (people * own + strength * towards) / (people + strength)
