"""Rows of text without anything special, read by numpy at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vqtext.data.text.fields import Decimal, without
from vqtext.data.text.file_keys import BLANKS, FileKeys
from vqtext.data.text.text_rows import TextFormat


def plain(
    block: Sequence[str],
    form: TextFormat,
    keys: FileKeys,
    decimal: Decimal,
    numbers: Sequence[int],
    texts: Sequence[int],
) -> tuple[np.ndarray, dict[int, Sequence[str]]] | None:
    """Columns of numbers, ``(C, n)``, and the fields of the columns of text, each by its place.

    None where there is a quote, a comment or a field that numpy cannot read, be it a fault or not.

    Args:
        block: n lines.
        numbers, texts: places of the columns.
    """
    separator, width = form.separator, len(form.columns)
    rows = [row.rstrip("\r\n") for row in block]
    if separator == BLANKS:
        rows = [" ".join(row.split()) for row in rows]
    text = "\n".join(rows)
    if '"' in text or (keys.comment and f"\n{keys.comment}" in f"\n{text}"):
        return None
    more = rows[0].count(separator) + 1 - width
    if more > 0 and all(row.endswith(separator * more) for row in rows):
        rows = [row[:-more] for row in rows]
        text = "\n".join(rows)
    if {row.count(separator) for row in rows} != {width - 1}:
        return None
    filled = _filled(rows, text, separator)
    if decimal == ",":  # a dot in a number is then a fault
        filled = [row.replace(".", "\x01").replace(",", ".") for row in filled]
    try:
        values = np.loadtxt(filled, delimiter=separator, comments=None, usecols=numbers, ndmin=2).T
    except ValueError:
        return None
    values = without(values, keys.missing)
    if values.shape[1] != len(rows) or np.isinf(values).any():
        return None
    first = min(texts, default=width)  # they mostly stand at the end: split no more than that
    after = width - first
    fields = list(zip(*[row.rsplit(separator, after) for row in rows], strict=True))
    return values, {place: fields[place - max(first - 1, 0)] for place in texts}


def _filled(rows: list[str], text: str, separator: str) -> list[str]:
    """``text`` line by line, "nan" where a field is empty."""
    s = separator
    if s == BLANKS or not any(empty in f"\n{text}\n" for empty in (s + s, f"\n{s}", f"{s}\n")):
        return rows
    text = f"\n{text}\n".replace(s + s, f"{s}nan{s}").replace(s + s, f"{s}nan{s}")
    return text.replace(f"\n{s}", f"\nnan{s}").replace(f"{s}\n", f"{s}nan\n")[1:-1].split("\n")
