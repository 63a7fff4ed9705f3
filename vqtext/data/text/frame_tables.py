"""pandas DataFrames and Parquet files → the columns that matter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.data.text.fields import floats
from vqtext.data.text.fields import words as as_words
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.own_table import OwnTable
from vqtext.data.text.time_stamps import EXACT, SECONDS, Stamps, from_fields, from_numbers
from vqtext.errors import DataError


@contextmanager
def reading_parquet(name: str) -> Iterator[None]:
    """Raises DataError for packages that are not there, and for a file that is no Parquet."""
    try:
        yield
    except ImportError as error:
        raise DataError(f"{name}: Parquet needs two more packages: pip install pandas pyarrow") from error
    except (OSError, ValueError) as error:
        raise DataError(f"{name}: not a readable Parquet file") from error


def read_parquet(
    file: Path,
    name: str,
    numbers: Sequence[str],
    words: Sequence[str],
    keys: FileKeys | None = None,
    rate_hz: float | None = None,
) -> OwnTable:
    """A Parquet file; arguments and errors as `read_csv`.

    Raises:
        DataError: pandas or pyarrow is missing, too.
    """
    with reading_parquet(name):
        import pandas

        frame = pandas.read_parquet(file)
    return read_frame(frame, name, numbers, words, None, keys, rate_hz)


def read_frame(
    frame: Any,
    name: str,
    numbers: Sequence[str],
    words: Sequence[str],
    lines: Sequence[int] | None = None,
    keys: FileKeys | None = None,
    rate_hz: float | None = None,
) -> OwnTable:
    """A pandas DataFrame; arguments and errors as `read_csv`.

    Args:
        lines: what errors call each row; None counts from 1.
        keys: what its time stamps and missing samples are; a column of time stamps may be the frame's index.
    """
    if not len(frame):
        raise DataError(f"{name}: there is no row")
    lines = range(1, len(frame) + 1) if lines is None else lines
    keys = keys or FileKeys()
    for column in keys.times:
        if column in frame.index.names and column not in frame.columns:
            frame = frame.assign(**{column: frame.index.get_level_values(column)})
    place = _places([str(column) for column in frame.columns], [*numbers, *words, *keys.times], name)
    columns = {column: frame.iloc[:, at] for column, at in place.items()}
    decimal, is_declared = keys.decimal or ".", keys.decimal is not None
    signal = [
        floats(_numbers_of(columns[column]), column, lines, name, decimal, keys.missing, is_declared)
        for column in numbers
    ]
    texts = {column: as_words(_words_of(columns[column]), keys.missing) for column in words}
    stamps = _stamps([columns[column] for column in keys.times], keys, rate_hz, lines, name)
    values = np.array(signal).reshape(len(numbers), len(lines))
    notes = (stamps.found,) if stamps.found else ()
    return OwnTable(values, texts, lines, stamps.times, stamps.start_s, notes)


def _stamps(
    columns: Sequence[Any], keys: FileKeys, rate_hz: float | None, lines: Sequence[int], name: str
) -> Stamps:
    """The time stamps of a frame: datetimes and differences of them, numbers or text."""
    if not columns:
        return Stamps()
    kind = columns[0].dtype.kind if len(columns) == 1 else "O"
    if kind in "iuf" and keys.time_format is None:
        values = columns[0].to_numpy()
        is_whole = values.dtype.kind in "iu" and abs(int(values.max())) >= EXACT
        values = values.astype(object) if is_whole else _numbers_of(columns[0])
        return from_numbers(values, keys.time_unit if keys.time_unit in SECONDS else None, rate_hz)
    if kind in "Mm":
        values = columns[0].to_numpy(dtype=f"{kind}8[ns]")  # with a zone: by UTC
        known = np.flatnonzero(~np.isnat(values))
        if not known.size:
            return Stamps(np.full(len(values), np.nan), None)
        since = values - values[known[0]]
        times = np.where(np.isnat(values), np.nan, since.astype(np.int64) / 1e9)
        return Stamps(times, int(values[known[0]].astype(np.int64)) / 1e9)
    texts = [
        " ".join(parts) if all(part is not None for part in parts) else None
        for parts in zip(*map(_words_of, columns), strict=True)
    ]
    return from_fields(texts, keys, rate_hz, lines, name)


def _numbers_of(series: Any) -> Any:
    """A column of a frame for `floats`."""
    if series.dtype.kind in "iuf":
        return series.astype("float64").to_numpy(dtype=np.float64, na_value=np.nan)
    return [None if missing else value for value, missing in zip(series, series.isna(), strict=True)]


def _words_of(series: Any) -> list[str | None]:
    """A column of a frame as text. A whole number that is a float only because the column has gaps is whole
    again: subject 13 is "13"."""
    return [
        None if missing else _text(value)
        for value, missing in zip(series.tolist(), series.isna().tolist(), strict=True)
    ]


def _text(value: Any) -> str:
    if isinstance(value, bytes):  # as HDF5 and MATLAB files hold text
        return value.decode("utf-8", "replace")
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


def _places(header: Sequence[str], wanted: Sequence[str], name: str) -> dict[str, int]:
    """Where each wanted column stands."""
    for column in wanted:
        if header.count(column) != 1:
            wrong = "two columns are named" if column in header else "there is no column"
            raise DataError(f"{name}: {wrong} {column!r}; the header has {', '.join(header)}")
    return {column: header.index(column) for column in wanted}
