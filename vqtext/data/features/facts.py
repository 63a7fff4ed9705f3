"""What the sensors of one window did, in numbers a sentence can be made of.

Every fact is a function of its own window alone: nothing is measured over the data, so nothing of a test
subject can reach a training window through it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from vqtext.data.features.magnitudes import magnitudes, moving_axes, rows_of
from vqtext.data.features.motion import BEST_FIRST
from vqtext.data.windows.windows import Windows
from vqtext.schema import Channel

STEP = 4.0
MIN_MOTION = {
    "gyro": 0.15,
    "acc": 0.3,
    "velocity": 0.05,
    "position": 0.05,
    "angle": 0.15,
    "emg": 10.0,
    "force": 5.0,
}
"""Where motion begins (rad/s, m/s2, m/s, uV, N/s): below is sensor noise and the sway of a resting body. Each
further level is `STEP` times the one before, so a limb that turns faster than 2.4 rad/s, is pushed harder
than 4.8 m/s2 or travels faster than 0.8 m/s moves strongly. The scale is the same for every place and every
data set: a description means the same everywhere, and a child is not an adult."""
MIN_OWN_MOTION = 0.25
"""Where motion begins of numbers without a unit: in units of their window's own spread."""

KINDS = {
    "movement": ("gyro", "acc", "velocity", "position", "angle", "other"),
    "muscle": ("emg",),
    "force": ("force",),
}
"""What a level may be of, and the modalities that show it. A location's levels are of the first kind that
it has: the mean over its modalities."""

PEAKS = {
    "gyro": ("rotation", "rad/s", "peak_rad_s"),
    "acc": ("acceleration", "m/s2", "peak_m_s2"),
    "speed": ("speed", "m/s", "peak_m_s"),
    "angle": ("joint rotation", "rad/s", "peak_angle_rad_s"),
    "emg": ("muscle activity", "microvolts", "peak_uv"),
    "force": ("change of force", "N/s", "peak_n_s"),
}
"""Modality → what its magnitude is called, in which unit, and its name in descriptions.h5. Velocities and
positions both give a speed."""

STEADY = 0.95
"""Gravity is known where the mean acceleration is at least this share of the mean of its size."""

CADENCE_HZ = (0.3, 5.0)
"""Slowest and fastest rhythm of a body."""
MIN_CORRELATION = 0.5
"""A rhythm is clear where a movement is as much like the one before as this correlation."""
CYCLES = 1.75
"""A rhythm is only seen in a stretch that holds so many of its cycles."""


@dataclass(frozen=True)
class Facts:
    """Facts of N windows in S equal segments at L locations.

    Attributes:
        locations: the L places with motion sensors.
        border: segment borders, ``(S + 1,)`` samples.
        height: ``(N, S, L)`` motion on the scale of the levels, before rounding; NaN without a sample.
        level: ``(N, S, L) int8``, 0 still to 3 strong, −1 where there is no sample.
        turn: ``(N, S)`` degrees turned about the vertical, left is positive; NaN where gravity or rotation is
            unknown.
        peak: modality → ``(N, L)`` the largest motion, by name and in the unit of `PEAKS`; NaN where the
            location has no such sensor. "gyro" and "acc" are always there.
        kind: of each location, what its level is of, one of `KINDS`.
    """

    locations: list[str]
    border: np.ndarray
    height: np.ndarray
    level: np.ndarray
    turn: np.ndarray
    peak: dict[str, np.ndarray]
    kind: list[str]

    @classmethod
    def join(cls, parts: Sequence[Facts]) -> Facts:
        """Facts of windows of one data set, one part after the other."""
        first = parts[0]
        height, level, turn = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("height", "level", "turn")
        )
        peak = {name: np.concatenate([part.peak[name] for part in parts]) for name in first.peak}
        return cls(first.locations, first.border, height, level, turn, peak, first.kind)


def facts(windows: Windows, segments: int) -> Facts:
    """Measure windows in memory, each by itself, in so many equal segments; at most one a sample."""
    border = np.linspace(0, windows.T, min(segments, windows.T) + 1).round().astype(int)
    signal = windows.signal[:]
    magnitude = magnitudes(signal, windows.channels, windows.rate_hz)
    unit = {(channel.location, channel.modality): channel.unit for channel in windows.channels}
    shape = (windows.n, len(border) - 1, len(magnitude))
    height = np.full(shape, np.nan, dtype=np.float32)
    seen = {_quantity(name) for modalities in magnitude.values() for name in modalities}
    peak = {
        name: np.full((windows.n, len(magnitude)), np.nan, dtype=np.float32)
        for name in PEAKS
        if name in seen or name in ("gyro", "acc")
    }
    kinds: list[str] = []
    for i, (location, modalities) in enumerate(magnitude.items()):
        kinds.append(next(kind for kind, of in KINDS.items() if not modalities.keys().isdisjoint(of)))
        heights = []
        for modality, values in modalities.items():
            has_unit = unit.get((location, modality), "1") != "1"
            if modality in KINDS[kinds[i]]:
                size, least = (
                    (values, MIN_MOTION[modality]) if has_unit else (_relative(values), MIN_OWN_MOTION)
                )
                heights.append(_heights(size, border, least))
            if has_unit:
                largest = peak[_quantity(modality)][:, i]
                np.fmax(largest, np.fmax.reduce(values, axis=1), out=largest)
        mean, present = _mean(np.stack(heights), axis=0)
        height[..., i] = np.where(present, mean, np.nan)
    level = np.nan_to_num(np.clip(np.floor(height), 0, 3), nan=-1).astype(np.int8)
    turn = _turns(windows, list(magnitude), border)
    return Facts(list(magnitude), border, height, level, turn, peak, kinds)


def cadence(signal: np.ndarray, channels: Sequence[Channel], location: str, rate_hz: float) -> float | None:
    """How many times a second a location repeats its movement, if there is a clear rhythm.

    The shortest time after which all axes together look like themselves again (autocorrelation, so neither
    mounting nor harmonics matter). Of the location's modalities the first of `BEST_FIRST` is taken:
    accelerations swing twice a step.

    Args:
        signal: ``(C, t)`` a stretch of one window.
    """
    kinds = ((kind, rows_of(channels, location, kind)) for kind in (*BEST_FIRST, "unknown"))
    modality, rows = next(((kind, rows) for kind, rows in kinds if rows), ("", []))
    values = moving_axes(modality, signal[None, rows], rate_hz)[0].astype(np.float64)
    values = values[~np.isnan(values).all(axis=1)]
    shortest = int(np.ceil(rate_hz / CADENCE_HZ[1]))
    longest = min(int(min(rate_hz / CADENCE_HZ[0], signal.shape[1] / CYCLES)), signal.shape[1] - 2)
    if not values.size or longest < shortest + 2:
        return None
    values = np.nan_to_num(values - np.nanmean(values, axis=1, keepdims=True))
    lags = np.arange(shortest - 1, longest + 2)
    likeness = _likeness(values)[lags]
    peaks = np.flatnonzero((likeness[1:-1] >= likeness[:-2]) & (likeness[1:-1] > likeness[2:])) + 1
    peaks = peaks[likeness[peaks] >= MIN_CORRELATION]
    if not peaks.size:
        return None
    first = peaks[likeness[peaks] >= 0.9 * likeness[peaks].max()][0]  # multiples of a period fit as well
    before, at, after = likeness[first - 1 : first + 2]
    lag = lags[first] + 0.5 * (before - after) / (before - 2 * at + after)  # top of the parabola
    return float(rate_hz / lag)


def _likeness(values: np.ndarray) -> np.ndarray:
    """Correlation of ``(c, t)`` with itself 0 … t − 1 samples later, all axes together, ``(t,)``."""
    t = values.shape[1]
    spectrum = np.fft.rfft(values, 2 * t, axis=1)
    products = np.fft.irfft((spectrum * spectrum.conj()).real.sum(axis=0))[:t]
    energy = np.concatenate([[0.0], np.cumsum(np.square(values).sum(axis=0))])
    size = np.sqrt(energy[t - np.arange(t)] * (energy[t] - energy[:t]))  # of the earlier and the later part
    return np.divide(products, size, out=np.zeros(t), where=size > 1e-9 * energy[t])


def _quantity(modality: str) -> str:
    return "speed" if modality in ("velocity", "position") else modality


def _relative(values: np.ndarray) -> np.ndarray:
    """Magnitudes ``(N, T)`` in units of their root mean square in the window."""
    mean, _ = _mean(np.square(values), axis=1)
    spread = np.sqrt(mean)[:, None]
    return np.divide(values, spread, out=np.zeros_like(values), where=spread > 0) + 0 * values


def _heights(values: np.ndarray, border: np.ndarray, least: float) -> np.ndarray:
    """Root mean square of each segment on the scale of levels, ``(N, S)``; NaN without a sample."""
    square = np.square(values)
    means = []
    for start, stop in pairwise(border):
        mean, present = _mean(square[:, start:stop], axis=1)
        means.append(np.where(present, mean, np.nan))
    size = np.sqrt(np.stack(means, axis=1))
    return 1 + np.log(np.maximum(size, least / STEP) / least) / np.log(STEP)


def _mean(values: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean over the samples there are, 0 where there is none, and where there are some."""
    count = (~np.isnan(values)).sum(axis=axis)
    return np.nansum(values, axis=axis) / np.maximum(count, 1), count > 0


def _turns(windows: Windows, locations: Sequence[str], border: np.ndarray) -> np.ndarray:
    """Degrees about the vertical in each segment, ``(N, S)``: the median of the locations that show them.

    A location shows them where it measures gravity steadily: the rotation about that direction is a turn,
    whatever way the sensor is mounted. A sensor at rest measures gravity upwards, so a positive rotation is a
    turn to the left.
    """
    places = {(c.location, c.modality, c.axis): i for i, c in enumerate(windows.channels)}
    turns = []
    for location in locations:
        keys = [(location, modality, axis) for modality in ("acc", "gyro") for axis in "xyz"]
        if not all(key in places for key in keys):
            continue
        rows = [places[key] for key in keys]
        acc, gyro = rows[:3], rows[3:]
        gravity, _ = _mean(windows.signal[:, acc], axis=2)
        size, _ = _mean(np.linalg.norm(windows.signal[:, acc], axis=1), axis=1)
        length = np.linalg.norm(gravity, axis=1)
        steady = (size > 5) & (length >= STEADY * size)
        up = gravity / np.maximum(length, 1e-9)[:, None]
        yaw = (
            np.degrees(np.einsum("nct,nc->nt", np.nan_to_num(windows.signal[:, gyro]), up)) / windows.rate_hz
        )
        turned = np.add.reduceat(yaw, border[:-1], axis=1)
        turns.append(np.where(steady[:, None], turned, np.nan))
    if not turns:
        return np.full((windows.n, len(border) - 1), np.nan)
    stacked = np.stack(turns)
    known = ~np.isnan(stacked).all(axis=0)
    return np.where(known, np.nanmedian(np.where(known, stacked, 0), axis=0), np.nan)
