"""Which places' postures cannot be read: no label gives a reference, or references contradict each other."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vqtext.model.grounding.posture import CONFIG, Reference, cosines, reference_of


@dataclass(frozen=True)
class UnreadablePosture:
    """What cannot be read of the postures of one place.

    Attributes:
        without_reference: people in whose labels postures are written, but in none of them as a reference.
        against: label → people who are held otherwise in it than their other labels show.
        people: in whose labels postures are written, in all.
    """

    without_reference: list[int]
    against: dict[int, list[int]]
    people: int


def unreadable_postures(
    up: Tensor, written_up: Tensor, label: Tensor, group: Tensor
) -> list[UnreadablePosture]:
    """Of each of the H places; arguments as for `vqtext.model.grounding.posture.fits_postures`."""
    places = []
    for place in range(up.shape[2]):
        without_reference, against, people = [], dict[int, list[int]](), 0
        for who in group.unique().tolist():
            own = group == who
            if not written_up[own, :, place].isfinite().any():
                continue
            people += 1
            reference = reference_of(up[own, :, place], written_up[own, :, place], label[own])
            if reference is None:
                without_reference.append(who)
                continue
            for i in reference.label[_odd(reference)].tolist():
                against.setdefault(i, []).append(who)
        places.append(UnreadablePosture(without_reference, against, people))
    return places


def _odd(reference: Reference) -> Tensor:
    """Which of n labels contradict the others, ``(n,)``.

    No rotation changes the angle between two labels, so that those that most others disagree with are odd;
    what is mirrored only shows once all are turned together.
    """
    apart = (_angles(reference.written) - _angles(reference.measured)).abs() > CONFIG.contradiction
    odd = torch.zeros(len(apart), dtype=torch.bool)
    while apart.any():
        count = apart.sum(1)
        worst = count == count.max()
        odd |= worst
        apart &= ~(worst[:, None] | worst)
    if not odd.any():
        measured = torch.nn.functional.normalize(reference.measured, dim=-1)
        odd = cosines(measured[:, None], reference.written[:, None], reference).flatten() < math.cos(
            CONFIG.contradiction
        )
    return odd


def _angles(directions: Tensor) -> Tensor:
    unit = torch.nn.functional.normalize(directions, dim=-1)
    return (unit @ unit.T).clamp(-1, 1).acos()
