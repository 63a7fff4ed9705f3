"""Rows of own data → recordings, one for each stretch of one subject."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from vqtext.data.locations import canonical
from vqtext.data.own.contents import Contents, Facts
from vqtext.data.own.groups import Group, matched
from vqtext.data.own.intervals import Intervals
from vqtext.data.own.own_rows import Rows, first_spelling, label_word, regular
from vqtext.data.recordings.findings import WarnOnce
from vqtext.data.recordings.recording import Recording, Track
from vqtext.data.recordings.units import conversion
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject


def recordings_of_rows(
    rows: Rows,
    group: Group,
    contents: Contents,
    intervals: Intervals | None,
    warn_once: WarnOnce = lambda kind, text: None,
) -> Iterator[Recording]:
    """Rows as recordings: one, or one for each stretch of rows of one subject.

    Args:
        rows: of one file, or of all files of a recording.
        group: what the recording is called, and the names of its files.
        intervals: where labels come from, if not from ``rows`` or names; None where there are none.
        warn_once: takes what was wrong with time stamps and what was done.

    Raises:
        DataError: time stamps are wrong, or names say no subject or label.
    """
    name = group.name
    channels, factors = channels_of(contents)
    rows = replace(rows, signal=(rows.signal * factors[:, None]).astype(np.float32))
    subjects = _subjects(rows, group, contents, warn_once)
    several = len(set(subjects)) > 1
    if several and intervals is not None:
        raise DataError(f"{name}: intervals are of a file with one subject, and this one has several")
    word = _label(rows, group, contents)
    start = 0
    for part, (subject, own) in enumerate(groupby(subjects)):
        stop = start + sum(1 for _ in own)
        piece = _between(rows, start, stop)
        signal, index, breaks = regular(piece, contents.rate_hz, name, contents, warn_once)
        if intervals is not None:
            times = np.arange(signal.shape[1]) / contents.rate_hz + _lost(breaks, signal.shape[1])
            label = intervals.track(name, subject, times, rows.first, contents.rate_hz)
        else:
            labels = piece.labels or [word] * (stop - start)
            label = Track.of([labels[i] for i in index])
        yield Recording(
            name=f"{name}#{part}" if several else name,
            signal=signal.astype(np.float32),
            rate_hz=contents.rate_hz,
            channels=channels,
            label=label,
            subject=None if subject is None else _subject(subject, contents),
            truth=None if piece.truth is None else Track.of([piece.truth[i] for i in index]),
            breaks=tuple(breaks),
            lost_s=tuple(breaks.values()),
        )
        start = stop


def _between(rows: Rows, start: int, stop: int) -> Rows:
    columns = {name: getattr(rows, name) for name in ("labels", "truth", "times", "lines")}
    parts = {name: values[start:stop] for name, values in columns.items() if values is not None}
    return replace(rows, signal=rows.signal[:, start:stop], **parts)


def _lost(breaks: dict[int, float], length: int) -> np.ndarray:
    """Seconds that were lost before each sample, ``(T,)``."""
    lost = np.zeros(length)
    for at, seconds in breaks.items():
        lost[at:] += seconds
    return lost


def _label(rows: Rows, group: Group, contents: Contents) -> str | None:
    """The label of all rows; None where they have labels of their own, or none."""
    if contents.label_pattern is not None:
        word = matched(contents.label_pattern, "label_pattern", group.paths, group.name)
        return label_word(word, contents, group.name)
    if contents.label_column is not None and rows.labels is None:
        raise DataError(f"{group.name}: none of its files has a column {contents.label_column!r}")
    return None


def channels_of(contents: Contents) -> tuple[tuple[Channel, ...], np.ndarray]:
    """Metadata of the channels, and the factors that lead to their units, ``(C,)``."""
    channels, factors = [], []
    for entry in contents.channels:
        unit, factor = conversion(entry.modality, entry.unit)
        location = canonical(entry.location) or entry.location
        has_gravity = entry.gravity is not False
        axis = entry.axis.lower() if entry.axis.lower() in ("x", "y", "z") else entry.axis
        name = entry.column.strip()
        if [other.column.strip() for other in contents.channels].count(name) > 1:
            name = f"{entry.file}:{name}"
        channels.append(Channel(name, location, entry.modality, axis, unit, has_gravity))
        factors.append(factor if entry.scale is None else factor * entry.scale)
    return tuple(channels), np.array(factors)


def _subjects(rows: Rows, group: Group, contents: Contents, warn_once: WarnOnce) -> Sequence[str | None]:
    """The subject of each row. Rows without one are of the only person whom the others name."""
    if rows.subjects is not None:
        known = first_spelling(rows.subjects, group.name, contents, warn_once)
        people = list(dict.fromkeys(known.values()))
        only = people[0] if len(people) == 1 else None
        if None in rows.subjects and people:
            at = f"{group.name}, row {rows.lines[rows.subjects.index(None)]}"
            fate = f"taken for those of {only!r}" if only else "nobody's, and cut off from the others"
            warn_once(
                "recordings with empty subjects",
                f"{at}: {rows.subjects.count(None)} rows without a subject are {fate}",
            )
        return [only if subject is None else known[subject] for subject in rows.subjects]
    if contents.subject_column is not None:
        raise DataError(f"{group.name}: none of its files has a column {contents.subject_column!r}")
    subject = None
    if contents.subject_pattern is not None:
        subject = matched(contents.subject_pattern, "subject_pattern", group.paths, group.name)
    return [subject] * len(rows.lines)


def _subject(identity: str, contents: Contents) -> Subject:
    same = contents.same_subject
    known = {same(name): facts for name, facts in contents.subjects.items()}
    return Subject(identity, **known.get(same(identity), Facts()).model_dump())
