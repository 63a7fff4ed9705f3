"""The keys of ``dataset.toml`` that say how its files are written; what is left out is found."""

from __future__ import annotations

import codecs
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

BLANKS = " "
"""As a separator: any run of blanks and tabs."""
_SEPARATOR_NAMES = {"tab": "\t", "whitespace": BLANKS}


class Section(BaseModel):
    """A part of the file in which every key is known."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True, allow_inf_nan=False)


class FileKeys(Section):
    """How text files are written, and what their time stamps mean.

    Attributes:
        separator: one character, "tab" or "whitespace".
        decimal: what stands before the fraction of a number.
        skip_rows: lines passed over at the top.
        header: whether the first line after them names the columns; without one they are "1", "2", ….
        column_names: names of the columns, where there is no header.
        comment: lines that begin so are passed over.
        missing: words for a missing sample, besides the usual ones.
        encoding: of the characters, by its name in Python.
        first_rows: what the first lines hold, as Empatica's E4 writes them.
        time_column, time_columns: one column of time stamps, or several that are joined with a blank.
        time_unit: of stamps that are numbers; "iso" and "hms" for those that are text.
        time_format: of stamps that are text, as in Python's ``strptime``.
    """

    separator: str | None = None
    decimal: Literal[".", ","] | None = None
    skip_rows: int | None = Field(default=None, ge=0)
    header: bool | None = None
    column_names: list[str] | None = Field(default=None, min_length=1)
    comment: str | None = Field(default=None, min_length=1)
    missing: list[str] = Field(default=[])
    encoding: str | None = None
    first_rows: list[Literal["start", "rate"]] | None = None
    time_column: str | None = None
    time_columns: list[str] | None = Field(default=None, min_length=1)
    time_unit: Literal["days", "s", "ms", "us", "100ns", "ns", "iso", "hms"] | None = None
    time_format: str | None = Field(default=None, min_length=1)

    @property
    def times(self) -> list[str]:
        """The columns of the time stamp."""
        return self.time_columns or ([] if self.time_column is None else [self.time_column])

    @field_validator("separator")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        value = value if value is None else _SEPARATOR_NAMES.get(value, value)
        if value is not None and (len(value) != 1 or value in '"\r\n'):
            raise PydanticCustomError("separator", 'one character, "tab" or "whitespace"')
        return value

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        try:
            return value if value is None else codecs.lookup(value).name
        except LookupError:
            raise PydanticCustomError("encoding", "Python knows no such encoding; cp1252, for one") from None

    @model_validator(mode="after")
    def _one_of_two(self) -> Any:
        if self.time_column is not None and self.time_columns is not None:
            raise PydanticCustomError("time", "time_column or time_columns, not both")
        if self.time_unit is not None and self.time_format is not None:
            raise PydanticCustomError("time", "time_unit or time_format, not both")
        if self.column_names is not None and self.header:
            raise PydanticCustomError(
                "header", "column_names are for files without a header; skip_rows = 1 passes over one"
            )
        if self.separator is not None and self.separator == self.decimal:
            raise PydanticCustomError("decimal", "separator and decimal are one character")
        return self
