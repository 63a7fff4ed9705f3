"""``dataset.toml``: what the columns of own data mean.

The file's keys stand in `vqtext.data.csv`. Whatever is wrong with it is one line that names the key.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vqtext.data.grid import Repeated
from vqtext.data.tables import not_utf8
from vqtext.data.units import conversion
from vqtext.errors import DataError
from vqtext.schema import same_subject

CONTENTS = "dataset.toml"


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False)


class ChannelEntry(_Section):
    """One ``[[channels]]``: a column of numbers; times ``scale`` they are in ``unit``. ``gravity`` may be
    said of accelerometers only."""

    column: str
    location: str
    modality: str
    axis: str
    unit: str
    scale: float | None = None
    gravity: bool | None = None


class Facts(_Section):
    """What is known of a subject, ``[subjects.ID]``."""

    age: float | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    sex: str | None = None
    hand: Literal["left", "right"] | None = None


class Contents(_Section):
    """The whole file."""

    name: str = Field(min_length=1)
    rate_hz: float = Field(gt=0)
    recordings: str = Field(min_length=1)
    label_column: str
    time_column: str | None = None
    subject_column: str | None = None
    subject_pattern: str | None = None
    truth_column: str | None = None
    repeated_times: Repeated = "keep_first"
    exact_subjects: bool = False
    channels: list[ChannelEntry] = Field(min_length=1)
    subjects: dict[str, Facts] = {}

    def same_subject(self, identity: str) -> str:
        """What the spellings of one person have in common."""
        return identity.strip() if self.exact_subjects else same_subject(identity)

    @property
    def numbers(self) -> list[str]:
        """Columns of numbers: the channels, then the time if there is one."""
        return [channel.column for channel in self.channels] + [
            column for column in (self.time_column,) if column is not None
        ]

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


def check_contents(given: Mapping[str, Any], where: str) -> Contents:
    """What such a file says, as plain data.

    Args:
        given: keys as in the file.
        where: what an error calls it.

    Raises:
        DataError: an unknown or missing key, or a value that it cannot have.
    """
    try:
        contents = Contents.model_validate(given)
    except ValidationError as error:
        raise DataError(f"{where}: {_explained(error)}") from error
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
                f"{where}: channel {channel.column!r}: gravity is said of acc, not of {channel.modality}"
            )
        if [other.column for other in contents.channels].count(channel.column) > 1:
            raise DataError(f"{where}: two channels are column {channel.column!r}")
    _check_subjects(contents, where)
    _check_facts(contents, where)
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


def _check_subjects(contents: Contents, where: str) -> None:
    if contents.subject_pattern is None:
        return
    if contents.subject_column is not None:
        raise DataError(f"{where}: subject_column or subject_pattern, not both")
    try:
        groups = re.compile(contents.subject_pattern).groups
    except re.error as error:
        raise DataError(f"{where}: subject_pattern is not a regular expression: {error}") from error
    if groups != 1:
        raise DataError(f"{where}: subject_pattern needs one pair of brackets, around the subject")


def _explained(error: ValidationError) -> str:
    """One problem in words: an unknown key, with the nearest right name, before what it may have caused."""
    problems = error.errors(include_url=False)
    problem = next((one for one in problems if one["type"] == "extra_forbidden"), problems[0])
    where = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        inner: dict[str, type[_Section]] = {"channels": ChannelEntry, "subjects": Facts}
        model = inner[where[0]] if len(where) > 1 else Contents
        near = difflib.get_close_matches(where[-1], model.model_fields, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(model.model_fields)}"
        return f"unknown key {'.'.join(where)!r}: {hint}"
    if problem["type"] == "missing":
        return f"{'.'.join(where)!r} is missing"
    if problem["type"] == "too_short" and where == ["channels"]:
        return "'channels' is empty: one [[channels]] for each column of numbers"
    return f"{'.'.join(where)!r}: {problem['msg']}"
