"""A user would see: a signal that is not the one that was recorded."""

from __future__ import annotations

import numpy as np
import pytest
from fake_session import RATE, waves

from vqtext.data.windows.windows import Windows
from vqtext.schema import Channel
from vqtext.studio import signals
from vqtext.studio.signals import Pyramid, Signals


@pytest.mark.parametrize("points", [1, 7, 100, 1500, 9999])
def test_each_part_holds_its_least_and_greatest_value(points: int) -> None:
    signal = waves(5000, 3)
    signal[1, 700:1900] = np.nan
    drawn = Pyramid(signal, RATE).drawn(13.0, 173.0, points)
    first, last = round(drawn.start_s * RATE), round(drawn.end_s * RATE)
    assert first <= 13 * RATE and last >= 173 * RATE and last - first <= 160 * RATE * 1.3 + 512
    parts = drawn.values.shape[1]
    assert parts <= points and drawn.values.shape == (3, parts, 2)
    for i in (0, parts // 3, parts - 1):
        edges = np.linspace(first, last, parts + 1)
        own = signal[0, int(edges[i]) : max(int(edges[i + 1]), int(edges[i]) + 1)]
        wider = signal[0, max(0, int(edges[i]) - 256) : int(edges[i + 1]) + 256]
        least, greatest = drawn.values[0, i]
        assert wider.min() <= least <= np.median(own) <= greatest <= wider.max()
    whole = drawn.values[0]
    assert (
        whole[:, 0].min() == signal[0, first:last].min() and whole[:, 1].max() == signal[0, first:last].max()
    )


def windows(recordings: list[int], start_s: list[float], length: list[int]) -> Windows:
    """Windows of 10 samples at 10 Hz; each sample is its number in its recording."""
    count = len(recordings)
    begin = np.round(np.array(start_s) * 10)
    signal = (begin[:, None] + np.arange(10))[:, None].astype(np.float32)
    signal[np.arange(10) >= np.array(length)[:, None, None]] = np.nan
    same = np.zeros(count, dtype=np.int32)
    return Windows(
        *("test", 10.0, [Channel("x", "left wrist", "acc", "x", "m/s2")], ["walking"], []),
        *(["a", "b"], signal, np.array(length), same, same - 1, np.array(recordings)),
        *(np.array(start_s), same.astype(np.int8) - 1),
    )


def test_windows_are_put_where_they_were_cut_and_gaps_stay_empty() -> None:
    made = Signals(windows([0, 1, 0, 0], [0.0, 0.3, 0.5, 3.0], [10, 10, 10, 4])).of("a")
    drawn = made.drawn(0, 99, 1000)
    assert (drawn.start_s, drawn.end_s) == (0.0, 3.4) and drawn.values.shape == (1, 34, 2)
    there = np.isfinite(drawn.values[0, :, 0])
    assert [*np.flatnonzero(there)] == [*range(15), *range(30, 34)]
    assert np.array_equal(drawn.values[0, there, 0], np.flatnonzero(there))


def test_memory_is_kept_for_those_looked_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "KEPT_BYTES", 1)
    kept = Signals(windows([0, 1], [0.0, 0.0], [10, 10]))
    first = kept.of("a")
    assert kept.of("a") is first and kept.of("b") is kept.of("b") and kept.of("a") is not first
