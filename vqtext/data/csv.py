"""Own data: a folder with ``dataset.toml`` and one CSV or Parquet file for each recording.

::

    name = "my-study"
    rate_hz = 100
    recordings = "recordings/*.csv"
    label_column = "label"
    subject_column = "subject"        # or subject_pattern = "(\\\\d+)-.*", matched with the file's name
    time_column = "time"              # optional: seconds, see below
    truth_column = "truth"            # optional: the true sub-action of each row, for measuring only
    [[channels]]
    column = "lf_acc_x"
    location = "left foot"
    modality = "acc"                  # or gyro, mag, hr, position, velocity, angle, force, emg, unknown
    axis = "x"
    unit = "m/s2"                     # or g, mg; others: docs/motion.md
    # scale = 0.015625                # optional: the numbers times it are in that unit
    # gravity = false                 # of acc alone, where gravity was removed; else it is felt
    [subjects.13]                     # optional facts
    age = 27
    height_cm = 182

Rows follow each other at ``rate_hz``. With a ``time_column`` they need not: irregular rows are brought to
that rate by straight lines, and where more than three periods are missing the recording has a break. An empty
number is a missing sample; so is "nan". Every row has a label. A file in which the subject changes becomes
several recordings, each with a time of its own. Windows are 5 s unless the settings say otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vqtext.data.contents import CONTENTS, Contents, Facts, read_contents
from vqtext.data.grid import on_time
from vqtext.data.locations import canonical
from vqtext.data.own_tables import OwnTable, read_csv, read_parquet
from vqtext.data.readers import Reader, Warn, existing, stamps
from vqtext.data.recording import Recording, Track
from vqtext.data.units import conversion
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject


class Csv(Reader):
    """A folder of own recordings."""

    window_s: ClassVar[float | None] = 5.0

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.folder = existing(path, "csv")
        self.contents = read_contents(self.folder / CONTENTS)
        self.dataset = self.contents.name
        self.exact_subjects = self.contents.exact_subjects
        self.files = _files(self.folder, self.contents.recordings)
        self.parts = len(self.files)
        sensed = {channel.modality for channel in self.contents.channels}
        if rate_hz is not None and rate_hz < self.contents.rate_hz and "emg" in sensed:
            self.warn(
                f"emg at {rate_hz:g} Hz: a raw signal, from 20 to 450 Hz, is mostly lost in that; make its "
                "envelope before, or keep the rate"
            )
        for channel in self.contents.channels:
            if canonical(channel.location) is None and channel.location != "unknown":
                self.warn(
                    f"location {channel.location!r} of {channel.column!r} is in no vocabulary: "
                    "sub-actions say what it should show only where they call it just so"
                )

    def part(self, number: int) -> Iterator[Recording]:
        file, contents = self.files[number], self.contents
        name = file.relative_to(self.folder).as_posix()
        read = read_parquet if file.suffix == ".parquet" else read_csv
        table = read(file, name, contents.numbers, contents.words)
        yield from recordings_of(table, name, file.name, contents, self.warn_once)

    def remarks(self, subjects: Collection[str]) -> list[str]:
        same = self.contents.same_subject
        there = {same(name) for name in subjects}
        nobody = [repr(name) for name in self.contents.subjects if same(name) not in there]
        if not nobody:
            return []
        return [f"{CONTENTS} has facts of {', '.join(nobody)}, who is in no window: is the name right?"]

    def fingerprint(self) -> Any:
        return stamps([self.folder / CONTENTS, *self.files], self.folder)


def recordings_of(
    table: OwnTable,
    name: str,
    file_name: str,
    contents: Contents,
    warn: Callable[[str, str], None] = lambda kind, text: None,
) -> Iterator[Recording]:
    """One table as recordings: one, or one for each stretch of rows of one subject.

    Args:
        table: the columns `Contents.numbers` and `Contents.words`.
        name: of the recording, and what errors call the table.
        file_name: what ``subject_pattern`` is matched with.
        warn: takes what was wrong with time stamps and what was done: its kind, and a line.

    Raises:
        DataError: a row has no label, time stamps are wrong, or the name says no subject; names row and
            column.
    """
    channels, factors = _channels(contents)
    signal = table.signal[: len(channels)] * factors[:, None]
    labels = table.words[contents.label_column]
    if None in labels:
        line = table.lines[labels.index(None)]
        raise DataError(f"{name}, row {line}, column {contents.label_column!r}: an empty label")
    truth = None if contents.truth_column is None else table.words[contents.truth_column]
    subjects = _subjects(table, name, file_name, contents)
    several = len(set(subjects)) > 1
    start = 0
    for part, (subject, rows) in enumerate(groupby(subjects)):
        stop = start + sum(1 for _ in rows)
        recording = Recording(
            name=f"{name}#{part}" if several else name,
            signal=signal[:, start:stop],
            rate_hz=contents.rate_hz,
            channels=channels,
            label=Track.of(labels[start:stop]),
            subject=None if subject is None else _subject(subject, contents),
            truth=None if truth is None else Track.of(truth[start:stop]),
        )
        if contents.time_column is not None:
            times, lines = table.signal[-1, start:stop], table.lines[start:stop]
            recording = on_time(recording, times, warn, name, lines, contents.repeated_times)
        yield recording
        start = stop


def _channels(contents: Contents) -> tuple[tuple[Channel, ...], np.ndarray]:
    """Metadata of the channels, and the factors that lead to their units, ``(C,)``."""
    channels, factors = [], []
    for given in contents.channels:
        unit, factor = conversion(given.modality, given.unit)
        location = canonical(given.location) or given.location
        felt = given.gravity is not False
        axis = given.axis.lower() if given.axis.lower() in ("x", "y", "z") else given.axis
        channels.append(Channel(given.column, location, given.modality, axis, unit, felt))
        factors.append(factor if given.scale is None else factor * given.scale)
    return tuple(channels), np.array(factors)


def _subjects(table: OwnTable, name: str, file_name: str, contents: Contents) -> list[str | None]:
    """The subject of each row."""
    if contents.subject_column is not None:
        return table.words[contents.subject_column]
    if contents.subject_pattern is None:
        return [None] * len(table.lines)
    found = re.fullmatch(contents.subject_pattern, file_name)
    if found is None:
        raise DataError(f"{name}: the file name does not match subject_pattern {contents.subject_pattern!r}")
    return [found[1]] * len(table.lines)


def _subject(identity: str, contents: Contents) -> Subject:
    same = contents.same_subject
    known = {same(name): facts for name, facts in contents.subjects.items()}
    return Subject(identity, **known.get(same(identity), Facts()).model_dump())


def _files(folder: Path, pattern: str) -> list[Path]:
    """The files of ``pattern``, all of them inside ``folder``."""
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise DataError(f"{folder / CONTENTS}: recordings {pattern!r} leaves the folder")
    try:
        found = sorted(folder.glob(pattern))
    except (ValueError, IndexError, NotImplementedError):
        raise DataError(f"{folder / CONTENTS}: recordings {pattern!r} is no pattern of file names") from None
    for file in found:
        if file.is_symlink() and not file.exists():
            raise DataError(f"{file} is a link to nothing: mend it, or take it away")
    files = [file for file in found if file.is_file()]
    if not files:
        others = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CONTENTS)
        there = f"; there is {others[0].relative_to(folder)}, for one" if others else ""
        raise DataError(f"{folder}: no file matches recordings {pattern!r}{there}")
    root = folder.resolve()
    seen: dict[Path, Path] = {}
    for file in files:
        real = file.resolve()
        if not real.is_relative_to(root):
            raise DataError(f"{file} is a link that leaves the folder")
        if real in seen:
            raise DataError(f"{file} and {seen[real]} are one file: its recording would be there twice")
        seen[real] = file
    return files
