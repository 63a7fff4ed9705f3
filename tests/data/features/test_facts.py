from __future__ import annotations

import numpy as np
import pytest

from vqtext.data.features.facts import cadence, facts
from vqtext.data.windows.windows import Windows
from vqtext.schema import Channel

RATE = 50.0


def axes(location):
    return [
        Channel(f"{location}_{modality}_{axis}", location, modality, axis, unit)
        for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
        for axis in "xyz"
    ]


@pytest.fixture
def window():
    """One window of 4 s from a gyro (3, 200); gravity on z, and the body pushed as it turns."""

    def make(gyro, location="chest", acc=None):
        acc = np.zeros((3, gyro.shape[1])) if acc is None else acc
        signal = np.concatenate([acc + np.array([[0], [0], [9.81]]), gyro])[None].astype(np.float32)
        return Windows(
            dataset="made up",
            rate_hz=RATE,
            channels=axes(location),
            labels=["a"],
            subjects=[],
            recordings=["r"],
            signal=signal,
            length=np.array([signal.shape[2]], dtype=np.int32),
            label=np.zeros(1, dtype=np.int32),
            subject=np.full(1, -1, dtype=np.int32),
            recording=np.zeros(1, dtype=np.int32),
            start_s=np.zeros(1),
            split=np.full(1, -1, dtype=np.int8),
        )

    return make


def test_levels_rise_with_motion_and_are_the_same_everywhere(window):
    size = np.repeat([0.02, 0.3, 1.0, 6.0], 50)  # still, slight, moderate, strong rotation
    turning = window(np.stack([size, 0 * size, 0 * size]))
    turning.signal[:, :3] = np.nan  # a gyro alone
    assert facts(turning, 4).level[0, :, 0].tolist() == [0, 1, 2, 3]
    both = facts(window(np.stack([size, 0 * size, 0 * size]), acc=np.stack([0 * size, 0 * size, size])), 4)
    assert (np.diff(both.level[0, :, 0]) >= 0).all() and both.level[0, 0, 0] == 0


def test_a_description_of_a_window_does_not_depend_on_the_others(window):
    rng = np.random.default_rng(0)
    one = window(rng.normal(size=(3, 200)))
    many = window(rng.normal(size=(3, 200)))
    many.signal = np.concatenate([one.signal, 50 * many.signal])
    assert (facts(one, 5).level[0] == facts(many, 5).level[0]).all()
    assert facts(one, 5).peak["gyro"][0] == facts(many, 5).peak["gyro"][0]


def test_segments_without_samples_are_missing(window):
    gap = window(np.ones((3, 200)))
    gap.signal[:, :, 100:] = np.nan
    found = facts(gap, 4)
    assert found.level[0, :, 0].tolist() == [2, 2, -1, -1] or (found.level[0, 2:, 0] == -1).all()
    assert np.isnan(found.height[0, 2:]).all()


@pytest.mark.parametrize("side", [1, -1])
def test_turns_about_the_vertical_whatever_the_mounting(window, side):
    gyro = np.zeros((3, 200))
    gyro[2, 50:150] = side * np.pi / 2  # 180 degrees within two seconds
    mounting, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    mounting *= np.linalg.det(mounting)  # a rotation: mirrored axes would mirror the turn
    turned = window(gyro)
    turned.signal[0, :3], turned.signal[0, 3:] = (
        mounting @ turned.signal[0, :3],
        mounting @ turned.signal[0, 3:],
    )
    assert facts(turned, 4).turn[0] == pytest.approx([0, side * 90, side * 90, 0], abs=2)


def test_no_turn_is_claimed_without_gravity(window):
    free = window(np.ones((3, 200)))
    free.signal[:, 2] -= 9.81
    assert np.isnan(facts(free, 4).turn).all()
    free.channels = [Channel(c.name, c.location, c.modality, "?", c.unit) for c in free.channels]
    assert np.isnan(facts(free, 4).turn).all()


@pytest.mark.parametrize("hertz", [0.8, 1.7, 2.5])
def test_cadence_of_a_movement_with_harmonics(hertz):
    phase = 2 * np.pi * hertz * np.arange(200) / RATE
    gyro = np.stack([np.sin(phase), np.sin(2 * phase), 0.5 * np.sin(3 * phase)])
    signal = np.concatenate([np.zeros((3, 200)), gyro]) + np.random.default_rng(0).normal(0, 0.1, (6, 200))
    assert cadence(signal, axes("chest"), "chest", RATE) == pytest.approx(hertz, rel=0.03)
    signal[:, 40:60] = np.nan
    assert cadence(signal, axes("chest"), "chest", RATE) == pytest.approx(hertz, rel=0.05)


def test_no_cadence_without_a_rhythm():
    rng = np.random.default_rng(0)
    assert cadence(rng.normal(size=(6, 200)), axes("chest"), "chest", RATE) is None
    assert cadence(np.zeros((6, 200)), axes("chest"), "chest", RATE) is None
    assert cadence(np.full((6, 200), np.nan), axes("chest"), "chest", RATE) is None
    assert cadence(np.zeros((6, 3)), axes("chest"), "chest", RATE) is None


def test_more_segments_than_samples(window):
    assert facts(window(np.ones((3, 4))), 10).level.shape == (1, 4, 1)
