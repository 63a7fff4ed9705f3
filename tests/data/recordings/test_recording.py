from __future__ import annotations

import numpy as np
import pytest

from vqtext.data.recordings.recording import Track
from vqtext.errors import DataError


def test_infinite_value_names_recording_and_channel(recording):
    signal = np.zeros((2, 50), dtype=np.float32)
    signal[1, 30] = -np.inf
    with pytest.raises(DataError, match=r"'r7'.*'acc_y' at 3\.00 s"):
        recording("r7", signal=signal, samples=50)


def test_nothing_but_missing_samples(recording):
    with pytest.raises(DataError, match="'r'"):
        recording(signal=np.full((2, 9), np.nan, dtype=np.float32))


@pytest.mark.parametrize("label", ["", "  ", "\n"])
def test_empty_label(recording, label):
    with pytest.raises(DataError):
        recording(label=label)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf")])
def test_impossible_rate(recording, rate):
    with pytest.raises(DataError):
        recording(rate_hz=rate)


def test_parts_must_fit(recording):
    with pytest.raises(DataError, match="2 channels"):
        recording(signal=np.zeros((3, 5), dtype=np.float32))
    with pytest.raises(DataError):
        recording(signal=np.zeros((2, 0), dtype=np.float32))
    with pytest.raises(DataError, match=r"3 labelled samples.* 100"):
        recording(label=Track.of(["a", "a", "b"]))


def test_track_keeps_the_order_of_appearance():
    track = Track.of(["b", None, "a", "b"])
    assert track.words == ("b", "a")
    assert track.codes.tolist() == [0, -1, 1, 0]


def test_every_error_is_one_line(recording):
    with pytest.raises(DataError) as error:
        recording("a\nb", label="")
    assert "\n" not in str(error.value)
