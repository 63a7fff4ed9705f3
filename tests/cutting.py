"""Recordings cut into windows in memory, and windows counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from vqtext.data.recordings.recording import Recording
from vqtext.data.windows.cutter import Cutter
from vqtext.data.windows.digest import digest
from vqtext.data.windows.windowing import Cut
from vqtext.data.windows.windows import Windows


def cutter_of(
    recordings: Iterable[Recording], how: Cut, dataset: str, exact_subjects: bool = False
) -> Cutter:
    """A cutter that has taken these recordings."""
    cutter = Cutter(how, dataset, exact_subjects)
    for recording in recordings:
        cutter.take(digest(recording, how))
    return cutter


def cut(
    recordings: Iterable[Recording],
    how: Cut,
    dataset: str = "d",
    warn: Callable[[str], None] = lambda line: None,
) -> Windows:
    """All windows at once, as `prepare` makes them in shards; ``warn`` takes the remarks."""
    cutter = cutter_of(recordings, how, dataset)
    windows = cutter.batch()
    if windows is None:
        raise cutter.nothing()
    for remark in cutter.remarks():
        warn(remark)
    if windows.sample_label is None:
        return windows
    return replace(windows, sample_label=cutter.sample_labels(np.asarray(windows.sample_label)))


def label_counts(windows: Windows) -> Counter[str]:
    """Windows of each label."""
    return Counter(windows.labels[label] for label in windows.label)
