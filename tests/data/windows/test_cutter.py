"""A user would lose: recordings that do not fit each other taken for one, a label that vanishes without
a word, or other windows after a stopped run."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from cutting import cut, cutter_of

from vqtext.data.recordings.recording import Track
from vqtext.data.windows.cutter import Cutter
from vqtext.data.windows.digest import digest
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

ACC = tuple(Channel(f"acc_{axis}", "wrist", "acc", axis, "m/s2") for axis in "xyz")


def test_borders_keep_notes_the_label_of_each_sample(recording):
    label = Track(("a", "b", "c"), np.r_[np.zeros(33), np.ones(27), np.full(5, 2), np.ones(35)].astype(int))
    made = cut([recording(label=label)], Cut(window_s=2, borders="keep"), "d")
    assert made.labels == ["a", "b"], "no window is mostly c"
    np.testing.assert_array_equal(made.sample_label.ravel(), [0] * 33 + [1] * 27 + [-1] * 5 + [1] * 35)
    assert made.frame_labels(np.array([1, 3]), 4).tolist() == [[0, 0, 0, 1], [1, 1, 1, 1]]
    inside = cut([recording(label=label)], Cut(window_s=2), "d")
    assert inside.sample_label is None
    assert inside.frame_labels(np.array([0, 1]), 3).tolist() == [[0] * 3, [1] * 3]


def test_a_label_seen_first_as_a_minority_keeps_its_samples(recording):
    first = recording("1", 20, label=Track(("a", "b"), np.r_[np.zeros(15), np.ones(5)].astype(int)))
    second = recording("2", 20, label="b")
    made = cut([first, second], Cut(window_s=2, borders="keep"), "d")
    np.testing.assert_array_equal(made.sample_label, [[0] * 15 + [1] * 5, [1] * 20])


def test_short_losses_are_bridged_and_long_ones_masked(recording):
    signal = np.stack([np.arange(100), np.arange(100)]).astype(np.float32)
    signal[0, 20:22] = np.nan  # 0.2 s
    signal[1, 40:45] = np.nan  # 0.5 s
    made = cut([recording(signal=signal)], Cut(), "d")
    assert made.signal[0, 0].tolist() == list(range(100))
    assert np.flatnonzero(np.isnan(made.signal[0, 1])).tolist() == [40, 41, 42, 43, 44]
    longer = cut([recording(signal=signal)], Cut(bridge_s=0.5), "d")
    assert not np.isnan(longer.signal).any()
    none = cut([recording(signal=signal)], Cut(bridge_s=0), "d")
    assert np.isnan(none.signal).sum() == 7


def test_no_line_is_drawn_across_a_break(recording):
    signal = np.ones((2, 100), dtype=np.float32)
    signal[:, 50:] = 9
    signal[0, 49] = np.nan
    made = cut([recording(signal=signal, breaks=(50,))], Cut(window_s=5), "d")
    assert np.isnan(made.signal[0, 0, 49]), "at the end of a piece there is nothing to draw a line to"


def test_going_on_after_a_stop_gives_the_same_windows(recording):
    recordings = [
        recording("a", 40, label="walk", subject=Subject("7", age=30)),
        recording("b", 10, label=Track(("run", "walk"), np.r_[np.zeros(6), np.ones(4)].astype(int))),
        recording("c", 55, label="run", subject=Subject("8")),
        recording("d", 40, label="sit", subject=Subject("7", age=30)),
    ]
    how = Cut(window_s=2, borders="keep")
    whole_remarks: list[str] = []
    whole = cut(recordings, how, "d", whole_remarks.append)
    assert len(whole_remarks) == 2, "of the padded window, and of what subject 8 loses"
    first = cutter_of(recordings[:2], how, "d")
    batches = [first.batch()]
    second = Cutter(how, "d")
    second.restore(json.loads(json.dumps(first.state())))
    for one in recordings[2:]:
        second.take(digest(one, how))
    batches.append(second.batch())
    assert second.names() == {key: getattr(whole, key) for key in second.names()}
    for name in ("label", "subject", "recording", "start_s", "length"):
        joined = np.concatenate([getattr(windows, name) for windows in batches])
        np.testing.assert_array_equal(joined, getattr(whole, name))
    for windows, rows in zip(batches, (slice(0, 3), slice(3, None)), strict=True):
        found = second.sample_labels(windows.sample_label)
        np.testing.assert_array_equal(found, whole.sample_label[rows, : found.shape[1]])
    assert second.remarks() == whole_remarks


def remarks(recordings):
    heard: list[str] = []
    cut(recordings, Cut(), "d", heard.append)
    return heard


def test_a_unit_that_no_body_reaches_is_asked_about(recording):
    """Millimetres called metres, and degrees called radians, would pass for frantic movement."""
    mm = 1500 * np.random.default_rng(0).uniform(-1, 1, size=(2, 50)).astype(np.float32)
    for modality, unit, scale, told in (
        ("position", "m", 1, 1),
        ("position", "m", 1e-3, 0),
        ("force", "1", 99, 0),
    ):
        channels = tuple(Channel(a, "left hand", modality, a, unit) for a in "xy")
        said = remarks([recording(signal=mm * np.float32(scale), channels=channels)])
        assert len(said) == told and (not told or "'x', 'y'" in said[0])


def test_channels_that_tell_nothing_make_one_remark_each(recording):
    signal = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)
    signal[0] = 1.0
    (said,) = remarks([recording(signal=signal)])
    assert said == "constant channel, kept though it tells nothing: 'acc_x'"
    signal[0] = np.nan
    (said,) = remarks([recording(signal=signal)])
    assert said == "channel without a single sample, kept: 'acc_x'"


def test_labels_that_differ_only_in_case_or_spaces(recording):
    (said,) = remarks([recording("1", label="walking"), recording("2", label="Walk ing")])
    assert said == "names that nearly agree: labels 'walking', 'Walk ing' are kept apart"


def test_gravity_that_is_not_there_or_should_not_be_is_said(recording):
    rest = np.random.default_rng(0).normal(0, 0.1, size=(3, 100)).astype(np.float32)
    (said,) = remarks([recording(signal=rest, channels=ACC)])
    assert said.startswith("no gravity in") and "'wrist'" in said
    removed = tuple(Channel(c.name, c.location, c.modality, c.axis, c.unit, gravity=False) for c in ACC)
    assert remarks([recording(signal=rest, channels=removed)]) == []
    felt = rest + np.array([[0], [0], [9.81]], dtype=np.float32)
    assert remarks([recording(signal=felt, channels=ACC)]) == []
    (said,) = remarks([recording(signal=felt, channels=removed)])
    assert said == "accelerations of 'wrist' hold gravity despite gravity = false"
    shaken = 200 * (rest - rest.mean(1, keepdims=True))
    assert remarks([recording(signal=shaken, channels=removed)]) == [], "strong, and about nothing"


def test_accelerations_that_nobody_bears_make_a_remark(recording):
    """Values in m/s2 that were said to be in g."""
    rest = np.random.default_rng(0).normal(0, 0.1, size=(3, 100)).astype(np.float32)
    strong = 9.81 * (rest + np.array([[0], [0], [9.81]], dtype=np.float32))
    (said,) = remarks([recording(signal=strong, channels=ACC)])
    assert "'wrist'" in said and "95.9 m/s2" in said


def test_windows_that_had_to_be_padded_are_counted(recording):
    heard: list[str] = []
    cut([recording("1", 15), recording("2", 45)], Cut(window_s=2), "d", heard.append)
    assert heard == ["1 windows are shorter than 2 s and padded: their recordings are that short"]


@pytest.mark.parametrize("how", [Cut(window_s=0.01), Cut(window_s=2, stride_s=0.01)])
def test_less_than_a_sample_is_no_window(recording, how):
    with pytest.raises(DataError, match="10 Hz"):
        cut([recording()], how, "d")


def test_a_rate_that_leaves_no_sample_is_an_error(recording):
    with pytest.raises(DataError, match=r"0\.001 Hz.* 10 Hz"):
        cut([recording()], Cut(rate_hz=0.001), "d")


def said_of(recordings, how, **named):
    cutter = cutter_of(recordings, how, "d", **named)
    return cutter, cutter.remarks()


@pytest.mark.parametrize(
    "spellings",
    [
        ("1", "1.0"),
        ("2", "2 "),
        ("3", "03"),
        ("P1", "p1"),
        ("P 01", "p1"),
        ("007.0", "7"),
        ("P01.0", "p1"),
        ("4", "4,0"),  # as a German spreadsheet writes it
        ("P1", "\ufeffP\u200b1"),  # the mark of another file in front, a space of no width within
    ],
)
def test_one_person_spelled_in_two_ways_is_one_person(recording, spellings):
    """Otherwise she would be trained on and tested."""
    own = [recording(name, subject=Subject(name)) for name in spellings]
    cutter, heard = said_of([*own, recording("z", subject=Subject("10"))], Cut(window_s=2))
    assert [subject.id for subject in cutter.names()["subjects"]] == [spellings[0], "10"]
    assert f"subjects {spellings[0]!r}, {spellings[1]!r}" in heard[0]
    cutter, heard = said_of(own, Cut(window_s=2), exact_subjects=True)
    assert len(cutter.names()["subjects"]) == len({name.strip() for name in spellings})


@pytest.mark.parametrize("others", [("1.05", "1.5"), ("10", "1"), ("S-1", "S1"), ("a", "b"), ("12", "1 3")])
def test_two_people_stay_two(recording, others):
    cutter, heard = said_of([recording(name, subject=Subject(name)) for name in others], Cut(window_s=2))
    assert len(cutter.names()["subjects"]) == 2 and heard == []


def test_what_is_in_no_window_is_counted_by_reason(recording):
    """10 Hz, windows of 2 s: 33 samples of a, 27 of b, 15 without a label, a break, 25 of a."""
    codes = np.r_[np.zeros(33), np.ones(27), -np.ones(15), np.zeros(25)].astype(int)
    label = Track(("a", "b"), codes)
    first = recording(label=label, breaks=(75,), lost_s=(3.0,), subject=Subject("7"))
    second = recording("s", 45, label="a", subject=Subject("8"))
    truth = Track(("x",), np.r_[np.zeros(20), -np.ones(80)].astype(int))
    cutter, heard = said_of([replace(first, truth=truth), second], Cut(window_s=2))
    unused = cutter.summary()["unused"]
    assert unused["why"] == pytest.approx(
        {"borders": (13 + 7) / 145, "no label": 15 / 145, "too short": 10 / 145}
    )
    assert unused["share"] == pytest.approx(45 / 145)
    assert cutter.summary()["truth"] == {"words": 1, "share": pytest.approx(20 / 145)}
    assert any(
        "subject '7': 29% of the labelled signal is in no window (borders 24%, too" in s for s in heard
    )
    _, heard = said_of([recording(breaks=(30, 60), lost_s=(2.0, 2.0))], Cut(window_s=2))
    assert heard == ["the recordings: 20% of the labelled signal is in no window (breaks 20%)"]
