"""A small study of one's own and what reading it gives, for tests of labels and of intervals."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from vqtext.data.readers.base import open_reader
from vqtext.errors import DataError

CONTENTS = """
name = "study"
rate_hz = 10
recordings = "**/*.csv"
{keys}
[[channels]]
column = "x"
location = "left wrist"
modality = "acc"
axis = "x"
unit = "m/s2"
{sections}
"""


def write(folder, name, text=None):
    """A file; 100 rows of samples where no text is given."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(rows() if text is None else text)


def rows(count=100, first=None):
    """Samples that count, with time stamps from ``first`` on."""
    lines = [f"{i}" if first is None else f"{i},{first + i / 10!r}" for i in range(count)]
    return "\n".join(["x" if first is None else "x,time", *lines, ""])


def read(folder):
    """The recordings by name, and what was told."""
    told: list[str] = []
    reader = open_reader("csv", folder, None, told.append)
    made = {recording.name: recording for recording in reader.recordings()}
    subjects = {recording.subject.id for recording in made.values() if recording.subject}
    return made, told + reader.log.remarks() + reader.remarks(subjects)


def error_of(folder):
    with pytest.raises(DataError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def runs(recording):
    """(word, first sample, sample after the last) of each labelled stretch."""
    track = recording.label
    edges = np.flatnonzero(np.diff(track.codes, prepend=-2, append=-2))
    return [(track.words[track.codes[a]], int(a), int(b)) for a, b in pairwise(edges) if track.codes[a] >= 0]
