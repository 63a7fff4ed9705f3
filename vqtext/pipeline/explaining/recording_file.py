"""Recordings that a trained model is used on: a file or a DataFrame, without labels.

A ``dataset.toml`` says what the columns are; without one they are the model's own channels by name. Labels,
where the file holds them, are not read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.data.own.contents import CONTENTS, ChannelEntry, Contents, read_contents
from vqtext.data.own.csv_folder import unlabelled_recordings
from vqtext.data.own.groups import Group
from vqtext.data.own.joined import rate_of
from vqtext.data.own.outline import columns_of
from vqtext.data.own.own_recordings import recordings_of_rows
from vqtext.data.own.own_rows import Rows, read_table, rows_of
from vqtext.data.readers.base import Warn
from vqtext.data.recordings.findings import ReadLog
from vqtext.data.recordings.recording import Recording
from vqtext.data.recordings.resting import AtRest
from vqtext.data.text.frame_tables import read_frame
from vqtext.errors import DataError
from vqtext.schema import Channel, has_dates

TIME = re.compile(r"(time([ _]?stamp)?|t|seconds?|epoch)[ _]?[\[(]?(s|sec|ms|us|µs|ns)?[\])]?")
"""What an obvious name of a time column looks like, in lower case."""
SAME_RATE = 1.02
"""Stamps whose rate is nearer than this factor to the expected one are of that rate."""


def read_recordings(
    file: Path | str,
    dataset: Path | str | None,
    warn: Warn,
    channels: Sequence[Channel] = (),
    rate_hz: float | None = None,
) -> list[Recording]:
    """The recordings of one file, mostly one, whose labels say nothing.

    Args:
        file: a text or Parquet file; or, where ``dataset.toml`` says that a recording is several files, one
            of them or their folder.
        dataset: the ``dataset.toml`` that says what its columns mean, or its folder; None takes one that
            stands beside the file.
        warn: takes one line for what a user should know though it is no error.
        channels, rate_hz: of the model, for a file without ``dataset.toml``: its columns are then the
            channels that bear their names, and the rate is the model's unless there is a time column.

    Raises:
        DataError: the file or ``dataset.toml`` is missing or wrong, or holds no channel at all.
    """
    file, dataset = Path(file), None if dataset is None else Path(dataset)
    if not file.exists():
        raise DataError(f"{file}: there is no such file")
    if dataset is None and (file.parent / CONTENTS).is_file():
        dataset = file.parent / CONTENTS
    if dataset is not None:
        dataset = dataset / CONTENTS if dataset.is_dir() else dataset
        return list(unlabelled_recordings(file, read_contents(dataset), dataset.parent, warn))
    if file.is_dir():
        raise DataError(f"{file} is a folder: say with --dataset which {CONTENTS} tells what its files are")
    name = text_of(file.name)
    contents = _by_name(columns_of(file, name), name, warn, channels, rate_hz)
    if contents.time_column is None:
        warn(
            f"{name}: no column is the time: its rows are taken for {contents.rate_hz:g} Hz, as the model's; "
            f"else say rate_hz in a {CONTENTS}"
        )
    log = ReadLog(warn)
    rows = rows_of(read_table(file, name, contents, log), name, contents)
    return _recordings(rows, name, contents, channels, log)


def text_of(path: Path | str) -> str:
    """A path as text that can be written down, even where it is none."""
    return os.fsencode(path).decode("utf-8", "replace")


def frame_recordings(
    frame: Any, warn: Warn, channels: Sequence[Channel], rate_hz: float, time_column: str | None = None
) -> list[Recording]:
    """A pandas DataFrame, as `read_recordings` takes a file without ``dataset.toml``.

    Args:
        time_column: None takes an index of dates, the only column of dates, or a column or index with an
            obvious name.
    """
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    if has_dates(frame) and time_column is None:
        time_column = "the index"
        frame = frame.assign(**{time_column: frame.index})
    index = str(frame.index.name)
    if index not in frame.columns and (index == time_column or TIME.fullmatch(index.strip().lower())):
        frame = frame.assign(**{index: frame.index})
    header = list(frame.columns)
    dates = [column for column, kind in zip(header, frame.dtypes, strict=True) if kind.kind == "M"]
    if time_column is None and len(dates) == 1:
        time_column = dates[0]
    if time_column is not None and header.count(time_column) != 1:
        raise DataError(f"frame: there is not one column {time_column!r}; it has {', '.join(header)}")
    contents = _by_name(header, "frame", warn, channels, rate_hz, time_column)
    log = ReadLog(warn)
    table = read_frame(frame, "frame", contents.numbers, [], None, contents, rate_hz)
    log.notes.add(", ".join(found for found in table.found if found.startswith("times in ")), "frame")
    return _recordings(rows_of(table, "frame", contents), "frame", contents, channels, log)


def _by_name(
    header: Sequence[str],
    name: str,
    warn: Warn,
    channels: Sequence[Channel],
    rate_hz: float | None,
    time_column: str | None = None,
) -> Contents:
    """Columns that are the model's channels by their names; warns of those that are missing or not read.

    Raises:
        DataError: none is.
    """
    if rate_hz is None:
        raise DataError(f"{name}: there is no {CONTENTS} beside it, that says what the columns mean")
    lost = [channel.name for channel in channels if channel.name not in header]
    if len(lost) == len(channels):
        raise DataError(
            f"{name}: no channel has a column ({', '.join(lost)}); it has {', '.join(header)}: rename the "
            f"columns, or say with a {CONTENTS} what those of a file mean"
        )
    if lost:
        warn(f"{name}: no column {', '.join(lost)}: taken as not measured")
    there = [channel for channel in channels if channel.name in header]
    time_column = time_column or _time_column(header, channels, name, warn)
    used = {time_column, *(channel.name for channel in there)}
    if unread := [column for column in header if column not in used]:
        warn(f"{name}: not read, since they are no channels of the model: {', '.join(unread)}")
    entries = [  # numbers as they are: what they mean, the model knows
        ChannelEntry(column=c.name, location=c.location, modality="unknown", axis=c.axis, unit="1")
        for c in there
    ]
    return Contents(name=name, rate_hz=rate_hz, recordings=name, time_column=time_column, channels=entries)


def _recordings(
    rows: Rows, name: str, contents: Contents, channels: Sequence[Channel], log: ReadLog
) -> list[Recording]:
    """With all of the channels, in their order: what is not there is NaN."""
    own = rate_of(rows, contents)
    if not 1 / SAME_RATE < own / contents.rate_hz < SAME_RATE:
        log.warn(f"{name} is at {own:.4g} Hz, not at {contents.rate_hz:g} Hz: the signal is resampled")
        contents = contents.model_copy(update={"rate_hz": own})
    place = {channel.name: row for row, channel in enumerate(channels)}
    found = []
    for recording in recordings_of_rows(rows, Group(name, (name,)), contents, None, log.warn_once):
        signal = np.full((len(channels), recording.signal.shape[1]), np.nan, np.float32)
        signal[[place[channel.name] for channel in recording.channels]] = recording.signal
        found.append(replace(recording, signal=signal, channels=tuple(channels)))
    sizes = AtRest.of(found).remarks(channels)
    if sizes:
        sizes.append(f"{name}: without a {CONTENTS} its numbers are taken to be in m/s2, as the model's are")
    for line in (*log.notes.lines(), *log.remarks(), *sizes):
        log.warn(line)
    return found


def _time_column(header: Sequence[str], channels: Sequence[Channel], name: str, warn: Warn) -> str | None:
    known = {channel.name for channel in channels}
    found = [c for c in header if c not in known and TIME.fullmatch(c.strip().lower())]
    if len(found) > 1:
        warn(f"{name}: {', '.join(found)} may each be the time, none is read: say which in a {CONTENTS}")
    return found[0] if len(found) == 1 else None
