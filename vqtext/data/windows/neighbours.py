"""Which other activities a window may hold a part of, by the labels of the windows beside it."""

from __future__ import annotations

import numpy as np

from vqtext.data.windows.windows import Windows


def labels_beside(windows: Windows, rows: np.ndarray) -> np.ndarray:
    """Labels of the windows that overlap or touch a window in its recording, or are next to it there.

    A window cut across a change of activity lies beside a window of the other one, and where all around it
    have one label there is no border to look for. Only the windows at ``rows`` are looked at.

    Returns:
        True for each label that some window beside it has and itself has not, ``(len(rows), labels)``.
    """
    recording, start, label = windows.recording[rows], windows.start_s[rows], windows.label[rows]
    end = start + windows.length[rows] / windows.rate_hz
    beside = np.zeros((len(rows), len(windows.labels)), dtype=bool)
    longest = windows.T / windows.rate_hz
    near = 0.5 / windows.rate_hz  # a border between two samples
    for one in np.unique(recording):
        own = np.flatnonzero(recording == one)
        own = own[np.argsort(start[own], kind="stable")]
        first = np.searchsorted(start[own], start[own] - longest - near)
        last = np.searchsorted(start[own], end[own] + near, side="right")
        place = np.arange(len(own))
        first, last = np.minimum(first, np.maximum(place - 1, 0)), np.maximum(last, place + 2)
        seen = np.zeros((len(own) + 1, len(windows.labels)), dtype=int)
        np.cumsum(np.eye(len(windows.labels), dtype=int)[label[own]], axis=0, out=seen[1:])
        beside[own] = seen[np.minimum(last, len(own))] > seen[first]
    beside[np.arange(len(rows)), label] = False
    return beside
