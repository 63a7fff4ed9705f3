"""Own data: a folder with ``dataset.toml`` and CSV or Parquet files, mostly one for each recording.

::

    name = "my-study"
    rate_hz = 100
    recordings = "recordings/*.csv"
    label_column = "label"            # or label_pattern = "acc_(.*)_.*" on file names, or [intervals]
    # ignore_labels = ["null", ""]    # rows with these are in no window
    subject_column = "subject"        # or subject_pattern = "(\\\\d+)-.*" on file names
    time_column = "time"              # optional: seconds, see below
    truth_column = "truth"            # optional: the true sub-action of each row, for measuring only
    [[channels]]
    column = "lf_acc_x"
    location = "left foot"
    modality = "acc"                  # acc, gyro, mag, hr or unknown
    axis = "x"
    unit = "m/s2"                     # or g; rad/s or deg/s; uT or G; bpm; 1
    # gravity = false                 # of acc alone, where gravity was removed; else it is felt
    # file = "acc_*.csv"              # of several files a recording: which of them, see vqtext.data.joined
    # rate_hz = 32                    # of that file, where it is not the study's
    [label_names]                     # optional: words for codes
    1 = "walking"
    [subjects.13]                     # optional facts
    age = 27
    height_cm = 182

Rows follow each other at ``rate_hz``. With a ``time_column`` they need not: irregular rows are brought to
that rate by straight lines, and where more than three periods are missing the recording has a break. An empty
number is a missing sample; so is "nan". A file in which the subject changes becomes several recordings, each
with a time of its own. Patterns are matched with all of a file's name, or else with all of its path below the
folder. Windows are 5 s unless the settings say otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vqtext.data.contents import CONTENTS, Contents, Facts, read_contents
from vqtext.data.intervals import Intervals, interval_files
from vqtext.data.joined import Group, channels_of, grouped, joined
from vqtext.data.locations import canonical
from vqtext.data.own_rows import Rows, label_word, matched, read_table, regular, rows_of
from vqtext.data.own_tables import OwnTable
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
        self.contents = contents = read_contents(self.folder / CONTENTS)
        self.dataset = contents.name
        if not contents.is_labelled:
            raise DataError(
                f"{self.folder / CONTENTS} says no labels: label_column, label_pattern (from file names) or "
                "[intervals]; recordings without labels are for a trained model: vqtext explain --recording "
                "FILE"
            )
        self.told: Counter[str] = Counter()
        files = _files(self.folder, contents)
        self.groups, unused = grouped(files, contents)
        self.parts = len(self.groups)
        self.intervals = None
        if contents.intervals is not None:
            paths = {group.name: group.paths for group in self.groups}
            self.intervals = Intervals(self.folder, paths, contents, self.tell)
        self._look_over(unused)

    def _look_over(self, unused: list[str]) -> None:
        """Warn of what names alone tell.

        Raises:
            DataError: no file has channels.
        """
        if not self.groups:
            raise DataError(f"{self.folder / CONTENTS}: no file of recordings matches the file of a channel")
        if unused:
            self.warn(
                f"{len(unused)} files of recordings match the file of no channel, {unused[0]} first: not read"
            )
        for i, channel in enumerate(self.contents.channels):
            if canonical(channel.location) is None and channel.location != "unknown":
                self.warn(
                    f"location {channel.location!r} of {channel.column!r} is in no vocabulary: "
                    "sub-actions say what it should show only where they call it just so"
                )
            without = [
                group.name
                for group in self.groups
                if not any(i in channels_of(path, self.contents) for path in group.paths)
            ]
            if without:
                self.tell(
                    f"recordings without a file {channel.file!r}",
                    f"{len(without)} of {len(self.groups)} recordings have no file {channel.file!r}, "
                    f"{without[0]} first: its channels are missing there",
                )

    def tell(self, what: str, text: str) -> None:
        """Warn where it happens first, and count how often it does."""
        if not self.told[what]:
            self.warn(text)
        self.told[what] += 1

    def part(self, number: int) -> Iterator[Recording]:
        group, contents = self.groups[number], self.contents
        if contents.is_joined:
            rows = joined(group, self.folder, contents, self.tell)
        else:
            table = read_table(self.folder / group.paths[0], group.name, contents, self.tell)
            rows = rows_of(table, group.name, contents)
        yield from _recordings(rows, group, contents, self.intervals)

    def remarks(self, subjects: Collection[str]) -> list[str]:
        found = [
            f"{count} {what}"
            for what, count in self.told.items()
            if count > 1 and "without a file" not in what
        ]
        nobody = [repr(name) for name in self.contents.subjects if name not in subjects]
        if nobody:
            found.append(
                f"{CONTENTS} has facts of {', '.join(nobody)}, who is in no window: is the name right?"
            )
        nothing = self.intervals.unknown(list(subjects)) if self.intervals is not None else []
        if nothing:
            found.append(
                f"intervals are of {len(nothing)} recordings that are not here, {nothing[0]!r} first"
            )
        return found

    def fingerprint(self) -> Any:
        files = [self.folder / path for group in self.groups for path in group.paths]
        intervals = self.intervals.files if self.intervals is not None else []
        return stamps([self.folder / CONTENTS, *files, *intervals], self.folder)


def recordings_of(table: OwnTable, name: str, path: str, contents: Contents) -> Iterator[Recording]:
    """One table as recordings: one, or one for each stretch of rows of one subject.

    Args:
        table: the columns `Contents.numbers` and `Contents.words`.
        name: of the recording, and what errors call the table.
        path: what patterns are matched with.

    Raises:
        DataError: a row has no label, time stamps are wrong, or the name says no subject; names row and
            column.
    """
    yield from _recordings(rows_of(table, name, contents), Group(name, (path,)), contents, None)


def unlabelled_recordings(file: Path, contents: Contents, folder: Path) -> Iterator[Recording]:
    """What a trained model is to read: recordings of one file, or of the files that belong to it, whose label
    track says nothing.

    Columns of labels and of true sub-actions are not read. Who it is need not be said: where neither a column
    nor the name tells, the subject is None.

    Args:
        file: a file of samples, or, where a recording is several files, one of them or their folder.
        contents: what the columns mean.
        folder: of ``dataset.toml``; patterns are matched with paths below it.

    Raises:
        DataError: as `recordings_of`.
    """
    none = {"label_column": None, "label_pattern": None, "intervals": None, "truth_column": None}
    contents = contents.model_copy(update=none)
    group = _group_of(file, contents, folder)
    try:
        yield from list(_read_unlabelled(group, contents, folder))
    except DataError:  # perhaps nothing says who it is; whatever else is wrong is so again
        nobody = contents.model_copy(update={"subject_column": None, "subject_pattern": None})
        yield from _read_unlabelled(group, nobody, folder)


def _group_of(file: Path, contents: Contents, folder: Path) -> Group:
    """The files of the recording that ``file`` is of."""
    if not file.exists():
        raise DataError(f"{file}: there is no such file")
    root = folder.resolve() if file.resolve().is_relative_to(folder.resolve()) else file.resolve().parent
    path = file.resolve().relative_to(root).as_posix()
    if all(channel.file is None for channel in contents.channels):
        return Group(path, (path,))
    beside = sorted((file if file.is_dir() else file.parent).resolve().iterdir())
    found, _ = grouped([one.relative_to(root).as_posix() for one in beside if one.is_file()], contents)
    own = [group for group in found if file.is_dir() or path in group.paths]
    if len(own) != 1:
        raise DataError(f"{file}: {len(own)} recordings are there, by the file of each of [[channels]]")
    return Group(own[0].name, tuple(str(root / one) for one in own[0].paths))


def _read_unlabelled(group: Group, contents: Contents, folder: Path) -> Iterator[Recording]:
    def tell(what: str, text: str) -> None:
        pass

    if contents.is_joined:
        rows = joined(group, folder, contents, tell)
    else:
        rows = rows_of(read_table(folder / group.paths[0], group.name, contents, tell), group.name, contents)
    yield from _recordings(rows, group, contents, None)


def _recordings(
    rows: Rows, group: Group, contents: Contents, intervals: Intervals | None
) -> Iterator[Recording]:
    """Rows as recordings, one for each stretch of one subject."""
    name = group.name
    channels, factors = _channels(contents)
    rows = replace(rows, signal=(rows.signal * factors[:, None]).astype(np.float32))
    subjects = _subjects(rows, group, contents)
    several = len(set(subjects)) > 1
    if several and intervals is not None:
        raise DataError(f"{name}: intervals are of a file with one subject, and this one has several")
    word = _label(rows, group, contents)
    start = 0
    for part, (subject, own) in enumerate(groupby(subjects)):
        stop = start + sum(1 for _ in own)
        piece = _between(rows, start, stop)
        signal, index, breaks = regular(piece, contents.rate_hz, name, contents)
        if intervals is not None:
            times = np.arange(signal.shape[1]) / contents.rate_hz + _lost(breaks, signal.shape[1])
            label = intervals.track(name, subject, times, rows.first, contents.rate_hz)
        else:
            labels = piece.labels or [word] * (stop - start)
            label = Track.of([labels[i] for i in index])
        yield Recording(
            name=f"{name}#{part}" if several else name,
            signal=signal.astype(np.float32),
            rate_hz=contents.rate_hz,
            channels=channels,
            label=label,
            subject=None if subject is None else _subject(subject, contents),
            truth=None if piece.truth is None else Track.of([piece.truth[i] for i in index]),
            breaks=tuple(breaks),
            lost_s=tuple(breaks.values()),
        )
        start = stop


def _between(rows: Rows, start: int, stop: int) -> Rows:
    return replace(
        rows,
        signal=rows.signal[:, start:stop],
        labels=None if rows.labels is None else rows.labels[start:stop],
        truth=None if rows.truth is None else rows.truth[start:stop],
        times=None if rows.times is None else rows.times[start:stop],
        lines=rows.lines[start:stop],
    )


def _lost(breaks: dict[int, float], length: int) -> np.ndarray:
    """Seconds that were lost before each sample, ``(T,)``."""
    lost = np.zeros(length)
    for at, seconds in breaks.items():
        lost[at:] += seconds
    return lost


def _label(rows: Rows, group: Group, contents: Contents) -> str | None:
    """The label of all rows; None where they have labels of their own, or none."""
    if contents.label_pattern is not None:
        said = matched(contents.label_pattern, "label_pattern", group.paths, group.name)
        return label_word(said, contents, group.name)
    if contents.label_column is not None and rows.labels is None:
        raise DataError(f"{group.name}: none of its files has a column {contents.label_column!r}")
    return None


def _channels(contents: Contents) -> tuple[tuple[Channel, ...], np.ndarray]:
    """Metadata of the channels, and the factors that lead to their units, ``(C,)``."""
    channels, factors = [], []
    for given in contents.channels:
        unit, factor = conversion(given.modality, given.unit)
        location = canonical(given.location) or given.location
        felt = given.gravity is not False
        axis = given.axis.lower() if given.axis.lower() in ("x", "y", "z") else given.axis
        channels.append(Channel(given.column, location, given.modality, axis, unit, felt))
        factors.append(factor)
    return tuple(channels), np.array(factors)


def _subjects(rows: Rows, group: Group, contents: Contents) -> Sequence[str | None]:
    """The subject of each row."""
    if rows.subjects is not None:
        return rows.subjects
    if contents.subject_column is not None:
        raise DataError(f"{group.name}: none of its files has a column {contents.subject_column!r}")
    said = None
    if contents.subject_pattern is not None:
        said = matched(contents.subject_pattern, "subject_pattern", group.paths, group.name)
    return [said] * len(rows.lines)


def _subject(identity: str, contents: Contents) -> Subject:
    return Subject(identity, **contents.subjects.get(identity, Facts()).model_dump())


def _files(folder: Path, contents: Contents) -> list[str]:
    """The files of ``recordings`` that are no intervals, all of them inside ``folder``, as paths below it."""
    pattern = contents.recordings
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
    paths = [file.relative_to(folder).as_posix() for file in files]
    if contents.intervals is None:
        return paths
    labels = set(interval_files(folder, paths, contents.intervals.files))
    return [path for path in paths if folder / path not in labels]
