"""Signals as they come from worse devices: noisier, with places or samples lost, slower, worn differently.

Each corruption is drawn from a seed. Levels of one kind use the same draws, so that they differ in strength
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from vqtext.data.recordings.resample import resample
from vqtext.schema import Channel, sensors

Level = float | str


@dataclass(frozen=True)
class Levels:
    """How strong corruptions are.

    Attributes:
        noise: white noise, as a share of each channel's own deviation in the training windows: 20, 10 and
            0 dB below the signal. The first is what training adds by itself.
        lost: share of the samples of each place that are lost.
        burst_s: seconds that a loss lasts, a quarter of the window at most. `prepare` bridges losses of up to
            0.2 s (``data.bridge_s``), so that only longer ones reach a model.
        slower: by how many times the rate falls: half, a quarter, an eighth of the samples are left.
        turned_deg: degrees that sensors are turned by: put on a little differently, a strap that slipped, a
            sensor on its side.
    """

    noise: tuple[float, ...] = (0.1, 0.3, 1.0)
    lost: tuple[float, ...] = (0.1, 0.3, 0.5)
    burst_s: float = 0.5
    slower: tuple[int, ...] = (2, 4, 8)
    turned_deg: tuple[float, ...] = (15.0, 45.0, 90.0)


LEVELS = Levels()

UNITS = {
    "noise": "share of a channel's deviation in training windows",
    "place": "body location without samples",
    "lost": "share of the samples, in bursts",
    "rate": "Hz",
    "turned": "degrees",
}
"""Each kind of corruption, and what its levels are."""


class Corruption(Protocol):
    """Windows ``(n, C, T)`` in physical units, NaN where there is no sample, and the recording of each,
    ``(n,)``, → the same windows, corrupted."""

    def __call__(
        self, signal: np.ndarray, recording: np.ndarray, rng: np.random.Generator, /
    ) -> np.ndarray: ...


def corruptions(
    channels: Sequence[Channel], rate_hz: float, spread: np.ndarray, seed: int, levels: Levels = LEVELS
) -> dict[str, dict[Level, Corruption]]:
    """Every corruption that fits the sensors: kind → level → how.

    Args:
        channels, rate_hz: of the signals.
        spread: deviation of each channel, ``(C,)``.
        seed: of the rotations, which stay the same in all windows of a recording.

    Returns:
        No ``place`` where all channels share one, no ``turned`` where no sensor has three axes.
    """
    places = places_of(channels)
    names = list(dict.fromkeys(channel.location for channel in channels))
    burst = max(1, round(levels.burst_s * rate_hz))
    found: dict[str, dict[Level, Corruption]] = {
        "noise": {share: partial(_noisy, deviation=share * spread) for share in levels.noise},
        "place": {name: partial(_without, lost=places == i) for i, name in enumerate(names)},
        "lost": {share: partial(_lossy, places=places, share=share, burst=burst) for share in levels.lost},
        "rate": {rate_hz / by: partial(_slower, rate_hz=rate_hz, by=by) for by in levels.slower},
        "turned": {
            degrees: partial(_turned, channels=channels, angle=np.deg2rad(degrees), seed=seed)
            for degrees in levels.turned_deg
        },
    }
    if len(names) < 2:
        del found["place"]
    if not sensors(channels):
        del found["turned"]
    return found


def places_of(channels: Sequence[Channel]) -> np.ndarray:
    """The place of each channel as a number, ``(C,)``."""
    names = list(dict.fromkeys(channel.location for channel in channels))
    return np.array([names.index(channel.location) for channel in channels])


def _noisy(
    signal: np.ndarray, recording: np.ndarray, rng: np.random.Generator, deviation: np.ndarray
) -> np.ndarray:
    return signal + deviation[:, None] * rng.standard_normal(signal.shape)


def _without(
    signal: np.ndarray, recording: np.ndarray, rng: np.random.Generator, lost: np.ndarray
) -> np.ndarray:
    return np.where(lost[:, None], np.nan, signal)


def _lossy(
    signal: np.ndarray,
    recording: np.ndarray,
    rng: np.random.Generator,
    places: np.ndarray,
    share: float,
    burst: int,
) -> np.ndarray:
    """Each place loses bursts of its own: time is cut into bursts at a random phase, and those of the lowest
    ranks are lost, one more or less by chance, so that the share is right on average."""
    n, _, steps = signal.shape
    burst = min(burst, max(1, steps // 4))
    cut = -(-steps // burst) + 1
    shape = (n, int(places.max()) + 1)
    rank = rng.random((*shape, cut)).argsort(-1).argsort(-1) + rng.random(shape)[..., None]
    at = (np.arange(steps) + rng.integers(burst, size=shape)[..., None]) // burst
    lost = np.take_along_axis(rank < share * cut, at, axis=2)  # (n, P, T)
    return np.where(lost[:, places], np.nan, signal)


def _slower(
    signal: np.ndarray, recording: np.ndarray, rng: np.random.Generator, rate_hz: float, by: int
) -> np.ndarray:
    """Down to the lower rate, with the filter of `prepare`, and up again to what the model takes."""
    n, channels, steps = signal.shape
    rows = signal.reshape(n * channels, steps)
    up = resample(resample(rows, rate_hz, rate_hz / by), rate_hz / by, rate_hz)[:, :steps]
    return np.where(np.isnan(signal), np.nan, up.reshape(n, channels, steps))


def _turned(
    signal: np.ndarray,
    recording: np.ndarray,
    rng: np.random.Generator,
    channels: Sequence[Channel],
    angle: float,
    seed: int,
) -> np.ndarray:
    """All sensors of a place about one axis, drawn once for each recording; a moment without one of three
    axes is lost."""
    from scipy.spatial.transform import Rotation

    places, out = places_of(channels), signal.copy()
    for number in np.unique(recording):
        own = np.flatnonzero(recording == number)
        axis = np.random.default_rng([seed, int(number)]).standard_normal((int(places.max()) + 1, 3))
        axis /= np.linalg.norm(axis, axis=1, keepdims=True)
        for sensor in sensors(channels):
            turn = Rotation.from_rotvec(angle * axis[places[sensor.axes[0]]]).as_matrix()
            at = own[:, None], np.array(sensor.axes)
            out[at] = turn @ signal[at]
    return out
