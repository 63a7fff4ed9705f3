"""The rows of own data: what stands in a table, and what the names of its files say of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vqtext.data.own.contents import CONTENTS, Contents
from vqtext.data.recordings.findings import ReadLog, WarnOnce
from vqtext.data.recordings.grid import on_grid
from vqtext.data.text.frame_tables import read_parquet
from vqtext.data.text.own_table import OwnTable
from vqtext.data.text.own_tables import read_csv
from vqtext.errors import DataError


@dataclass(frozen=True)
class Rows:
    """n rows, in the order they stand in.

    Attributes:
        signal: the channels' columns, ``(C, n) float64``, in the units of the file; NaN is missing.
        labels: the label of each, None where it is in no window; None altogether where no column says them.
        truth: as ``labels``.
        subjects: who each row is of; None altogether where no column says it.
        times: seconds since the first stamp, ``(n,)``; None where rows are a period apart.
        first: the first stamp in seconds, of whatever clock; None where there is none.
        lines: what an error calls each row.
        breaks: where rows are a period apart: the first row after each break in time → seconds that are lost.
    """

    signal: np.ndarray
    labels: list[str | None] | None
    truth: list[str | None] | None
    subjects: list[str | None] | None
    times: np.ndarray | None
    first: float | None
    lines: Sequence[int]
    breaks: dict[int, float] = field(default_factory=dict)


def read_table(file: Path, name: str, contents: Contents, log: ReadLog) -> OwnTable:
    """One file; errors as `vqtext.data.text.own_tables.read_csv`."""
    read = read_parquet if file.suffix == ".parquet" else read_csv
    table = read(file, name, contents.numbers, contents.words, contents, contents.rate_hz)
    log.notes.add(", ".join(table.found), name)
    for line in table.left_out:
        log.left_out.add(line, name)
    return table


def rows_of(table: OwnTable, name: str, contents: Contents) -> Rows:
    """What the columns say.

    Args:
        name: what errors call the table.

    Raises:
        DataError: a row has no label, or one that ``label_names`` does not name.
    """
    labels = table.words.get(contents.label_column or "")
    truth = table.words.get(contents.truth_column or "")
    return Rows(
        signal=table.signal,
        labels=None if labels is None else _labels(labels, contents, name, table.lines),
        truth=None if truth is None else [word and word.strip() for word in truth],
        subjects=table.words.get(contents.subject_column or ""),
        times=table.times,
        first=table.start_s,
        lines=table.lines,
    )


def regular(
    rows: Rows, rate_hz: float, name: str, contents: Contents, warn_once: WarnOnce
) -> tuple[np.ndarray, np.ndarray, dict[int, float]]:
    """Rows on a grid: signal, the row nearest to each sample, and breaks, as `on_grid`."""
    if rows.times is None:
        return rows.signal, np.arange(rows.signal.shape[1]), rows.breaks
    grid = on_grid(rows.signal, rows.times, rate_hz, name, rows.lines, contents.repeated_times).report(
        warn_once
    )
    return grid.signal, grid.rows, grid.breaks


def first_spelling(
    subjects: Iterable[str | None], name: str, contents: Contents, warn_once: WarnOnce
) -> dict[str, str]:
    """Each of the subjects as that person is called first."""
    people: dict[str, list[str]] = {}
    for subject in dict.fromkeys(subjects):
        if subject is not None:
            people.setdefault(contents.same_subject(subject), []).append(subject)
    for spelled in people.values():
        if len(spelled) > 1:
            warn_once(
                "recordings in which one person is spelled in several ways",
                f"{name}: subjects {', '.join(map(repr, spelled))} are one person, {spelled[0]!r} "
                f"(exact_subjects = true in {CONTENTS} keeps them apart)",
            )
    return {subject: spelled[0] for spelled in people.values() for subject in spelled}


def label_word(word: str, contents: Contents, where: str) -> str | None:
    """A label as windows have it: trimmed, and named by ``label_names``; None where it is to be ignored.

    Args:
        where: what an error calls the place it stands in.

    Raises:
        DataError: it is empty, or no name of ``label_names``.
    """
    ignored = {label.strip() for label in contents.ignore_labels}
    word = word.strip()
    if word in ignored:
        return None
    if not word:
        raise DataError(f'{where}: an empty label; ignore_labels = [""] in {CONTENTS} leaves such rows out')
    if contents.label_names and word not in contents.label_names:
        raise DataError(
            f"{where}: label {word!r} has no name: give it one in [label_names], or leave it out with "
            f"ignore_labels = [{json.dumps(word, ensure_ascii=False)}]"
        )
    named = contents.label_names.get(word, word).strip()
    return None if named in ignored else named


def _labels(words: list[str | None], contents: Contents, name: str, lines: Sequence[int]) -> list[str | None]:
    """A column of labels, named."""
    known: dict[str | None, str | None] = {}
    for word in dict.fromkeys(words):
        at = f"{name}, row {lines[words.index(word)]}, column {contents.label_column!r}"
        known[word] = label_word(word or "", contents, at)
    return [known[word] for word in words]
