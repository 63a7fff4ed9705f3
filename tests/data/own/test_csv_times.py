"""Time stamps: on the grid, beside it, with gaps, and wrong."""

from __future__ import annotations

import numpy as np
import pytest
from csv_study import change, error_of, read, write


def timed(folder, times):
    change(folder, 'label_column = "label"', 'label_column = "label"\ntime_column = "time"')
    write(folder, "a.csv", [f"{time},{10 * float(time or 0)},0,walk,13" for time in times])


def test_stamps_on_the_grid_change_nothing_and_gaps_are_breaks(folder):
    timed(folder, ["0", "0.1", "0.2", "5", "5.1"])
    (made,) = read(folder)
    np.testing.assert_allclose(made.signal[0] / 9.80665, [0, 1, 2, 50, 51], rtol=1e-5)
    assert made.breaks == (3,) and made.label.codes.tolist() == [0] * 5
    np.testing.assert_allclose(made.lost_s, [4.7], atol=1e-9)


def test_irregular_stamps_are_brought_to_the_grid_by_straight_lines(folder):
    timed(folder, ["0", "0.08", "0.21", "0.28", "0.4", "0.61", "3", "3.13", "3.2"])
    (made,) = read(folder)
    wanted = [0, 1, 2, 3, 4, np.nan, 6, 30, 31, 32]  # at 0.5 s a sample is lost
    np.testing.assert_allclose(made.signal[0] / 9.80665, wanted, rtol=1e-5, atol=1e-5)
    assert made.breaks == (7,)
    np.testing.assert_allclose(made.lost_s, [2.3], atol=1e-9)


def test_time_may_start_anew_where_the_subject_changes(folder):
    change(folder, 'label_column = "label"', 'label_column = "label"\ntime_column = "time"')
    write(folder, "a.csv", [f"{i % 3 / 10},{i},0,walk,{13 + i // 3}" for i in range(6)])
    assert [(r.subject.id, r.signal.shape[1], r.breaks) for r in read(folder)] == [
        ("13", 3, ()),
        ("14", 3, ()),
    ]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["0", "0.1", "0.1"], "recordings/a.csv, row 4: duplicate"),
        (["0", "0.2", "0.1"], "recordings/a.csv, row 4: time"),
        (["0", "", "0.1"], "recordings/a.csv, row 3: an empty"),
        (["0", "0.02", "0.04"], "0.02 s apart (50 Hz)"),
    ],
)
def test_wrong_time_stamps_where_they_are_errors(folder, times, message):
    timed(folder, times)
    change(folder, "rate_hz = 10", 'rate_hz = 10\nrepeated_times = "error"')
    assert message in error_of(folder)
