"""Text files without a header."""

from __future__ import annotations

from collections.abc import Sequence

from vqtext.data.text.fields import any_number, like_number
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.text_rows import (
    SAMPLE,
    TextFormat,
    called,
    fits,
    has_number,
    line_end,
    logical,
    share,
    split,
    usual_width,
)
from vqtext.data.text.time_stamps import is_epoch
from vqtext.errors import DataError


def headless(
    lines: Sequence[str],
    start: int,
    separators: Sequence[str],
    wanted: Sequence[str],
    numbers: Sequence[str],
    keys: FileKeys,
    name: str,
) -> TextFormat:
    rows = [row for row in logical(lines, start) if row[2].strip()]
    texts = [text for *_, text in rows[-SAMPLE:]]

    def fit(separator: str) -> tuple[float, float, int]:
        width = len(keys.column_names) if keys.column_names else usual_width(texts, separator)
        names = _names(keys, width)
        places = [names.index(column) for column in numbers if column in names]
        numeric = [has_number(text, separator, places) for text in texts]
        is_whole = set(wanted) <= set(names)
        return (
            is_whole * share(texts, separator, width),
            sum(numeric) / max(len(numeric), 1),
            -separators.index(separator),
        )

    separator = max(separators, key=fit)
    columns = _names(keys, usual_width(texts, separator))
    for column in wanted:
        if columns.count(column) != 1:
            wrong = "two columns are named" if column in columns else "there is no column"
            raise DataError(
                f"{name}: {wrong} {column!r}; without a header and with separator {called(separator)} it has "
                f"{', '.join(columns)}"
            )
    at = 0
    if keys.skip_rows is None:  # lines of a preamble have another number of fields
        of_rows = (
            i
            for i, (*_, text) in enumerate(rows)
            if fits(text, separator, len(columns)) and not (keys.comment and text.startswith(keys.comment))
        )
        at = next(of_rows, 0)
    first = rows[at][0] if rows else start
    found = [] if first == start else [f"first row in row {first + 1}"]
    start_s, rate_hz = None, None
    held = keys.first_rows or _of_e4([text for *_, text in rows[at : at + 12]], separator)
    if held:
        said = dict(zip(held, (text for *_, text in rows[at:]), strict=False))
        start_s, rate_hz = (
            _first_number(said.get(what), separator, what, name) for what in ("start", "rate")
        )
        first = rows[min(at + len(held), len(rows)) - 1][1]
        if keys.first_rows is None:
            found = [f"the first two rows hold the start and the rate, {rate_hz:g} Hz"]
    return TextFormat(columns, separator, first, line_end(texts, separator), None, start_s, rate_hz, found)


def _names(keys: FileKeys, width: int) -> list[str]:
    return keys.column_names or [str(i + 1) for i in range(width)]


def _of_e4(rows: Sequence[str], separator: str) -> list[str] | None:
    """Empatica's E4 writes the start and the rate above the samples, each once for every column."""
    fields = [split(row, separator) for row in rows]
    if len(fields) < 10 or not all(like_number(field) for row in fields for field in row):
        return None
    start, rate, *samples = ([any_number(field) for field in row] for row in fields)
    is_said = len({*start}) == len({*rate}) == 1 and is_epoch(start[0])
    others = all(not is_epoch(value) for row in samples for value in row)
    return ["start", "rate"] if is_said and others and 0 < rate[0] <= 5000 else None


def _first_number(row: str | None, separator: str, what: str, name: str) -> float | None:
    if row is None:
        return None
    field = (split(row, separator) or [""])[0]
    if not like_number(field):
        raise DataError(f"{name}: first_rows says {what}, but {field!r} is not a number")
    return any_number(field)
