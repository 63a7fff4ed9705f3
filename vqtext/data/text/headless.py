"""Text files without a header."""

from __future__ import annotations

from collections.abc import Sequence

from vqtext.data.text.fields import any_number, like_number
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.text_rows import (
    SAMPLE,
    Head,
    TextFormat,
    fits,
    has_number,
    line_end,
    separator_name,
    share,
    split,
    usual_width,
)
from vqtext.data.text.time_stamps import is_epoch
from vqtext.errors import DataError


def headless(head: Head) -> TextFormat:
    """The format of a file without a header.

    Raises:
        DataError: there is no such column, or two, or the first rows hold no number.
    """
    keys, rows = head.keys, head.rows()
    texts = [text for *_, text in rows[-SAMPLE:]]
    separator = max(head.separators, key=lambda one: _fit(head, texts, one))
    columns = _names(keys, usual_width(texts, separator))
    for column in head.wanted:
        if columns.count(column) != 1:
            wrong = "two columns are named" if column in columns else "there is no column"
            raise DataError(
                f"{head.name}: {wrong} {column!r}; without a header and with separator "
                f"{separator_name(separator)} it has {', '.join(columns)}"
            )
    rows = rows[_preamble(rows, separator, len(columns), keys) :]
    first = rows[0][0] if rows else head.start
    notes = [] if first == head.start else [f"first row in row {first + 1}"]
    start_s, rate_hz = None, None
    above = keys.first_rows or _of_e4([text for *_, text in rows[:12]], separator)
    if above and rows:
        text_of = dict(zip(above, (text for *_, text in rows), strict=False))
        start_s, rate_hz = (
            _first_number(text_of.get(what), separator, what, head.name) for what in ("start", "rate")
        )
        first = rows[: len(above)][-1][1]
        if keys.first_rows is None:
            notes = [f"the first two rows hold the start and the rate, {rate_hz:g} Hz"]
    return TextFormat(columns, separator, first, line_end(texts, separator), None, start_s, rate_hz, notes)


def _fit(head: Head, texts: Sequence[str], separator: str) -> tuple[float, float, int]:
    """How well a separator explains the rows; larger is better."""
    width = len(head.keys.column_names or ()) or usual_width(texts, separator)
    names = _names(head.keys, width)
    places = [names.index(column) for column in head.numbers if column in names]
    numeric = [has_number(text, separator, places) for text in texts]
    return (
        (set(head.wanted) <= set(names)) * share(texts, separator, width),
        sum(numeric) / max(len(numeric), 1),
        -head.separators.index(separator),
    )


def _names(keys: FileKeys, width: int) -> list[str]:
    return keys.column_names or [str(i + 1) for i in range(width)]


def _preamble(rows: Sequence[tuple[int, int, str]], separator: str, width: int, keys: FileKeys) -> int:
    """Rows above the first one: they have another number of fields, or are comments."""
    if keys.skip_rows is not None:
        return 0
    of_rows = (
        i
        for i, (*_, text) in enumerate(rows)
        if fits(text, separator, width) and not (keys.comment and text.startswith(keys.comment))
    )
    return next(of_rows, 0)


def _of_e4(rows: Sequence[str], separator: str) -> list[str] | None:
    """Empatica's E4 writes the start and the rate above the samples, each once for every column."""
    fields = [split(row, separator) for row in rows]
    if len(fields) < 10 or not all(like_number(field) for row in fields for field in row):
        return None
    start, rate, *samples = ([any_number(field) for field in row] for row in fields)
    is_constant = len({*start}) == len({*rate}) == 1 and is_epoch(start[0])
    others = all(not is_epoch(value) for row in samples for value in row)
    return ["start", "rate"] if is_constant and others and 0 < rate[0] <= 5000 else None


def _first_number(row: str | None, separator: str, what: str, name: str) -> float | None:
    if row is None:
        return None
    field = (split(row, separator) or [""])[0]
    if not like_number(field):
        raise DataError(f"{name}: first_rows says {what}, but {field!r} is not a number")
    return any_number(field)
