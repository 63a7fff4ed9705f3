"""What is in a table without a dataset.toml: columns of numbers, of words, and of time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from vqtext.data.text.fields import MISSING, like_number
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.frame_tables import read_parquet, reading_parquet
from vqtext.data.text.own_table import OwnTable
from vqtext.data.text.own_tables import read_csv
from vqtext.data.text.text_files import encodings, open_text
from vqtext.data.text.text_format import HEAD, SEPARATORS
from vqtext.data.text.text_rows import SAMPLE, fields_of, header_fields, logical_rows, share, usual_width
from vqtext.data.text.time_stamps import SECONDS, is_epoch
from vqtext.errors import DataError

_RATES = (4.0, 2000.0)  # Hz that a sensor of movement may have
_TIME = re.compile(r"(?i)time|stamp|date|zeit|temps|tiempo|epoch|clock|^ts?$|^ts? ?[\[(]|seconds|millis")
_RATE_IN_TEXT = re.compile(
    r"(?i)(\d+(?:\.\d+)?)\s*hz\b|(?:sampl\w*|data|output)[ _]*(?:rate|freq\w*)\D{0,12}(\d+)"
)


@dataclass(frozen=True)
class Outline:
    """One file.

    Attributes:
        table: its columns of numbers and of words, all of them; without its time stamps.
        numbers: the columns of numbers, in the order of ``table.signal``.
        words: the columns of words.
        time: the column of time stamps; None without one.
        unit: of time stamps that are numbers.
        rate_hz: by the time stamps, or as the head of the file says; None where nothing says it.
        is_headless: has it no names of columns, so that they are "1", "2", …?
    """

    table: OwnTable
    numbers: list[str]
    words: list[str]
    time: str | None
    unit: str | None
    rate_hz: float | None
    is_headless: bool


def outline(file: Path, name: str) -> Outline:
    """What is in a file.

    Raises:
        DataError: it is no table, or cannot be read.
    """
    if file.suffix == ".parquet":
        is_numeric = _schema(file, name)
        time = next((column for column in is_numeric if _TIME.search(column)), None)
        return _outline(read_parquet, file, name, is_numeric, time)
    columns, rows, preamble, is_headless = _columns(_head(file, name), name)
    once = [i for i, column in enumerate(columns) if column and columns.count(column) == 1]
    fields = {columns[i]: [row[i].strip() for row in rows if i < len(row)] for i in once}
    is_numeric = {column: _are_numbers(own) for column, own in fields.items()}
    empty = [column for column, own in fields.items() if all(field.lower() in MISSING for field in own)]
    if empty:  # so far: labels may begin later, and so may samples
        later = read_csv(file, name, [], empty).words
        is_numeric |= {column: _are_numbers([word or "" for word in later[column]]) for column in empty}
    time = _time_column(file, name, is_numeric, is_headless)
    return _outline(read_csv, file, name, is_numeric, time, preamble, is_headless)


def _outline(
    read: Callable[..., OwnTable],
    file: Path,
    name: str,
    is_numeric: Mapping[str, bool],
    time: str | None,
    preamble: str = "",
    is_headless: bool = False,
) -> Outline:
    """Read a file whose columns of numbers, of words and of time are known."""
    numbers = [column for column, is_number in is_numeric.items() if is_number and column != time]
    words = [column for column, is_number in is_numeric.items() if not is_number and column != time]
    counts = time is not None and is_numeric[time]  # time stamps that are numbers
    keys = FileKeys(time_column=time, time_unit="s" if counts else None)
    table = read(file, name, numbers, words, keys)
    unit, rate_hz = _rate(table, counts)
    match = _RATE_IN_TEXT.search(preamble)
    if rate_hz is None and match:
        rate_hz = float(match[1] or match[2])
    return Outline(table, numbers, words, time, unit if time else None, rate_hz, is_headless)


def _time_column(file: Path, name: str, is_numeric: Mapping[str, bool], is_headless: bool) -> str | None:
    """The first column that can be read as time; None where there is none, or the first rows say the rate."""
    if not is_headless:
        candidates = [column for column in is_numeric if _TIME.search(column)]
    elif read_csv(file, name, list(is_numeric)[:1], []).times is None:
        candidates = list(is_numeric)
    else:
        candidates = []
    return next((c for c in candidates if _is_time(file, name, c, is_numeric, is_headless)), None)


def columns_of(file: Path, name: str) -> tuple[str, ...]:
    """The names of its columns alone; files with the same ones are of one kind.

    Raises:
        DataError: as `outline`.
    """
    if file.suffix == ".parquet":
        return tuple(_schema(file, name))
    return tuple(_columns(_head(file, name), name)[0])


def _head(file: Path, name: str) -> list[str]:
    with open_text(file, name, encodings(file, name)[-1]) as text:
        try:
            return list(islice(text, HEAD))
        except UnicodeError as error:
            raise DataError(f"{name}: no text") from error


def _schema(file: Path, name: str) -> dict[str, bool]:
    """The columns of a Parquet file: is each of numbers?"""
    with reading_parquet(name):
        import pyarrow.parquet as parquet

        schema = parquet.read_schema(file)
    return {at.name: not re.search("string|bool|dict|time|date|binary", str(at.type)) for at in schema}


def _columns(head: Sequence[str], name: str) -> tuple[list[str], list[list[str]], str, bool]:
    """The names of the columns, fields of some rows, what stands above them, and is there no header?"""
    rows = [row for row in logical_rows(head, 0) if row[2].strip()]
    if not rows:
        raise DataError(f"{name}: the file is empty")
    tail = [text for *_, text in rows[-SAMPLE:]]

    def fit(separator: str) -> tuple[bool, float, int]:
        width = usual_width(tail, separator)
        numbers = sum(like_number(field) for text in tail for field in fields_of(text, separator))
        return width > 1 and share(tail, separator, width) > 0.8, numbers / max(width, 1), width

    separator = max(SEPARATORS, key=fit)
    width = usual_width(tail, separator)
    split_rows = [fields_of(text, separator) for *_, text in rows]
    first = next((i for i, row in enumerate(split_rows) if len(row) >= width and _has_numbers(row)), None)
    if first is None:
        raise DataError(f"{name}: no row of numbers in its first {len(rows)} lines")
    preamble = "".join(head[: rows[first][0]])
    # The header is the topmost line of as many fields right above, over rows of units or without any number.
    above: list[int] = []
    for i in range(first - 1, -1, -1):
        split_rows[i] = header_fields(rows[i][2], separator, tail)
        if len(split_rows[i]) != width:
            break
        above = above if any(map(like_number, split_rows[i])) or _is_empty(split_rows[i]) else [i]
    if not above:
        return [str(i + 1) for i in range(width)], split_rows[first:], preamble, True
    columns = [column.strip() for column in split_rows[above[0]]]
    return columns, split_rows[first:], preamble, False


def _is_empty(row: Sequence[str]) -> bool:
    """Is half of it missing, as no header is?"""
    return sum(field.strip().lower() in MISSING for field in row) >= len(row) / 2


def _has_numbers(row: Sequence[str]) -> bool:
    present = [field for field in row if field.strip().lower() not in MISSING]
    return sum(map(like_number, present)) >= max(len(present) / 3, 1)


def _are_numbers(fields: Sequence[str]) -> bool:
    return all(like_number(field) for field in fields if field.lower() not in MISSING)


def _is_time(file: Path, name: str, column: str, is_numeric: Mapping[str, bool], is_strict: bool) -> bool:
    """Can the column be read as time that goes on, with each row if nothing else shows that it is time?"""
    others = [other for other in is_numeric if is_numeric[other] and other != column][:1]
    try:
        keys = FileKeys(time_column=column, time_unit="s" if is_numeric[column] else None)
        times = read_csv(file, name, others, [], keys).times
    except DataError:
        return False
    if times is None or not np.isfinite(times).sum() > 1 or not np.nanmax(times) > 0:
        return False
    steps = np.diff(times[np.isfinite(times)])
    return bool((steps > 0).mean() > 0.95) if is_strict else bool((steps >= 0).mean() > 0.9)


def _rate(table: OwnTable, numeric: bool) -> tuple[str | None, float | None]:
    """The unit of time stamps that were read as seconds, and samples a second.

    Stamps are looked at many rows apart, as some come in bursts or whole seconds.
    """
    if table.times is None or len(table.times) < 2:
        return None, None
    apart = max(min(500, len(table.times) // 2), 1)
    steps = (table.times[apart:] - table.times[:-apart]) / apart
    steps = steps[steps > 0]
    if not steps.size:
        return None, None
    step = float(np.median(steps))
    if not numeric:
        return None, _round(1 / step)
    units = [unit for unit in SECONDS if unit != "days"]
    start = abs(table.start_s or 0.0)
    dated = [unit for unit in units if is_epoch(start * SECONDS[unit])]
    likely = [unit for unit in units if _RATES[0] <= 1 / (step * SECONDS[unit]) <= _RATES[1]]
    unit = next((unit for unit in dated if unit in likely), None) or next(iter([*likely, *dated]), "s")
    return unit, _round(1 / (step * SECONDS[unit]))


def _round(rate_hz: float) -> float:
    """The nearest whole number within two in a hundred, or three digits."""
    whole = round(rate_hz)
    return float(whole) if whole and abs(rate_hz / whole - 1) < 0.02 else float(f"{rate_hz:.3g}")
