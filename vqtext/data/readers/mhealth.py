"""MHEALTH (UCI): ten people, 12 activities, units on chest, right wrist and left ankle at 50 Hz.

``mHealth_subject1.log`` … ``mHealth_subject10.log``: 24 columns without time stamps. What is done with them:

- **Accelerations** are m/s2, gravity included.
- **Rotation rates** are deg/s by the set's readme, and become rad/s. Where the first subject never turns as
  fast as a person does, the numbers cannot be deg/s: a warning says so, they are kept as channels of unknown
  modality, and motion at ankle and wrist is read from the accelerations.
- **Magnetometers** are published in units of the local field, here 1.
- **ECG** (two leads, mV) is no motion and is left out.
- **Activity 0** is the null class, and no label: it is in no window.

Rows follow each other without a break. Facts of the subjects were not published, nor was a split. Windows are
5.12 s, half of one overlaps the next.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np

from vqtext.data.readers.base import FileReader
from vqtext.data.readers.columns import code_track
from vqtext.data.readers.tables import read_table
from vqtext.data.recordings.recording import Recording
from vqtext.schema import Channel, Subject

RATE_HZ = 50.0
COLUMNS = 24
MIN_TURN = 5.0
"""Rotation rate (deg/s) that one sample in a hundred exceeds by far where people walk, run and jump."""

LABELS = {
    1: "standing still",
    2: "sitting and relaxing",
    3: "lying down",
    4: "walking",
    5: "climbing stairs",
    6: "waist bends forward",
    7: "frontal elevation of arms",
    8: "knees bending",
    9: "cycling",
    10: "jogging",
    11: "running",
    12: "jump front and back",
}
"""Activities L1 to L12; 0 is the null class."""

SENSORS = (
    ("chest", "chest", "acc", 0),
    ("ankle", "left ankle", "acc", 5),
    ("ankle", "left ankle", "gyro", 8),
    ("ankle", "left ankle", "mag", 11),
    ("wrist", "right wrist", "acc", 14),
    ("wrist", "right wrist", "gyro", 17),
    ("wrist", "right wrist", "mag", 20),
)
"""Name, place, modality and x column, counted from 0; 3 and 4 are the ECG, 23 the activity."""
UNITS = {"acc": ("m/s2", 1.0), "gyro": ("rad/s", math.pi / 180), "mag": ("1", 1.0), "unknown": ("1", 1.0)}
"""Modality → unit, and the factor that leads to it."""

CHANNELS = tuple(
    Channel(f"{name}_{modality}_{axis}", location, modality, axis, UNITS[modality][0])
    for name, location, modality, _ in SENSORS
    for axis in "xyz"
)
_PLACES = [first + axis for _, _, _, first in SENSORS for axis in range(3)]
_TURNS = [place for place, channel in zip(_PLACES, CHANNELS, strict=True) if channel.modality == "gyro"]
WITHOUT_GYROSCOPES = tuple(
    replace(channel, modality="unknown", unit="1") if channel.modality == "gyro" else channel
    for channel in CHANNELS
)


class Mhealth(FileReader):
    """One recording a file."""

    dataset = "mhealth"
    window_s: ClassVar[float | None] = 5.12
    stride_s: ClassVar[float | None] = 2.56
    folders = ("MHEALTHDATASET",)
    example = "mHealth_subjectN.log of MHEALTH"

    def find(self) -> list[Path]:
        files = [file for file in self.root.glob("*.log") if re.fullmatch(r"mHealth_subject\d+", file.stem)]
        return sorted(files, key=_subject)

    def part(self, number: int) -> Iterator[Recording]:
        file = self.files[number]
        table = read_table(file, COLUMNS, keep=[*_PLACES, COLUMNS - 1])
        factors = [UNITS[channel.modality][1] for channel in self.channels]
        yield Recording(
            name=f"subject{_subject(file)}",
            signal=(table[:, :-1] * factors).T.astype(np.float32),
            rate_hz=RATE_HZ,
            channels=self.channels,
            label=code_track(table[:, -1], LABELS, file, column=COLUMNS),
            subject=Subject(str(_subject(file))),
        )

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """Of all files, by what the first one shows of its rotation rates."""
        file = self.files[0]
        turns = np.nan_to_num(read_table(file, COLUMNS, keep=_TURNS))
        fast = float(np.quantile(np.abs(turns), 0.99))
        if fast > MIN_TURN:
            return CHANNELS
        self.warn(
            f"{file}: rotation rates hardly exceed {fast:.3g}, which cannot be the deg/s of the readme: "
            "their unit is unknown, and motion at ankle and wrist is read from accelerations"
        )
        return WITHOUT_GYROSCOPES


def _subject(file: Path) -> int:
    """The N of ``mHealth_subjectN.log``."""
    return int(file.stem.removeprefix("mHealth_subject"))
