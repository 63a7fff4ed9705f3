"""How strongly each body location moves, sample by sample."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqtext.schema import Channel

SIGMA_S = 0.03
"""Width of the smoothing: long enough to bridge the zero crossings of a swing, shorter than its phases."""

BEST_FIRST = ("gyro", "acc", "other")
"""Modalities that motion is read from: the first that a location has, sample by sample."""

FLOOR = 0.02
"""Quantile below which motion is called none; without it the logarithm is ruled by sensor noise."""

GRAVITY_WITHIN = 5.0
"""An accelerometer that at the median feels more than this (m/s2) feels gravity."""


def magnitudes(
    signal: np.ndarray, channels: Sequence[Channel], rate_hz: float
) -> dict[str, dict[str, np.ndarray]]:
    """Motion in physical units: how fast each location turns, and how hard it is pushed about.

    ``gyro`` is |gyro| in rad/s. ``acc`` is | |acc| − rest | in m/s2, where rest is the window's own median if
    the sensor feels gravity and 0 if gravity was removed: both are blind to how the sensor is mounted. A
    location that has neither, with channels of unknown modality, has ``other``: the distance of its channels
    from their medians in the window, each in units of its own spread over the data. Magnetometers and heart
    rates say nothing about motion.

    Args:
        signal: ``(N, C, T)``, NaN where there is no sample.
        channels: metadata of the C channels.
        rate_hz: samples a second.

    Returns:
        location → modality → smoothed magnitudes ``(N, T)``, NaN where an axis has no sample. Locations are
        in the order of their channels; those without motion channels are left out.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    alive = [not np.isnan(signal[:, row]).all() for row in range(len(channels))]  # a dead axis is no axis
    for location in dict.fromkeys(channel.location for channel in channels):
        rows: dict[str, list[int]] = {"acc": [], "gyro": [], "unknown": []}
        for row, channel in enumerate(channels):
            if alive[row] and channel.location == location and channel.modality in rows:
                rows[channel.modality].append(row)
        magnitude: dict[str, np.ndarray] = {}
        if rows["acc"]:
            size = np.linalg.norm(signal[:, rows["acc"]].astype(np.float32), axis=1)
            magnitude["acc"] = np.abs(size - _rest(size))
        if rows["gyro"]:
            magnitude["gyro"] = np.linalg.norm(signal[:, rows["gyro"]].astype(np.float32), axis=1)
        if not magnitude and rows["unknown"]:
            magnitude["other"] = _distance(signal[:, rows["unknown"]].astype(np.float32))
        if magnitude:
            found[location] = {name: smooth(values, rate_hz) for name, values in magnitude.items()}
    return found


def motion(signal: np.ndarray, channels: Sequence[Channel], rate_hz: float) -> tuple[np.ndarray, list[str]]:
    """Log motion of each location, comparable between locations: what signatures are held against.

    Motion is how fast a part of the body turns, so the gyroscope speaks where there is one. An
    accelerometer feels impacts, and peaks where a limb turns round and is at rest for a moment: beside a
    gyroscope it blurs the very phases that tell one sub-action from the next; alone it is the best there is.
    The logarithm of the `magnitudes`, floored at their 2 % quantile, is z-scored over everything given. Give
    training windows only: mean and spread are taken over all of them.

    Args:
        signal: ``(N, C, T)``, NaN where there is no sample.
        channels: metadata of the C channels.
        rate_hz: samples a second.

    Returns:
        energy ``(N, T, L) float32``, NaN where a location has no sample, and the L locations.
    """
    found = magnitudes(signal, channels, rate_hz)
    energy = np.full((signal.shape[0], signal.shape[2], len(found)), np.nan, dtype=np.float32)
    for i, modalities in enumerate(found.values()):
        for name in reversed(BEST_FIRST):
            if name in modalities:
                score = _log_score(modalities[name])
                energy[..., i] = np.where(np.isnan(score), energy[..., i], score)
    return energy, list(found)


def smooth(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Gaussian smoothing along the last axis, σ = 30 ms; missing samples lend no weight."""
    from scipy.ndimage import gaussian_filter1d

    sigma = SIGMA_S * rate_hz
    present = ~np.isnan(values)
    total = gaussian_filter1d(np.where(present, values, 0), sigma, axis=-1, mode="constant")
    weight = gaussian_filter1d(present.astype(values.dtype), sigma, axis=-1, mode="constant")
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=present)


def _rest(size: np.ndarray) -> np.ndarray:
    """What |acc| is at rest, ``(N, 1)``."""
    rest = _median(size)
    return rest if np.nanmedian(rest) > GRAVITY_WITHIN else np.zeros_like(rest)


def _median(values: np.ndarray) -> np.ndarray:
    """Median over the last axis, kept; 0 where nothing has a sample."""
    empty = np.isnan(values).all(axis=-1, keepdims=True)
    return np.nanmedian(np.where(empty, 0, values), axis=-1, keepdims=True)


def _distance(values: np.ndarray) -> np.ndarray:
    """How far unnamed channels (N, c, T) are from their medians, as a root mean square, ``(N, T)``."""
    deviation = values - _median(values)
    spread = np.sqrt(np.nanmean(np.square(deviation), axis=(0, 2), keepdims=True))
    return np.sqrt(np.mean(np.square(deviation / np.where(spread > 0, spread, 1)), axis=1))


def _log_score(values: np.ndarray) -> np.ndarray:
    """z-score of the floored logarithm; all zero where nothing ever moves."""
    moving = values[values > 0]
    if not moving.size:
        return values * 0
    logs = np.log(np.maximum(values, np.quantile(moving, FLOOR)))
    spread = float(np.nanstd(logs, dtype=np.float64))
    return (logs - np.nanmean(logs, dtype=np.float64)) / spread if spread > 1e-6 else logs * 0
