"""Where sensors carried the steps of a window, and what of it was drawn anew: the geometry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.reason import Step
from vqtext.report.content import Sample

FAINTEST = 0.05  # of the most that anything carried in a window; less is not drawn


@dataclass(frozen=True)
class Shade:
    """Where a sensor carried a step: ``left`` and ``width`` in percent, ``strength`` from 0 to 1 beside the
    most that anything carried in the window, and a text."""

    name: int
    left: float
    width: float
    strength: float
    text: str


def shades_of(
    steps: Sequence[Step], channels: set[str], duration: float, names: Mapping[str, int]
) -> tuple[Shade, ...]:
    """Where a sensor with these channels carried steps."""
    most = max((place.nats for step in steps for place in step.places), default=0.0)
    return tuple(
        Shade(
            names[step.name],
            round(100 * place.start_s / duration, 2),
            round(100 * (place.end_s - place.start_s) / duration, 2),
            round(place.nats / most, 2),
            f"{step.display or step.name}: carried by {place.location}, {place.nats:.2f} nats",
        )
        for step in steps
        for place in step.places
        if channels & set(place.channels) and place.nats > FAINTEST * most
    )


def redrawn_of(sample: Sample, steps: int) -> np.ndarray | None:
    """The stretch that was drawn anew, ``(C, steps)``, NaN outside of it."""
    if sample.redrawn is None:
        return None
    begin, end = (round(s * sample.rate_hz) for s in (sample.redrawn.start_s, sample.redrawn.end_s))
    at = np.arange(steps)
    return np.where((at >= begin) & (at < end), sample.redrawn.signal[:, :steps], np.nan)
