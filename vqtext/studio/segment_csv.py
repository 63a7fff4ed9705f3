"""Segments as CSV, in and out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict

from vqtext.errors import DataError
from vqtext.studio.segments import FOUND, Read, Segment, left_out, seconds_of, segment

NEEDED = ("recording", "start_s", "end_s", "label", "phrase")


def to_csv(segments: Iterable[Segment]) -> str:
    """A line a segment, with a head of the names of `Segment`."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*NEEDED, "confidence", "source"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(one) for one in segments)
    return out.getvalue()


def from_csv(text: str) -> Read:
    """Segments out of a CSV with columns recording, start_s, end_s, label and phrase, split by commas,
    semicolons or tabs. Lines whose column ``source`` says "found" are left out.

    Raises:
        DataError: it is no such CSV; the message says in which line.
    """
    text = text.removeprefix("\ufeff")
    head = text.partition("\n")[0]
    try:
        rows = csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
        names = rows.fieldnames or ()
        if lacking := [name for name in NEEDED if name not in names]:
            raise DataError(f"line 1 must name the columns {', '.join(NEEDED)}: there is no {lacking[0]}")
        read, found = [], 0
        for row in rows:
            where = f"line {rows.line_num}"
            if row.get("source") == FOUND:
                found += 1
                continue
            if any(row[name] is None for name in NEEDED) or None in row:
                raise DataError(f"{where} has not one value for each column of line 1")
            start, end = (seconds_of(row[name], f"{where}, {name}") for name in ("start_s", "end_s"))
            read.append(segment(row["recording"], start, end, row["label"], row["phrase"], where))
    except csv.Error as error:
        raise DataError(f"line {rows.line_num}: not CSV ({error})") from None
    return Read(tuple(read), left_out({"lines that were found, not said by a person": found}))
