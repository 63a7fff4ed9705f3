from __future__ import annotations

import numpy as np
import pytest
from cutting import cut

from vqtext.data.recordings.recording import Track
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError, UsageError
from vqtext.schema import Channel, Subject


def first_samples(windows):
    """The first channel counts samples: where each window begins."""
    return windows.signal[:, 0, 0].astype(int).tolist()


def test_by_seconds_and_stride(recording):
    made = cut([recording()], Cut(window_s=4, stride_s=2), "d")
    assert made.signal.shape == (4, 2, 40)
    assert first_samples(made) == [0, 20, 40, 60]
    assert made.start_s.tolist() == [0, 2, 4, 6]
    assert made.rate_hz == 10 and made.labels == ["walking"] and made.recordings == ["r"]


def test_without_a_length_each_recording_is_a_window_padded_with_nan(recording):
    made = cut([recording("a", 30), recording("b", 50)], Cut(), "d")
    assert made.length.tolist() == [30, 50] and made.T == 50
    assert np.isnan(made.signal[0, :, 30:]).all() and not np.isnan(made.signal[1]).any()


def test_a_recording_shorter_than_the_window_is_padded(recording):
    made = cut([recording("a", 30), recording("b", 95)], Cut(window_s=4), "d")
    assert made.length.tolist() == [30, 40, 40]
    assert np.isnan(made.signal[0, :, 30:]).all()


def test_no_window_crosses_a_break(recording):
    made = cut([recording(breaks=(33,))], Cut(window_s=2), "d")
    assert first_samples(made) == [0, 33, 53, 73]


def test_a_window_after_a_break_begins_when_it_did(recording):
    """Who looks it up in a video finds it there."""
    breaks = recording(breaks=(33, 60), lost_s=(1.5, 0.25))
    for rate_hz in (None, 20.0):
        made = cut([breaks], Cut(window_s=2, rate_hz=rate_hz), "d")
        assert made.start_s.tolist() == [0, 3.3 + 1.5, 6 + 1.75, 8 + 1.75]


def test_no_window_crosses_a_long_gap_and_short_ones_stay_missing(recording):
    signal = np.stack([np.arange(100), np.ones(100)]).astype(np.float32)
    signal[:, 25:28] = np.nan  # 0.3 s
    signal[:, 50:65] = np.nan  # 1.5 s
    made = cut([recording(signal=signal)], Cut(window_s=2), "d")
    assert first_samples(made) == [0, 20, 65]
    assert np.isnan(made.signal[1, :, 5:8]).all()


def test_unlabelled_samples_are_in_no_window(recording):
    label = Track(("a",), np.r_[np.zeros(30), -np.ones(20), np.zeros(50)].astype(int))
    for borders in ("drop", "keep"):
        made = cut([recording(label=label)], Cut(window_s=2, borders=borders), "d")
        assert first_samples(made) == [0, 50, 70]


def test_borders_drop_cuts_each_label_from_its_own_beginning(recording):
    label = Track(("a", "b"), np.r_[np.zeros(33), np.ones(67)].astype(int))
    made = cut([recording(label=label)], Cut(window_s=2), "d")
    assert first_samples(made) == [0, 33, 53, 73]
    assert made.label.tolist() == [0, 1, 1, 1]


def test_borders_keep_takes_the_label_of_most_samples(recording):
    label = Track(("a", "b"), np.r_[np.zeros(33), np.ones(67)].astype(int))
    made = cut([recording(label=label)], Cut(window_s=2, borders="keep"), "d")
    assert first_samples(made) == [0, 20, 40, 60, 80]
    assert made.label.tolist() == [0, 0, 1, 1, 1]


def test_truth_is_cut_and_padded_with_the_signal(recording):
    truth = Track(("x", "y"), np.r_[np.zeros(10), np.ones(10), -np.ones(5)].astype(int))
    made = cut([recording(samples=25, truth=truth), recording("s", 40)], Cut(), "d")
    assert made.truth_words == ["x", "y"]
    assert made.truth[0].tolist() == [0] * 10 + [1] * 10 + [-1] * 20
    assert (made.truth[1] == -1).all()


def test_truth_words_of_different_recordings_meet(recording):
    one = recording("a", 10, truth=Track(("x", "y"), np.repeat([0, 1], 5)))
    two = recording("b", 10, truth=Track(("y", "x"), np.repeat([0, 1], 5)))
    made = cut([one, two], Cut(), "d")
    assert made.truth[0].tolist() == made.truth[1][::-1].tolist()


def test_subjects_and_own_split(recording):
    recordings = [
        recording("a", subject=Subject("7", age=30), split="train"),
        recording("b", subject=Subject("8"), split="test"),
        recording("c"),
    ]
    made = cut(recordings, Cut(), "d")
    assert made.subject.tolist() == [0, 1, -1] and made.split.tolist() == [0, 1, -1]
    assert made.subjects == [Subject("7", age=30), Subject("8")]
    with pytest.raises(DataError, match="subject '7'"):
        cut([*recordings, recording("e", subject=Subject("7", age=31))], Cut(), "d")


def test_resampling_keeps_slow_waves_and_removes_what_would_alias(recording):
    time = np.arange(1000) / 100
    signal = np.stack([9.81 + np.sin(2 * np.pi * time), np.sin(2 * np.pi * 23 * time)]).astype(np.float32)
    made = cut([recording(signal=signal, rate_hz=100.0)], Cut(rate_hz=20), "d")
    assert made.signal.shape == (1, 2, 200) and made.rate_hz == 20
    expected = 9.81 + np.sin(2 * np.pi * np.arange(200) / 20)
    assert np.abs(made.signal[0, 0, 10:-10] - expected[10:-10]).max() < 0.02
    assert np.abs(made.signal[0, 1, 10:-10]).max() < 0.05  # 23 Hz would show as 3 Hz


def test_resampling_keeps_missing_samples_missing(recording):
    signal = np.ones((2, 400), dtype=np.float32)
    signal[0, 100:140] = np.nan
    made = cut([recording(signal=signal, rate_hz=100.0)], Cut(rate_hz=50), "d")
    missing = np.isnan(made.signal[0, 0])
    assert missing.sum() == 20 and missing[50:70].all()
    assert not np.isnan(made.signal[0, 1]).any()


def test_resampling_up_and_window_length(recording):
    label = Track(("a", "b"), np.repeat([0, 1], 50))
    made = cut([recording(label=label)], Cut(window_s=2, rate_hz=25), "d")
    assert made.T == 50 and made.label.tolist() == [0, 0, 1, 1]
    assert made.start_s.tolist() == [0, 2, 4.96, 6.96]  # at 4.96 s the nearest old sample is the one at 5 s


def test_recordings_must_fit_each_other(recording):
    with pytest.raises(DataError, match=r"'b'.* 20 Hz, 'a'.* 10 Hz.*--rate"):
        cut([recording("a"), recording("b", rate_hz=20.0)], Cut(), "d")
    assert cut([recording("a"), recording("b", rate_hz=20.0)], Cut(rate_hz=10), "d").n == 2
    other = (Channel("acc_x", "chest", "acc", "x", "m/s2"), Channel("acc_y", "wrist", "acc", "y", "m/s2"))
    with pytest.raises(DataError, match=r"'b'.*'a'"):
        cut([recording("a"), recording("b", channels=other)], Cut(), "d")
    with pytest.raises(DataError, match="'a'"):
        cut([recording("a"), recording("a")], Cut(), "d")


def test_nothing_to_cut(recording):
    with pytest.raises(DataError):
        cut([], Cut(), "d")
    with pytest.raises(DataError):
        cut([recording(breaks=(50,))], Cut(window_s=8), "d")
    with pytest.raises(UsageError):
        cut([recording()], Cut(stride_s=1), "d")


def test_what_is_left_out_is_said(recording):
    label = Track(("a", "b"), np.r_[np.zeros(95), np.ones(5)].astype(int))
    heard: list[str] = []
    made = cut(
        [recording("x", label=label), recording("y", breaks=(50,))], Cut(window_s=6), "d", heard.append
    )
    assert made.labels == ["a"] and made.recordings == ["x"]
    assert any("1 recordings gave no window, 'y'" in line for line in heard)
    assert any("labels" in line and "'b'" in line for line in heard)
