"""Own data: a folder with ``dataset.toml`` and CSV or Parquet files, mostly one for each recording.

docs/own-data.md has all keys. Rows follow each other at ``rate_hz``; with a ``time_column`` they need not,
see `grid`. A file in which the subject changes becomes several recordings, each with a time of its own.
Patterns are matched with all of a file's name, or else with all of its path below the folder.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from vqtext.data.locations import canonical
from vqtext.data.own.contents import CONTENTS, Contents, read_contents
from vqtext.data.own.groups import Group, grouped, is_of
from vqtext.data.own.intervals import Intervals, interval_files
from vqtext.data.own.joined import joined
from vqtext.data.own.own_recordings import recordings_of_rows
from vqtext.data.own.own_rows import Rows, read_table, rows_of
from vqtext.data.readers.base import Reader, Warn, existing, stamps
from vqtext.data.recordings.findings import ReadLog
from vqtext.data.recordings.recording import Recording
from vqtext.data.recordings.resting import AtRest
from vqtext.errors import DataError


class Csv(Reader):
    """A folder of own recordings."""

    window_s: ClassVar[float | None] = 5.0

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.folder = existing(path, "csv")
        self.contents = contents = read_contents(self.folder / CONTENTS)
        self.dataset = contents.name
        self.exact_subjects = contents.exact_subjects
        if not contents.is_labelled:
            raise DataError(
                f"{self.folder / CONTENTS} says no labels: label_column, label_pattern (from file names) or "
                "[intervals]; recordings without labels are for a trained model: vqtext explain --recording "
                "FILE"
            )
        files = _files(self.folder, contents)
        self.groups, unused = grouped(files, contents)
        self.parts = len(self.groups)
        self.intervals = None
        if contents.intervals is not None:
            paths = {group.name: group.paths for group in self.groups}
            self.intervals = Intervals(self.folder, paths, contents, self.log.warn_once)
            self.independent = not self.intervals.shared  # else none may be taken for two recordings
        self._look_over(unused)

    def _look_over(self, unused: list[str]) -> None:
        """Warn of what names alone show.

        Raises:
            DataError: no file has channels.
        """
        if not self.groups:
            raise DataError(f"{self.folder / CONTENTS}: no file of recordings matches the file of a channel")
        if unused:
            self.warn(
                f"{len(unused)} files of recordings match the file of no channel, {unused[0]} first: not read"
            )
        modalities = {channel.modality for channel in self.contents.channels}
        if self.rate_hz is not None and self.rate_hz < self.contents.rate_hz and "emg" in modalities:
            self.warn(
                f"emg at {self.rate_hz:g} Hz: a raw signal, from 20 to 450 Hz, is mostly lost in that; make "
                "its envelope before, or keep the rate"
            )
        for location in dict.fromkeys(channel.location for channel in self.contents.channels):
            if canonical(location) is None and location != "unknown":
                columns = [one.column for one in self.contents.channels if one.location == location]
                more = f" and {len(columns) - 1} more" if len(columns) > 1 else ""
                self.warn(
                    f"location {location!r} of {columns[0]!r}{more} is in no vocabulary: "
                    "sub-actions say what it should show only where they call it just so"
                )
        for file in dict.fromkeys(channel.file for channel in self.contents.channels):
            without = [
                group.name for group in self.groups if not any(is_of(path, file) for path in group.paths)
            ]
            if without:
                self.warn(
                    f"{len(without)} of {len(self.groups)} recordings have no file {file!r}, {without[0]} "
                    "first: its channels are missing there"
                )

    def part(self, number: int) -> Iterator[Recording]:
        group, contents = self.groups[number], self.contents
        rows = _rows(group, self.folder, contents, self.log)
        yield from recordings_of_rows(rows, group, contents, self.intervals, self.log.warn_once)

    def called(self, number: int) -> str:
        return self.groups[number].name

    def remarks(self, subjects: Collection[str]) -> list[str]:
        lines = []
        same = self.contents.same_subject
        present = set(map(same, subjects))
        absent = [repr(name) for name in self.contents.subjects if same(name) not in present]
        if absent:
            who = ", ".join(absent)
            lines.append(f"{CONTENTS} has facts of {who}, who is in no window: is the name right?")
        unknown = self.intervals.unknown(list(subjects)) if self.intervals is not None else []
        if unknown:
            count, first = len(unknown), unknown[0]
            lines.append(f"intervals are of {count} recordings that are not here, {first!r} first")
        return lines

    def fingerprint(self) -> Any:
        files = [self.folder / path for group in self.groups for path in group.paths]
        intervals = self.intervals.files if self.intervals is not None else []
        return stamps([self.folder / CONTENTS, *files, *intervals], self.folder)


def unlabelled_recordings(
    file: Path, contents: Contents, folder: Path, warn: Warn = lambda line: None
) -> list[Recording]:
    """What a trained model is to read: recordings of one file, or of the files that belong to it, whose label
    track says nothing.

    Columns of labels and of true sub-actions are not read. Where neither a column nor the name says who it
    is, the subject is None.

    Args:
        file: a file of samples, or, where a recording is several files, one of them or their folder.
        contents: what the columns mean.
        folder: of ``dataset.toml``; patterns are matched with paths below it.
        warn: takes a line for what a user should know though it is no error.

    Raises:
        DataError: it cannot be read, or its time stamps are wrong; names row and column.
    """
    none = {"label_column": None, "label_pattern": None, "intervals": None, "truth_column": None}
    contents = contents.model_copy(update=none)
    group = _group_of(file, contents, folder)
    for pattern in dict.fromkeys(channel.file for channel in contents.channels):
        if not any(is_of(path, pattern) for path in group.paths):
            warn(f"{group.name}: there is no file {pattern!r}: its channels are missing")

    nameless = contents.model_copy(update={"subject_column": None, "subject_pattern": None})
    warnings: list[str] = []
    log = ReadLog(warnings.append)
    try:
        rows = _rows(group, folder, contents, log)
    except DataError:  # perhaps the column of subjects is missing; whatever else is wrong is so again
        warnings.clear()
        log = ReadLog(warnings.append)
        rows = _rows(group, folder, nameless, log)
    try:
        recordings = list(recordings_of_rows(rows, group, contents, None, log.warn_once))
    except DataError:  # perhaps no name says who it is
        rows = replace(rows, subjects=None)
        recordings = list(recordings_of_rows(rows, group, nameless, None, log.warn_once))
    sizes = AtRest.of(recordings).remarks(recordings[0].channels)
    for line in (*warnings, *log.notes.lines(), *log.remarks(), *sizes):
        warn(line)
    return recordings


def _group_of(file: Path, contents: Contents, folder: Path) -> Group:
    """The files of the recording that ``file`` is of."""
    if not file.exists():
        raise DataError(f"{file}: there is no such file")
    root, file = folder.resolve(), file.resolve()
    is_inside = file.is_relative_to(root)
    path = (file.relative_to(root) if is_inside else file).as_posix()
    if all(channel.file is None for channel in contents.channels):
        return Group(path if is_inside else file.name, (path,))
    if is_inside:
        groups, _ = grouped(_files(root, contents), contents)
    else:  # a recording that was never in the study: its folder says what belongs to it
        inside = sorted((file if file.is_dir() else file.parent).rglob("*"))
        by_folder = contents.model_copy(update={"recording_pattern": None})
        groups, _ = grouped([one.as_posix() for one in inside if one.is_file()], by_folder)
    own = [one for one in groups if any(each == path or each.startswith(f"{path}/") for each in one.paths)]
    if len(own) != 1:
        raise DataError(f"{file}: {len(own)} recordings are there, by the file of each of [[channels]]")
    return own[0]


def _rows(group: Group, folder: Path, contents: Contents, log: ReadLog) -> Rows:
    if contents.is_joined:
        return joined(group, folder, contents, log)
    return rows_of(read_table(folder / group.paths[0], group.name, contents, log), group.name, contents)


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
