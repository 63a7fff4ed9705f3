"""A user would lose: the answer to what becomes of a model on a worse device, and a fair one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from test_evaluate import TABLE, asked, trained  # noqa: F401  a fixture
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.evaluation.robustness import minirocket
from vqtext.pipeline.evaluation.robustness.corruptions import LEVELS, UNITS, corruptions, places_of
from vqtext.pipeline.evaluation.robustness.scores import _corrupted, robust_scores
from vqtext.pipeline.evaluation.scores import macro_f1
from vqtext.pipeline.stage import run
from vqtext.schema import Channel, sensors

RATE = 50.0
CHANNELS = [
    Channel(f"{place} {kind} {axis}", place, kind, axis, unit)
    for place in ("left foot", "right foot")
    for kind, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
    for axis in "xyz"
]


@pytest.fixture
def signal() -> np.ndarray:
    """Slow waves of twenty windows, one of which is shorter, and one channel of which was never measured."""
    rng = np.random.default_rng(0)
    time = np.arange(200) / RATE
    phase = rng.uniform(0, 2 * np.pi, size=(20, len(CHANNELS), 1))
    waves = 10 * np.sin(2 * np.pi * 0.5 * time + phase)
    waves[0, :, 150:] = np.nan
    waves[1, 2] = np.nan
    return waves.astype(np.float32)


RECORDING = np.repeat([4, 7], 10)


def corrupted(signal, kind, level, seed=0, channels=CHANNELS):
    spread = np.nanstd(signal, axis=(0, 2))
    way = corruptions(channels, RATE, spread, seed)[kind][level]
    return way(signal, RECORDING, np.random.default_rng(seed))


def test_noise_is_as_strong_as_it_says_and_the_same_at_every_strength(signal):
    added = {level: corrupted(signal, "noise", level) - signal for level in LEVELS.noise[:2]}
    spread = np.nanstd(signal, axis=(0, 2))
    assert np.nanstd(added[0.1], axis=(0, 2)) == pytest.approx(0.1 * spread, rel=0.1)
    assert np.allclose(3 * added[0.1], added[0.3], atol=1e-5, equal_nan=True)


def test_a_lost_place_takes_all_its_channels_and_no_other(signal):
    lost = np.isnan(corrupted(signal, "place", "right foot"))
    places = places_of(CHANNELS)
    assert lost[:, places == 1].all() and (lost == np.isnan(signal))[:, places == 0].all()


@pytest.mark.parametrize("share", LEVELS.lost)
def test_samples_are_lost_in_bursts_of_a_place_and_in_the_share_that_is_said(signal, share):
    lost = np.isnan(corrupted(np.tile(signal[2:], (20, 1, 1)), "lost", share))
    assert lost.mean() == pytest.approx(share, abs=0.02)
    acc, gyro = lost[:, 0:3], lost[:, 3:6]
    assert (acc == gyro).all(), "a device loses all it measures at once"
    assert (lost[:, 0] != lost[:, 6]).any(), "devices lose samples each at its own time"
    borders = (np.diff(lost[:, 0].astype(int), axis=1) != 0).sum(1)
    assert borders.mean() <= 2 * share * 200 / (LEVELS.burst_s * RATE) + 1
    more = np.isnan(corrupted(np.tile(signal[2:], (20, 1, 1)), "lost", 0.5))
    assert not (lost & ~more).any(), "what is lost at a lower share is lost at a higher one too"


def test_a_lower_rate_loses_what_is_faster_than_it_shows_and_nothing_else(signal):
    fast = np.sin(2 * np.pi * 20 * np.arange(200) / RATE).astype(np.float32)
    slower = corrupted(signal + fast, "rate", RATE / 4)
    inside = slice(40, 110)  # away from the ends, where filters ring
    assert np.nanmax(np.abs(slower - signal)[..., inside]) < 0.2 < np.abs(fast[inside]).max()
    assert (np.isnan(slower) == np.isnan(signal)).all()


def test_sensors_of_a_place_turn_together_once_for_a_recording(signal):
    """As a rigid box does: lengths stay, and the angle between acceleration and turn."""
    turned = corrupted(signal, "turned", 90.0)
    (a, b, c, d) = (sensor.axes for sensor in sensors(CHANNELS))
    for one, other in ((a, a), (a, b), (c, d)):
        before, after = (np.einsum("nct,nct->nt", x[:, one], x[:, other]) for x in (signal, turned))
        assert np.allclose(before[2:], after[2:], atol=1e-3)
    before, after = ((x[:, a] * x[:, c]).sum(1)[2:] for x in (signal, turned))
    assert not np.allclose(before, after, atol=1), "places turn each about an axis of its own"

    def turn(own: slice) -> np.ndarray:
        x, y = (signals[own, a].swapaxes(1, 2).reshape(-1, 3) for signals in (signal, turned))
        return np.linalg.lstsq(x, y, rcond=None)[0].T

    turns = [turn(own) for own in (slice(2, 6), slice(6, 10), slice(10, 20))]
    assert np.allclose(turns[0], turns[1], atol=1e-3) and not np.allclose(turns[0], turns[2], atol=0.1)
    assert np.trace(turns[0]) == pytest.approx(1 + 2 * np.cos(np.pi / 2), abs=1e-3)


@pytest.mark.parametrize("kind", UNITS)
def test_a_seed_gives_the_same_corruption_and_leaves_the_signal_as_it_was(signal, kind):
    before = signal.copy()
    level = next(iter(corruptions(CHANNELS, RATE, np.ones(len(CHANNELS)), 0)[kind]))
    one, same, other = (corrupted(signal, kind, level, seed) for seed in (3, 3, 4))
    assert np.array_equal(one, same, equal_nan=True) and np.array_equal(signal, before, equal_nan=True)
    assert kind in ("place", "rate") or not np.array_equal(one, other, equal_nan=True)


def test_what_does_not_fit_the_sensors_is_left_out(signal):
    muscles = [Channel(f"emg {i}", "right thigh", "emg", "none", "uV") for i in range(3)]
    assert set(corruptions(muscles, RATE, np.ones(3), 0)) == {"noise", "lost", "rate"}


def test_a_window_of_which_nothing_is_left_is_a_mistake_and_no_label():
    true = np.array([0, 0, 1, 1])
    answers = {
        ("clean", 0.0): (true, np.zeros((4, 2), int), true[:0]),
        ("place", "left foot"): (np.array([0, -1, 1, 1]), np.zeros((4, 2), int), true[:0]),
        ("place", "right foot"): (np.array([0, 0, -1, -1]), np.zeros((4, 2), int), true[:0]),
    }
    places = robust_scores(true, [[answers]], None)["corrupted"]["place"]
    assert [own["accuracy"]["mean"] for own in places["levels"]] == [0.75, 0.5]
    assert places["mean"]["accuracy"]["mean"] == 0.625 and places["worst"]["accuracy"]["mean"] == 0.5
    assert macro_f1(true, np.array([0, 0, -1, -1])) == 0.5

    def lose(signal, recording, rng):
        return np.where((recording == 1)[:, None, None], np.nan, signal)

    asked_of = list(_corrupted(study(), np.arange(3, 15), lose, seed=0))  # recording 1 is windows 6 to 11
    assert [(list(at), len(signal)) for at, signal in asked_of] == [([0, 1, 2, 9, 10, 11], 6)]


@pytest.mark.parametrize("trained", [[0]], indirect=True)
def test_scores_of_corrupted_windows_stand_beside_those_of_the_run(trained, heard, monkeypatch):  # noqa: F811
    """Without aeon: the column is missing, and people are told how to get it."""
    monkeypatch.setattr(minirocket, "is_there", lambda: False)
    truth = trained.cache / "truth.toml"
    stage = Evaluate(asked(trained, truth=truth, robustness=True), heard)
    answer = run(stage)
    found = answer["robustness"]
    assert found["clean"]["accuracy"] == answer["classification"]["decoding"]["accuracy"]
    assert found["clean"]["named_recall"] == answer["grounding"]["named_recall"]
    assert {kind: len(own["levels"]) for kind, own in found["corrupted"].items()} == {
        "noise": 3, "lost": 3, "rate": 3, "turned": 3,
    }  # fmt: skip
    told = "\n".join(stage.lines(answer))
    assert "2.5 Hz" in told and "vqtext[aeon]" in told
    assert "MiniRocket: accuracy" not in told
    run(stage)
    assert "up to date" in heard.said[-1]
    monkeypatch.setattr(minirocket, "is_there", lambda: True)
    assert not stage.is_current(), "aeon was installed since, and the same command adds the column"


def test_minirocket_learns_from_gaps_and_short_windows():
    pytest.importorskip("aeon", reason="MiniRocket comes with the extra aeon")
    windows = study()
    windows.signal[::3, 1, 5:9] = np.nan
    windows.signal[:, 2] = np.nan
    windows.signal[1, :, 20:] = np.nan
    learn, test = np.arange(18), np.arange(18, 24)
    threads = torch.get_num_threads()
    peer = minirocket.MiniRocket(windows, learn, seed=0)
    assert (peer.predict(windows.signal[test]) == windows.label[test]).mean() > 0.8
    windows.signal = windows.signal[..., :5]
    assert minirocket.MiniRocket(windows, learn, seed=0).predict(windows.signal[test]).shape == (6,)
    assert torch.get_num_threads() == threads, "a training afterwards would end in other weights"
