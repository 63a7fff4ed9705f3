"""The vocabulary every part shares: channels, sensors, subjects, rows, and the words of ``subactions.json``.

A leaf module: it imports nothing of the package, so that ``data``, ``cache`` and ``model`` can agree on
these words without importing each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

USUAL_S = 0.3
"""Seconds that a step of usual length lasts, as long as nothing is known of it."""

MIN_SAMPLES = 2
"""A shorter step has no borders that a signal could show."""

MOTIONS = ("still", "slight", "moderate", "strong")
"""Motion levels of a signature, from none to most."""

Motion = Literal["still", "slight", "moderate", "strong"]
Lasts = Literal["brief", "usual", "long"]
Side = Literal["left", "right", "both", "either", "none"]
Direction = Literal[
    "up", "down", "forward", "backward", "left", "right", "in", "out", "turn left", "turn right", "none"
]
OTHER_SIDE = {"left": "right", "right": "left"}
Posture = Literal[
    "upright",
    "leaning forward",
    "leaning backward",
    "leaning left",
    "leaning right",
    "lying face up",
    "lying face down",
    "lying on the left side",
    "lying on the right side",
    "upside down",
]


def same_text(text: str) -> str:
    """What two spellings of one phrase have in common: Unicode form, case and spaces are ignored."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def is_frame(given: object) -> bool:
    """Whether it is a pandas DataFrame, or one that works as they do; pandas need not be installed."""
    return hasattr(given, "columns") and hasattr(given, "iloc")


def has_dates(frame: Any) -> bool:
    """Whether the index of a frame is of dates or durations."""
    return frame.index.dtype.kind in "mM"


def same_subject(identity: str) -> str:
    """What the spellings of one person have in common: case, spaces, what cannot be seen, leading zeros and
    the ".0" that a spreadsheet adds are ignored, so that "P01", "p1" and "P 1" are one, and so are "3", "03"
    and "3.0"."""
    text = unicodedata.normalize("NFKC", identity).casefold()
    text = "".join(character for character in text if character.isprintable() and character != " ")
    return re.sub(r"(?<![\d.])0+(?=\d)", "", re.sub(r"(?<![\d.,])(\d+)[.,]0+$", r"\1", text))


@dataclass(frozen=True)
class Channel:
    """One sensor axis.

    ``location`` is a canonical name of ``data/locations.toml`` ("left ankle", "wrist", "dominant wrist");
    ``modality`` and ``unit`` are acc in m/s2, gyro in rad/s, mag in uT, hr in bpm, position in m, velocity in
    m/s, angle in rad, force in N, emg in uV, or unknown; a unit that is not known is 1. ``gravity``: an
    accelerometer measures gravity, as all do unless it was removed afterwards.
    """

    name: str
    location: str
    modality: str
    axis: str
    unit: str
    gravity: bool = True

    def to_dict(self) -> dict[str, str | bool]:
        return asdict(self)


_NOT_WORN = ("position", "velocity", "angle", "force", "emg")
"""Modalities whose axes do not turn with how a sensor was put on."""


@dataclass(frozen=True)
class Sensor:
    """A worn sensor that measures in all directions, those of its own axes.

    Attributes:
        location, modality: of its channels.
        axes: places of its channels x, y and z.
        upright: an accelerometer that measures gravity, and so shows where up is.
    """

    location: str
    modality: str
    axes: tuple[int, int, int]
    upright: bool


def earlier(kinds: Sequence[Hashable]) -> list[int]:
    """Of each, how many that are the same came before."""
    seen: Counter[Hashable] = Counter()
    counts = []
    for kind in kinds:
        counts.append(seen[kind])
        seen[kind] += 1
    return counts


def sensors(channels: Sequence[Channel]) -> list[Sensor]:
    """The worn sensors of C channels that have all three axes, in the order of their first channels."""
    axes_of: dict[tuple[str, str], dict[str, int]] = {}
    for i, channel in enumerate(channels):
        if channel.modality in _NOT_WORN:
            continue
        axes_of.setdefault((channel.location, channel.modality), {}).setdefault(channel.axis, i)
    complete = {key: (at["x"], at["y"], at["z"]) for key, at in axes_of.items() if {"x", "y", "z"} <= set(at)}
    return [
        Sensor(location, modality, axes, modality == "acc" and all(channels[i].gravity for i in axes))
        for (location, modality), axes in complete.items()
    ]


@dataclass(frozen=True)
class Subject:
    """What is known of a person; every fact may be missing."""

    id: str
    age: float | None = None
    height_cm: float | None = None
    weight_kg: float | None = None
    sex: str | None = None
    hand: str | None = None  # the dominant hand: "left" or "right"

    def to_dict(self) -> dict[str, str | float | None]:
        return asdict(self)


class Rows(Protocol):
    """An array along whose first axis one may take rows: one in memory, or one in a file that is read when
    rows are taken (`vqtext.cache.rows`)."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, index: Any, /) -> Any:
        """Rows, by a place, a slice, a mask or an array of places; what follows it counts inside a row."""


class _Words(BaseModel):
    """Base of the models of ``subactions.json``: an unknown key is a typing error, not an extension."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Cell(_Words):
    """What one body location does while a sub-action happens; a missing part is unknown.

    ``posture`` is how the place itself is held, beside how it is held when the person stands upright: the
    thigh of somebody who sits has its front up, and so lies face up.
    """

    motion: Motion | None = None
    direction: Direction | None = None
    posture: Posture | None = None


class SubAction(_Words):
    """A short movement phrase of a label, in English for the encoder. Only ``phrase`` is required.

    ``display`` is what people are shown instead, in the language of the file. ``lasts`` compares it with the
    other sub-actions of its label: brief is less than half as long, long twice. ``side`` is "either"
    where one side moves and it may be any of the two.
    """

    phrase: str = Field(min_length=1)
    display: str | None = None
    opposite: str | None = None
    paraphrases: list[str] | None = None
    body_part: str | None = None
    side: Side | None = None
    direction: Direction | None = None
    lasts: Lasts | None = None
    signature: dict[str, Cell] | None = None


class LabelWords(_Words):
    """The words of one label: what it is called, how a sentence says it, and its ordered sub-actions."""

    label: str = Field(min_length=1)
    display: str | None = None
    keyword: str | None = None
    sentence: str | None = None
    paraphrases: list[str] | None = None
    cyclic: bool | None = None
    subactions: list[SubAction] = Field(min_length=1)


class SubActions(_Words):
    """The whole of ``subactions.json``."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    language: str = "en"
    provider: str = "builtin"
    model: str | None = None
    reply_format: Literal["json_schema", "json_object", "text"] | None = None  # what the server understood
    drafts: int | None = None
    disagreed: int | None = None  # signature cells left out because the drafts did not agree
    labels: list[LabelWords]


def order_of(steps: Sequence[tuple[int, float]], cyclic: bool) -> tuple[tuple[int, float], ...]:
    """Steps in an order that does not depend on where a cycle is said to begin: no chain of steps tells two
    labels with the same one apart.

    Args:
        steps: anchor and written duration of each, in order.
    """
    steps = tuple(steps)
    return min(steps[i:] + steps[:i] for i in range(len(steps))) if cyclic and steps else steps
