"""Which way a body location moves, where gravity shows it: up or down, and turning to the left or the right.

How a sensor is put on does not matter, since both are measured about the vertical, which an accelerometer
measures; nor does it for a rise whether that counts gravity up or down. Forward and sideways have no such
reference: nothing in a sensor says where a person faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqtext.schema import Channel, Sensor, sensors

SETTLE_S = 1.0
"""Time in which the measured vertical takes the lead from the one that a gyroscope carries on: longer than a
swing, which pushes a sensor about, shorter than the drift of a gyroscope."""

STROKE_S = 0.6
"""Movements up or down that take much longer than this cannot be told from the drift of an integral."""

G = 9.81

SIGNS = {"rise": {"up": 1.0, "down": -1.0}, "turn": {"turn left": 1.0, "turn right": -1.0}}
"""What can be measured, and which written directions it distinguishes."""


def direction_cells(channels: Sequence[Channel]) -> list[tuple[str, str]]:
    """What `vertical_velocities` measures of these channels: P pairs of a location and one of `SIGNS`.

    A rise needs three axes of an accelerometer that measures gravity, a turn those of a gyroscope beside it.
    """
    sensors_of = _upright(channels)
    return [(location, way) for location, own in sensors_of.items() for way in list(SIGNS)[: len(own)]]


def vertical_velocities(signal: np.ndarray, channels: Sequence[Channel], rate_hz: float) -> np.ndarray:
    """Velocities about the vertical: upwards in m/s, to the left in rad/s.

    A rise is the integral of the acceleration along the vertical, of which what is slower than a stroke is
    taken away.

    Args:
        signal: ``(N, C, T)``, NaN where there is no sample.

    Returns:
        ``(N, T, P) float32`` in the order of `direction_cells`, NaN where an axis has no sample.
    """
    return velocities_and_ups(signal, channels, rate_hz)[0]


def velocities_and_ups(
    signal: np.ndarray, channels: Sequence[Channel], rate_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """`vertical_velocities`, and where up is at each place that can show it, in the axes of its sensor.

    Up is the direction of gravity, carried along by the gyroscope and drawn to what the accelerometer
    measures (a complementary filter, forwards and backwards, so that neither end lags); without a gyroscope
    it is the smoothed acceleration.

    Returns:
        As `vertical_velocities`; and unit vectors, ``(N, T, 3·H) float32`` for the H places of
        `upright_places`, NaN where an axis of the accelerometer has no sample.
    """
    velocities, ups = [], []
    for own in _upright(channels).values():
        acc, *gyro = (signal[:, sensor.axes].transpose(0, 2, 1).astype(np.float32) for sensor in own)
        up = _vertical(acc, gyro[0] if gyro else None, rate_hz)
        velocities.append(_rise(acc, up, rate_hz))
        velocities += [(rates * up).sum(-1) for rates in gyro]
        ups.append(np.where(np.isfinite(acc).all(-1, keepdims=True), up, np.nan))
    nothing = np.zeros((signal.shape[0], signal.shape[2], 0), np.float32)
    if not velocities:
        return nothing, nothing
    return np.stack(velocities, axis=-1), np.concatenate(ups, axis=-1)


def upright_places(channels: Sequence[Channel]) -> list[str]:
    """The places that show where up is: three axes of an accelerometer that measures gravity."""
    return list(_upright(channels))


def _upright(channels: Sequence[Channel]) -> dict[str, list[Sensor]]:
    """Of each location that shows where up is, its accelerometer and, if there is one, its gyroscope."""
    every = sensors(channels)
    turning = {sensor.location: sensor for sensor in every if sensor.modality == "gyro"}
    up = [sensor for sensor in every if sensor.upright]
    return {s.location: [s, turning[s.location]] if s.location in turning else [s] for s in up}


def _vertical(acc: np.ndarray, gyro: np.ndarray | None, rate_hz: float) -> np.ndarray:
    """The direction upwards in the sensor's axes, unit vectors ``(N, T, 3)``, from ``(N, T, 3)`` each."""
    from scipy.ndimage import gaussian_filter1d

    filled = np.nan_to_num(acc)
    if gyro is None:
        return _unit(gaussian_filter1d(filled, SETTLE_S / 2 * rate_hz, axis=1, mode="nearest"))
    turning = np.nan_to_num(gyro)
    up = np.zeros_like(filled)
    start = _unit(filled.mean(1))
    for order in (range(filled.shape[1]), range(filled.shape[1] - 1, -1, -1)):
        sign = 1.0 if order.step > 0 else -1.0
        now = start
        for i in order:
            size = np.linalg.norm(filled[:, i], axis=-1, keepdims=True)
            # a sensor that is pushed hard measures the push, not gravity
            trust = np.exp(-np.square((size - G) / (0.2 * G))) / (SETTLE_S * rate_hz)
            now = now - sign * np.cross(turning[:, i], now) / rate_hz
            now = _unit(now + trust * (filled[:, i] / np.maximum(size, 1e-6) - now))
            up[:, i] += now
    return _unit(up)


def _rise(acc: np.ndarray, up: np.ndarray, rate_hz: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    along = (acc * up).sum(-1)
    seen = np.isfinite(along)
    mean = np.nansum(along, axis=1, keepdims=True) / np.maximum(seen.sum(1, keepdims=True), 1)
    along = np.where(seen, along - mean, 0.0)
    speed = np.cumsum(along, axis=1) / rate_hz
    speed -= gaussian_filter1d(speed, STROKE_S * rate_hz, axis=1, mode="nearest")
    return np.where(seen, speed, np.nan)


def _unit(x: np.ndarray) -> np.ndarray:
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-6)
