"""What every author of words is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from vqtext.cache.fingerprint import JSON, fingerprint
from vqtext.cache.hdf5 import open_artifact
from vqtext.data.features.vertical_velocity import SIGNS, direction_cells
from vqtext.data.locations import canonical, matches, sensed
from vqtext.errors import WordsError
from vqtext.prompts.checks import POSTURE, TRAVEL
from vqtext.schema import Channel, LabelWords, same_text

_STILL = "heart rate"  # what shows no motion
_INSTRUMENTS = {
    "acc": "accelerometer",
    "gyro": "gyroscope",
    "mag": "magnetometer",
    "hr": _STILL,
    "angle": "joint angle",
    "emg": "EMG (its motion is how active the muscle is)",
    "force": "force sensor (its motion is how fast the force changes)",
}
_TRAVELS = ("position", "velocity")


@dataclass(frozen=True)
class Data:
    """What is known of the data that words are written for.

    Attributes:
        dataset: name of the data set.
        labels: in the data's order.
        sensors: place → what is measured there, such as ``{"left ankle": ["accelerometer"]}``.
        hands: the dominant hands among the subjects; None, for not known, is always among them.
        rate_hz: samples a second.
        window_s: length of the windows in seconds; None where there are none to look at.
        feels: place → what its sensors tell beside motion: directions, `TRAVEL` in any, `POSTURE`.
    """

    dataset: str
    labels: list[str]
    sensors: dict[str, list[str]]
    hands: list[str | None]
    rate_hz: float
    window_s: float | None = None
    feels: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path | str) -> Data:
        """Out of windows.h5."""
        with open_artifact(path, "windows") as windows:
            attrs = windows.attrs
            length = windows["length"] if "length" in windows.names() else np.zeros(0)
        sensors: dict[str, list[str]] = {}
        for channel in attrs["channels"]:
            measured = sensors.setdefault(channel["location"], [])
            name = _INSTRUMENTS.get(channel["modality"], channel["modality"])
            if name not in measured:
                measured.append(name)
        return cls(
            dataset=attrs["dataset"],
            labels=attrs["labels"],
            sensors=sensors,
            hands=list(dict.fromkeys([None, *(subject.get("hand") for subject in attrs["subjects"])])),
            rate_hz=attrs["rate_hz"],
            window_s=float(np.median(length)) / attrs["rate_hz"] if len(length) else None,
            feels=_beside_motion([Channel(**channel) for channel in attrs["channels"]]),
        )

    @property
    def locations(self) -> list[str]:
        """Places that have a sensor."""
        return list(self.sensors)

    @property
    def moving(self) -> int:
        """Number of places that show motion."""
        return sum(measured != [_STILL] for measured in self.sensors.values())

    def fingerprint(self) -> str:
        """Of what words depend on. A model's prompt has rate and window length as well, but words that were
        paid for are not asked for anew because windows were cut again."""
        return fingerprint(self.dataset, self.labels, self.locations, self.hands)

    def has(self, location: str) -> bool:
        """Whether some sensor, on some subject, is one that a signature's ``location`` speaks of."""
        return any(matches(location, own, hand) for own in self.locations for hand in self.hands)

    def place(self, name: str) -> str | None:
        """How the data spells a location, "LeftAnkle" → "left ankle"; None where it has no sensor there."""
        return self._spelled.get(_same_place(name))

    def refuse_twins(self, labels: Iterable[str]) -> None:
        """Words must tell labels apart. Raises WordsError where one of ``labels`` shares its name."""
        for name in labels:
            for other in self.labels:
                if other != name and same_text(other) == same_text(name):
                    raise WordsError(
                        f"the labels {name!r} and {other!r} differ only in case or spaces, and no words can "
                        "tell them apart: give them one name in the data, or other names"
                    )

    @cached_property
    def _spelled(self) -> dict[str, str]:
        return {_same_place(location): location for location in self.locations}

    def sensed_share(self, words: LabelWords) -> float:
        """Share of a label's steps that the sensors can show: which of several wordings suits the data."""
        shown = [
            any(sensed(self.locations, step.body_part, step.side, hand) for hand in self.hands)
            for step in words.subactions
        ]
        return sum(shown) / len(shown)


def _beside_motion(channels: Sequence[Channel]) -> dict[str, list[str]]:
    """What the sensors of each place tell beside motion, where they tell anything."""
    cells: dict[str, list[str]] = {}
    for place, way in direction_cells(channels):
        cells.setdefault(place, []).extend(SIGNS[way])
    for place in cells:  # where up is known, so is how the place is held
        cells[place].append(POSTURE)
    for channel in channels:
        if channel.modality in _TRAVELS and TRAVEL not in cells.get(channel.location, ()):
            cells.setdefault(channel.location, []).append(TRAVEL)
    return cells


def _same_place(name: str) -> str:
    return canonical(name) or same_text(name)


@dataclass(frozen=True)
class Task:
    """What an author is to write.

    Attributes:
        labels: of the data, in its order.
        standing: words of the other labels, which stay as they are.
        again: labels to be asked for anew, though an earlier reply may be at hand.
    """

    data: Data
    labels: list[str]
    standing: Sequence[LabelWords] = ()
    again: Collection[str] = ()


@dataclass(frozen=True)
class Written:
    """What an author wrote.

    Attributes:
        words: by label.
        failed: label → why it has none, in one line.
        disagreed: label → signature cells left out because drafts did not agree.
        model, reply_format, drafts: how, as subactions.json has it; None where no model was asked.
    """

    words: dict[str, LabelWords]
    failed: dict[str, str] = field(default_factory=dict)
    disagreed: dict[str, int] = field(default_factory=dict)
    model: str | None = None
    reply_format: Literal["json_schema", "json_object", "text"] | None = None
    drafts: int | None = None


class Author(Protocol):
    """Whoever writes words."""

    def options(self) -> JSON:
        """The settings that matter to what it writes."""

    def knows(self, data: Data, label: str) -> bool:
        """Whether it can write the words of a label at all."""

    def write(self, task: Task) -> Written:
        """The words of the labels asked for.

        Raises:
            VQTextError: it can write none of them.
        """

    def plan(self, task: Task) -> dict[str, Any]:
        """What `write` would ask for, and ask nothing: calls, tokens, the first prompt."""
