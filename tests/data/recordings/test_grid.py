"""A user would lose: windows for a lost packet, a different number of them for another clock, or a whole
study for one row whose stamp is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from cutting import cut

from vqtext.data.recordings.grid import on_grid, on_time
from vqtext.data.recordings.recording import Recording, Track
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError
from vqtext.schema import Channel

ROWS = np.arange(3000)
CHANNELS = (Channel("x", "wrist", "gyro", "x", "rad/s"),)


def grid(times, rate_hz=50.0, repeated="keep_first"):
    return on_grid(
        np.arange(len(times), dtype=float)[None], np.asarray(times, float), rate_hz, repeated=repeated
    )


def windows(times, bridge_s=0.2):
    signal = np.arange(1.0, len(times) + 1)[None]
    rows = Recording("r", signal, 50.0, CHANNELS, Track(("a",), np.zeros(len(times), dtype=int)))
    return cut([on_time(rows, times, lambda *_: None, "r")], Cut(window_s=2, bridge_s=bridge_s), "d")


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 10])
@pytest.mark.parametrize("every", [75, 150])
def test_short_losses_cost_no_window_whatever_the_clock_says(lost, every):
    """The same rows at three origins of the clock, and with empty fields where the samples are lost."""
    start = ROWS + lost * (ROWS // every)  # place of each row on the grid
    empty = np.full((1, start[-1] + 1), np.nan)
    empty[0, start] = ROWS + 1.0
    field = Recording("r", empty, 50.0, CHANNELS, "a")
    wanted = cut([field], Cut(window_s=2), "d")
    for origin in (0.0, 100.0, 1698055200.0):
        made = windows(np.round(origin + start / 50, 3))
        np.testing.assert_array_equal(made.signal, wanted.signal)
    assert made.n == len(empty[0]) // 100 and not np.isnan(made.signal).any()


def test_what_bridge_s_says_holds_with_time_stamps_too():
    times = (ROWS + 4 * (ROWS // 150)) / 50
    assert np.isnan(windows(times, bridge_s=0.06).signal).sum() == 4 * (len(times) // 150 - 1)
    assert not np.isnan(windows(times, bridge_s=0.08).signal).any()


def test_a_loss_of_more_than_a_second_is_a_break():
    made = grid(np.r_[ROWS[:100], ROWS[100:200] + 50] / 50)
    assert made.signal.shape == (1, 250) and np.isnan(made.signal).sum() == 50 and not made.breaks
    made = grid(np.r_[ROWS[:100], ROWS[100:200] + 51] / 50)
    assert made.signal.shape == (1, 200) and made.breaks == {100: pytest.approx(1.02)}


def test_rows_that_jitter_are_all_kept():
    jitter = np.random.default_rng(0).uniform(-0.3, 0.3, len(ROWS))
    made = grid((ROWS + jitter) / 20, 20.0)
    assert abs(made.signal.shape[1] - len(ROWS)) <= 1 and not made.breaks
    assert np.nanmax(np.abs(made.signal[0] - np.arange(made.signal.shape[1]))) < 1
    assert np.isnan(made.signal).mean() < 0.01


@pytest.mark.parametrize(
    ("times", "kind"),
    [
        (np.where(ROWS == 500, 499, ROWS) / 50, "time stamps that stand twice"),
        (np.where(ROWS == 500, 501, np.where(ROWS == 501, 500, ROWS)) / 50, "rows out of order"),
        (np.where(ROWS == 7, np.nan, ROWS / 50), "rows without a time stamp"),
        (ROWS[::-1] / 50, "rows in reverse order"),
        ((86390 + ROWS / 50) % 86400, "clocks that begin anew"),
        (((4294960000 + ROWS * 20000) % 2**32) / 1e6, "clocks that begin anew"),
        ((65000 + ROWS * 20) % 2**16 / 1e3, "clocks that begin anew"),
        (1500000000 + ROWS // 50, "stamps of arrival"),
        (ROWS // 5 / 10 + ROWS % 5 * 1e-4, "stamps of arrival"),
        (ROWS / 60, "rates other than rate_hz"),
        (np.r_[ROWS[:1500], ROWS[:1500]] / 50, "clocks that were set back"),
    ],
)
def test_no_study_is_refused_for_stamps_and_nothing_is_silent(times, kind):
    made = grid(times)
    assert list(made.remarks) == [kind] and "times" in made.remarks[kind]
    expected = 2500 if kind.startswith("rates") else 3000
    assert made.signal.shape == (1, expected) and np.isnan(made.signal).sum() <= 1
    if kind == "rows out of order":
        assert made.signal[0, 499:503].tolist() == [499, 501, 500, 502], "sorted by time"


@pytest.mark.parametrize(("rate_hz", "tick_s"), [(104, 0.01), (120, 0.01), (1111, 0.001), (1259, 0.001)])
def test_a_clock_coarser_than_the_rows_throws_none_of_them_away(rate_hz, tick_s):
    """Two rows share a stamp now and then; they are no copies of each other."""
    made = grid(np.floor(ROWS / rate_hz / tick_s) * tick_s, rate_hz)
    assert list(made.remarks) == ["stamps of arrival"]
    np.testing.assert_array_equal(made.signal[0], ROWS)
    twice = np.sort(np.r_[ROWS, ROWS[::20]])  # these are, though rows are lost as well
    made = grid(twice[twice % 25 > 0] / 50)
    assert list(made.remarks) == ["time stamps that stand twice"]


def test_rows_that_are_written_again_are_there_once():
    """Twice, they would be trained on and tested."""
    again = np.r_[ROWS[:2000], ROWS[1500:]]
    made = on_grid(np.sin(again)[None], again / 50, 50.0)
    assert (
        list(made.remarks) == ["rows that stand twice"]
        and "500 rows" in made.remarks["rows that stand twice"]
    )
    np.testing.assert_array_equal(made.signal[0], np.sin(ROWS))
    with pytest.raises(DataError, match="row 2001"):
        on_grid(np.sin(again)[None], again / 50, 50.0, repeated="error")


def test_the_first_of_many_resets_is_named():
    made = grid(np.tile(ROWS[:100], 30) / 50)
    assert len(made.breaks) == 29 and "row 101: " in next(iter(made.remarks.values()))


def test_many_lost_samples_are_no_other_rate():
    """A study would be refused, or told to say a rate that its rows do not have."""
    made = grid(ROWS[ROWS % 3 > 0] / 50)
    assert made.remarks == {} and np.isnan(made.signal).mean() == pytest.approx(1 / 3, abs=1e-3)


@pytest.mark.parametrize("rate_hz", [20.0, 50.0])
def test_the_last_row_counts_though_its_stamp_comes_early(rate_hz):
    """One sample less would be one window less than without stamps."""
    times = ROWS / rate_hz
    times[-1] -= 0.3 / rate_hz
    assert grid(times, rate_hz).signal.shape == (1, 3000)


def test_packets_that_are_turned_round_within_are_only_sorted():
    turned = ROWS.reshape(-1, 10)[:, ::-1].ravel()
    made = on_grid(turned[None].astype(float), turned / 50, 50.0)
    assert list(made.remarks) == ["rows out of order"]
    np.testing.assert_array_equal(made.signal[0], ROWS)


def test_rows_of_one_stamp_are_the_first_or_their_mean():
    times = np.where(ROWS == 500, 499, ROWS) / 50
    assert grid(times).signal[0, 499] == 499
    assert grid(times, repeated="mean").signal[0, 499] == 499.5
    with pytest.raises(DataError, match="row 501"):
        grid(times, repeated="error")


def test_a_packet_that_is_lost_is_a_loss_and_one_that_is_late_is_none():
    late = np.random.default_rng(0).exponential(0.02, 300).repeat(10)
    arrival = ROWS // 10 / 5 + late
    assert grid(arrival).signal.shape == (1, 3000) and not np.isnan(grid(arrival).signal).any()
    lost = grid(arrival + (ROWS >= 1000) * 0.4)
    assert abs(np.isnan(lost.signal).sum() - 20) <= 3, "two packets"


def test_neighbours_that_changed_places_are_put_back():
    """Half of the steps go back: turned round as a whole, none of the rows would stand where it belongs."""
    made = grid((ROWS ^ 1) / 50)
    np.testing.assert_array_equal(made.signal[0], ROWS ^ 1)
    assert not made.breaks and list(made.remarks) == ["rows out of order"]


def test_rows_of_the_newest_second_first_are_turned_round():
    made = grid((ROWS // 50)[::-1])
    np.testing.assert_array_equal(made.signal[0], ROWS[::-1])
    assert "50 at once" in made.remarks["stamps of arrival"]


@pytest.mark.parametrize("times", [np.repeat(ROWS, 2) / 50, np.full(3000, 1.698055e9)])
def test_stamps_that_tell_nothing_throw_no_rows_away(times):
    with pytest.raises(DataError):
        grid(times)


def test_another_rate_is_an_error_that_says_which():
    with pytest.raises(DataError, match=r"100 Hz.*rate_hz is 50"):
        grid(ROWS / 100)
