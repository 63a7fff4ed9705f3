"""Fields of a table → numbers and words, with an error that names row and column."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Literal

import numpy as np

from vqtext.errors import DataError

Decimal = Literal[".", ","]

MISSING = frozenset(["", "?", "-", "--", "nil", "nat", "na", "n/a", "#n/a", "null", "none"]).union(
    f"{sign}{word}" for sign in ("", "-") for word in ("nan", "nan(ind)", "1.#qnan", "1.#ind", "1.#nan")
)
"""What loggers, spreadsheets and R write where a number is missing, in lower case."""

_GROUPED = {
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?"),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?"),
}
"""Numbers whose thousands are marked, by what stands before the fraction."""


_ENOUGH_NUMBERS = 20  # numbers


def number(
    field: Any, decimal: Decimal = ".", missing: Sequence[str] = (), is_declared: bool = False
) -> float:
    """One field; NaN where it is missing.

    Args:
        decimal: what stands before the fraction.
        missing: words for a missing sample, besides `MISSING`.
        is_declared: dataset.toml has it; else "1,234" may as well be one and a fraction, and is no number.

    Raises:
        TypeError, ValueError: it is no number.
    """
    if field is None:
        return np.nan
    if not isinstance(field, str):
        return float(field)
    text = field.strip()
    if text.lower() in MISSING or text in missing:
        return np.nan
    group = "," if decimal == "." else "."
    if group in text:
        is_clear = is_declared or decimal in text or text.count(group) > 1
        if not (is_clear and _GROUPED[decimal].fullmatch(text)):
            raise ValueError
        text = text.replace(group, "")
    return float(text.replace(",", ".") if decimal == "," else text)


def any_number(field: str) -> float:
    """The number, whatever stands before its fraction; NaN where it is none."""
    marks: tuple[Decimal, ...] = (".", ",")
    for decimal in marks:
        with suppress(ValueError):
            return number(field, decimal, is_declared=True)
    return math.nan


def like_number(field: str) -> bool:
    """Is it a number, whatever stands before its fraction?"""
    return not math.isnan(any_number(field))


def decimal_of(fields: Iterable[str]) -> Decimal | Literal["either"] | None:
    """What stands before the fraction of these numbers.

    None where no field says so; "either" where "1,234" may be a thousand or one and a fraction. Where each
    number is so, it is a fraction: not all of them are above a thousand.
    """
    either = whole = 0
    for field in fields:
        text = field.strip()
        comma, dot = text.rfind(","), text.rfind(".")
        if not like_number(text):
            continue
        if comma == dot:
            whole += 1
        elif comma >= 0 and dot >= 0:
            return "," if comma > dot else "."
        elif dot >= 0:
            return "."
        elif text.lstrip("+-").startswith("0") or not _GROUPED["."].fullmatch(text):
            return ","
        else:
            either += 1
    if either >= _ENOUGH_NUMBERS and not whole:
        return ","
    return "either" if either else None


def floats(
    fields: Sequence[Any] | np.ndarray,
    column: str,
    lines: Sequence[int],
    name: str,
    decimal: Decimal = ".",
    missing: Sequence[str] = (),
    is_declared: bool = False,
) -> np.ndarray:
    """A column as numbers, NaN where a field is missing, ``(rows,)``.

    Args:
        column, lines, name: what errors call the column, each row and the table.
        decimal, missing, is_declared: as in `number`.

    Raises:
        DataError: a field is no number, or infinite; names row and column.
    """
    try:
        if decimal == ",":
            raise ValueError
        values = np.fromiter(map(float, fields), dtype=np.float64, count=len(fields))
    except (TypeError, ValueError):  # a missing field, a decimal comma, or one that is no number
        values = np.full(len(fields), np.nan)
        for i, field in enumerate(fields):
            try:
                values[i] = number(field, decimal, missing, is_declared)
            except (TypeError, ValueError):
                wrong = f"{name}, row {lines[i]}, column {column!r}: {field!r} is not a number"
                raise DataError(wrong + _hint(field, decimal)) from None
    values = without(values, missing)
    if np.isinf(values).any():
        at = int(np.isinf(values).argmax())
        raise DataError(
            f"{name}, row {lines[at]}, column {column!r}: infinite; leave a missing sample empty, "
            f'or say missing = ["{values[at]:g}"]'
        )
    return values


def without(values: np.ndarray, missing: Sequence[str]) -> np.ndarray:
    """The numbers, NaN where one is a word for a missing sample, such as "-999"."""
    numbers = [float(word) for word in missing if like_number(word)]
    return np.where(np.isin(values, numbers), np.nan, values) if numbers else values


def _hint(field: Any, decimal: Decimal) -> str:
    """What to say in dataset.toml where the field is a number of another kind."""
    if not isinstance(field, str):
        return ""
    if not like_number(field):
        return f'; or say missing = ["{field.strip()}"]' if len(field) < 12 else ""
    return f" where the decimal is {decimal!r}; say decimal, if it is"


def words(fields: Sequence[Any], missing: Sequence[str] = ()) -> list[str | None]:
    """A column as words, None where a field is empty or one of ``missing``. Blanks around a word stay, so
    that the caller can report them."""
    known: dict[Any, str | None] = {}
    for field in set(fields):
        word = "" if field is None else str(field).strip()
        known[field] = None if not word or word in missing else str(field)
    return [known[field] for field in fields]
