"""Files of intervals: tables, WEAR's JSON and what Label Studio exports → one `Found` for each interval.

What columns and keys mean is read from their names, where `IntervalsEntry` does not say it. JSON may be

- ``{"database": {RECORDING: {"annotations": [{"label": …, "segment": [start, stop]}]}}}``, as WEAR has it;
- a list of tasks with ``annotations[].result[].value``, or with a list of ``{"start", "end", …labels}`` (JSON
  and JSON_MIN of Label Studio), whose recording is named by any text of the task;
- a list of objects that are read as the rows of a table, or ``{RECORDING: such a list}``.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqtext.data.own.contents import CONTENTS, IntervalsEntry
from vqtext.data.readers.tables import not_utf8
from vqtext.data.text.dates import moments
from vqtext.data.text.fields import like_number
from vqtext.data.text.text_files import encodings, open_bytes
from vqtext.errors import DataError

CLOCK = 1e8
"""A time of more seconds (1973) is a time of day and date, counted from 1970."""

_NAMES = {
    "start": "start starttime startseconds startsec begin begintime onset from tmin tstart xmin",
    "stop": "stop stoptime stopseconds stopsec end endtime endseconds endsec offset to tmax tend xmax",
    "duration": "duration durationseconds durationsec length",
    "label": "label labelname labels activity activityname annotation description class behavior behaviour "
    "trialtype event category code text",
    "recording": "recording recordingid file filename filepath path session video subject subjectid sbj "
    "sbjid participant participantid proband user userid",
}
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_EPOCHS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))  # times of today in ns, us, ms are larger than this
_LABELS = ("timeserieslabels", "labels")


@dataclass(frozen=True)
class Found:
    """One interval as it stands in its file.

    Attributes:
        names: what it says of its recording; empty where it says nothing.
        start, stop: seconds; samples where the unit is that.
        label: its word.
        where: file and row, for errors.
    """

    names: tuple[str, ...]
    start: float
    stop: float
    label: str
    where: str

    @property
    def is_clock(self) -> bool:
        return self.start >= CLOCK


def read_intervals(file: Path, name: str, entry: IntervalsEntry, encoding: str | None = None) -> list[Found]:
    """All intervals of one file.

    Args:
        name: what errors call the file.
        encoding: of its characters; None is UTF-8, or what its first bytes say.

    Raises:
        DataError: the file cannot be read, a column is missing, a time is none, or an interval stops before
            it starts.
    """
    with open_bytes(file, name) as data:
        raw = data.read()
    try:
        text = raw.decode(encoding or encodings(file, name)[0]).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise not_utf8(name, raw) from error
    if file.suffix.lower() != ".json":
        return [found for row in _table(text, name) for found in _of_row(*row, entry)]
    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{name}, row {error.lineno}: not JSON: {error.msg}") from error
    except RecursionError as error:
        raise DataError(f"{name}: no list of intervals is in it, but brackets within brackets") from error
    return list(_of_json(whole, name, entry))


def seconds(value: object, unit: str | None, where: str) -> float:
    """A time in seconds: a number, a date and time (without a zone it is UTC), or hours:minutes:seconds.

    Args:
        unit: of numbers; None is seconds, unless they are as large as times of today in ms, us or ns.

    Raises:
        DataError: it is none of these.
    """
    text = "" if value is None else str(value).strip()
    if not text:
        raise DataError(f"{where}: a start, stop or duration is empty")
    try:
        number = float(text if "." in text else text.replace(",", "."))
    except ValueError:
        return _of_clock(text, where)
    if not math.isfinite(number):
        raise DataError(f"{where}: {value!r} is no time")
    if unit == "samples":
        return number
    if unit is not None:
        return number * _UNITS[unit]
    return number * next((factor for least, factor in _EPOCHS if number >= least), 1.0)


def _of_clock(text: str, where: str) -> float:
    if hours := re.fullmatch(r"(?:(\d+):)?(\d+):(\d+(?:[.,]\d+)?)", text):
        return int(hours[1] or 0) * 3600 + int(hours[2]) * 60 + float(hours[3].replace(",", "."))

    def wrong(_: int, what: str) -> DataError:
        what = what.partition(";")[0]
        return DataError(f"{where}: {text!r} {what}; seconds, or 2023-10-23 10:00:00.5, would be a time")

    return moments([text], None, wrong)[0][0] / 1e6


def _table(text: str, name: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Rows of text as dicts, and what errors call each."""
    head = next((line for line in text.splitlines() if line.strip()), "")
    separator = max("\t;,", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    header: list[str] = []
    for row in reader:
        if not any(field.strip() for field in row):
            continue
        if not header and like_number(row[0]) and len(row) == 3:
            header = ["start", "stop", "label"]  # as Audacity writes it
        if not header:
            header = [column.strip() for column in row]
            continue
        if len(row) != len(header):
            raise DataError(f"{name}, row {reader.line_num}: {len(row)} fields, the header has {len(header)}")
        yield dict(zip(header, row, strict=True)), f"{name}, row {reader.line_num}"


def _of_json(data: Any, name: str, entry: IntervalsEntry) -> Iterator[Found]:
    if isinstance(data, dict) and isinstance(data.get("database"), dict):
        data = {
            key: value.get("annotations")
            for key, value in data["database"].items()
            if isinstance(value, dict)
        }
    if isinstance(data, dict):
        listed = {key: rows for key, rows in data.items() if isinstance(rows, list)}
        for key, rows in listed.items():
            for i, row in enumerate(_dicts(rows, f"{name}, {key!r}"), start=1):
                yield from _of_row(row, f"{name}, {key!r}, interval {i}", entry, (str(key),))
        if listed:
            return
    elif isinstance(data, list):
        for i, task in enumerate(_dicts(data, name), start=1):
            yield from _of_row(task, f"{name}, entry {i}", entry)
        return
    raise DataError(f"{name}: no list of intervals is in it; docs/own-data.md shows what can be read")


def _dicts(rows: list[Any], where: str) -> list[dict[str, Any]]:
    wrong = next((i for i, row in enumerate(rows, start=1) if not isinstance(row, dict)), None)
    if wrong is not None:
        raise DataError(f"{where}, entry {wrong}: {str(rows[wrong - 1])[:40]!r} is no interval")
    return rows


def _of_row(
    row: dict[str, Any], where: str, entry: IntervalsEntry, names: tuple[str, ...] = ()
) -> Iterator[Found]:
    """The intervals of one row: one, or all those of a Label Studio task."""
    task = list(_of_task(row))
    if task:
        texts = tuple(_texts({**row, "annotations": None, "completions": None, "predictions": None}))
        for start, stop, label in task:
            yield _found(names or texts, start, stop, None, label, where, entry)
        return
    is_task = not {"annotations", "completions", "annotator"}.isdisjoint(row)
    if is_task and _column("start", entry, row, where, needed=False) == "":
        return  # nothing was marked in it
    if isinstance(segment := row.get("segment"), list) and len(segment) == 2:
        row = {**row, "start": segment[0], "stop": segment[1]}
    label, start = (row[_column(what, entry, row, where)] for what in ("label", "start"))
    named = _column("recording", entry, row, where, needed=False)
    if named:
        names = (*names, str(row[named]).strip())
    stop = _column("stop", entry, row, where, needed=False)
    length = "" if stop else _column("duration", entry, row, where)
    for word in label if isinstance(label, list) else [label]:
        yield _found(names, start, row.get(stop), row.get(length), word, where, entry)


def _found(
    names: tuple[str, ...], start: Any, stop: Any, lasts: Any, label: Any, where: str, entry: IntervalsEntry
) -> Found:
    """One interval, which lasts ``lasts`` where ``stop`` is None."""
    begin = seconds(start, entry.unit, where)
    end = begin + seconds(lasts, entry.unit, where) if stop is None else seconds(stop, entry.unit, where)
    if end < begin:
        raise DataError(f"{where}: an interval stops before it starts, at {start}")
    return Found(names, begin, end, "" if label is None else str(label), where)


def _column(what: str, entry: IntervalsEntry, row: Mapping[str, Any], where: str, needed: bool = True) -> str:
    """The column that holds ``what``: the one in dataset.toml, or the one with such a name, or "".

    Raises:
        DataError: the one in dataset.toml is missing, or none is found though it is needed.
    """
    written = getattr(entry, what)
    if written is not None:
        if written not in row:
            raise DataError(f"{where}: there is no column {written!r}; there are {', '.join(row)}")
        return str(written)
    order = _NAMES[what].split()
    plain = {column: re.sub(r"[^a-z0-9]", "", re.sub(r"[(\[].*", "", column.lower())) for column in row}
    known = sorted((order.index(name), column) for column, name in plain.items() if name in order)
    if known:
        return known[0][1]
    if needed:
        raise DataError(
            f"{where}: which column is the {what} of an interval? There are {', '.join(row)}: say {what} = … "
            f"in [intervals] of {CONTENTS}"
        )
    return ""


def _of_task(row: Mapping[str, Any]) -> Iterator[tuple[Any, Any, Any]]:
    """Start, stop and label of what is marked in one task of Label Studio."""
    for annotation in row.get("annotations") or row.get("completions") or []:
        if isinstance(annotation, dict) and not annotation.get("was_cancelled"):
            for result in annotation.get("result") or []:
                yield from _marked(result.get("value") if isinstance(result, dict) else None)
    for value in row.values():
        if isinstance(value, str) and value.startswith("[{"):  # its CSV has JSON in a field
            try:
                value = json.loads(value)
            except json.JSONDecodeError:
                continue
        if isinstance(value, list):
            for item in value:
                yield from _marked(item)


def _marked(value: Any) -> Iterator[tuple[Any, Any, Any]]:
    if isinstance(value, dict) and "start" in value and "end" in value:
        for labels in (value[key] for key in _LABELS if isinstance(value.get(key), list)):
            for label in labels:
                yield value["start"], value["end"], label


def _texts(value: Any) -> Iterator[str]:
    """All texts in what a task says of its data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
