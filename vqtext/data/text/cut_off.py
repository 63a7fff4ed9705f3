"""The last row of a file whose writing was stopped: a full disk, an empty battery, a pulled plug."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from vqtext.data.text.fields import MISSING, like_number
from vqtext.data.text.text_rows import TextFormat, split, without_end


def is_cut_off(
    lines: Sequence[str], form: TextFormat, numbers: Collection[int], words: Collection[int]
) -> bool:
    """Is the last of these lines a row that was not written to its end?

    It has no line end, and too few fields, or a last one that is no number where there should be one, or only
    the beginning of the word that stands in the row before it. Some loggers leave NULs behind.

    Args:
        lines: the last of a file, or of a part of it.
        numbers, words: the places of the columns that matter.
    """
    row = lines[-1]
    if row.endswith(("\n", "\r")) or not row.strip():
        return False
    _, nul, rest = row.partition("\0")
    if nul and not rest.strip("\0"):
        return True
    last = len(form.columns) - 1
    fields = split(without_end(row, form.line_end), form.separator)
    if len(fields) <= last or row.count('"') % 2 == 1:
        return True
    if last in numbers:
        return fields[last].strip().lower() not in MISSING and not like_number(fields[last])
    earlier = split(without_end(lines[-2], form.line_end), form.separator) if len(lines) > 1 else []
    if last not in words or len(earlier) <= last:
        return False
    return len(fields[last]) < len(earlier[last]) and earlier[last].startswith(fields[last])
