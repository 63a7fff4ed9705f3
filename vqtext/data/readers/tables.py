"""Tables of numbers as text: read fast where all is well, field by field where it is not.

A block of lines is handed to numpy at once. Only where that fails is the block read again field by field, to
say which row and which column is wrong.
"""

from __future__ import annotations

import codecs
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from vqtext.errors import DataError

_BLOCK = 1 << 22  # bytes of text; their numbers take about as much
_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}


def read_table(
    file: Path,
    columns: int,
    separator: str | None = None,
    keep: Sequence[int] | slice = slice(None),
    header: int = 0,
) -> np.ndarray:
    """All rows of a text file, ``(rows, kept columns) float64``; "NaN" is a missing sample.

    Args:
        columns: how many numbers each row must have.
        separator: one character; None is any white space.
        keep: the columns wanted, counted from 0; the others are checked and dropped block by block.
        header: lines at the top that are passed over.

    Raises:
        DataError: the file is missing, empty or no text, or a row is wrong; names file, row and column.
    """
    blocks: list[np.ndarray] = []
    row = header
    for lines in _blocks(file, header):
        blocks.append(_numbers(lines, columns, separator, file, row)[:, keep])
        row += len(lines)
    if not blocks:
        raise DataError(f"{file}: " + ("there is no row" if header else "the file is empty"))
    return np.concatenate(blocks)


def not_utf8(name: object, text: bytes) -> DataError:
    """The error for a file whose bytes are not UTF-8 text."""
    return DataError(f"{name}: not UTF-8 text, it looks like {encoding_of(text)}; save it as UTF-8")


def encoding_of(text: bytes) -> str:
    """What bytes that are not UTF-8 look like, in words for an error."""
    if text[:2] in _MARKS or text[:200].count(0) > len(text[:200]) // 4:
        return "UTF-16"
    if 0 in text:
        return "binary data"
    return "Latin-1 or another 8-bit encoding"


def _blocks(file: Path, header: int) -> Iterator[list[bytes]]:
    try:
        with file.open("rb") as text:
            for _ in range(header):
                text.readline()
            while lines := text.readlines(_BLOCK):
                yield lines
    except FileNotFoundError as error:
        raise DataError(f"{file} is missing") from error
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error


def _numbers(lines: list[bytes], columns: int, separator: str | None, file: Path, row: int) -> np.ndarray:
    """One block, ``(rows, columns)``."""
    mark = None if separator is None else separator.encode()
    if all((len(line.split()) if mark is None else line.count(mark) + 1) == columns for line in lines):
        with warnings.catch_warnings(), suppress(ValueError, DeprecationWarning):
            warnings.simplefilter("error", DeprecationWarning)  # an older numpy warns, a newer one raises
            values = np.fromstring((mark or b" ").join(lines), sep=separator or " ")
            if values.size == len(lines) * columns:
                return values.reshape(-1, columns)
    return np.array([_row(line, columns, mark, file, row + i) for i, line in enumerate(lines, start=1)])


def _row(line: bytes, columns: int, mark: bytes | None, file: Path, row: int) -> list[float]:
    """One row, read slowly.

    Raises:
        DataError: what numpy stumbled over.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{file}: not a text file, it looks like {encoding_of(line)}") from error
    if "\0" in text:
        raise DataError(f"{file}: not a text file, it looks like {encoding_of(line)}")
    fields = text.split(None if mark is None else mark.decode())
    if len(fields) != columns:
        raise DataError(f"{file}, row {row}: {len(fields)} columns, not {columns}")
    values = []
    for column, field in enumerate(fields, start=1):
        try:
            values.append(float(field))
        except ValueError as error:
            raise DataError(
                f"{file}, row {row}, column {column}: {field.strip()!r} is not a number"
            ) from error
    return values
