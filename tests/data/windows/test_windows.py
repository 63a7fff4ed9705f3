from __future__ import annotations

import numpy as np
import pytest
from cutting import label_counts

from vqtext.errors import DataError


def test_good_windows_pass(windows):
    good = windows([0, 1, 0], subject=[0, 1, -1])
    good.validate()
    assert (good.n, good.C, good.T) == (3, 2, 20)
    assert label_counts(good) == {"label 0": 2, "label 1": 1}


def test_infinite_value_names_window_and_channel(windows):
    bad = windows([0, 0, 0])
    bad.signal[2, 1, 5] = np.inf
    with pytest.raises(DataError, match=r"window 2 \(recording 'r2' at 4\.00 s\): .*'acc_y'"):
        bad.validate()


def test_window_without_a_sample(windows):
    bad = windows([0, 0])
    bad.signal[1] = np.nan
    with pytest.raises(DataError, match="window 1"):
        bad.validate()


def test_missing_samples_are_fine(windows):
    some = windows([0, 0])
    some.signal[1, :, 3:9] = np.nan
    some.validate()


def test_samples_beyond_the_length(windows):
    bad = windows([0, 0])
    bad.length[1] = 10
    with pytest.raises(DataError, match="window 1"):
        bad.validate()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("label", 7, "label must be within"),
        ("subject", -2, "subject must be within"),
        ("recording", 9, "recording must be within"),
        ("split", 2, "split must be within"),
        ("length", 0, "length must be within"),
        ("length", 21, "length must be within"),
    ],
)
def test_indices_out_of_range(windows, field, value, message):
    bad = windows([0, 0])
    getattr(bad, field)[1] = value
    with pytest.raises(DataError, match=message):
        bad.validate()


def test_words_must_be_there_and_differ(windows):
    bad = windows([0, 1])
    bad.labels = ["walking", " "]
    with pytest.raises(DataError):
        bad.validate()
    bad.labels = ["walking", "walking"]
    with pytest.raises(DataError, match="'walking'"):
        bad.validate()


def test_truth_must_fit(windows):
    bad = windows([0, 1])
    bad.truth, bad.truth_words = np.zeros((2, 20), dtype=np.int16), []
    with pytest.raises(DataError):
        bad.validate()


def test_no_windows(windows):
    bad = windows([0])
    bad.signal = bad.signal[:0]
    with pytest.raises(DataError):
        bad.validate()
