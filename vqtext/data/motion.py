"""How strongly each body location moves, sample by sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.data.windows import BLOCK
from vqtext.schema import Channel, Rows

SIGMA_S = 0.03
"""Width of the smoothing: long enough to bridge the zero crossings of a swing, shorter than its phases."""

BEST_FIRST = ("gyro", "acc", "other")
"""Modalities that motion is read from: the first that a location has, sample by sample."""

FLOOR = 0.02
"""Quantile below which motion is called none; without it the logarithm is ruled by sensor noise."""

SAMPLE = 1024
"""Windows, spread over all training windows, that are enough to know floors, means and spreads."""


def magnitudes(
    signal: np.ndarray,
    channels: Sequence[Channel],
    rate_hz: float,
    spread: Mapping[str, np.ndarray] | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Motion in physical units: how fast each location turns, and how hard it is pushed about.

    ``gyro`` is |gyro| in rad/s. ``acc`` is | |acc| − rest | in m/s2, where rest is the window's own median if
    the sensor feels gravity and 0 if gravity was removed: both are blind to how the sensor is mounted. A
    location that has neither, with channels of unknown modality, has ``other``: the distance of its channels
    from their medians in the window, each in units of its own spread. Magnetometers and heart rates say
    nothing about motion. Each window is measured by itself: an axis without a sample in a window is no axis
    there.

    Args:
        signal: ``(N, C, T)``, NaN where there is no sample.
        channels: metadata of the C channels.
        rate_hz: samples a second.
        spread: location → spread of its unknown channels, ``(c,)``; None takes each window's own.

    Returns:
        location → modality → smoothed magnitudes ``(N, T)``, NaN where an axis has no sample. Locations are
        in the order of their channels; those without motion channels are left out.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    for location in dict.fromkeys(channel.location for channel in channels):
        rows = {modality: _rows(channels, location, modality) for modality in ("acc", "gyro", "unknown")}
        magnitude: dict[str, np.ndarray] = {}
        if rows["acc"]:
            size = _size(signal[:, rows["acc"]])
            feels_gravity = any(channels[row].gravity for row in rows["acc"])
            magnitude["acc"] = np.abs(size - _median(size)) if feels_gravity else size
        if rows["gyro"]:
            magnitude["gyro"] = _size(signal[:, rows["gyro"]])
        if not magnitude and rows["unknown"]:
            own = None if spread is None else spread[location]
            magnitude["other"] = _distance(signal[:, rows["unknown"]], own)
        if magnitude:
            found[location] = {name: smooth(values, rate_hz) for name, values in magnitude.items()}
    return found


@dataclass(frozen=True)
class MotionScale:
    """Log motion of each location, comparable between locations: what signatures are held against.

    Motion is how fast a part of the body turns, so the gyroscope speaks where there is one. An
    accelerometer feels impacts, and peaks where a limb turns round and is at rest for a moment: beside a
    gyroscope it blurs the very phases that tell one sub-action from the next; alone it is the best there is.
    The logarithm of the `magnitudes`, floored at their 2 % quantile, is z-scored.

    Attributes:
        channels, rate_hz: of the signals.
        locations: the L places that move.
        scores: location → modality → floor in physical units, mean and spread of the logarithm.
        spread: location → spread of its unknown channels.
    """

    channels: tuple[Channel, ...]
    rate_hz: float
    locations: tuple[str, ...]
    scores: dict[str, dict[str, tuple[float, float, float]]]
    spread: dict[str, np.ndarray]

    @classmethod
    def of(cls, signal: Rows, train: np.ndarray, channels: Sequence[Channel], rate_hz: float) -> MotionScale:
        """Measure floors, means and spreads on training windows: `SAMPLE` of them, spread over all.

        Args:
            signal: ``(N, C, T)``, NaN where there is no sample.
            train: places of the training windows, ``(n,)``. No other window is looked at.
            channels: metadata of the C channels.
            rate_hz: samples a second.
        """
        index = train[np.linspace(0, len(train) - 1, min(SAMPLE, len(train))).round().astype(int)]
        sample = signal[index]
        spread = {}
        for location in dict.fromkeys(channel.location for channel in channels):
            if unknown := _rows(channels, location, "unknown"):
                values = sample[:, unknown]
                with np.errstate(invalid="ignore"):
                    square = np.square(values - _median(values))
                spread[location] = np.sqrt(_mean(square, axis=(0, 2)))
        found = magnitudes(sample, channels, rate_hz, spread)
        scores = {
            location: {name: _score(values) for name, values in modalities.items()}
            for location, modalities in found.items()
        }
        return cls(tuple(channels), rate_hz, tuple(scores), scores, spread)

    @property
    def axes(self) -> list[int]:
        """Channels that tell which way a location moves or lies."""
        return [i for i, c in enumerate(self.channels) if c.modality in ("acc", "gyro", "unknown")]

    def felt(self, signal: np.ndarray) -> np.ndarray:
        """All that is known of a moment, ``(n, T, R)``: the log motion of every sensor for itself, gyroscopes
        beside accelerometers, and each of the `axes` with its sign, smoothed, in its own unit.

        Up and down move alike, and so do a fall and a rise of the heel; axes tell them apart, although nobody
        says how a sensor was put on.
        """
        found = magnitudes(signal, self.channels, self.rate_hz, self.spread)
        scores = []
        for location, modalities in self.scores.items():
            for name, (floor, mean, spread) in modalities.items():
                scores.append((np.log(np.maximum(found[location][name], floor)) - mean) / spread)
        axes = smooth(signal[:, self.axes].astype(np.float32), self.rate_hz)
        return np.concatenate([np.stack(scores, axis=-1), axes.transpose(0, 2, 1)], axis=-1).astype(
            np.float32
        )

    def energy(self, signal: np.ndarray) -> np.ndarray:
        """Log motion in units of its spread, ``(n, C, T)`` → ``(n, T, L) float32``, NaN where a location has
        no sample."""
        found = magnitudes(signal, self.channels, self.rate_hz, self.spread)
        energy = np.full((signal.shape[0], signal.shape[2], len(self.locations)), np.nan, dtype=np.float32)
        for i, location in enumerate(self.locations):
            for name in reversed(BEST_FIRST):
                if name in found[location]:
                    floor, mean, spread = self.scores[location][name]
                    score = (np.log(np.maximum(found[location][name], floor)) - mean) / spread
                    energy[..., i] = np.where(np.isnan(score), energy[..., i], score)
        return energy

    def frames(self, signal: Rows, index: np.ndarray, frames: int, felt: bool = False) -> np.ndarray:
        """Mean energy of each frame of some windows, ``(n, F, L) float32``, a block of them at a time; NaN
        where no sample of a frame was seen. ``felt``: of all that `felt` gives, ``(n, F, R)``."""
        steps = signal.shape[2]
        starts = np.arange(frames) * steps // frames
        width = sum(map(len, self.scores.values())) + len(self.axes) if felt else len(self.locations)
        out = np.empty((len(index), frames, width), dtype=np.float32)
        measure = self.felt if felt else self.energy
        for first in range(0, len(index), BLOCK):
            energy = measure(signal[index[first : first + BLOCK]])
            seen = np.isfinite(energy)
            total = np.add.reduceat(np.where(seen, energy, 0), starts, axis=1)
            count = np.add.reduceat(seen, starts, axis=1, dtype=np.int64)
            with np.errstate(invalid="ignore", divide="ignore"):
                out[first : first + BLOCK] = np.where(count > 0, total / count, np.nan)
        return out


def smooth(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Gaussian smoothing along the last axis, σ = 30 ms; missing samples lend no weight."""
    from scipy.ndimage import gaussian_filter1d

    sigma = SIGMA_S * rate_hz
    present = ~np.isnan(values)
    total = gaussian_filter1d(np.where(present, values, 0), sigma, axis=-1, mode="constant")
    weight = gaussian_filter1d(present.astype(values.dtype), sigma, axis=-1, mode="constant")
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=present)


def _rows(channels: Sequence[Channel], location: str, modality: str) -> list[int]:
    return [i for i, c in enumerate(channels) if (c.location, c.modality) == (location, modality)]


def _size(values: np.ndarray) -> np.ndarray:
    """Length of the vectors of axes ``(N, c, T)``, ``(N, T)``; an axis dead in a window is left out."""
    dead = np.isnan(values).all(axis=2, keepdims=True)
    size = np.linalg.norm(np.where(dead, 0, values.astype(np.float32)), axis=1)
    return np.where(dead.all(axis=1), np.nan, size)


def _median(values: np.ndarray) -> np.ndarray:
    """Median over the last axis, kept; 0 where nothing has a sample."""
    empty = np.isnan(values).all(axis=-1, keepdims=True)
    return np.nanmedian(np.where(empty, 0, values), axis=-1, keepdims=True)


def _mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Mean over the samples there are; 0 where there is none."""
    return np.nansum(values, axis=axis) / np.maximum((~np.isnan(values)).sum(axis=axis), 1)


def _distance(values: np.ndarray, spread: np.ndarray | None) -> np.ndarray:
    """How far unnamed channels (N, c, T) are from their medians, as a root mean square, ``(N, T)``."""
    deviation = values.astype(np.float32) - _median(values)
    if spread is None:
        spread = np.sqrt(_mean(np.square(deviation), axis=2))
    scale = np.where(spread > 0, spread, 1)[..., None]
    dead = np.isnan(deviation).all(axis=2, keepdims=True)
    square = np.square(np.where(dead, 0, deviation / scale)).sum(axis=1)
    alive = (~dead).sum(axis=1)
    return np.where(alive > 0, np.sqrt(square / np.maximum(alive, 1)), np.nan).astype(np.float32)


def _score(values: np.ndarray) -> tuple[float, float, float]:
    """Floor of magnitudes, and mean and spread of their floored logarithm; spread inf where nothing moves."""
    moving = values[values > 0]
    if not moving.size:
        return 1.0, 0.0, np.inf
    floor = float(np.quantile(moving, FLOOR))
    logs = np.log(np.maximum(values, floor))
    spread = float(np.nanstd(logs, dtype=np.float64))
    return floor, float(np.nanmean(logs, dtype=np.float64)), spread if spread > 1e-6 else np.inf
