"""A user would lose: what positions, forces, muscles tell, or the numbers that gyroscopes told until now."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from vqtext.data.features.facts import KINDS, MIN_MOTION, PEAKS, cadence
from vqtext.data.features.magnitudes import SHOW_MOTION, magnitudes, moving_axes, traces
from vqtext.data.features.motion import BEST_FIRST, MotionScale
from vqtext.data.recordings.units import MODALITIES
from vqtext.schema import Channel, sensors

RATE = 100.0
T = np.arange(500) / RATE


def axes(modality, count=3, place="left hand", unit="1", gravity=True):
    return [Channel(f"{place} {modality} {a}", place, modality, a, unit, gravity) for a in "xyz"[:count]]


def measured(modality, *rows, rate=RATE):
    signal = np.array([rows], dtype=np.float32)
    return magnitudes(signal, axes(modality, len(rows)), rate)["left hand"][modality][0]


def test_every_modality_moves_or_is_left_out_by_name():
    assert set(MODALITIES) == {*SHOW_MOTION, "mag", "hr"}
    told = {"other" if name == "unknown" else name for name in SHOW_MOTION}
    assert set(BEST_FIRST) == told == {name for of in KINDS.values() for name in of}
    assert set(MIN_MOTION) == told - {"other"}
    assert set(PEAKS) == told - {"other", "velocity", "position"} | {"speed"}


@pytest.mark.parametrize("rate", [10.0, 50.0])
def test_what_was_measured_before_there_were_more_is_measured_as_then(rate):
    """The formulae of gyroscopes, accelerometers and unknown channels, to the last bit."""
    rng = np.random.default_rng(0)
    channels = [*axes("acc"), *axes("gyro"), *axes("mag"), *axes("acc", place="chest", gravity=False)]
    channels += [*axes("unknown", 2), *axes("unknown", 2, place="x"), *axes("hr", 1, place="waist")]
    signal = rng.normal(size=(8, len(channels), 60)).astype(np.float32) + 3
    signal[rng.random(signal.shape) < 0.02] = np.nan

    def smoothed(values):
        there = ~np.isnan(values)
        total = gaussian_filter1d(np.where(there, values, 0), 0.03 * rate, axis=-1, mode="constant")
        weight = gaussian_filter1d(there.astype(values.dtype), 0.03 * rate, axis=-1, mode="constant")
        return np.where(there, total / np.where(there, weight, 1), np.nan)

    felt, free = (np.linalg.norm(signal[:, i : i + 3], axis=1) for i in (0, 9))
    away = signal[:, 14:16] - np.nanmedian(signal[:, 14:16], axis=-1, keepdims=True)
    own = np.sqrt(np.nansum(away**2, axis=2) / (~np.isnan(away)).sum(axis=2))[..., None]
    wanted = {
        ("left hand", "acc"): np.abs(felt - np.nanmedian(felt, axis=-1, keepdims=True)),
        ("left hand", "gyro"): np.linalg.norm(signal[:, 3:6], axis=1),
        ("chest", "acc"): free,
        ("x", "other"): np.sqrt(np.square(away / own).sum(axis=1) / 2).astype(np.float32),
    }
    found = magnitudes(signal, channels, rate)
    assert [(place, name) for place, of in found.items() for name in of] == list(wanted)
    for (place, name), values in wanted.items():
        np.testing.assert_array_equal(found[place][name], smoothed(values), err_msg=f"{place} {name}")
    shown = [i for i, c in enumerate(channels) if c.modality in ("acc", "gyro", "unknown")]
    np.testing.assert_array_equal(traces(signal, channels, rate), smoothed(signal[:, shown]))


@pytest.mark.parametrize("rate", [1.0, 10.0, 1000.0])
def test_speed_is_the_same_from_positions_and_velocities_wherever_the_room_begins(rate):
    t = np.arange(60) / rate
    speed = measured("position", 0.3 * t + 1000, 0.4 * t - 5, 0 * t, rate=rate)
    assert speed == pytest.approx(np.full(60, 0.5), rel=0.01), "at both ends of the window too"
    assert measured("velocity", 0.3 + 0 * t, 0.4 + 0 * t, 0 * t, rate=rate) == pytest.approx(speed, rel=0.01)


def test_neither_noise_nor_a_loss_looks_like_travel():
    rng = np.random.default_rng(0)
    assert measured("position", *rng.normal(0, 0.001, (3, 500))).max() < 0.05
    moved = np.where(T < 2.5, 0.0, 3.0)  # while the marker was hidden
    moved[240:265] = np.nan
    speed = measured("position", moved)
    assert np.isnan(speed[240:265]).all() and np.nanmax(speed) < 1e-6
    held = np.where(T < 2.5, 0.1234, 7.7)  # an encoder that stands still, to the last digit
    assert (np.delete(measured("position", held), np.s_[220:280]) == 0).all()
    alone = np.full(500, np.nan)
    alone[100] = 1.0
    assert np.isnan(measured("position", alone)).all(), "one sample has no speed"


def test_an_angle_does_not_jump_where_it_is_counted_anew():
    crank = np.angle(np.exp(3j * T))
    assert np.abs(np.diff(crank)).max() > 6
    crank[:7] = crank[100:150] = np.nan
    assert measured("angle", crank)[~np.isnan(crank)] == pytest.approx(3.0, rel=1e-3)
    assert np.isnan(measured("angle", crank)[100:150]).all()
    shaft = np.angle(np.exp(100j * T))
    assert measured("angle", shaft) == pytest.approx(100.0, rel=1e-3)
    assert measured("angle", 0.3 * T, 0.4 * T) == pytest.approx(0.5, rel=1e-3)


def test_a_steady_load_is_rest():
    """Or a foot that bears the body would move most while it stands."""
    steps = 350 + 350 * np.clip(20 * np.sin(2 * np.pi * 0.5 * T), -1, 1)
    change = measured("force", steps)
    assert change[[50, 150]].max() < 1 and change[[100, 200]].min() > 5000
    np.testing.assert_allclose(change, measured("force", steps + 100), atol=0.5)


@pytest.mark.parametrize("rate", [200.0, 1000.0])
def test_muscles_are_heard_in_raw_signals_and_in_envelopes(rate):
    t = np.arange(int(4 * rate)) / rate
    works = t % 2 > 1
    raw = np.where(works, 100.0, 5.0) * np.random.default_rng(0).normal(size=len(t))
    envelope = gaussian_filter1d(np.abs(raw), 0.05 * rate)
    for signal in (raw, raw + 512, np.abs(raw), envelope):
        activity = measured("emg", signal, rate=rate)
        assert 60 < activity[works].mean() < 90 and activity[~works].mean() < 10
    assert measured("emg", raw, raw, rate=rate) == pytest.approx(measured("emg", raw, rate=rate), rel=1e-4)
    assert measured("emg", 0 * raw + 512, rate=rate).max() == 0, "a converter that hears nothing"
    dead = np.full_like(raw, np.nan)
    assert measured("emg", raw, dead, rate=rate) == pytest.approx(measured("emg", raw, rate=rate), rel=1e-4)
    shown = traces(raw[None, None], axes("emg", 1), rate)[0, 0]
    assert shown[works].mean() > 5 * shown[~works].mean(), "or evidence would hear nothing but zero"


def test_all_sensors_of_a_place_speak_and_the_best_is_chosen_sample_by_sample():
    """On a robot's arm positions and velocities said nothing beside the rates of rotation."""
    rng = np.random.default_rng(0)
    channels = [*axes("position"), *axes("velocity"), *axes("gyro"), *axes("force", 1)]
    signal = rng.normal(size=(4, 10, 200)).astype(np.float32)
    signal[:, 6:9, 50:100] = np.nan
    scale = MotionScale.of(signal, np.arange(4), channels, RATE)
    names = [name for _, name in scale.sensors]
    assert sorted(names) == ["force", "gyro", "position", "velocity"]
    motion = scale.motion(signal)
    assert np.isfinite(motion[:, :50]).all()
    best = scale.best(motion)[..., 0]
    np.testing.assert_array_equal(best[:, :50], motion[:, :50, names.index("gyro")])
    np.testing.assert_array_equal(best[:, 50:100], motion[:, 50:100, names.index("velocity")])


def test_rhythm_of_a_walker_is_seen_in_positions_and_muscles():
    sway = 2 * np.pi * 1.5 * T
    along = moving_axes("position", np.array([[1.3 * T + 0.05 * np.sin(sway)]]), RATE)[0, 0]
    assert abs(along.mean() - 1.3) < 0.02 and along.std() > 0.2
    walker = np.array([1.3 * T + 0.05 * np.sin(sway)])
    assert cadence(walker, axes("position", 1), "left hand", RATE) == pytest.approx(1.5, rel=0.03)
    muscle = np.random.default_rng(0).normal(size=(1, 500)) * np.clip(np.sin(sway), 0.02, 1)
    smooth_muscle = gaussian_filter1d(np.abs(muscle), 3)
    assert cadence(smooth_muscle, axes("emg", 1), "left hand", RATE) == pytest.approx(1.5, rel=0.05)


def test_only_worn_sensors_turn_with_how_they_are_worn():
    """Training tilts sensors as people do; positions in a room and angles of joints do not tilt."""
    channels = [*axes("position"), *axes("angle"), *axes("emg"), *axes("gyro")]
    assert [sensor.modality for sensor in sensors(channels)] == ["gyro"]
