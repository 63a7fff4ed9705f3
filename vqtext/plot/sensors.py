"""Signals of many sensors in one plot: a row a sensor, those of one kind on one scale."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.errors import ShapeError
from vqtext.report.figures import MODALITIES, UNITS, nice, sensors
from vqtext.schema import Channel

ROOM = 0.46  # of a row of height 1, above and below its middle


@dataclass(frozen=True)
class Row:
    """One sensor.

    Attributes:
        kind: what it measures.
        name: where it is, and what it measures.
        unit: of its channels; empty where there is none.
        values: its channels ``(c, T)``, each about its own mean.
        axes: what its channels are called.
        scale: the largest value of all sensors of its kind, which reaches to the edge of the row.
    """

    kind: str
    name: str
    unit: str
    values: np.ndarray
    axes: tuple[str, ...]
    scale: float

    @property
    def placed(self) -> np.ndarray:
        """Its values within ± `ROOM`."""
        return self.values * (ROOM / self.scale)

    @property
    def bar(self) -> float:
        """A round value of about half the height of the row."""
        return max(nice(0, self.scale, 4), default=self.scale)


def rows(signal: np.ndarray, channels: Sequence[Channel], most: int | None = None) -> list[Row]:
    """The sensors of a signal ``(C, T)``, or the ``most`` that move most, in the order of their channels.

    Raises:
        ShapeError: the signal has not one row for each channel.
    """
    if signal.ndim != 2 or len(signal) != len(channels):
        raise ShapeError(
            f"a signal of shape {signal.shape} does not fit {len(channels)} channels; a plot takes "
            "(channels, steps)"
        )
    seen = np.isfinite(signal)
    mean = np.where(seen, signal, 0).sum(1) / np.maximum(seen.sum(1), 1)
    away = np.where(seen, signal - mean[:, None], np.nan)
    groups, largest = sensors(channels), np.where(seen, np.abs(away), 0).max(1, initial=0)
    reach = [float(largest[group].max()) for group in groups]
    kinds = [(channels[group[0]].modality, channels[group[0]].unit) for group in groups]
    scale = {kind: max(r for r, k in zip(reach, kinds, strict=True) if k == kind) or 1.0 for kind in kinds}
    lively = sorted(range(len(groups)), key=lambda g: -reach[g] / scale[kinds[g]])[:most]
    found = []
    of_place = Counter(
        (channels[group[0]].location, *kind) for group, kind in zip(groups, kinds, strict=True)
    )
    for g in sorted(lively):
        own, (modality, unit) = [channels[i] for i in groups[g]], kinds[g]
        kind = MODALITIES.get(modality, modality)
        parts = [own[0].location, kind]
        if of_place[own[0].location, modality, unit] > 1:  # more channels than one row can tell apart
            parts = [*parts[:1], f"{own[0].name} – {own[-1].name}"]
        name = " ".join(filter(None, parts))
        axes = tuple(channel.axis or channel.name for channel in own)
        found.append(Row(kind, name, UNITS.get(unit, unit), away[groups[g]], axes, scale[kinds[g]]))
    return found
