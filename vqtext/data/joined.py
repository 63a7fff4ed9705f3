"""Several files a recording: sensors that write a file each, at rates of their own.

Each file is put on a regular grid at its own rate, brought to the rate of the study with a filter against
aliasing, and laid where its clock says, from the first sample that any has to the last; where a sensor is
silent, its channels are NaN.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np

from vqtext.data.contents import CONTENTS, Contents
from vqtext.data.groups import Group, channels_of
from vqtext.data.interval_files import CLOCK
from vqtext.data.own_rows import Rows, Tell, Told, read_table, regular, rows_of
from vqtext.data.own_tables import OwnTable
from vqtext.data.resample import resample
from vqtext.errors import DataError

_NEAR = 0.1
"""Samples this share of a period from the grid are on it."""

APART_S = 60.0
"""Files of one recording do not follow each other by more than this: somebody's clock is wrong."""


@dataclass(frozen=True)
class _Piece:
    """Samples of one file that follow each other without a break.

    Attributes:
        at: seconds from the file's first sample to its own.
        rate_hz: its samples a second: the study's, or as near as the filter comes.
        signal: ``(c, t)``; rows: which row of the file is nearest to each.
    """

    at: float
    rate_hz: float
    signal: np.ndarray
    rows: np.ndarray


@dataclass(frozen=True)
class _File:
    """One file of a recording. ``first`` is when it starts, on its own clock; None if nobody knows."""

    path: str
    channels: list[int]
    rows: Rows
    pieces: list[_Piece]
    first: float | None

    @property
    def lasts(self) -> float:
        return self.pieces[-1].at + self.pieces[-1].signal.shape[1] / self.pieces[-1].rate_hz


def joined(group: Group, folder: Path, contents: Contents, told: Told) -> Rows:
    """One recording as rows a period of the study apart.

    Raises:
        DataError: a file cannot be read, two have the same channel, or their times do not go together.
    """
    files = [_read(path, folder, contents, told) for path in group.paths]
    for one, other in combinations(files, 2):
        both = set(one.channels) & set(other.channels)
        if both:
            raise DataError(
                f"{group.name}: {one.path} and {other.path} both hold channel "
                f"{contents.channels[min(both)].column!r} of one recording: recording_pattern in {CONTENTS} "
                "says which files belong together"
            )
    starts = _starts(files, group, told.tell)
    begin = min(starts)
    periods = max(
        (start - begin + file.lasts) * contents.rate_hz for start, file in zip(starts, files, strict=True)
    )
    signal = np.full((len(contents.channels), int(periods + _NEAR)), np.nan)
    columns: dict[str, list[str | None] | None] = {}
    for file, start in zip(files, starts, strict=True):
        nearest = np.full(signal.shape[1], -1)
        for piece in file.pieces:
            _lay(
                piece,
                (start - begin + piece.at) * contents.rate_hz,
                contents.rate_hz,
                signal,
                file.channels,
                nearest,
            )
        for what in ("labels", "truth", "subjects"):
            words = getattr(file.rows, what)
            if words is not None:
                columns[what] = [None if i < 0 else words[i] for i in nearest.tolist()]
    if (subjects := columns.get("subjects")) is not None:
        columns["subjects"] = _one_subject(subjects, group.name)
    first = None if all(file.first is None for file in files) else begin
    return Rows(
        signal=signal,
        labels=columns.get("labels"),
        truth=columns.get("truth"),
        subjects=columns.get("subjects"),
        times=None,
        first=first,
        lines=range(1, signal.shape[1] + 1),
    )


def _read(path: str, folder: Path, contents: Contents, told: Told) -> _File:
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
    table, own = _with_words(folder / path, path, own, told)
    rows = rows_of(table, path, own)
    rate_hz = _rate(rows, own)
    if abs(rate_hz / own.rate_hz - 1) > 0.02:
        told.notes.add(f"{rate_hz:.4g} Hz, brought to {own.rate_hz:g} Hz", path)
    signal, index, breaks = regular(rows, rate_hz, path, own)
    pieces, lost_s = [], 0.0
    for start, stop in pairwise([0, *breaks, signal.shape[1]]):
        lost_s += breaks.get(start, 0.0)
        pieces.append(
            _at_rate(signal[:, start:stop], index[start:stop], start / rate_hz + lost_s, rate_hz, contents)
        )
    return _File(path, places, rows, pieces, rows.first)


def _with_words(file: Path, path: str, contents: Contents, told: Told) -> tuple[OwnTable, Contents]:
    """The table with those columns of words that are in it: each is in one of the files of a recording."""
    keys = [
        key
        for key in ("label_column", "subject_column", "truth_column")
        if getattr(contents, key) is not None
    ]
    for count in range(len(keys), 0, -1):
        for kept in combinations(keys, count):
            own = contents.model_copy(update={key: None for key in keys if key not in kept})
            try:
                return read_table(file, path, own, told), own
            except DataError:
                continue  # a column is missing, or what is wrong is said below
    own = contents.model_copy(update=dict.fromkeys(keys))
    return read_table(file, path, own, told), own


def _rate(rows: Rows, contents: Contents) -> float:
    """The rate of one file: what is said of it, or measured from its stamps, or the study's."""
    said = contents.channels[0].rate_hz
    if said is None and rows.times is not None:
        steps = np.diff(rows.times[~np.isnan(rows.times)])
        steps = steps[steps > 0]
        steps = steps[steps <= 2.5 * np.median(steps)] if steps.size else steps
        if not steps.size:
            return contents.rate_hz
        rate_hz = float(1 / steps.mean())
        return round(rate_hz) if abs(rate_hz - round(rate_hz)) < 0.01 * rate_hz else rate_hz
    return said or contents.rate_hz


def _at_rate(signal: np.ndarray, rows: np.ndarray, at: float, rate_hz: float, contents: Contents) -> _Piece:
    if abs(rate_hz / contents.rate_hz - 1) < 1e-9:
        return _Piece(at, rate_hz, signal, rows)
    new = resample(signal, rate_hz, contents.rate_hz)
    made_hz = rate_hz * float(Fraction(contents.rate_hz / rate_hz).limit_denominator(1000))
    moments = np.arange(new.shape[1]) * (rate_hz / made_hz)  # in samples as recorded
    moments = moments[moments < len(rows) - 1 + 1e-6]  # beyond the last one the filter makes them up
    return _Piece(at, made_hz, new[:, : len(moments)], rows[np.round(moments).astype(int)])


def _starts(files: list[_File], group: Group, tell: Tell) -> list[float]:
    """When each file starts, on one clock.

    Raises:
        DataError: the files do not overlap.
    """
    if len(files) == 1:
        return [files[0].first or 0.0]
    silent = next((file for file in files if file.first is None), None)
    if silent is not None:
        tell(
            "recordings whose files are taken to start together",
            f"{group.name}: nothing says when {silent.path} starts: its files are taken to start together",
        )
        return [next((file.first for file in files if file.first is not None), 0.0)] * len(files)
    ordered = sorted(files, key=lambda file: file.first or 0.0)
    end, last = -np.inf, ordered[0]
    for file in ordered:
        first = file.first or 0.0
        if first > end + APART_S and end > -np.inf:
            if first < CLOCK or (last.first or 0.0) < CLOCK:
                tell(
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
        tell(
            "recordings whose files are taken to have one clock",
            f"{group.name}: its stamps are no date and time: its files are taken to have one clock",
        )
    return [file.first or 0.0 for file in files]


def _lay(
    piece: _Piece, offset: float, rate_hz: float, signal: np.ndarray, channels: list[int], nearest: np.ndarray
) -> None:
    """Write a piece into the recording.

    Args:
        offset: periods of the recording before the first sample.
        signal: of the recording, ``(C, T)``, changed.
        nearest: the row of the file that is nearest to each sample, ``(T,)``, changed.
    """
    count = piece.signal.shape[1]
    places = offset + np.arange(count) * (rate_hz / piece.rate_hz)
    start, stop = int(np.ceil(places[0] - _NEAR)), min(int(places[-1] + _NEAR) + 1, signal.shape[1])
    due = np.arange(start, stop)
    if due.size == count and np.abs(places - due).max() <= _NEAR:
        signal[channels, start:stop], nearest[start:stop] = piece.signal, piece.rows
        return
    signal[channels, start:stop] = [np.interp(due, places, row) for row in piece.signal]
    nearest[start:stop] = piece.rows[np.searchsorted((places[1:] + places[:-1]) / 2, due)]


def _one_subject(subjects: list[str | None], name: str) -> list[str | None]:
    found = list(dict.fromkeys(subject for subject in subjects if subject is not None))
    if len(found) > 1:
        raise DataError(f"{name}: one recording of several files is of {found[0]!r} and {found[1]!r}")
    return [found[0] if found else None] * len(subjects)
