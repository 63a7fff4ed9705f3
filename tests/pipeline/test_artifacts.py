from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.artifacts import read_windows, write_windows
from vqtext.schema import Channel, Subject


@pytest.mark.parametrize("with_truth", [True, False])
def test_windows_round_trip(tmp_path, with_truth):
    signal = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
    signal[2, :, 4] = np.nan
    windows = Windows(
        dataset="own <data>",
        rate_hz=12.5,
        channels=[Channel("ax", "left ankle", "acc", "x", "m/s2"), Channel("hr", "chest", "hr", "", "bpm")],
        labels=["a/b", "걷기 🏃", "..\n"],
        subjects=[Subject("1", age=30, hand="left"), Subject("2")],
        recordings=["r"],
        signal=signal,
        length=np.array([5, 5, 4], dtype=np.int32),
        label=np.array([0, 2, 1], dtype=np.int32),
        subject=np.array([0, 1, -1], dtype=np.int32),
        recording=np.zeros(3, dtype=np.int32),
        start_s=np.array([0, 0.4, 0.8]),
        split=np.array([0, 1, -1], dtype=np.int8),
        truth=np.full((3, 5), -1, dtype=np.int16) if with_truth else None,
        truth_words=["left leg swings"] if with_truth else [],
    )
    content = write_windows(str(tmp_path / "windows.h5"), windows, "recipe")
    again = read_windows(str(tmp_path / "windows.h5"))  # as people name files
    for field in fields(Windows):
        before, after = getattr(windows, field.name), getattr(again, field.name)
        if field.name in ("signal", "truth") and after is not None:
            after = after[:]  # stays in the file until it is taken
        if isinstance(before, np.ndarray):
            assert after.dtype == before.dtype
            np.testing.assert_array_equal(after, before)
        else:
            assert after == before
    again.take(slice(None)).validate()
    assert write_windows(tmp_path / "windows.h5", again, "recipe") == content
