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
    modality = "acc"                  # acc, gyro, mag, hr or unknown
    axis = "x"
    unit = "m/s2"                     # or g; rad/s or deg/s; uT or G; bpm; 1
    [subjects.13]                     # optional facts
    age = 27
    height_cm = 182

Rows follow each other at ``rate_hz``. With a ``time_column`` they need not: irregular rows are brought to
that rate by straight lines, and where more than three periods are missing the recording has a break. An empty
number is a missing sample; so is "nan". Every row has a label. A file in which the subject changes becomes
several recordings. Windows are 5 s unless the settings say otherwise.
"""

from __future__ import annotations

import csv
import difflib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vqtext.data.grid import check_times, on_grid
from vqtext.data.locations import canonical
from vqtext.data.readers import Reader, Warn, existing, stamps
from vqtext.data.recording import Recording, Track
from vqtext.data.tables import encoding_of
from vqtext.data.units import conversion
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

CONTENTS = "dataset.toml"
_BLOCK = 10_000  # rows


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)


class _Channel(_Section):
    column: str
    location: str
    modality: str
    axis: str
    unit: str


class _Facts(_Section):
    age: float | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    sex: str | None = None
    hand: Literal["left", "right"] | None = None


class _DataSet(_Section):
    name: str = Field(min_length=1)
    rate_hz: float = Field(gt=0, allow_inf_nan=False)
    recordings: str = Field(min_length=1)
    label_column: str
    time_column: str | None = None
    subject_column: str | None = None
    subject_pattern: str | None = None
    truth_column: str | None = None
    channels: list[_Channel] = Field(min_length=1)
    subjects: dict[str, _Facts] = {}


@dataclass(frozen=True)
class _Table:
    """The columns of one file that matter, and the line that each of its n rows stands in."""

    signal: np.ndarray  # (C, n), NaN where a field is empty
    words: dict[str, list[str | None]]  # None where a field is empty
    lines: Sequence[int]


class Csv(Reader):
    """A folder of own recordings."""

    window_s: ClassVar[float | None] = 5.0

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.folder = existing(path, "csv")
        self.contents = _contents(self.folder / CONTENTS)
        self.dataset = self.contents.name
        self.files = _files(self.folder, self.contents.recordings)
        self.parts = len(self.files)
        self.channels, self.factors = self._channels()

    def part(self, number: int) -> Iterator[Recording]:
        yield from self._read(self.files[number])

    def fingerprint(self) -> Any:
        return stamps([self.folder / CONTENTS, *self.files], self.folder)

    def _channels(self) -> tuple[tuple[Channel, ...], np.ndarray]:
        channels, factors = [], []
        for given in self.contents.channels:
            try:
                unit, factor = conversion(given.modality, given.unit)
            except DataError as error:
                raise DataError(f"{self.folder / CONTENTS}: channel {given.column!r}: {error}") from error
            location = canonical(given.location)
            if location is None and given.location != "unknown":
                self.warn(
                    f"location {given.location!r} of {given.column!r} is in no vocabulary: "
                    "no sub-action can say what it should show"
                )
            channels.append(
                Channel(given.column, location or given.location, given.modality, given.axis, unit)
            )
            factors.append(factor)
        return tuple(channels), np.array(factors)

    def _read(self, file: Path) -> Iterator[Recording]:
        name = file.relative_to(self.folder).as_posix()
        contents = self.contents
        numbers = [channel.name for channel in self.channels]
        wanted = (contents.label_column, contents.subject_column, contents.truth_column)
        words = [column for column in wanted if column is not None]
        timed = [] if contents.time_column is None else [contents.time_column]
        table = (_parquet if file.suffix == ".parquet" else _csv)(file, name, [*numbers, *timed], words)
        signal = (table.signal[: len(numbers)] * self.factors[:, None]).astype(np.float32)
        labels = table.words[contents.label_column]
        if None in labels:
            line = table.lines[labels.index(None)]
            raise DataError(f"{name}, row {line}, column {contents.label_column!r}: an empty label")
        truth = None if contents.truth_column is None else table.words[contents.truth_column]
        subjects = self._subjects(table, file, name)
        several = len(set(subjects)) > 1
        start = 0
        for part, (subject, rows) in enumerate(groupby(subjects)):
            stop = start + sum(1 for _ in rows)
            part_signal, index = signal[:, start:stop], np.arange(stop - start)
            breaks: tuple[int, ...] = ()
            if contents.time_column is not None:
                times = table.signal[-1, start:stop]
                check_times(times, contents.rate_hz, table.lines[start:stop], name, contents.time_column)
                part_signal, index, breaks = on_grid(part_signal, times, contents.rate_hz)
            yield Recording(
                name=f"{name}#{part}" if several else name,
                signal=part_signal.astype(np.float32),
                rate_hz=contents.rate_hz,
                channels=self.channels,
                label=Track.of([labels[start + i] for i in index]),
                subject=None if subject is None else self._subject(subject),
                truth=None if truth is None else Track.of([truth[start + i] for i in index]),
                breaks=breaks,
            )
            start = stop

    def _subjects(self, table: _Table, file: Path, name: str) -> list[str | None]:
        """The subject of each row."""
        if self.contents.subject_column is not None:
            return table.words[self.contents.subject_column]
        if self.contents.subject_pattern is None:
            return [None] * len(table.lines)
        found = re.fullmatch(self.contents.subject_pattern, file.name)
        if found is None:
            raise DataError(
                f"{name}: the file name does not match subject_pattern {self.contents.subject_pattern!r}"
            )
        return [found[1]] * len(table.lines)

    def _subject(self, identity: str) -> Subject:
        return Subject(identity, **self.contents.subjects.get(identity, _Facts()).model_dump())


def _contents(file: Path) -> _DataSet:
    """``dataset.toml``, checked."""
    if not file.is_file():
        raise DataError(f"{file} is missing: it says what the columns mean, see vqtext prepare --help")
    try:
        contents = _DataSet.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{file} is not TOML: {error}") from error
    except ValidationError as error:
        raise DataError(f"{file}: {_explained(error)}") from error
    if contents.subject_column is not None and contents.subject_pattern is not None:
        raise DataError(f"{file}: subject_column or subject_pattern, not both")
    if contents.subject_pattern is not None:
        try:
            groups = re.compile(contents.subject_pattern).groups
        except re.error as error:
            raise DataError(f"{file}: subject_pattern is not a regular expression: {error}") from error
        if groups != 1:
            raise DataError(f"{file}: subject_pattern needs one pair of brackets, around the subject")
    return contents


def _explained(error: ValidationError) -> str:
    """One problem in words: an unknown key, with the nearest right name, before what it may have caused."""
    problems = error.errors(include_url=False)
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    where = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        inner: dict[str, type[_Section]] = {"channels": _Channel, "subjects": _Facts}
        model = inner[where[0]] if len(where) > 1 else _DataSet
        near = difflib.get_close_matches(where[-1], model.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(model.model_fields)}"
        return f"unknown key {'.'.join(where)!r}: {hint}"
    if problem["type"] == "missing":
        return f"{'.'.join(where)!r} is missing"
    return f"{'.'.join(where)!r}: {problem['msg']}"


def _files(folder: Path, pattern: str) -> list[Path]:
    """The files of ``pattern``, all of them inside ``folder``."""
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise DataError(f"{folder / CONTENTS}: recordings {pattern!r} leaves the folder")
    files = sorted(file for file in folder.glob(pattern) if file.is_file())
    if not files:
        others = sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CONTENTS)
        there = f"; there is {others[0].relative_to(folder)}, for one" if others else ""
        raise DataError(f"{folder}: no file matches recordings {pattern!r}{there}")
    root = folder.resolve()
    for file in files:
        if not file.resolve().is_relative_to(root):
            raise DataError(f"{file} is a link that leaves the folder")
    return files


def _csv(file: Path, name: str, numbers: Sequence[str], words: Sequence[str]) -> _Table:
    """Read in blocks of rows: text takes ten times the memory of its numbers."""
    blocks: list[np.ndarray] = []
    found: dict[str, list[str | None]] = {column: [] for column in words}
    lines: list[int] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, strict=True)
            header = next(rows, None)
            if header is None:
                raise DataError(f"{name}: the file is empty")
            place = _places(header, [*numbers, *words], name)
            numbered = ((rows.line_num, row) for row in rows if row)
            while block := list(islice(numbered, _BLOCK)):
                for line, row in block:
                    if len(row) != len(header):
                        raise DataError(
                            f"{name}, row {line}: {len(row)} fields, the header has {len(header)}"
                        )
                lines += [line for line, _ in block]
                fields = list(zip(*(row for _, row in block), strict=True))
                where = lines[-len(block) :]
                blocks.append(np.stack([_floats(fields[place[c]], c, where, name) for c in numbers]))
                for column, collected in found.items():
                    collected += _words(fields[place[column]])
    except UnicodeDecodeError as error:
        raise DataError(
            f"{name}: not UTF-8 text, it looks like {encoding_of(error.object)}; save it as UTF-8"
        ) from error
    except csv.Error as error:
        raise DataError(f"{name}, row {rows.line_num}: {error}") from error
    if not blocks:
        raise DataError(f"{name}: there is a header but no row")
    return _Table(np.concatenate(blocks, axis=1), found, lines)


def _parquet(file: Path, name: str, numbers: Sequence[str], words: Sequence[str]) -> _Table:
    try:
        import pandas

        frame = pandas.read_parquet(file)
    except ImportError as error:
        raise DataError(f"{name}: Parquet needs two more packages: pip install pandas pyarrow") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{name}: not a readable Parquet file") from error
    if frame.empty:
        raise DataError(f"{name}: the file holds no row")
    place = _places([str(column) for column in frame.columns], [*numbers, *words], name)
    lines = range(1, len(frame) + 1)
    fields = {
        column: [None if pandas.isna(value) else value for value in frame.iloc[:, place[column]]]
        for column in (*numbers, *words)
    }
    signal = np.stack([_floats(fields[column], column, lines, name) for column in numbers])
    return _Table(signal, {column: _words(fields[column]) for column in words}, lines)


def _places(header: Sequence[str], wanted: Sequence[str], name: str) -> dict[str, int]:
    """Where each wanted column stands."""
    for column in wanted:
        if header.count(column) != 1:
            wrong = "two columns are named" if column in header else "there is no column"
            raise DataError(f"{name}: {wrong} {column!r}; the header has {', '.join(header)}")
    return {column: header.index(column) for column in wanted}


def _floats(fields: Sequence[Any], column: str, lines: Sequence[int], name: str) -> np.ndarray:
    """A column as numbers, NaN where a field is empty, ``(rows,)``."""
    try:
        try:
            values = np.fromiter(map(float, fields), dtype=np.float64, count=len(fields))
        except (TypeError, ValueError):  # an empty field, or one that is no number
            values = np.array([np.nan if field in ("", None) else float(field) for field in fields])
    except (TypeError, ValueError):
        i, field = next((i, field) for i, field in enumerate(fields) if not _is_number(field))
        raise DataError(f"{name}, row {lines[i]}, column {column!r}: {field!r} is not a number") from None
    if np.isinf(values).any():
        line = lines[int(np.isinf(values).argmax())]
        raise DataError(f"{name}, row {line}, column {column!r}: infinite; leave a missing sample empty")
    return values


def _is_number(field: Any) -> bool:
    try:
        float(field or 0)
    except (TypeError, ValueError):
        return False
    return True


def _words(fields: Sequence[Any]) -> list[str | None]:
    """A column as words, None where a field is empty."""
    known = {field: None if field is None or not str(field).strip() else str(field) for field in set(fields)}
    return [known[field] for field in fields]
