"""A user would lose: "up" that means up. Which way a limb goes must come out right however a sensor is put
on, while it turns, with gaps, and without a gyroscope; and where nothing tells, nothing may be told."""

from __future__ import annotations

import numpy as np
import pytest

from vqtext.data.features.vertical_velocity import G, direction_cells, vertical_velocities
from vqtext.schema import Channel

RATE = 50.0


def sensor(location: str, *modalities: str, gravity: bool = True) -> list[Channel]:
    return [
        Channel(f"{location}_{modality}_{axis}", location, modality, axis, "1", gravity)
        for modality in modalities
        for axis in "xyz"
    ]


def lifted(seed: int, pitch: float = 0.0, yaw: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A sensor that goes up and down by 20 cm once a second, mounted anyhow, and how fast it rises.

    Args:
        pitch: how far it turns over with that, in rad; yaw: how fast it turns to the left, in rad/s.
    """
    rng = np.random.default_rng(seed)
    time = np.arange(200) / RATE
    phase = 2 * np.pi * time
    rise = 0.1 * 2 * np.pi * np.sin(phase)
    push = 0.1 * (2 * np.pi) ** 2 * np.cos(phase)
    lean, turning = pitch * np.sin(phase), pitch * 2 * np.pi * np.cos(phase)
    mounting, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    mounting *= np.sign(np.linalg.det(mounting))
    up = np.stack([-np.sin(lean), np.zeros(200), np.cos(lean)])  # of the leaning sensor
    acc = up * (G + push) + rng.normal(0, 0.05, (3, 200))
    gyro = np.stack([np.zeros(200), turning, np.zeros(200)]) + yaw * up + rng.normal(0, 0.01, (3, 200))
    return np.concatenate([mounting @ acc, mounting @ gyro])[None].astype(np.float32), rise


@pytest.mark.parametrize("seed", range(4))
def test_a_rise_is_a_rise_however_a_sensor_is_put_on_and_while_it_turns_over(seed: int) -> None:
    signal, rise = lifted(seed, pitch=0.8)
    channels = sensor("wrist", "acc", "gyro")
    assert direction_cells(channels) == [("wrist", "rise"), ("wrist", "turn")]
    found = vertical_velocities(signal, channels, RATE)[0, 25:-25, 0]
    assert np.corrcoef(found, rise[25:-25])[0, 1] > 0.9
    alone = vertical_velocities(signal[:, :3], sensor("wrist", "acc"), RATE)
    assert alone.shape == (1, 200, 1) and np.corrcoef(alone[0, 25:-25, 0], rise[25:-25])[0, 1] > 0.7


def test_a_turn_to_the_left_is_positive_and_in_rad_a_second() -> None:
    signal, _ = lifted(0, yaw=1.5)
    turn = vertical_velocities(signal, sensor("chest", "acc", "gyro"), RATE)[0, :, 1]
    assert np.abs(turn[25:-25] - 1.5).max() < 0.2


def test_missing_samples_stay_missing_and_move_nothing() -> None:
    signal, rise = lifted(1)
    signal[:, :, 90:100] = np.nan
    found = vertical_velocities(signal, sensor("wrist", "acc", "gyro"), RATE)
    assert np.isnan(found[0, 90:100]).all() and np.isnan(found).sum() == 20
    seen = np.r_[25:90, 100:175]
    assert np.corrcoef(found[0, seen, 0], rise[seen])[0, 1] > 0.85
    assert np.isnan(
        vertical_velocities(np.full_like(signal, np.nan), sensor("wrist", "acc", "gyro"), RATE)
    ).all()


def test_windows_are_measured_each_by_itself() -> None:
    signal = np.concatenate([lifted(seed)[0] for seed in range(3)])
    channels = sensor("wrist", "acc", "gyro")
    together = vertical_velocities(signal, channels, RATE)
    np.testing.assert_allclose(together[1:2], vertical_velocities(signal[1:2], channels, RATE), atol=1e-5)


@pytest.mark.parametrize(
    "channels",
    [
        sensor("wrist", "acc", "gyro", gravity=False),  # it was removed
        sensor("wrist", "gyro"),
        sensor("wrist", "unknown"),
        sensor("wrist", "acc")[:2],
    ],
)
def test_without_gravity_nothing_is_told(channels: list[Channel]) -> None:
    assert direction_cells(channels) == []
    assert vertical_velocities(np.ones((2, len(channels), 40), np.float32), channels, RATE).shape == (
        2,
        40,
        0,
    )


def test_a_sensor_that_counts_gravity_downwards_rises_all_the_same() -> None:
    signal, rise = lifted(2, pitch=0.5)
    signal[:, :3] *= -1
    found = vertical_velocities(signal, sensor("wrist", "acc", "gyro"), RATE)[0, 25:-25, 0]
    assert np.corrcoef(found, rise[25:-25])[0, 1] > 0.9
