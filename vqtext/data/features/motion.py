"""How strongly each body location moves, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.data.features.magnitudes import OwnScale, magnitudes, rows_of
from vqtext.data.windows.windows import BLOCK
from vqtext.schema import Channel, Rows

CHANGE_S = 0.04
"""How far `changes` look to either side: little more than the smoothing's width."""

BEST_FIRST = ("gyro", "velocity", "position", "angle", "acc", "emg", "force", "other")
"""Modalities that motion is read from: the first that a location has, sample by sample."""

FLOOR = 0.02
"""Quantile below which motion is called none; without it the logarithm is ruled by sensor noise."""

SAMPLE = 1024
"""Windows, spread over all training windows, that are enough to know floors, means and spreads."""


@dataclass(frozen=True)
class MotionScale:
    """Log motion of each location, comparable between locations: what signatures are compared with.

    Motion is how fast a part of the body turns, so the gyroscope is read where there is one; else how fast it
    travels, or a joint of it turns. An accelerometer measures impacts, and peaks where a limb turns round
    and is at rest for a moment: beside these it blurs the very phases that tell one sub-action from the next;
    without them it is the best there is. Muscles work before a movement and without one, and a force changes
    where nothing moves: both are read where there is nothing else. The logarithm of the `magnitudes`, floored
    at their 2 % quantile, is z-scored.

    Attributes:
        channels, rate_hz: of the signals.
        locations: the L places that move.
        scores: location → modality → floor in physical units, mean and spread of the logarithm.
        scales: location → the scale of its unknown channels.
    """

    channels: tuple[Channel, ...]
    rate_hz: float
    locations: tuple[str, ...]
    scores: dict[str, dict[str, tuple[float, float, float]]]
    scales: dict[str, OwnScale]

    @classmethod
    def of(cls, signal: Rows, train: np.ndarray, channels: Sequence[Channel], rate_hz: float) -> MotionScale:
        """Measure floors, means and spreads on `SAMPLE` training windows, spread over all of them.

        Args:
            signal: ``(N, C, T)``, NaN where there is no sample.
            train: places of the training windows, ``(n,)``. No other window is looked at.
        """
        index = train[np.linspace(0, len(train) - 1, min(SAMPLE, len(train))).round().astype(int)]
        sample = signal[index]
        scales = {}
        for location in dict.fromkeys(channel.location for channel in channels):
            if unknown := rows_of(channels, location, "unknown"):
                scales[location] = OwnScale.of(sample[:, unknown])
        magnitude = magnitudes(sample, channels, rate_hz, scales)
        scores = {
            location: {name: _score(values) for name, values in modalities.items()}
            for location, modalities in magnitude.items()
        }
        return cls(tuple(channels), rate_hz, tuple(scores), scores, scales)

    @property
    def sensors(self) -> list[tuple[str, str]]:
        """Location and modality of each of the S that motion is read from."""
        return [(location, name) for location, own in self.scores.items() for name in own]

    def motion(self, signal: np.ndarray) -> np.ndarray:
        """Log motion of each of the `sensors` in units of its spread, ``(n, C, T)`` → ``(n, T, S) float32``,
        NaN where it has no sample."""
        magnitude = magnitudes(signal, self.channels, self.rate_hz, self.scales)
        out = np.empty((signal.shape[0], signal.shape[2], len(self.sensors)), dtype=np.float32)
        for s, (location, name) in enumerate(self.sensors):
            floor, mean, spread = self.scores[location][name]
            out[..., s] = (np.log(np.maximum(magnitude[location][name], floor)) - mean) / spread
        return out

    def best(self, motion: np.ndarray) -> np.ndarray:
        """The first of `BEST_FIRST` at each location that has a sample, ``(…, S)`` → ``(…, L)``."""
        energy = np.full((*motion.shape[:-1], len(self.locations)), np.nan, dtype=np.float32)
        order = sorted(range(len(self.sensors)), key=lambda s: -BEST_FIRST.index(self.sensors[s][1]))
        for s in order:
            place = self.locations.index(self.sensors[s][0])
            energy[..., place] = np.where(np.isnan(motion[..., s]), energy[..., place], motion[..., s])
        return energy

    def frames(self, signal: Rows, index: np.ndarray, frames: int) -> np.ndarray:
        """Log motion of each location in some windows, frame by frame, ``(n, F, L) float32``."""
        return self.best(frame_means(self.motion, signal, index, frames))


def frame_means(
    measure: Callable[[np.ndarray], np.ndarray], signal: Rows, index: np.ndarray, frames: int
) -> np.ndarray:
    """Means over the frames of some windows, a block of windows at a time.

    Args:
        measure: ``(n, C, T)`` → ``(n, T, R)``, NaN where nothing was measured.
        signal: ``(N, C, T)``; index: which windows, ``(n,)``; frames: F, in which a window is divided.

    Returns:
        ``(n, F, R) float32``, NaN where no sample of a frame was measured.
    """
    starts = np.arange(frames) * signal.shape[2] // frames
    parts = []
    for first in range(0, max(1, len(index)), BLOCK):
        values = measure(signal[index[first : first + BLOCK]])
        seen = np.isfinite(values)
        total = np.add.reduceat(np.where(seen, values, 0), starts, axis=1)
        count = np.add.reduceat(seen, starts, axis=1, dtype=np.int64)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(np.where(count > 0, total / count, np.nan).astype(np.float32))
    return np.concatenate(parts)


def changes(frames: np.ndarray, frame_s: float) -> np.ndarray:
    """How each number changes over `CHANGE_S` to either side of a frame, over one frame at least.

    Before a movement and after it a value is level; where it is going tells the two from the movement: delta
    features, as speech recognition has them (Furui 1986). At the ends of a window and beside a gap a frame
    stands in for the one that is not there.

    Args:
        frames: ``(n, F, R)``, NaN where nothing was measured, and so are its changes.

    Returns:
        ``(n, F, R)``, in units of ``frames``.
    """
    reach = max(1, round(CHANGE_S / frame_s))
    padded = np.pad(frames, ((0, 0), (reach, reach), (0, 0)), mode="edge")
    before, after = (
        np.where(np.isnan(beside), frames, beside)
        for beside in (padded[:, : -2 * reach], padded[:, 2 * reach :])
    )
    return np.where(np.isnan(frames), frames, after - before)


def _score(values: np.ndarray) -> tuple[float, float, float]:
    """Floor of magnitudes, and mean and spread of their floored logarithm; spread inf where nothing moves."""
    moving = values[values > 0]
    if not moving.size:
        return 1.0, 0.0, np.inf
    floor = float(np.quantile(moving, FLOOR))
    logs = np.log(np.maximum(values, floor))
    spread = float(np.nanstd(logs, dtype=np.float64))
    return floor, float(np.nanmean(logs, dtype=np.float64)), spread if spread > 1e-6 else np.inf
