from __future__ import annotations

import numpy as np
import pytest

from vqtext.data.features.magnitudes import magnitudes
from vqtext.data.features.motion import CHANGE_S, MotionScale, changes
from vqtext.schema import Channel


def axes(location, modality, unit="m/s2", gravity=True):
    return [
        Channel(f"{location}_{modality}_{axis}", location, modality, axis, unit, gravity) for axis in "xyz"
    ]


def motion(signal, channels, rate_hz):
    """Energy of windows that are all in training, and the locations."""
    scale = MotionScale.of(signal, np.arange(len(signal)), channels, rate_hz)
    return scale.best(scale.motion(signal)), list(scale.locations)


WRIST = [*axes("wrist", "acc"), *axes("wrist", "gyro", "rad/s")]


def swing(n=6, t=200, rate=50.0, gravity=9.81, seed=0):
    """Windows in which the wrist rests and then swings, mounted every which way."""
    rng = np.random.default_rng(seed)
    moving = np.arange(t) >= t // 2
    size = np.where(moving, 3.0, 0.03) * np.abs(np.sin(2 * np.pi * 1.5 * np.arange(t) / rate))
    signal = np.empty((n, 6, t), dtype=np.float32)
    for i in range(n):
        mounting, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        acc = np.stack([gravity + size, 0.3 * size, np.zeros(t)]) + rng.normal(0, 0.01, (3, t))
        gyro = np.stack([np.zeros(t), size, 0.2 * size]) + rng.normal(0, 0.01, (3, t))
        signal[i] = np.concatenate([mounting @ acc, mounting @ gyro])
    return signal


def test_movement_has_more_energy_than_rest_however_the_sensor_is_mounted():
    for gravity in (9.81, 0.0):
        channels = [*axes("wrist", "acc", gravity=gravity > 0), *axes("wrist", "gyro", "rad/s")]
        energy, locations = motion(swing(gravity=gravity), channels, 50.0)
        assert locations == ["wrist"] and energy.shape == (6, 200, 1) and energy.dtype == np.float32
        assert (energy[:, 110:].mean((1, 2)) > energy[:, :90].mean((1, 2)) + 1).all()


def test_energy_is_comparable_between_locations():
    strong, weak = swing(), 0.1 * swing(seed=1)
    channels = [*WRIST, *axes("chest", "acc"), *axes("chest", "gyro", "rad/s")]
    energy, locations = motion(np.concatenate([strong, weak], axis=1), channels, 50.0)
    assert locations == ["wrist", "chest"]
    assert np.abs(energy.mean((0, 1))).max() < 0.01
    assert np.abs(energy[:, 120:, 0].mean() - energy[:, 120:, 1].mean()) < 0.3


def test_missing_samples_stay_missing_and_lend_no_weight():
    signal = swing()
    signal[2, :, 60:80] = np.nan
    energy, _ = motion(signal, WRIST, 50.0)
    assert np.isnan(energy[2, 60:80]).all() and np.isnan(energy).sum() == 20
    signal = swing()
    signal[2, 3:, 160:163] = np.nan  # in the middle of a swing: a zero there would pull its neighbours down
    assert motion(signal, WRIST, 50.0)[0][2, 158:165].min() > 0


def test_one_modality_missing_leaves_the_other():
    signal = swing()
    signal[:, 3:, 50:100] = np.nan
    energy, _ = motion(signal, WRIST, 50.0)
    assert not np.isnan(energy).any()


def test_magnetometer_and_heart_rate_say_nothing_about_motion():
    channels = [*axes("chest", "mag", "uT"), Channel("hr", "chest", "hr", "1", "bpm")]
    energy, locations = motion(np.ones((2, 4, 10), dtype=np.float32), channels, 10.0)
    assert locations == [] and energy.shape == (2, 10, 0)


def test_unknown_channels_are_measured_against_themselves():
    channels = [Channel(f"c{i}", "unknown", "unknown", str(i), "1") for i in range(2)]
    signal = np.zeros((3, 2, 100), dtype=np.float32)
    signal[:, :, 50:] = np.random.default_rng(0).normal(size=(3, 2, 50)) * [[1000.0], [0.001]]
    energy, locations = motion(signal, channels, 10.0)
    assert locations == ["unknown"] and energy[:, 55:].mean() > energy[:, :45].mean() + 1


@pytest.mark.parametrize(("offset", "rest"), [(0.0, 0), (1.0, 1)])
def test_an_unknown_amount_rests_at_zero_and_anything_else_at_its_median(offset, rest):
    """Of an envelope or a pressure, little would be told as moving as much as a lot."""
    little, middle, much = (np.full(40, size) for size in (0.01, 0.3, 1.0))
    signal = np.concatenate([little, middle, middle, much])[None, None].repeat(3, axis=0) + offset
    signal[1, 0, :30] = np.nan
    energy, _ = motion(signal.astype(np.float32), [Channel("c", "thigh", "unknown", "", "1")], 50.0)
    of = [energy[0, middle - 10 : middle + 10].mean() for middle in (20, 80, 140)]
    assert np.argmin(of) == rest and np.argmax(of) == 2


def test_constant_and_dead_channels_are_no_trouble():
    signal = np.zeros((2, 6, 50), dtype=np.float32)
    energy, _ = motion(signal, WRIST, 50.0)
    assert (energy == 0).all()
    signal[:, 4] = np.nan  # a dead axis is no axis
    signal[:, 3] = np.random.default_rng(0).normal(size=(2, 50))
    energy, _ = motion(signal, WRIST, 50.0)
    assert np.isfinite(energy).all()


def test_magnitudes_are_physical():
    found = magnitudes(swing(), WRIST, 50.0)["wrist"]
    assert 2.5 < np.quantile(found["gyro"], 0.98) < 3.5
    assert 2.5 < np.quantile(found["acc"], 0.98) < 3.5


def test_scales_are_of_training_windows_alone_and_blocks_change_nothing():
    signal = swing(12)
    train = np.arange(0, 12, 2)
    scale = MotionScale.of(signal, train, WRIST, 50.0)
    other = signal.copy()
    other[1::2] *= 100
    assert scale.scores == MotionScale.of(other, train, WRIST, 50.0).scores
    frames = scale.frames(signal, np.arange(12), 40)
    assert frames.shape == (12, 40, 1)
    np.testing.assert_array_equal(frames[3:4], scale.frames(signal[3:4], np.arange(1), 40))


def test_a_window_is_measured_by_itself():
    signal = swing(2)
    signal[1, 3] = np.nan  # an axis that is dead in this window alone
    together = magnitudes(signal, WRIST, 50.0)["wrist"]
    for i in range(2):
        alone = magnitudes(signal[i : i + 1], WRIST, 50.0)["wrist"]
        for name, values in together.items():
            np.testing.assert_array_equal(values[i], alone[name][0])
    assert np.isfinite(together["gyro"]).all()


def test_changes_tell_a_movement_that_begins_from_one_that_ends():
    """Two moments of one height: on the way up and on the way down."""
    frames = np.array([0, 0, 1, 2, 3, 3, 2, 1, 0, 0], dtype=np.float32)[None, :, None]
    change = changes(frames, frame_s=CHANGE_S)[0, :, 0]
    assert change.tolist() == [0, 1, 2, 2, 1, -1, -2, -2, -1, 0]
    wider = changes(frames, frame_s=CHANGE_S / 2)[0, :, 0]
    assert wider[3] == 3 and wider[6] == -3, "twice the frames a second, twice as far in frames"


def test_a_missing_frame_has_no_change_and_ends_what_its_neighbours_know():
    frames = np.arange(8, dtype=np.float32)[None, :, None].repeat(2, axis=2)
    frames[0, 3, 0] = np.nan
    broken, whole = changes(frames, CHANGE_S)[0].T
    assert np.flatnonzero(np.isnan(broken)).tolist() == [3]
    assert whole.tolist() == [1, 2, 2, 2, 2, 2, 2, 1]
    assert broken[[2, 4]].tolist() == [1, 1], "as at the ends of a window"
