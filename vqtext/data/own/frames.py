"""pandas DataFrames as a folder of own data, that `vqtext.data.own.csv_folder` reads.

Frames are gone with their process; the folder stays, so that ``windows.h5`` can be made again. Text loses
nothing: Python writes the shortest digits that give the same number back.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from vqtext.data.own.contents import CONTENTS, Contents, check_contents
from vqtext.data.own.groups import Group
from vqtext.data.own.own_recordings import recordings_of_rows
from vqtext.data.own.own_rows import rows_of
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.frame_tables import read_frame
from vqtext.data.text.own_table import OwnTable
from vqtext.errors import DataError
from vqtext.schema import is_frame

RECORDINGS = "*.csv"


def frame_contents(values: Mapping[str, Any]) -> Contents:
    """What a ``dataset.toml`` says, given as a dict; ``recordings`` may be left out.

    Raises:
        DataError: as `vqtext.data.own.contents.check_contents`.
    """
    if not isinstance(values, Mapping):
        raise DataError(f"contents: a {type(values).__name__}, not a dict of what a dataset.toml says")
    contents = check_contents({**values, "recordings": RECORDINGS}, "contents")
    if contents.label_pattern or contents.intervals or contents.is_joined:
        raise DataError(
            "contents: label_pattern, [intervals] and several files a recording are for files; a frame holds "
            "all of a recording, and its labels in a column: label_column"
        )
    if contents.label_column is None:
        raise DataError("contents: 'label_column' is missing")
    return contents


def write_frames(folder: Path, frames: Any, contents: Contents, recording_column: str | None) -> None:
    """Write the folder, one file a recording.

    Args:
        folder: an empty folder.
        frames, recording_column: as `vqtext.prepare_frames`.

    Raises:
        DataError: what ``vqtext prepare`` would find wrong with the same rows, or two recordings of one name;
            names the recording, row and column.
    """
    written = _as_written(contents)
    (folder / CONTENTS).write_text(_toml(written), encoding="utf-8")
    kind = "frame" if recording_column is None else "recording"
    for name, frame, lines in _recordings(frames, recording_column):
        file = folder / f"{name}.csv"
        if not _can_name_a_file(name):
            raise DataError(f"{kind} {name!r}: this cannot be the name of a file; give it another")
        if file.exists():
            raise DataError(f"two recordings are named {name!r}")
        where = f"{kind} {name}"
        table = read_frame(frame, where, contents.numbers, contents.words, lines, contents, contents.rate_hz)
        rows, group = rows_of(table, where, contents), Group(where, (file.name,))
        for _ in recordings_of_rows(rows, group, contents, None):
            pass  # errors come now, and name rows of the frame
        _write(file, table, written)


def _as_written(contents: Contents) -> Contents:
    """The contents of the folder: one plain form, whatever that of the frames is."""
    plain = {key: field.get_default() for key, field in FileKeys.model_fields.items()}
    plain["header"] = True
    if contents.times:
        plain |= {"time_column": " ".join(contents.times), "time_unit": "s"}
    return contents.model_copy(update=plain)


def _can_name_a_file(name: str) -> bool:
    """On any system, and inside the folder."""
    is_short = 0 < len(name) <= 60
    return is_short and name.isprintable() and name[0] != "." and not set(name) & set('/\\:*?"<>|')


def _recordings(frames: Any, recording_column: str | None) -> Iterator[tuple[str, Any, list[int] | None]]:
    """Name, frame and, where it is a part of one, the rows of each recording, counted from 1."""
    for name, frame in _named(frames):
        if not is_frame(frame):
            raise DataError(f"frame {name}: a {type(frame).__name__}, not a pandas DataFrame")
        if recording_column is None:
            yield name, frame, None
            continue
        (named,) = read_frame(frame, f"frame {name}", [], [recording_column]).words.values()
        if None in named:
            row = named.index(None) + 1
            raise DataError(f"frame {name}, row {row}, column {recording_column!r}: an empty name")
        rows: dict[str, list[int]] = {}
        for i, recording in enumerate(named):
            rows.setdefault(str(recording).strip(), []).append(i)
        for recording, places in rows.items():
            yield recording, frame.iloc[places], [i + 1 for i in places]


def _named(frames: Any) -> Iterable[tuple[str, Any]]:
    """Each frame with its name; a list is numbered such that the files keep its order."""
    if isinstance(frames, Mapping):
        named = [(str(name), frame) for name, frame in frames.items()]
    elif isinstance(frames, list | tuple):
        named = [(f"{i:06}", frame) for i, frame in enumerate(frames)]
    else:
        named = [("recording", frames)]
    if not named:
        raise DataError("there are no frames")
    return named


def _write(file: Path, table: OwnTable, contents: Contents) -> None:
    """The columns that matter; one that is both number and word stands once, as a word."""
    columns = {
        column: ["" if math.isnan(value) else repr(value) for value in values]
        for column, values in zip(contents.numbers, table.signal.tolist(), strict=True)
    }
    if table.times is not None:
        start = table.start_s or 0.0
        columns[contents.times[0]] = [
            "" if math.isnan(time) else repr(start + time) for time in table.times.tolist()
        ]
    for column in contents.words:
        columns[column] = ["" if word is None else word for word in table.words[column]]
    with file.open("w", encoding="utf-8", newline="") as text:
        out = csv.writer(text)
        out.writerow(columns)
        out.writerows(zip(*columns.values(), strict=True))


def _toml(contents: Contents) -> str:
    """The contents as a file. Strings, numbers, booleans and lists of them are in JSON as in TOML."""
    plain = contents.model_dump(exclude_defaults=True)
    channels, subjects = plain.pop("channels"), plain.pop("subjects", {})
    names = plain.pop("label_names", {})
    sections = [("", plain), *(("[[channels]]", channel) for channel in channels)]
    sections += [("[label_names]", names)] if names else []
    sections += [(f"[subjects.{_json(name)}]", facts) for name, facts in subjects.items()]
    lines = []
    for title, keys in sections:
        lines += [title, *(f"{_json(key)} = {_json(value)}" for key, value in keys.items())]
    return "\n".join([*lines, ""])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
