"""The tables of own data: CSV text, Parquet and pandas DataFrames → the columns that matter.

CSV is read in blocks, since text takes ten times the memory of its numbers. A plain block, without quotes and
without a fault, goes through numpy at once; any other is read row by row and field by field, which gives the
same numbers or says what is wrong, and where.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.data.tables import not_utf8
from vqtext.errors import DataError

_BLOCK = 10_000  # lines


@dataclass(frozen=True)
class OwnTable:
    """Columns of n rows.

    Attributes:
        signal: the columns of numbers, ``(C, n) float64``, NaN where a field is empty.
        words: the columns of words, None where a field is empty.
        lines: what an error calls each row: the line of a text file, or the row counted from 1.
    """

    signal: np.ndarray
    words: dict[str, list[str | None]]
    lines: Sequence[int]


@dataclass(frozen=True)
class _Wanted:
    """The columns wanted of a CSV file, each with its place, and how many fields a row has."""

    numbers: list[tuple[str, int]]
    words: list[tuple[str, int]]
    width: int


def read_csv(file: Path, name: str, numbers: Sequence[str], words: Sequence[str]) -> OwnTable:
    """A CSV file.

    Args:
        name: what errors call the file.
        numbers, words: the columns wanted.

    Raises:
        DataError: the file is empty or no UTF-8, a column is missing, or a row is wrong; names file, row and
            column.
    """
    tables: list[OwnTable] = []
    line = 0  # read so far
    try:
        with file.open(encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, strict=True)
            header = next(rows, None)
            if header is None:
                raise DataError(f"{name}: the file is empty")
            _no_nul(header, 1, name)
            place = _places(header, [*numbers, *words], name)
            wanted = _Wanted([(c, place[c]) for c in numbers], [(c, place[c]) for c in words], len(header))
            line = rows.line_num
            while block := _whole_rows(text):
                _no_nul(block, line + 1, name)
                tables.append(_plain(block, line, wanted) or _exact(block, line, wanted, name))
                line += len(block)
    except UnicodeDecodeError as error:
        raise not_utf8(name, error.object) from error
    except csv.Error as error:
        raise DataError(f"{name}, row 1: {error}; is a quote missing?") from error
    lines = [at for table in tables for at in table.lines]
    if not lines:
        raise DataError(f"{name}: there is a header but no row")
    found = {column: [word for table in tables for word in table.words[column]] for column in words}
    return OwnTable(np.concatenate([table.signal for table in tables], axis=1), found, lines)


def _whole_rows(text: Iterator[str]) -> list[str]:
    """The next lines, some more where a quoted field runs over the end of them."""
    lines = list(islice(text, _BLOCK))
    is_open = "".join(lines).count('"') % 2 == 1
    while is_open and (line := next(text, None)):
        lines.append(line)
        is_open = line.count('"') % 2 == 0
    return lines


def _plain(block: Sequence[str], line: int, wanted: _Wanted) -> OwnTable | None:
    """Lines without anything special; None where there is something, be it a fault or not."""
    rows = [row.rstrip("\r\n") for row in block]
    text = "\n".join(rows)
    if '"' in text or any(row.count(",") != wanted.width - 1 for row in rows):
        return None
    columns = [place for _, place in wanted.numbers]
    try:
        values = np.loadtxt(_filled(rows, text), delimiter=",", comments=None, usecols=columns, ndmin=2).T
    except ValueError:
        return None
    if values.shape[1] != len(rows) or np.isinf(values).any():
        return None
    # they mostly stand at the end: split no more than that
    first = min((place for _, place in wanted.words), default=wanted.width)
    fields = list(zip(*(row.rsplit(",", wanted.width - first) for row in rows), strict=True))
    found = {column: _words(fields[place - max(first - 1, 0)]) for column, place in wanted.words}
    return OwnTable(np.ascontiguousarray(values), found, range(line + 1, line + 1 + len(rows)))


def _filled(rows: list[str], text: str) -> list[str]:
    """``text`` line by line, "nan" where a field is empty."""
    if not any(empty in f"\n{text}\n" for empty in (",,", "\n,", ",\n")):
        return rows
    text = f"\n{text}\n".replace(",,", ",nan,").replace(",,", ",nan,")
    return text.replace("\n,", "\nnan,").replace(",\n", ",nan\n")[1:-1].split("\n")


def _exact(block: Sequence[str], line: int, wanted: _Wanted, name: str) -> OwnTable:
    """Lines row by row and field by field.

    Raises:
        DataError: what is wrong with one of them.
    """
    rows = csv.reader(block, strict=True)
    lines, kept = [], []
    at = line
    try:
        for row in rows:
            at = line + rows.line_num
            if row and len(row) != wanted.width:
                raise DataError(f"{name}, row {at}: {len(row)} fields, the header has {wanted.width}")
            if row:
                lines.append(at)
                kept.append(row)
    except csv.Error as error:
        raise DataError(f"{name}, row {at + 1}: {error}; is a quote missing?") from error
    fields = list(zip(*kept, strict=True)) or [()] * wanted.width
    signal = [_floats(fields[place], column, lines, name) for column, place in wanted.numbers]
    return OwnTable(
        np.array(signal), {column: _words(fields[place]) for column, place in wanted.words}, lines
    )


def read_parquet(file: Path, name: str, numbers: Sequence[str], words: Sequence[str]) -> OwnTable:
    """A Parquet file; arguments and errors as `read_csv`.

    Raises:
        DataError: pandas or pyarrow is missing, too.
    """
    try:
        import pandas

        frame = pandas.read_parquet(file)
    except ImportError as error:
        raise DataError(f"{name}: Parquet needs two more packages: pip install pandas pyarrow") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{name}: not a readable Parquet file") from error
    return read_frame(frame, name, numbers, words)


def read_frame(
    frame: Any, name: str, numbers: Sequence[str], words: Sequence[str], lines: Sequence[int] | None = None
) -> OwnTable:
    """A pandas DataFrame; arguments and errors as `read_csv`.

    Args:
        lines: what errors call each row; None counts from 1.
    """
    if not len(frame):
        raise DataError(f"{name}: there is no row")
    lines = range(1, len(frame) + 1) if lines is None else lines
    place = _places([str(column) for column in frame.columns], [*numbers, *words], name)
    columns = {column: frame.iloc[:, place[column]] for column in (*numbers, *words)}
    signal = [_floats(_numbers_of(columns[column]), column, lines, name) for column in numbers]
    found = {column: _words(_words_of(columns[column])) for column in words}
    return OwnTable(np.array(signal), found, lines)


def _numbers_of(series: Any) -> Any:
    """A column of a frame for `_floats`."""
    if series.dtype.kind in "iuf":
        return series.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return [None if missing else value for value, missing in zip(series, series.isna(), strict=True)]


def _words_of(series: Any) -> list[str | None]:
    """A column of a frame as text. A whole number that is a float only because the column has gaps is whole
    again: subject 13 is "13"."""
    return [
        None if missing else str(int(value) if isinstance(value, float) and value.is_integer() else value)
        for value, missing in zip(series.tolist(), series.isna().tolist(), strict=True)
    ]


def _places(header: Sequence[str], wanted: Sequence[str], name: str) -> dict[str, int]:
    """Where each wanted column stands."""
    for column in wanted:
        if header.count(column) != 1:
            wrong = "two columns are named" if column in header else "there is no column"
            raise DataError(f"{name}: {wrong} {column!r}; the header has {', '.join(header)}")
    return {column: header.index(column) for column in wanted}


def _floats(fields: Sequence[Any] | np.ndarray, column: str, lines: Sequence[int], name: str) -> np.ndarray:
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


def _no_nul(texts: Sequence[str], line: int, name: str) -> None:
    """UTF-16 without its mark is UTF-8 to the letter, with a NUL in every character."""
    if any("\0" in text for text in texts):
        raise DataError(
            f"{name}, from row {line}: NUL characters, as in UTF-16 or binary data; save it as UTF-8"
        )
