"""Several files a recording: sensors that write a file each, at rates of their own.

Each file is put on a regular grid at its own rate, brought to the rate of the study with a filter against
aliasing, and laid where its clock says, from the first sample that any has to the last; where a sensor is
silent, its channels are NaN.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, combinations, pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from vqtext.data.own.alignment import Piece, at_rate, lay, stretches
from vqtext.data.own.contents import CONTENTS, Contents
from vqtext.data.own.groups import Group, channels_of
from vqtext.data.own.interval_files import CLOCK
from vqtext.data.own.own_rows import Rows, first_spelling, read_table, regular, rows_of
from vqtext.data.recordings.findings import ReadLog, WarnOnce
from vqtext.data.text.own_table import OwnTable
from vqtext.errors import DataError

_MIN_ROWS_PER_S = 10
"""Rows a second that may come in packets."""

_MAX_UNLIKE = 0.02
"""Share of samples with two words that borders alone may make."""

_RATE_TOLERANCE = 0.025  # share by which a measured rate may differ from the study's and be that

MAX_GAP_S = 60.0
"""Files of one recording do not follow each other by more than this: somebody's clock is wrong."""


@dataclass(frozen=True)
class _File:
    """One file of a recording. ``first`` is when it starts, on its own clock; None if unknown."""

    path: str
    channels: list[int]
    rows: Rows
    pieces: list[Piece]
    first: float | None

    @property
    def lasts(self) -> float:
        return self.pieces[-1].at + self.pieces[-1].signal.shape[1] / self.pieces[-1].rate_hz


def joined(group: Group, folder: Path, contents: Contents, log: ReadLog) -> Rows:
    """One recording as rows a period of the study apart.

    Raises:
        DataError: a file cannot be read, two have the same channel, or their times do not go together.
    """
    files = [_read(path, folder, contents, log) for path in group.paths]
    for one, other in combinations(files, 2):
        shared = set(one.channels) & set(other.channels)
        if shared:
            raise DataError(
                f"{group.name}: {one.path} and {other.path} both hold channel "
                f"{contents.channels[min(shared)].column!r} of one recording: recording_pattern in "
                f"{CONTENTS} says which files belong together"
            )
    starts = _starts(files, group, log.warn_once)
    begin = min(starts)
    laid = [
        (number, (starts[number] - begin + piece.at) * contents.rate_hz, piece)
        for number, file in enumerate(files)
        for piece in file.pieces
    ]
    spans = list(stretches(laid, contents.rate_hz))
    length = sum(stop - first for first, stop, _ in spans)
    signal = np.full((len(contents.channels), length), np.nan)
    nearest = np.full((len(files), length), -1)  # the row of each file
    breaks: dict[int, float] = {}
    at, end = 0, 0
    for first, stop, pieces in spans:
        if at:
            breaks[at] = (first - end) / contents.rate_hz
        own = slice(at, at + stop - first)
        for number, offset, piece in pieces:
            channels = files[number].channels
            lay(piece, offset - first, contents.rate_hz, signal[:, own], channels, nearest[number, own])
        at, end = own.stop, stop
    return Rows(
        signal,
        labels=_words("labels", files, nearest, group.name, log.warn_once),
        truth=_words("truth", files, nearest, group.name, log.warn_once),
        subjects=_one_subject(files, length, group.name, contents, log.warn_once),
        times=None,
        first=begin if any(file.first is not None for file in files) else None,
        lines=range(1, length + 1),
        breaks=breaks,
    )


def _read(path: str, folder: Path, contents: Contents, log: ReadLog) -> _File:
    """One file, its samples at the study's rate, or as near to it as can be."""
    places = channels_of(path, contents)
    channels = [contents.channels[i] for i in places]
    clocks = {(channel.rate_hz, channel.time_column) for channel in channels}
    if len(clocks) > 1:
        raise DataError(
            f"{path}: its channels have several rates or time columns: narrow the file of one of them"
        )
    own = contents.model_copy(update={"channels": channels})
    if channels[0].time_column is not None:
        own = own.model_copy(update={"time_column": channels[0].time_column, "time_columns": None})
    table, own = _with_words(folder / path, path, own, log)
    rows = rows_of(table, path, own)
    rate_hz = rate_of(rows, own)
    if abs(rate_hz / own.rate_hz - 1) > 0.02:
        log.notes.add(f"{rate_hz:.4g} Hz, brought to {own.rate_hz:g} Hz", path)
    signal, index, breaks = regular(rows, rate_hz, path, own, log.warn_once)
    pieces, lost_s = [], 0.0
    for start, stop in pairwise([0, *breaks, signal.shape[1]]):
        lost_s += breaks.get(start, 0.0)
        part, at = slice(start, stop), start / rate_hz + lost_s
        pieces.append(at_rate(signal[:, part], index[part], at, rate_hz, contents.rate_hz))
    return _File(path, places, rows, pieces, rows.first)


def _with_words(file: Path, path: str, contents: Contents, log: ReadLog) -> tuple[OwnTable, Contents]:
    """The table with those columns of words that are in it: each is in one of the files of a recording."""
    words = ("label_column", "subject_column", "truth_column")
    keys = [key for key in words if getattr(contents, key) is not None]
    for kept in chain.from_iterable(combinations(keys, count) for count in range(len(keys), 0, -1)):
        own = contents.model_copy(update={key: None for key in keys if key not in kept})
        with suppress(DataError):  # a column is missing, or the error comes below
            return read_table(file, path, own, log), own
    own = contents.model_copy(update=dict.fromkeys(keys))
    return read_table(file, path, own, log), own


def rate_of(rows: Rows, contents: Contents) -> float:
    """The rate of one file: as dataset.toml has it, or measured from its stamps, or the study's."""
    written_hz = contents.channels[0].rate_hz
    if written_hz is not None or rows.times is None:
        return written_hz or contents.rate_hz
    times = np.sort(rows.times[~np.isnan(rows.times)])
    steps = np.diff(times)
    jumps = np.flatnonzero(steps > 0)
    if not jumps.size:
        return contents.rate_hz
    if jumps.size > 1:  # of packets the whole ones: the last takes no time, and the first may be cut
        steps = steps[jumps[0] + 1 : jumps[-1] + 1]
    rate_hz = float(1 / steps[steps <= 2.5 * np.median(steps[steps > 0])].mean())
    rows_in_2_s = float(np.median(np.unique(times // 2, return_counts=True)[1]))
    if rows_in_2_s >= 2 * _MIN_ROWS_PER_S and rate_hz > 3 * rows_in_2_s / 2:
        rate_hz = rows_in_2_s / 2  # stamps of arrival: several rows come at once
    if abs(rate_hz / contents.rate_hz - 1) < _RATE_TOLERANCE:
        return contents.rate_hz
    return round(rate_hz) if abs(rate_hz - round(rate_hz)) < 0.01 * rate_hz else rate_hz


def _starts(files: list[_File], group: Group, warn_once: WarnOnce) -> list[float]:
    """When each file starts, on one clock.

    Raises:
        DataError: the files do not overlap.
    """
    if len(files) == 1:
        return [files[0].first or 0.0]
    silent = next((file for file in files if file.first is None), None)
    if silent is not None:
        warn_once(
            "recordings whose files are taken to start together",
            f"{group.name}: nothing says when {silent.path} starts: its files are taken to start together",
        )
        return [next((file.first for file in files if file.first is not None), 0.0)] * len(files)
    ordered = sorted(files, key=lambda file: file.first or 0.0)
    end, last = -np.inf, ordered[0]
    for file in ordered:
        first = file.first or 0.0
        if first > end + MAX_GAP_S and end > -np.inf:
            if first < CLOCK or (last.first or 0.0) < CLOCK:
                warn_once(
                    "recordings whose files are taken to start together",
                    f"{group.name}: {last.path} and {file.path} are on different clocks: they are taken to "
                    "start together",
                )
                return [max(file.first or 0.0 for file in files)] * len(files)
            raise DataError(
                f"{group.name}: {last.path} ends {first - end:.6g} s before {file.path} starts: is a time "
                f"zone missing, or are they not of one recording? recording_pattern in {CONTENTS} says which "
                "files are"
            )
        if first + file.lasts > end:
            end, last = first + file.lasts, file
    if (ordered[-1].first or 0.0) < CLOCK:
        warn_once(
            "recordings whose files are taken to have one clock",
            f"{group.name}: its stamps are no date and time: its files are taken to have one clock",
        )
    return [file.first or 0.0 for file in files]


def _words(
    what: Literal["labels", "truth"], files: list[_File], nearest: np.ndarray, name: str, warn_once: WarnOnce
) -> list[str | None] | None:
    """A word a sample, by the first file that has a row there; None where no file has such a column."""
    joined, source = None, ""
    for file, rows in zip(files, nearest, strict=True):
        words = getattr(file.rows, what)
        if words is None:
            continue
        own = np.array([*words, None], dtype=object)[rows]  # row -1 is none
        if joined is None:
            joined, is_set, source = own, rows >= 0, file.path
            continue
        unlike = float((is_set & (rows >= 0) & (joined != own)).mean())
        if unlike > _MAX_UNLIKE:
            warn_once(
                f"recordings whose files differ in {what}",
                f"{name}: {file.path} has other {what} than {source} for {unlike:.0%} of the samples: "
                f"those of {source} are taken",
            )
        joined, is_set = np.where(is_set, joined, own), is_set | (rows >= 0)
    return None if joined is None else joined.tolist()


def _one_subject(
    files: list[_File], length: int, name: str, contents: Contents, warn_once: WarnOnce
) -> list[str | None] | None:
    """Who all files are of; None where no file has such a column.

    Raises:
        DataError: they are of several.
    """
    columns = [file.rows.subjects for file in files if file.rows.subjects is not None]
    people = first_spelling(chain.from_iterable(columns), name, contents, warn_once).values()
    first, *others = [*dict.fromkeys(people), None]
    if len(others) > 1:
        raise DataError(
            f"{name}: one recording of several files is of {first!r} and {others[0]!r}; files of several "
            "people are to be taken apart, one recording a person"
        )
    return [first] * length if columns else None
