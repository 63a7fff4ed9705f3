"""What a text file looks like: its separator, where its header stands, what its first lines say.

The columns that ``dataset.toml`` names are the evidence: the header is the first line that names all of them,
and the separator the one by which it does. Only where several do, or where there is no header, the rows below
show which separator gives each as many fields.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from vqtext.data.text.fields import like_number
from vqtext.data.text.fields import number as number_of
from vqtext.data.text.file_keys import BLANKS, FileKeys
from vqtext.data.text.headless import headless
from vqtext.data.text.text_rows import (
    COMMENTS,
    SAMPLE,
    Head,
    TextFormat,
    fields_of,
    has_number,
    header_fields,
    line_end,
    logical_rows,
    separator_name,
    share,
    usual_width,
)
from vqtext.errors import DataError

HEAD = 400
"""Lines that are looked at."""
SEPARATORS = (",", ";", "\t", "|", BLANKS)
"""What a separator may be, the likeliest first."""
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?;*\s*')


def sniff(
    lines: Sequence[str], wanted: Sequence[str], numbers: Sequence[str], keys: FileKeys, name: str
) -> TextFormat:
    """The format of a file.

    Args:
        lines: its first `HEAD` lines.
        wanted: the columns that it must have.
        numbers: those of them that hold numbers.
        keys: what is known.
        name: what an error calls the file.

    Raises:
        DataError: there is no such column; says how the file was read.
    """
    start = keys.skip_rows or 0
    separators: Sequence[str] = SEPARATORS if keys.separator is None else keys.separator
    mark = _SEPARATOR_LINE.fullmatch(lines[start]) if start < len(lines) else None
    if mark:
        start += 1
        separators = separators if keys.separator else mark[1]
    head = Head(lines, start, separators, wanted, numbers, keys, name)
    form = headless(head) if _is_headless(head) else _below_header(head)
    is_plain = form.separator == "," or len(form.columns) == 1
    notes = [] if keys.separator or is_plain else [f"separator {separator_name(form.separator)}"]
    notes += [f"each row ends with {form.line_end!r}"] if form.line_end else []
    return replace(form, found=[*notes, *form.found])


def _is_headless(head: Head) -> bool:
    """Columns that are called "1", "2", … have no header; save one that counts them itself, from 0 or 1."""
    if head.keys.column_names is not None or head.keys.header is not None:
        return not head.keys.header
    if not head.wanted or not all(re.fullmatch("[1-9][0-9]*", column) for column in head.wanted):
        return False
    first = "".join(head.lines[head.start : head.start + 1]).strip("\r\n ").replace('"', "")
    names = re.split(r"[,;|\t] *| +", first)
    return names[:1] not in (["0"], ["1"]) or names != [str(i + int(names[0])) for i in range(len(names))]


def _below_header(head: Head) -> TextFormat:
    header_at = _header(head)
    if header_at is None:
        raise _no_header(head)
    at, after, separator, header = header_at
    rows = list(logical_rows(head.lines, after))
    columns = [column.strip() for column in header]
    for column in head.wanted:
        if columns.count(column.strip()) > 1:
            raise DataError(
                f"{head.name}: two columns are named {column!r}; the header has {', '.join(columns)}"
            )
    places = [columns.index(column.strip()) for column in head.numbers]
    units = 0  # rows below the header that hold units
    for *_, row in rows[:2]:
        if not _is_of_units(row, separator, places, len(columns)):
            break
        units += 1
    if units and not any(has_number(row[2], separator, places) for row in rows[units : units + SAMPLE]):
        units = 0
    notes = [] if head.keys.skip_rows is not None or at == head.start else [f"header in row {at + 1}"]
    if units:
        after = rows[units - 1][1]
        notes += [f"row {after} below the header is passed over, it holds no numbers"]
    return TextFormat(
        columns, separator, after, line_end([row for *_, row in rows], separator), header, found=notes
    )


def _header(head: Head) -> tuple[int, int, str, list[str]] | None:
    """The line of the header, the one after it, the separator and the fields.

    The first with rows below it that fit, or else the first. A header that is commented out, as numpy writes
    it, is taken where there is no other.
    """
    names = [column.strip() for column in head.wanted]
    rows = head.rows()[: None if head.keys.skip_rows is None else 1]
    first = None
    for commented in ("", COMMENTS):
        for at, after, text in rows:
            text = text.lstrip(commented)
            if not all(column in text for column in names):
                continue
            below = [row for *_, row in logical_rows(head.lines[after : after + SAMPLE], 0)]
            fields = {one: header_fields(text, one, below) for one in head.separators}
            fitting = {one: own for one, own in fields.items() if {*names} <= {f.strip() for f in own}}
            if fitting:
                shares = {one: share(below, one, len(own)) for one, own in fitting.items()}
                best = max(shares, key=shares.__getitem__)
                first = first or (at, after, best, fitting[best])
                if shares[best] >= 0.5:
                    return at, after, best, fitting[best]
    return first


def _no_header(head: Head) -> DataError:
    """The error that says how the file was read, by the separator that explains most of it."""
    rows = head.rows()
    if not rows:
        return DataError(f"{head.name}: there is no row")
    texts = [text for *_, text in rows[-SAMPLE:]]
    order = head.separators.index
    width, separator = max(
        ((usual_width(texts, one), one) for one in head.separators),
        key=lambda pair: (pair[0] > 1 and share(texts, pair[1], pair[0]) > 0.5, -order(pair[1])),
    )
    at, _, text = max(
        rows,
        key=lambda row: (
            len({field.strip() for field in fields_of(row[2], separator)} & set(head.wanted)),
            len(fields_of(row[2], separator)) == width,
            -row[0],
        ),
    )
    header = [field.strip() for field in fields_of(text, separator)]
    is_row = sum(like_number(field) for field in header) > len(header) / 2
    names = [str(i + 1) for i in range(len(header))] if is_row else header
    missing = next((column for column in head.wanted if column.strip() not in names), head.wanted[0])
    if is_row:
        return DataError(
            f"{head.name}: there is no column {missing!r} and no header; row {at + 1} is "
            f"{text.strip()[:80]!r}, {len(header)} fields; say column_names = [...], or call the columns "
            '"1", "2", …'
        )
    how = "" if at == 0 and separator == "," else f" (row {at + 1}, separator {separator_name(separator)})"
    return DataError(f"{head.name}: there is no column {missing!r}; the header has {', '.join(header)}{how}")


def _is_of_units(row: str, separator: str, places: Sequence[int], width: int) -> bool:
    """Words where there should be numbers, in each of them."""
    fields = fields_of(row, separator)
    if len(fields) != width or not places:
        return False
    return all(_is_word(fields[place]) for place in places)


def _is_word(field: str) -> bool:
    try:
        number_of(field)
    except ValueError:
        return not like_number(field)
    return False
