"""How strongly each body location moves, sample by sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.data.windows import BLOCK
from vqtext.schema import Channel, Rows

SIGMA_S = 0.03
"""Width of the smoothing: long enough to bridge the zero crossings of a swing, shorter than its phases."""

CHANGE_S = 0.04
"""How far `changes` look to either side: little more than the smoothing's width."""

SHOW_MOTION = ("acc", "gyro", "unknown")
"""Modalities of channels that motion is read from."""

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
        rows = {modality: _rows(channels, location, modality) for modality in SHOW_MOTION}
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
    def sensors(self) -> list[tuple[str, str]]:
        """Location and modality of each of the S that motion is read from."""
        return [(location, name) for location, own in self.scores.items() for name in own]

    def motion(self, signal: np.ndarray) -> np.ndarray:
        """Log motion of each of the `sensors` in units of its spread, ``(n, C, T)`` → ``(n, T, S) float32``,
        NaN where it has no sample."""
        found = magnitudes(signal, self.channels, self.rate_hz, self.spread)
        out = np.empty((signal.shape[0], signal.shape[2], len(self.sensors)), dtype=np.float32)
        for s, (location, name) in enumerate(self.sensors):
            floor, mean, spread = self.scores[location][name]
            out[..., s] = (np.log(np.maximum(found[location][name], floor)) - mean) / spread
        return out

    def best(self, motion: np.ndarray) -> np.ndarray:
        """The first of `BEST_FIRST` at each location that has a sample, ``(…, S)`` → ``(…, L)``."""
        energy = np.full((*motion.shape[:-1], len(self.locations)), np.nan, dtype=np.float32)
        order = sorted(range(len(self.sensors)), key=lambda s: -BEST_FIRST.index(self.sensors[s][1]))
        for s in order:
            place = self.locations.index(self.sensors[s][0])
            energy[..., place] = np.where(np.isnan(motion[..., s]), energy[..., place], motion[..., s])
        return energy

    def energy(self, signal: np.ndarray) -> np.ndarray:
        """Log motion of each location, ``(n, C, T)`` → ``(n, T, L) float32``."""
        return self.best(self.motion(signal))

    def frames(self, signal: Rows, index: np.ndarray, frames: int) -> np.ndarray:
        """`energy` of some windows, frame by frame, ``(n, F, L) float32``."""
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

    What is level before a movement and after it is told from the movement by where it is going: delta
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
