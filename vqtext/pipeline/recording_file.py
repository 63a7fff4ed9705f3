"""Recordings that a trained model is used on: a file or a DataFrame, without labels.

A ``dataset.toml`` says what the columns are; without one they are the model's own channels by name. Labels,
where the file holds them, are not read.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.data.contents import CONTENTS, ChannelEntry, Contents, read_contents
from vqtext.data.csv import recordings_of
from vqtext.data.own_tables import OwnTable, read_csv, read_frame, read_parquet
from vqtext.data.readers import Warn
from vqtext.data.recording import Recording, Track
from vqtext.data.tables import not_utf8
from vqtext.errors import DataError
from vqtext.pipeline.frame_time import has_dates, in_seconds, of_index
from vqtext.schema import Channel

Read = Callable[[Sequence[str], Sequence[str]], OwnTable]
"""Columns of numbers and of words → the table."""

TIME = re.compile(r"(time([ _]?stamp)?|t|seconds?|epoch)[ _]?[\[(]?(s|sec|ms|us|µs|ns)?[\])]?")
"""What an obvious name of a time column looks like, in lower case."""
UNITS = {"seconds": 1.0, "milliseconds": 1e-3, "microseconds": 1e-6, "nanoseconds": 1e-9}
SAME_RATE = 1.25
"""Stamps whose rate is nearer than this factor to the expected one jitter; others are of another rate."""


def read_recordings(
    file: Path | str,
    dataset: Path | str | None,
    warn: Warn,
    channels: Sequence[Channel] = (),
    rate_hz: float | None = None,
) -> list[Recording]:
    """The recordings of one file, mostly one, whose labels say nothing.

    Args:
        file: CSV or Parquet.
        dataset: the ``dataset.toml`` that says what its columns mean, or its folder; None takes one that
            stands beside the file.
        warn: takes one line for what a user should know though it is no error.
        channels, rate_hz: of the model, for a file without ``dataset.toml``: its columns are then the
            channels that bear their names, and the rate is the model's unless there is a time column.

    Raises:
        DataError: the file or ``dataset.toml`` is missing or wrong, or holds no channel at all.
    """
    file, dataset = Path(file), None if dataset is None else Path(dataset)
    if not file.is_file():
        raise DataError(f"{file}: there is no such file")
    name = text_of(file.name)
    read = partial(read_parquet if file.suffix == ".parquet" else read_csv, file, name)
    header = _header(file)
    if dataset is None and (file.parent / CONTENTS).is_file():
        dataset = file.parent / CONTENTS
    if dataset is None:
        return _undescribed(read, header, name, warn, channels, rate_hz)
    contents = read_contents(dataset / CONTENTS if dataset.is_dir() else dataset)
    there = [entry for entry in contents.channels if entry.column in header]
    _tell_lost([entry.column for entry in contents.channels], header, name, warn)
    return _recordings(_table(read, header, contents), name, contents.model_copy(update={"channels": there}))


def text_of(path: Path | str) -> str:
    """A path as text that can be written down, even where it is none."""
    return os.fsencode(path).decode("utf-8", "replace")


def frame_recordings(
    frame: Any, warn: Warn, channels: Sequence[Channel], rate_hz: float, time_column: str | None = None
) -> list[Recording]:
    """A pandas DataFrame, as `read_recordings` takes a file without ``dataset.toml``.

    Args:
        time_column: None takes an index of dates, the only column of dates, or one with an obvious name.
    """
    frame = frame.set_axis([str(column) for column in frame.columns], axis=1)
    if has_dates(frame) and time_column is None:
        time_column = "the index"
        frame = of_index(frame, time_column)
    header = list(frame.columns)
    dates = [column for column, kind in zip(header, frame.dtypes, strict=True) if kind.kind == "M"]
    if time_column is None and len(dates) == 1:
        time_column = dates[0]
    time_column = time_column or _time_column(header, channels, "frame", warn)
    units = list(UNITS)
    if time_column is not None:
        if header.count(time_column) != 1:
            raise DataError(f"frame: there is not one column {time_column!r}; it has {', '.join(header)}")
        frame, known = in_seconds(frame, time_column)
        units = units[:1] if known else units
    read = partial(read_frame, frame, "frame")
    return _undescribed(read, header, "frame", warn, channels, rate_hz, time_column, units)


def _undescribed(
    read: Read,
    header: Sequence[str],
    name: str,
    warn: Warn,
    channels: Sequence[Channel],
    rate_hz: float | None,
    time_column: str | None = None,
    units: Sequence[str] = tuple(UNITS),
) -> list[Recording]:
    """Columns that are the model's channels by their names."""
    if rate_hz is None:
        raise DataError(f"{name}: there is no {CONTENTS} beside it, that says what the columns mean")
    _tell_lost([channel.name for channel in channels], header, name, warn)
    there = [channel for channel in channels if channel.name in header]
    time_column = time_column or _time_column(header, channels, name, warn)
    used = {time_column, *(channel.name for channel in there)}
    if unread := [column for column in header if column not in used]:
        warn(f"{name}: not read, since they are no channels of the model: {', '.join(unread)}")
    entries = [  # numbers as they are: what they mean, the model knows
        ChannelEntry(column=c.name, location=c.location, modality="unknown", axis=c.axis, unit="1")
        for c in there
    ]
    contents = Contents(
        name=name,
        rate_hz=rate_hz,
        recordings=name,
        label_column="",
        time_column=time_column,
        channels=entries,
    )
    table = _table(read, header, contents)
    if time_column is not None:
        table, rate_hz = _in_seconds(table, rate_hz, f"{name}: {time_column}", units, warn)
        contents = contents.model_copy(update={"rate_hz": rate_hz})
    return [_whole(recording, channels) for recording in _recordings(table, name, contents)]


def _table(read: Read, header: Sequence[str], contents: Contents) -> OwnTable:
    """The channels that are there, the time, and who wore them where a column says so."""
    numbers = [column for column in contents.numbers if column in header or column == contents.time_column]
    subject = contents.subject_column if contents.subject_column in header else None
    # the reader of CSV files must be asked for some column of words
    return read(numbers, [subject or numbers[0]])


def _recordings(table: OwnTable, name: str, contents: Contents) -> list[Recording]:
    """Recordings whose labels say nothing, whatever the file says."""
    subject = contents.subject_column if contents.subject_column in table.words else None
    known = {"subject_column": subject, "subject_pattern": None, "truth_column": None}
    words: dict[str, list[str | None]] = {**table.words, contents.label_column: ["?"] * len(table.lines)}
    found = recordings_of(replace(table, words=words), name, name, contents.model_copy(update=known))
    return [replace(one, label=Track((), np.full(one.signal.shape[1], -1, np.int32))) for one in found]


def _whole(recording: Recording, channels: Sequence[Channel]) -> Recording:
    """With all of the channels, in their order: what is not there is NaN."""
    signal = np.full((len(channels), recording.signal.shape[1]), np.nan, np.float32)
    place = {channel.name: row for row, channel in enumerate(channels)}
    signal[[place[channel.name] for channel in recording.channels]] = recording.signal
    return replace(recording, signal=signal, channels=tuple(channels))


def _in_seconds(
    table: OwnTable, rate_hz: float, where: str, units: Sequence[str], warn: Warn
) -> tuple[OwnTable, float]:
    """The table with its last column in seconds from the first row, and its rate: in the unit that brings it
    nearest to ``rate_hz``, and just that where the two are as good as equal."""
    times = table.signal[-1]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    if not step > 0:
        return table, rate_hz  # whatever is wrong with it is told where it is used
    unit = min(units, key=lambda name: abs(math.log(step * UNITS[name] * rate_hz)))
    own = 1 / (step * UNITS[unit])
    if unit != units[0]:
        warn(f"{where} is taken for {unit}: rows are then {own:.4g} Hz")
    if not 1 / SAME_RATE < own / rate_hz < SAME_RATE:
        warn(f"{where} says {own:.4g} Hz, not the expected {rate_hz:g} Hz: the signal is resampled")
        rate_hz = float(round(own)) if abs(own - round(own)) < 0.01 * own else own
    signal = np.concatenate([table.signal[:-1], (times - times[0])[None] * UNITS[unit]])
    return replace(table, signal=signal), rate_hz


def _time_column(header: Sequence[str], channels: Sequence[Channel], name: str, warn: Warn) -> str | None:
    known = {channel.name for channel in channels}
    found = [c for c in header if c not in known and TIME.fullmatch(c.strip().lower())]
    if len(found) > 1:
        warn(f"{name}: {', '.join(found)} may each be the time, none is read: say which in a {CONTENTS}")
    return found[0] if len(found) == 1 else None


def _tell_lost(wanted: Sequence[str], header: Sequence[str], name: str, warn: Warn) -> None:
    """Say which channels have no column.

    Raises:
        DataError: none has.
    """
    lost = [column for column in wanted if column not in header]
    if len(lost) == len(wanted):
        raise DataError(
            f"{name}: no channel has a column ({', '.join(lost)}); it has {', '.join(header)}: rename the "
            f"columns, or say with a {CONTENTS} what those of a file mean"
        )
    if lost:
        warn(f"{name}: no column {', '.join(lost)}: taken as not measured")


def _header(file: Path) -> list[str]:
    """Names of the columns of a file."""
    if file.suffix == ".parquet":
        try:
            import pandas

            return [str(column) for column in pandas.read_parquet(file).columns]
        except ImportError as error:
            raise DataError(
                f"{file.name}: Parquet needs two more packages: pip install pandas pyarrow"
            ) from error
        except (OSError, ValueError) as error:
            raise DataError(f"{file.name}: not a readable Parquet file") from error
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            header = next(csv.reader(text), None)
    except UnicodeDecodeError as error:
        raise not_utf8(file.name, error.object) from error
    except csv.Error as error:
        raise DataError(f"{file.name}, row 1: {error}") from error
    if header is None:
        raise DataError(f"{file.name}: the file is empty")
    return header
