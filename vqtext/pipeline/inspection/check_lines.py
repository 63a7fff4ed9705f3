"""Written words held against found ones, for people: how many are right, which are in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from vqtext.console.text import cut_short, table

MAX_LINES = 20  # doubtful rows that people are shown, beside those that the data contradict

Row = Mapping[str, Any]
"""A use of a sub-action with ``label, phrase, written`` and ``found``, None where nothing was; ``rejected``
where the training windows are clearly likelier without it."""


STEP_HEADER = ("label", "step", "time", "lasts", "sure")


def step_rows(steps: Iterable[Row]) -> list[tuple[str, ...]]:
    """The cells of ``steps`` of ``vqtext preview`` under `STEP_HEADER`."""
    return [
        (
            step["label"],
            step["phrase"],
            f"{100 * step['time']:.0f} %",
            "–" if step["seconds"] is None else f"{step['seconds']:.2f} s",
            "–" if step["sure"] is None else f"{step['sure']:.2f}",
        )
        for step in steps
    ]


def written_lines(
    rows: Sequence[Row],
    what: str,
    heading: Sequence[str],
    cells_of: Callable[[Row], Sequence[str]],
    notes: Sequence[str] = (),
) -> list[str]:
    """How many of the rows are found as written, and a table of those that are not, or that the data
    contradict; nothing where there are no rows.

    Args:
        what: the rows are, in the plural.
        heading: of the columns after label and sub-action; cells_of: what stands in them.
        notes: lines before the table.
    """
    if not rows:
        return []
    right = sum(row["found"] == row["written"] for row in rows)
    lines = [f"{right} of {len(rows)} written {what} are what is found", *notes]
    contradicted = [row for row in rows if row.get("rejected")]
    doubtful = [row for row in rows if row["found"] not in (None, row["written"]) and row not in contradicted]
    some = [*contradicted, *doubtful[:MAX_LINES]]
    if not some:
        return lines
    head = ("label", "sub-action", *heading)
    shown = [(cut_short(row["label"], 30), cut_short(row["phrase"], 50), *cells_of(row)) for row in some]
    if contradicted:
        head = (*head, "by the data")
        marks = ["contradicted" if row.get("rejected") else "" for row in some]
        shown = [(*cells, mark) for cells, mark in zip(shown, marks, strict=True)]
    more = [f"and {len(doubtful) - MAX_LINES} more, in --json"] if len(doubtful) > MAX_LINES else []
    return [*lines, *table([head, *shown]), *more]
