"""A user would lose: borders looked for where there can be some, and nowhere else."""

from types import SimpleNamespace

import numpy as np

from vqtext.data.windows.neighbours import labels_beside


def cut(recording, start_s, label):
    """Windows of 2 s at 10 Hz."""
    return SimpleNamespace(
        recording=np.array(recording),
        start_s=np.array(start_s, float),
        label=np.array(label),
        length=np.full(len(label), 20),
        labels=["stand", "walk", "turn"],
        rate_hz=10.0,
        T=20,
    )


def test_a_window_may_hold_what_a_window_beside_it_has():
    windows = cut([0] * 5, [0, 1, 2, 3, 4], [0, 0, 0, 1, 1])
    beside = labels_beside(windows, np.arange(5))
    assert beside.argmax(1).tolist() == [0, 1, 1, 0, 0]
    assert beside.sum(1).tolist() == [0, 1, 1, 1, 1]  # the first touches stand alone


def test_another_recording_is_no_neighbour_and_order_of_rows_does_not_matter():
    windows = cut([0, 1, 0, 1], [2, 0, 0, 2], [1, 0, 0, 0])
    assert labels_beside(windows, np.arange(4)).any(1).tolist() == [True, False, True, False]


def test_after_a_gap_the_next_window_counts_and_the_one_after_it_does_not():
    windows = cut([0] * 3, [0, 30, 60], [0, 1, 2])
    assert labels_beside(windows, np.arange(3)).tolist() == [
        [False, True, False],
        [True, False, True],
        [False, True, False],
    ]


def test_windows_that_are_not_asked_for_tell_nothing():
    windows = cut([0] * 3, [0, 2, 4], [0, 1, 0])
    assert not labels_beside(windows, np.array([0, 2])).any()
