"""``dataset.toml``: what the columns of own data mean.

Its keys stand in `vqtext.data.own.csv_folder`. Whatever is wrong with it is one line that names the key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from vqtext.data.readers.tables import not_utf8
from vqtext.data.recordings.time_stamped import Repeated
from vqtext.data.recordings.units import conversion
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.file_keys import Section as _Section
from vqtext.errors import DataError
from vqtext.schema import same_subject

CONTENTS = "dataset.toml"


class ChannelEntry(_Section):
    """One ``[[channels]]``: a column of numbers; times ``scale`` they are in ``unit``. ``gravity`` may be
    for accelerometers only."""

    column: str
    location: str
    modality: str
    axis: str
    unit: str
    scale: float | None = None
    gravity: bool | None = None
    file: str | None = None
    rate_hz: float | None = Field(default=None, gt=0)
    time_column: str | None = None


class Facts(_Section):
    """What is known of a subject, ``[subjects.ID]``."""

    age: float | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    sex: str | None = None
    hand: Literal["left", "right"] | None = None


class IntervalsEntry(_Section):
    """Where labels stand as a start, a stop and a word, ``[intervals]``; see `vqtext.data.own.intervals`."""

    files: str = Field(min_length=1)
    start: str | None = None
    stop: str | None = None
    duration: str | None = None
    label: str | None = None
    recording: str | None = None
    unit: Literal["s", "ms", "us", "ns", "samples"] | None = None
    clock: Literal["start", "stamps"] | None = None
    overlap: Literal["error", "later"] = "error"


class Contents(FileKeys):
    """The whole file."""

    name: str = Field(min_length=1)
    rate_hz: float = Field(gt=0)
    recordings: str = Field(min_length=1)
    recording_pattern: str | None = None
    label_column: str | None = None
    label_pattern: str | None = None
    intervals: IntervalsEntry | None = None
    label_names: dict[str, str] = Field(default={})
    ignore_labels: list[str] = Field(default=[])
    subject_column: str | None = None
    subject_pattern: str | None = None
    truth_column: str | None = None
    repeated_times: Repeated = "keep_first"
    exact_subjects: bool = False
    channels: list[ChannelEntry] = Field(min_length=1)
    subjects: dict[str, Facts] = Field(default={})

    @property
    def is_labelled(self) -> bool:
        """Whether it says where labels come from."""
        return self.label_column is not None or self.label_pattern is not None or self.intervals is not None

    @property
    def is_joined(self) -> bool:
        """Whether recordings are put together out of files, each at a rate of its own."""
        return any(channel.file is not None or channel.rate_hz is not None for channel in self.channels)

    def same_subject(self, identity: str) -> str:
        """What the spellings of one person have in common."""
        return identity.strip() if self.exact_subjects else same_subject(identity)

    @property
    def numbers(self) -> list[str]:
        """Columns of numbers: the channels."""
        return [channel.column for channel in self.channels]

    @property
    def words(self) -> list[str]:
        """Columns of words."""
        wanted = (self.label_column, self.subject_column, self.truth_column)
        return [column for column in wanted if column is not None]


def read_contents(file: Path) -> Contents:
    """The file, checked.

    Raises:
        DataError: it is missing, no UTF-8, no TOML, or a key or value in it is wrong.
    """
    if not file.is_file():
        raise DataError(f"{file} is missing: it says what the columns mean, see vqtext prepare --help")
    text = file.read_bytes()
    if b"\0" in text:
        raise not_utf8(file, text)
    try:
        return check_contents(tomllib.loads(text.decode("utf-8-sig")), str(file))
    except UnicodeDecodeError as error:
        raise not_utf8(file, text) from error
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file} is not TOML: {error}") from error


def check_contents(values: Mapping[str, Any], where: str) -> Contents:
    """What such a file says, as plain data.

    Args:
        given: keys as in the file.
        where: what an error calls it.

    Raises:
        DataError: an unknown or missing key, or a value that it cannot have.
    """
    try:
        channels = {"channels": _expanded(values["channels"])} if "channels" in values else {}
        contents = Contents.model_validate({**values, **channels})
    except ValidationError as error:
        raise DataError(f"{where}: {_explained(error)}") from error
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    units: dict[tuple[str, str], str] = {}
    for channel in contents.channels:
        try:
            unit, _ = conversion(channel.modality, channel.unit)
        except DataError as error:
            raise DataError(f"{where}: channel {channel.column!r}: {error}") from error
        if (other := units.setdefault((channel.location, channel.modality), unit)) != unit:
            raise DataError(
                f"{where}: channel {channel.column!r}: unit {channel.unit!r}, but {channel.modality} of "
                f"{channel.location!r} is in {other} before: all channels of one sensor need one kind of unit"
            )
        if channel.scale == 0:
            raise DataError(f"{where}: channel {channel.column!r}: with a scale of 0 nothing is left of it")
        if channel.gravity is not None and channel.modality != "acc":
            raise DataError(
                f"{where}: channel {channel.column!r}: gravity is for acc, not for {channel.modality}"
            )
        columns = [(other.column, other.file) for other in contents.channels]
        if columns.count((channel.column, channel.file)) > 1:
            raise DataError(f"{where}: two channels are column {channel.column!r}")
    _check_facts(contents, where)
    _check_files(contents, where)
    _check_one_source(contents, where)
    _check_pattern("subject_pattern", contents.subject_pattern, "around the subject", where)
    _check_pattern("label_pattern", contents.label_pattern, "around the label", where)
    _check_pattern("recording_pattern", contents.recording_pattern, None, where)
    return contents


def _check_facts(contents: Contents, where: str) -> None:
    seen: dict[str, str] = {}
    for name in contents.subjects:
        other = seen.setdefault(contents.same_subject(name), name)
        if other != name:
            raise DataError(
                f"{where}: [subjects.{other}] and [subjects.{name}] are one person; keep one of them, or say "
                "exact_subjects = true"
            )


def _check_files(contents: Contents, where: str) -> None:
    """Channels of one file have one clock and one rate."""
    known: dict[str | None, ChannelEntry] = {}
    for channel in contents.channels:
        first = known.setdefault(channel.file, channel)
        for key in ("rate_hz", "time_column"):
            if getattr(first, key) != getattr(channel, key):
                raise DataError(
                    f"{where}: channels {first.column!r} and {channel.column!r} are in the same file but "
                    f"have another {key}"
                )
    if None in known and len(known) > 1:
        raise DataError(f"{where}: channel {known[None].column!r} lacks a file, other channels have one")
    if None in known and known[None].time_column is not None:
        raise DataError(f"{where}: channel {known[None].column!r}: a time_column of its own needs a file")
    if None in known and contents.recording_pattern is not None:
        raise DataError(f"{where}: recording_pattern joins files: say the file of each of [[channels]]")


def _expanded(channels: Any) -> Any:
    """Each ``columns = […]`` of a ``[[channels]]`` as one channel a column; ``axes`` are x, y and z."""
    if not isinstance(channels, list):
        return channels
    entries: list[Any] = []
    for entry in channels:
        if not isinstance(entry, Mapping) or not isinstance(entry.get("columns"), list):
            entries.append(entry)
            continue
        rest = {key: value for key, value in entry.items() if key not in ("columns", "axes")}
        columns, axes = entry["columns"], entry.get("axes", ["x", "y", "z"])
        if not isinstance(axes, list) or len(axes) != len(columns):
            raise DataError(f"channels {columns}: say axes = […], one for each of the {len(columns)} columns")
        entries += [
            {**rest, "column": column, "axis": axis} for column, axis in zip(columns, axes, strict=True)
        ]
    return entries


def _check_one_source(contents: Contents, where: str) -> None:
    if contents.subject_pattern is not None and contents.subject_column is not None:
        raise DataError(f"{where}: subject_column or subject_pattern, not both")
    keys = {
        "label_column": contents.label_column,
        "label_pattern": contents.label_pattern,
        "[intervals]": contents.intervals,
    }
    sources = [name for name, value in keys.items() if value is not None]
    if len(sources) > 1:
        raise DataError(f"{where}: {' or '.join(sources)}: labels come from one of them")
    entry = contents.intervals
    if entry is not None and (entry.unit, entry.clock) == ("samples", "stamps"):
        raise DataError(f"{where}: intervals in samples are counted from the start, not in stamps")


def _check_pattern(key: str, pattern: str | None, what: str | None, where: str) -> None:
    """``what`` stands in the one pair of brackets; where it is None there may be several."""
    if pattern is None:
        return
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise DataError(f"{where}: {key} is not a regular expression: {error}") from error
    if what is None and not groups:
        raise DataError(f"{where}: {key} needs brackets around what the files of a recording have in common")
    if what is not None and groups != 1:
        raise DataError(f"{where}: {key} needs one pair of brackets, {what}")


def _explained(error: ValidationError) -> str:
    """One problem in words: an unknown key, with the nearest right name, before what it may have caused."""
    problems = error.errors(include_url=False)
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    where = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        inner: dict[str, type[_Section]] = {
            "channels": ChannelEntry,
            "subjects": Facts,
            "intervals": IntervalsEntry,
        }
        model = inner[where[0]] if len(where) > 1 else Contents
        near = difflib.get_close_matches(where[-1], model.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(model.model_fields)}"
        return f"unknown key {'.'.join(where)!r}: {hint}"
    if problem["type"] == "missing":
        return f"{'.'.join(where)!r} is missing"
    if problem["type"] == "too_short" and where == ["channels"]:
        return "'channels' is empty: one [[channels]] for each column of numbers"
    return f"{'.'.join(where)!r}: {problem['msg']}"
