"""What motion is for each kind of sensor, sample by sample: the physics below `vqtext.data.features.motion`.

docs/motion.md has the same as a table, with why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from vqtext.schema import Channel

SIGMA_S = 0.03
"""Width of the smoothing: long enough to bridge the zero crossings of a swing, shorter than its phases. Of
muscles it makes the usual envelope, of 4 Hz."""

SHOW_MOTION = ("acc", "gyro", "velocity", "position", "angle", "emg", "force", "unknown")
"""Modalities of channels that motion is read from."""

ENDS, NEAR_ZERO = (0.05, 0.95), 0.1
"""Quantiles that are the low and the high end of a channel, and how near to zero the low end of an amount is,
in units of the high one."""

SWING = 1 / 3
"""Where smoothing leaves less than this of a muscle's spread, the signal swings about zero, as the raw one
does: of it a twentieth is left at 1000 Hz and under a third at 100 Hz, of an envelope most."""


@dataclass(frozen=True)
class OwnScale:
    """What channels of unknown modality are measured by: where each rests, and its spread about that.

    Most rest at their median in the window. One whose low end is near zero beside its high one is an amount,
    such as an envelope or a pressure, and rests at zero: about its median, little would be as far as much.

    Attributes:
        is_amount, spread: of the c channels, ``(c,)``; of each window's own, ``(N, c)``.
    """

    is_amount: np.ndarray
    spread: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, axis: int | tuple[int, ...] = (0, 2)) -> OwnScale:
        """Of ``(N, c, T)``: over all windows, or over axis 2 each window's own."""
        low, high = np.quantile(np.where(np.isnan(values), median(values), values), ENDS, axis=axis)
        is_amount = np.abs(low) < NEAR_ZERO * high
        return cls(is_amount, np.sqrt(_mean(np.square(_from_rest(values, is_amount)), axis=axis)))


def magnitudes(
    signal: np.ndarray,
    channels: Sequence[Channel],
    rate_hz: float,
    scales: Mapping[str, OwnScale] | None = None,
) -> dict[str, dict[str, np.ndarray]]:
    """Motion in physical units: how fast each location turns and travels, how hard it is pushed about, and
    how its muscles work.

    - ``gyro``: |gyro| in rad/s.
    - ``acc``: | |acc| − rest | in m/s2, where rest is the window's own median if gravity is measured and 0
      if it was removed: like the others, blind to how the sensor is mounted.
    - ``velocity`` and ``position``: speed in m/s; ``angle``: how fast the joints turn, in rad/s.
    - ``force``: how fast the force changes, in N/s. A steady load is rest, whether a foot or a hand bears it.
    - ``emg``: activity in uV, the root mean square of the rectified channels.
    - ``other``, at a location that has none of these but channels of unknown modality: the distance of its
      channels from their rest, each in units of its own spread. See `OwnScale`.

    Magnetometers and heart rates say nothing about motion. Each window is measured by itself: an axis without
    a sample in a window is no axis there.

    Args:
        signal: ``(N, C, T)``, NaN where there is no sample.
        scales: location → the scale of its unknown channels; None takes each window's own.

    Returns:
        location → modality → smoothed magnitudes ``(N, T)``, NaN where an axis has no sample. Locations are
        in the order of their channels; those without motion channels are left out.
    """
    of_location: dict[str, dict[str, np.ndarray]] = {}
    for location in dict.fromkeys(channel.location for channel in channels):
        rows = {name: own for name in SHOW_MOTION if (own := rows_of(channels, location, name))}
        unknown = rows.pop("unknown", None)
        magnitude = {name: _magnitude(name, signal[:, own], rate_hz) for name, own in rows.items()}
        if "acc" in rows and any(channels[row].gravity for row in rows["acc"]):
            magnitude["acc"] = np.abs(magnitude["acc"] - median(magnitude["acc"]))
        if not magnitude and unknown:
            magnitude["other"] = _distance(signal[:, unknown], None if scales is None else scales[location])
        if magnitude:
            of_location[location] = {name: smooth(values, rate_hz) for name, values in magnitude.items()}
    return of_location


def moving_axes(modality: str, values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Channels ``(N, c, T)`` of a modality as what moves in them: positions, angles and forces as their
    changes a second, muscles rectified. All others stay as they are."""
    if modality in ("position", "angle", "force"):
        return slopes(unwrapped(values) if modality == "angle" else values, rate_hz)
    return rectified(values, rate_hz) if modality == "emg" else values


def traces(signal: np.ndarray, channels: Sequence[Channel], rate_hz: float) -> np.ndarray:
    """The channels that show motion, smoothed, muscles as their envelopes: ``(N, C, T)`` → ``(N, c, T)``."""
    axes = [i for i, channel in enumerate(channels) if channel.modality in SHOW_MOTION]
    shown = signal[:, axes].astype(np.float32)
    if muscles := [k for k, i in enumerate(axes) if channels[i].modality == "emg"]:
        shown[:, muscles] = rectified(shown[:, muscles], rate_hz)
    return smooth(shown, rate_hz)


def unwrapped(angles: np.ndarray) -> np.ndarray:
    """Angles in rad without the jumps where they are counted anew, along the last axis."""
    present = ~np.isnan(angles)
    last = np.maximum.accumulate(np.where(present, np.arange(angles.shape[-1]), 0), axis=-1)
    filled = np.take_along_axis(np.nan_to_num(angles.astype(np.float64)), last, axis=-1)
    return np.where(present, np.unwrap(filled, axis=-1), np.nan)


def slopes(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Change a second along the last axis: the slope of the straight line through the samples nearby.

    Weights fall as the smoothing's do, and the line ends where the samples do, so that neither noise nor a
    loss nor the border of a window looks like movement. The nearest samples to either side always count.

    Returns:
        ``float32``, NaN where there is no sample, or none beside it.
    """
    from scipy.ndimage import correlate1d

    sigma = max(SIGMA_S * rate_hz, 0.5)
    reach = max(1, round(3 * sigma))
    away = np.arange(-reach, reach + 1)
    weights = np.exp(-np.square(away / sigma) / 2)
    present = ~np.isnan(values)
    level = np.where(present, values - median(values), 0).astype(np.float64)

    def moment(x: np.ndarray, power: int) -> np.ndarray:
        return correlate1d(x.astype(np.float64), weights * away**power, axis=-1, mode="constant")

    count, first, second = (moment(present, power) for power in range(3))
    width = count * second - first**2
    rise = count * moment(level, 1) - first * moment(level, 0)
    slope = np.divide(rise, width, out=np.full_like(rise, np.nan), where=present & (width > 1e-9))
    rounding = 1e-9 * np.abs(level).max(axis=-1, keepdims=True, initial=0)
    slope[np.abs(slope) <= rounding] = 0  # the logarithm of a sum's last digits would pass for motion
    return (slope * rate_hz).astype(np.float32)


def rectified(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Muscle signals ``(N, c, T)`` without a sign. A raw one swings about its median, which is the offset of
    its amplifier, see `SWING`, and so does one that stands still; what was rectified before, and an envelope,
    counts from zero."""
    centred = values.astype(np.float32) - median(values)
    total, smoothed = (_mean(np.square(x), axis=2)[..., None] for x in (centred, smooth(centred, rate_hz)))
    return np.abs(np.where(smoothed <= SWING**2 * total, centred, values))


def smooth(values: np.ndarray, rate_hz: float) -> np.ndarray:
    """Gaussian smoothing along the last axis, σ = 30 ms; missing samples lend no weight."""
    from scipy.ndimage import gaussian_filter1d

    sigma = SIGMA_S * rate_hz
    present = ~np.isnan(values)
    total = gaussian_filter1d(np.where(present, values, 0), sigma, axis=-1, mode="constant")
    weight = gaussian_filter1d(present.astype(values.dtype), sigma, axis=-1, mode="constant")
    return np.divide(total, weight, out=np.full_like(total, np.nan), where=present)


def rows_of(channels: Sequence[Channel], location: str, modality: str) -> list[int]:
    """Places of the channels of one modality at one location."""
    return [i for i, c in enumerate(channels) if (c.location, c.modality) == (location, modality)]


def median(values: np.ndarray) -> np.ndarray:
    """Median over the last axis, kept; 0 where nothing has a sample."""
    empty = np.isnan(values).all(axis=-1, keepdims=True)
    return np.nanmedian(np.where(empty, 0, values), axis=-1, keepdims=True)


def _magnitude(modality: str, values: np.ndarray, rate_hz: float) -> np.ndarray:
    axes = moving_axes(modality, values, rate_hz)
    if modality != "emg":
        return _size(axes)
    alive = (~np.isnan(axes).all(axis=2)).sum(axis=1)[:, None]
    return _size(axes) / np.sqrt(np.maximum(alive, 1))  # as much with two electrodes as with one


def _size(values: np.ndarray) -> np.ndarray:
    """Length of the vectors of axes ``(N, c, T)``, ``(N, T)``; an axis dead in a window is left out."""
    dead = np.isnan(values).all(axis=2, keepdims=True)
    size = np.linalg.norm(np.where(dead, 0, values.astype(np.float32)), axis=1)
    return np.where(dead.all(axis=1), np.nan, size)


def _mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """Mean over the samples there are; 0 where there is none."""
    return np.nansum(values, axis=axis) / np.maximum((~np.isnan(values)).sum(axis=axis), 1)


def _distance(values: np.ndarray, own: OwnScale | None) -> np.ndarray:
    """How far unnamed channels (N, c, T) are from their rest, as a root mean square, ``(N, T)``."""
    own = own or OwnScale.of(values, axis=2)
    deviation = _from_rest(values, own.is_amount)
    scale = np.where(own.spread > 0, own.spread, 1)[..., None]
    dead = np.isnan(deviation).all(axis=2, keepdims=True)
    square = np.square(np.where(dead, 0, deviation / scale)).sum(axis=1)
    alive = (~dead).sum(axis=1)
    return np.where(alive > 0, np.sqrt(square / np.maximum(alive, 1)), np.nan).astype(np.float32)


def _from_rest(values: np.ndarray, is_amount: np.ndarray) -> np.ndarray:
    return values.astype(np.float32) - np.where(is_amount[..., None], 0, median(values))
