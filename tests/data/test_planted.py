"""A user would lose: the test bench. What is measured in the planted world is worth as much as its physics,
its truth and its words.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from vqtext.data.planted.reader import read_options
from vqtext.data.planted.simulate import REST_S, Doing, Person, drawn, perform, person, record
from vqtext.data.planted.world import MOVEMENTS, WORLDS, Options
from vqtext.data.readers.base import open_reader
from vqtext.data.recordings.recording import Recording, Track
from vqtext.errors import DataError
from vqtext.schema import Subject

EXACT = Options(subjects=1, minutes=0.5, variation=0, sway=0, noise=0, rotation_deg=0)
ADULT = Person(Subject("1", age=30, height_cm=172, weight_kg=70, sex="male", hand="right"), 1.0, 1.0)


def sensor(recording: Recording, place: str, modality: str) -> np.ndarray:
    """(3, T)"""
    rows = [i for i, c in enumerate(recording.channels) if (c.location, c.modality) == (place, modality)]
    return recording.signal[rows]


def doing(*phrases: str, who: Person = ADULT, label: str = "leg kicks") -> list[Doing]:
    steps = [MOVEMENTS[phrase] for phrase in phrases]
    moves = [
        Doing(
            label,
            phrase,
            {who.joint(j): q * who.reach for j, q in m.to.items()},
            m.seconds / who.tempo,
            m.strikes,
        )
        for phrase, m in zip(phrases, steps, strict=True)
    ]
    rest = Doing(None, None, {}, REST_S)
    return [rest, *moves, rest]


def now(recording: Recording, phrase: str) -> np.ndarray:
    assert recording.truth is not None
    return recording.truth.codes == recording.truth.words.index(phrase)


def test_a_seed_is_a_world_and_each_subject_is_made_alone() -> None:
    options = replace(EXACT, noise=1, sway=1, variation=1, missing=0.1, dead=0.2, misplaced=0.5)
    one, again = record(3, options), record(3, replace(options, subjects=9))
    assert np.array_equal(one.signal, again.signal, equal_nan=True)
    assert one.subject == again.subject
    other = record(3, replace(options, seed=1))
    assert one.signal.shape != other.signal.shape or not np.array_equal(one.signal, other.signal)


@pytest.mark.parametrize("world", WORLDS)
def test_recordings_hold_all_labels_with_truth_and_ways_between(world: str) -> None:
    recording = record(0, Options(world=world, minutes=2))  # type: ignore[arg-type]
    label, truth = recording.label, recording.truth
    assert isinstance(label, Track) and truth is not None
    assert set(label.words) == set(WORLDS[world].labels)
    assert set(label.codes) == {-1, *range(len(label.words))}
    changes = np.flatnonzero((np.diff(label.codes) != 0) & (label.codes[1:] >= 0) & (label.codes[:-1] >= 0))
    assert len(changes) >= len(label.words) - 1
    assert (truth.codes[changes] == -1).all() and (truth.codes[label.codes == -1] == -1).all()
    for i, name in enumerate(label.words):
        said = {truth.words[c] for c in set(truth.codes[label.codes == i]) - {-1}}
        assert said <= set(WORLDS[world].labels[name].phrases)


def test_a_foot_turns_exactly_while_the_truth_says_so() -> None:
    phrases = [
        f"{verb} the {side} {rest}"
        for side in ("left", "right")
        for verb, rest in (("lift", "knee up"), ("reach", "heel forward"), ("plant", "foot"))
    ]
    recording = perform(ADULT, doing(*phrases), replace(EXACT, noise=1, sway=1))
    for side in ("left", "right"):
        swings = np.any([now(recording, phrase) for phrase in phrases if side in phrase], axis=0)
        speed = np.linalg.norm(sensor(recording, f"{side} foot", "gyro"), axis=0)
        assert speed[~swings].max() < 0.1
        assert np.median(speed[swings]) > 0.4


def test_at_rest_only_gravity_is_felt() -> None:
    recording = perform(ADULT, doing("keep both legs still"), EXACT)
    for place in WORLDS["identifiable"].places:
        assert np.allclose(np.linalg.norm(sensor(recording, place, "acc"), axis=0), 9.81, atol=0.01)
        assert np.allclose(sensor(recording, place, "gyro"), 0, atol=1e-4)


def test_the_gyroscope_adds_up_to_what_the_accelerometer_says_of_gravity() -> None:
    """From rest to rest: turned by the gyroscope, gravity must arrive where the accelerometer finds it."""
    everywhere = ("lower back", "chest", "left wrist", "right wrist", "left ankle", "left foot")
    options = replace(EXACT, sensors=everywhere, misplaced=1.0)
    steps = ("crouch down on both legs", "raise the hand", "lift the left knee up", "keep both legs still")
    recording = perform(ADULT, doing(*steps), options)
    for place in everywhere:
        acc, gyro = sensor(recording, place, "acc").T, sensor(recording, place, "gyro").T.astype(float)
        whole = Rotation.identity()
        for rate in gyro:
            whole = whole * Rotation.from_rotvec(rate / options.rate_hz)
        assert np.allclose(whole.apply(acc[-1]), acc[0], atol=0.02), place
        if place != "left foot":
            assert np.linalg.norm(acc[-1] - acc[0]) > 1, f"{place} should have turned"


def test_the_accelerometer_adds_up_to_the_way_of_the_hips() -> None:
    """Velocity is zero at both ends of a squat, and the double integral is how far the sensor came down."""
    recording = perform(ADULT, doing("crouch down on both legs"), replace(EXACT, rate_hz=200))
    gyro = sensor(recording, "lower back", "gyro").T.astype(float)
    posture, acc = Rotation.identity(), sensor(recording, "lower back", "acc").T.astype(float)
    felt = []
    for rate, force in zip(gyro, acc, strict=True):
        half = Rotation.from_rotvec(rate / 400)
        felt.append((posture * half).apply(force) - [0, 0, 9.81])
        posture = posture * half * half
    speed = np.cumsum(felt, axis=0) / 200
    assert np.allclose(speed[-1], 0, atol=0.01)
    assert (np.cumsum(speed, axis=0)[-1] / 200)[2] == pytest.approx(-0.14 * 1.72, abs=0.03)


def test_mirrored_steps_give_mirrored_signals() -> None:
    left = perform(
        ADULT, doing("lift the left knee up", "reach the left heel forward", "plant the left foot"), EXACT
    )
    right = perform(
        ADULT, doing("lift the right knee up", "reach the right heel forward", "plant the right foot"), EXACT
    )
    flip = {"acc": np.array([[1], [-1], [1]]), "gyro": np.array([[-1], [1], [-1]])}
    swap = {"left": "right", "right": "left", "lower": "lower"}
    for place in WORLDS["identifiable"].places:
        side, _, part = place.partition(" ")
        for modality, signs in flip.items():
            mirrored = signs * sensor(right, f"{swap[side]} {part}", modality)
            assert np.allclose(sensor(left, place, modality), mirrored, atol=1e-3)
    assert not np.allclose(sensor(left, "left foot", "gyro"), sensor(right, "left foot", "gyro"), atol=1)


def test_tempo_reach_and_the_hand_are_the_subjects_own() -> None:
    def moved(who: Person, place: str) -> np.ndarray:
        recording = perform(who, doing("raise the hand", who=who), EXACT)
        return np.linalg.norm(sensor(recording, place, "gyro"), axis=0)

    usual, quick = moved(ADULT, "right wrist"), moved(replace(ADULT, tempo=1.5), "right wrist")
    assert quick.max() == pytest.approx(1.5 * usual.max(), rel=0.03) and len(quick) < len(usual)
    assert moved(replace(ADULT, reach=0.5), "right wrist").max() == pytest.approx(usual.max() / 2, rel=0.03)
    lefty = replace(ADULT, facts=replace(ADULT.facts, hand="left"))
    assert moved(lefty, "left wrist").max() == pytest.approx(usual.max(), rel=1e-3)
    assert moved(lefty, "right wrist").max() < 0.01


def test_people_are_as_wanted_and_children_are_small_and_quick() -> None:
    people = [person(i, Options(children=0.3, left_handed=0.2)) for i in range(600)]
    children = [p for p in people if (p.facts.age or 0) < 13]
    adults = [p for p in people if p not in children]
    assert len(children) / 600 == pytest.approx(0.3, abs=0.06)
    assert sum(p.facts.hand == "left" for p in people) / 600 == pytest.approx(0.2, abs=0.05)
    assert max(p.height_m for p in children) < np.mean([p.height_m for p in adults])
    assert np.mean([p.tempo for p in children]) > 1.1 * np.mean([p.tempo for p in adults])


def test_lost_samples_are_missing_in_bursts_and_a_dead_sensor_is_silent() -> None:
    lost = np.isnan(record(0, replace(EXACT, minutes=2, missing=0.2)).signal)
    assert lost.mean() == pytest.approx(0.2, abs=0.05)
    assert (lost[:3] == lost[0]).all(), "a sensor loses all its axes at once"
    lengths = [len(list(run)) for is_lost, run in groupby(lost[0]) if is_lost]
    assert np.mean(lengths) >= 4
    silent = np.isnan(record(0, replace(EXACT, dead=1.0)).signal).all(axis=1)
    assert silent.sum() == 24, "one of five sensors is left"


def test_misplacement_turns_a_sensor_and_leaves_how_much_it_turns() -> None:
    right, wrong = (record(0, replace(EXACT, misplaced=share)) for share in (0.0, 1.0))
    for place in WORLDS["identifiable"].places:
        one, other = sensor(right, place, "gyro"), sensor(wrong, place, "gyro")
        assert np.allclose(np.linalg.norm(one, axis=0), np.linalg.norm(other, axis=0), atol=1e-3)
        acc, turned = sensor(right, place, "acc"), sensor(wrong, place, "acc")
        rest = slice(0, 40)
        assert np.allclose(np.linalg.norm(turned[:, rest], axis=0), 9.81, atol=0.01)
        assert np.abs(acc[:, rest] - turned[:, rest]).max() > 1


def test_steps_are_skipped_and_repeated_at_their_rates() -> None:
    rng, rounds = np.random.default_rng(0), 3000
    label = WORLDS["identifiable"].labels["squat and reach"]
    counts = Counter(phrase for _ in range(rounds) for phrase in drawn(label, rng))
    for part in label.parts:
        expected = (1 - part.skip) / (1 - part.again)
        for phrase in part.phrases:
            assert counts[phrase] / rounds == pytest.approx(expected, abs=0.05), phrase


def test_a_file_chooses_and_windows_come_as_asked(tmp_path: Path) -> None:
    file = tmp_path / "world.toml"
    file.write_text(
        'world = "mirrored"\nsubjects = 2\nminutes = 0.5\nsensors = ["chest"]\nmagnetometer = true\n'
    )
    reader = open_reader("planted", file, None, print)
    recordings = list(reader.recordings())
    assert reader.parts == 2 and [r.subject.id for r in recordings if r.subject] == ["1", "2"]
    assert [(c.location, c.modality) for c in recordings[0].channels][::3] == [
        ("chest", m) for m in ("acc", "gyro", "mag")
    ]
    assert np.allclose(np.linalg.norm(recordings[0].signal[6:], axis=0).mean(), 47.4, atol=3)
    assert reader.fingerprint() != open_reader("planted", None, None, print).fingerprint()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject = 3", "'subject': did you mean 'subjects'"),
        ("world = 'flat'", "'world'"),
        ("subjects = 0", "'subjects' is 0: choose from 1"),
        ("minutes = nan", "'minutes'"),
        ("missing = 2", "'missing' is 2"),
        ("sensors = ['nose']", "'nose': choose from chest"),
        ("world = ", "not a TOML file"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "world.toml").write_text(text)
    with pytest.raises(DataError) as caught:
        read_options(tmp_path / "world.toml")
    assert message in str(caught.value)
