"""Rows of a text file whose separator is still in question."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from vqtext.data.text.fields import like_number
from vqtext.data.text.file_keys import BLANKS, FileKeys

SAMPLE = 30
"""Rows that are looked at."""
COMMENTS = "#%"
"""What comments usually begin with."""
_LONG_FIELD = 20  # lines that a quoted field of the head may run over


@dataclass(frozen=True)
class TextFormat:
    """How the rows of one file are read.

    Attributes:
        columns: their names, without blanks around them; a row has as many fields.
        separator: one character, or `BLANKS`.
        first: lines above the first row.
        line_end: what stands at the end of each row besides the line break.
        header: the fields of the header; None without one.
        start_s, rate_hz: what the file's first lines say.
        found: what was found and a user should know, in words.
    """

    columns: list[str]
    separator: str
    first: int
    line_end: str = ""
    header: list[str] | None = None
    start_s: float | None = None
    rate_hz: float | None = None
    found: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Head:
    """The first lines of a file whose format is to be found.

    Attributes:
        start: lines passed over.
        separators: what the separator may be, the likeliest first.
        wanted: the columns that the file must have; numbers: those of them that hold numbers.
        keys: what is known.
        name: what an error calls the file.
    """

    lines: Sequence[str]
    start: int
    separators: Sequence[str]
    wanted: Sequence[str]
    numbers: Sequence[str]
    keys: FileKeys
    name: str

    def rows(self) -> list[tuple[int, int, str]]:
        """Rows that are not blank, as `logical_rows` gives them."""
        return [row for row in logical_rows(self.lines, self.start) if row[2].strip()]


def split(row: str, separator: str) -> list[str]:
    """The fields of a row; of one with a quote that is not closed, whatever there is."""
    text = row.strip("\r\n")
    if separator == BLANKS:
        text = text.replace("\t", " ").strip()
    try:
        return next(csv.reader([text], delimiter=separator, skipinitialspace=True), [])
    except csv.Error:  # longer than any field
        return [text]


def fields_of(text: str, separator: str) -> list[str]:
    """The fields of a header."""
    text = text.strip("\r\n ")
    return split(text if separator == ";" else text.rstrip(";"), separator)


def header_fields(text: str, separator: str, below: Sequence[str]) -> list[str]:
    """The fields of a header above these rows; names two blanks apart may hold one themselves."""
    fields = fields_of(text, separator)
    if separator == BLANKS and len(fields) != (width := usual_width(below, separator)):
        wide = re.split(r"\s*\t\s*|\s{2,}", text.strip())
        return wide if len(wide) == width else fields
    return fields


def logical_rows(lines: Sequence[str], start: int) -> Iterator[tuple[int, int, str]]:
    """Lines, several as one where a quoted field runs over their ends: the first, the one after, the text."""
    at = start
    while at < len(lines):
        after, text = at + 1, lines[at]
        while text.count('"') % 2 and after < min(len(lines), at + _LONG_FIELD):
            text, after = text + lines[after], after + 1
        if text.count('"') % 2:  # a lone quote
            after, text = at + 1, lines[at]
        yield at, after, text
        at = after


def fits(row: str, separator: str, width: int) -> bool:
    """Has the row as many fields, or more that are empty?"""
    fields = split(row, separator)
    return len(fields) >= width and not any(f.strip(" ;") for f in fields[width:])


def share(rows: Sequence[str], separator: str, width: int) -> float:
    """The share of rows with so many fields."""
    rows = [row for row in rows if row.strip() and row[0] not in COMMENTS]
    return sum(fits(row, separator, width) for row in rows) / max(len(rows), 1)


def usual_width(rows: Sequence[str], separator: str) -> int:
    widths = sorted(len(fields_of(row, separator)) for row in rows)
    return max(groupby(widths), key=lambda pair: len(list(pair[1])), default=(0, ()))[0]


def line_end(rows: Sequence[str], separator: str) -> str:
    """A ";" at the end of each row."""
    ending = sum(row.rstrip().endswith(";") for row in rows)
    return ";" if separator != ";" and ending > len(rows) / 2 else ""


def has_number(row: str, separator: str, places: Sequence[int]) -> bool:
    fields = fields_of(row, separator)
    return any(place < len(fields) and like_number(fields[place]) for place in places)


def separator_name(separator: str) -> str:
    return {"\t": "tab", BLANKS: "blanks"}.get(separator, repr(separator))


def without_end(row: str, end: str) -> str:
    """A row without the line break and what stands before it."""
    return row.rstrip().rstrip(end) if end else row
