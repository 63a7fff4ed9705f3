"""``vqtext prepare --init``: a first ``dataset.toml``, from what is found in a folder."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache.publish import publish
from vqtext.data.own.channel_guess import Guess, guess, modalities_in
from vqtext.data.own.contents import CONTENTS, check_contents
from vqtext.data.own.name_patterns import label_pattern, subject_pattern
from vqtext.data.own.outline import Outline, columns_of, outline
from vqtext.data.text.fields import MISSING
from vqtext.errors import DataError, UsageError

_ENDINGS = (".csv", ".tsv", ".txt", ".dat", ".log", ".tab", ".data", ".parquet", ".gz", ".zip")
_LOOKED_AT = 4  # files that are read
_LABEL = re.compile(r"(?i).*(label|activit|class|behaviou?r|action|exercise|annotation|gesture).*|act|state")
_SUBJECT = re.compile(
    r"(?i).*(subject|participant|person|patient|proband|volunteer).*|(user|subj?|sbj)([ _-]?id)?|pid|sid"
)
_LEFT_OUT = re.compile(
    r"(?i)|id|index|unnamed.*|.*(battery|temperature|temp).*"
    r"|(packet|sample|frame|row|line)[ _]?(counter|count|number|no|n|index|id)?"
)
_MOST_LABELS = 60
_NO_RATE = 50.0


def init_dataset(folder: Path) -> dict[str, Any]:
    """Write ``dataset.toml``, and say what was found.

    Returns:
        ``file``; ``found`` and ``check``, lines for people; ``next``, a command.

    Raises:
        UsageError: there is no such folder, or it has a ``dataset.toml``.
        DataError: no file in it is a table of numbers.
    """
    target = folder / CONTENTS
    if not folder.is_dir():
        raise UsageError(f"--init {folder}: there is no such folder")
    if target.exists():
        raise UsageError(f"{target} is there already, and stays as it is; move it away for a new one")
    pattern, files, others = _recordings(folder)
    seen = {file: outline(file, file.relative_to(folder).as_posix()) for file in files[:_LOOKED_AT]}
    text, found, check = _written(folder, pattern, files, list(seen.items()))
    again = Counter(file.name for file in others)
    if several := [name for name, count in again.items() if count > 1]:
        check.append(
            f"{files[0].name} and {', '.join(several)} come in several folders: where each is a sensor's, "
            "say the file of each of [[channels]]; docs/own-data.md has examples"
        )
    elif others:
        check.append(
            f"recordings, since it matches {len(others)} files that hold something else: "
            f"{others[0].relative_to(folder)}, for one"
        )
    check_contents(tomllib.loads(text), str(target))
    with publish(target) as temp:
        temp.write_text(text, encoding="utf-8")
    return {
        "file": str(target),
        "found": found,
        "check": check,
        "next": f"vqtext prepare --data csv --path {shlex.quote(str(folder))}",
    }


def lines(answer: dict[str, Any]) -> list[str]:
    """For people."""
    return [
        f"wrote {answer['file']}",
        *answer["found"],
        *(f"check: {line}" for line in answer["check"]),
        f"next: correct the file by hand, then {answer['next']}",
    ]


def _recordings(folder: Path) -> tuple[str, list[Path], list[Path]]:
    """The pattern of the recordings, its files, and those of its files that are something else: the kind of
    table of which there is most."""
    kinds: dict[tuple[str, tuple[str, ...]], list[Path]] = {}
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.suffix.lower() not in _ENDINGS or file.name.startswith("."):
            continue
        try:
            names = columns_of(file, file.name)
        except DataError:
            continue
        kinds.setdefault((_ending(file), names), []).append(file)
    if not kinds:
        raise DataError(f"{folder}: no file in it is a table of numbers ({', '.join(_ENDINGS)})")
    (ending, _), files = max(  # sooner three axes than one number
        kinds.items(),
        key=lambda kind: (len(kind[0][1]) >= 3, sum(file.stat().st_size for file in kind[1])),
    )
    parents = {file.parent for file in files}
    inside = parents.pop().relative_to(folder).as_posix() if len(parents) == 1 else "**"
    pattern = f"*{ending}" if inside == "." else f"{inside}/*{ending}"
    return pattern, files, [file for file in sorted(folder.glob(pattern)) if file not in files]


def _ending(file: Path) -> str:
    """The endings of a name: ".csv.gz"."""
    return "".join(suffix for suffix in file.suffixes[-2:] if suffix.lower() in _ENDINGS)


@dataclass(frozen=True)
class _Origin:
    """Where the labels, or the subjects, of recordings come from: a column, else a pattern of their names.
    A column is a guess where its own name does not say so."""

    column: str | None
    pattern: str | None
    named: re.Pattern[str]

    @property
    def check(self) -> str:
        is_guess = self.column is not None and not self.named.fullmatch(self.column)
        return "  # check: by its values" if is_guess else ""


def _written(
    folder: Path, pattern: str, files: Sequence[Path], seen: Sequence[tuple[Path, Outline]]
) -> tuple[str, list[str], list[str]]:
    """The text, what was found and what is to be checked."""
    first = seen[0][1]
    names = [file.name for file in files]
    if len({file.parent for file in files}) > 1:
        names = [file.relative_to(folder).as_posix() for file in files]
    column = _label(seen)
    label = _Origin(column, None if column else label_pattern(names), _LABEL)
    column = _subject(first, label.column)
    subject = _Origin(column, None if column else subject_pattern(names), _SUBJECT)
    sensors = _sensors(seen, {label.column, subject.column})
    rates = [one.rate_hz for _, one in seen if one.rate_hz]
    rate_hz = Counter(rates).most_common(1)[0][0] if rates else _NO_RATE
    text = [
        '# Written by vqtext prepare --init: what is marked with "check" is a guess.',
        f"name = {_toml(folder.resolve().name or 'study')}",
        f"rate_hz = {rate_hz:g}" + ("" if rates else "  # check: no file says it"),
        f"recordings = {_toml(pattern)}",
        *_label_lines(label, seen),
        *_subject_lines(subject),
    ]
    if first.time is not None:
        text.append(f"time_column = {_toml(first.time)}" + "  # check: by its values" * first.is_headless)
        text += [f"time_unit = {_toml(first.unit)}  # check: by its steps"] if first.unit else []
    text += [line for sensor in sensors for line in _section(sensor)]
    found = [
        f"recordings: {len(files)}, {pattern}",
        *([f"written so: {', '.join(first.table.found)}"] if first.table.found else []),
        f"sensors: {len(sensors)}, channels: {sum(len(one.columns) for one in sensors)}, {rate_hz:g} Hz",
        f"time {first.time or 'by the order of the rows'}, "
        f"labels {label.column or label.pattern or 'not found'}, "
        f"subjects {subject.column or subject.pattern or 'not found'}",
    ]
    used = {first.time, label.column, subject.column, *(c for sensor in sensors for c in sensor.columns)}
    rest = [column for column in [*first.numbers, *first.words] if column not in used]
    found += [f"columns left out: {', '.join(rest)}"] if rest else []
    check = [] if rates else [f"rate_hz = {rate_hz:g}, since no file says it"]
    check += ["time_unit, guessed by its steps"] if first.unit and first.time is not None else []
    check += _to_check(label, subject, files, sensors)
    return "\n".join([*text, ""]), found, check


def _label_lines(label: _Origin, seen: Sequence[tuple[Path, Outline]]) -> Iterator[str]:
    if label.column is not None:
        yield f"label_column = {_toml(label.column)}{label.check}"
        words = {(word or "").strip() for _, one in seen for word in one.table.words.get(label.column, ())}
        if missing := sorted(word for word in words if word.lower() in MISSING):
            yield f"ignore_labels = {_toml(missing)}  # check: these rows are in no window"
    elif label.pattern is not None:
        yield f"label_pattern = {_toml(label.pattern)}  # check: matched with the file's name or path"
    else:
        yield '# label_column = "…", label_pattern = "…" for the file\'s name or path, or [intervals]'


def _subject_lines(subject: _Origin) -> Iterator[str]:
    if subject.column is not None:
        yield f"subject_column = {_toml(subject.column)}{subject.check}"
    elif subject.pattern is not None:
        yield f"subject_pattern = {_toml(subject.pattern)}  # check: matched with the file's name or path"
    else:
        yield '# subject_column = "…", or subject_pattern = "…" for the file\'s name or path'


def _to_check(
    label: _Origin, subject: _Origin, files: Sequence[Path], sensors: Sequence[Guess]
) -> Iterator[str]:
    for what, origin in (("label", label), ("subject", subject)):
        if origin.check:
            yield f"{what}_column, guessed by its values"
    if label.pattern:
        yield "label_pattern, guessed by the names of files"
    elif label.column is None:
        yield "where labels come from, since no column has a few words that come again"
    if subject.column is None and subject.pattern is None:
        yield "subject_column or subject_pattern, since nothing says who wore the sensors"
    if len(modalities_in([file.name for file in files])) > 1:
        yield "files of several sensors, by their names: say the file of each of [[channels]]"
    doubts = Counter(doubt for sensor in sensors for doubt in sensor.doubts)
    yield from (f"{doubt}, guessed for {count} of {len(sensors)}" for doubt, count in doubts.items())


def _label(seen: Sequence[tuple[Path, Outline]]) -> str | None:
    """The column of labels: by its name, else one of a few words, or of a few whole numbers, that come in
    long stretches."""
    first = seen[0][1]
    named = [c for c in [*first.words, *first.numbers] if _LABEL.fullmatch(c)]
    if named:
        return named[0]
    fitting = [c for c in first.words if not _SUBJECT.fullmatch(c) and _in_stretches(seen, c)]
    if not fitting and first.is_headless:
        fitting = [c for c in first.numbers[::-1] if _are_codes(first, c)]
    return fitting[0] if fitting else None


def _subject(first: Outline, label: str | None) -> str | None:
    """The column of subjects: by its name, or the one column of codes that is none of labels."""
    named = [c for c in [*first.words, *first.numbers] if _SUBJECT.fullmatch(c)]
    if named or not first.is_headless:
        return named[0] if named else None
    codes = [c for c in first.numbers if c != label and _are_codes(first, c, 1)]
    return codes[0] if len(codes) == 1 else None


def _in_stretches(seen: Sequence[tuple[Path, Outline]], column: str) -> bool:
    words = [one.table.words[column] for _, one in seen if column in one.table.words]
    changes = sum(a != b for own in words for a, b in pairwise(own))
    different = {word for own in words for word in own if word}
    return 1 < len(different) <= _MOST_LABELS and changes < sum(map(len, words)) / 20


def _are_codes(one: Outline, column: str, least: int = 2) -> bool:
    """Whole numbers, at least so many different ones, in long stretches."""
    values = one.table.signal[one.numbers.index(column)]
    changes = np.count_nonzero(np.diff(values))
    return bool(
        (values == np.round(values)).all()
        and least <= len(np.unique(values)) <= _MOST_LABELS
        and changes < len(values) / 20
    )


def _sensors(seen: Sequence[tuple[Path, Outline]], taken: set[str | None]) -> list[Guess]:
    first = seen[0][1]
    columns = [c for c in first.numbers if c not in taken and not _LEFT_OUT.fullmatch(c)]
    columns = columns or [c for c in first.numbers if c not in taken]
    if not columns:
        there = ", ".join([*first.numbers, *first.words]) or "none whose name stands once"
        raise DataError(
            f"{seen[0][0]}: no column of numbers beside time, labels and subjects; columns: {there}; a "
            f"{CONTENTS} by hand may say skip_rows and column_names"
        )
    tables = [one for _, one in seen if set(columns) <= set(one.numbers)]
    signal = np.concatenate(
        [one.table.signal[[one.numbers.index(c) for c in columns]] for one in tables], axis=1
    )
    return guess(columns, signal, [file.name.split(".")[0] for file, _ in seen])


def _section(sensor: Guess) -> Iterator[str]:
    def check(what: str) -> str:
        return "  # check" if what in sensor.doubts else ""

    yield "[[channels]]"
    if len(sensor.columns) == 1:
        yield f"column = {_toml(sensor.columns[0])}"
    else:
        yield f"columns = {_toml(list(sensor.columns))}"
    yield f"location = {_toml(sensor.location)}{check('location')}"
    yield f"modality = {_toml(sensor.modality)}{check('modality')}"
    if len(sensor.columns) == 1:
        yield f"axis = {_toml(sensor.axes[0])}"
    elif sensor.axes != ("x", "y", "z"):
        yield f"axes = {_toml(list(sensor.axes))}"
    yield f"unit = {_toml(sensor.unit)}{check('unit')}"
    if sensor.scale is not None:
        yield f"scale = {sensor.scale!r}  # check: counts, of which gravity is {1 / sensor.scale:g}"
    if not sensor.gravity and sensor.modality == "acc":
        yield "gravity = false  # check: it does not seem to be in it"


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
