"""PAMAP2 (UCI): nine people, 18 activities, three inertial units and a heart-rate belt at 100 Hz.

``Protocol/subject101.dat`` … and, where they are present, ``Optional/subject101.dat`` …: 54 numbers a row.
What is done with them:

- **Accelerations** are those of the ±16 g sensor, gravity included. The ±6 g columns saturate in running and
  jumping and were never calibrated, so they are left out; so are temperature and the orientation columns,
  which the authors call invalid.
- **Heart rate** comes about nine times a second, NaN in between: straight lines join the readings up to
  `HEART_S` apart; a longer pause, and what lies before the first reading and after the last, stays missing.
- **Lost samples** of the wireless units are NaN.
- **Time** is the first column: where more than a second is lost, the recording has a break.
- **Activity 0** is the way from one activity to the next, and no label: it is in no window.
- **Places**: the units sit on the wrist and the ankle of the dominant side and on the chest, the belt on the
  chest. "dominant" becomes left or right with the subject's hand, which is published with age, height, weight
  and sex.

Windows are 5.12 s, as published, and half of one overlaps the next. There is no own split.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np

from vqtext.data.readers.base import FileReader
from vqtext.data.readers.columns import code_track
from vqtext.data.readers.tables import read_table
from vqtext.data.recordings.grid import on_time
from vqtext.data.recordings.recording import Recording
from vqtext.data.recordings.resample import fill
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

RATE_HZ = 100.0
HEART_S = 2.0
COLUMNS = 54

LABELS = {
    1: "lying",
    2: "sitting",
    3: "standing",
    4: "walking",
    5: "running",
    6: "cycling",
    7: "Nordic walking",
    9: "watching TV",
    10: "computer work",
    11: "car driving",
    12: "ascending stairs",
    13: "descending stairs",
    16: "vacuum cleaning",
    17: "ironing",
    18: "folding laundry",
    19: "house cleaning",
    20: "playing soccer",
    24: "rope jumping",
}
"""Activity ids as published; 0 is transient."""

UNITS = {"hand": ("dominant wrist", 3), "chest": ("chest", 20), "ankle": ("dominant ankle", 37)}
"""Published name of a unit → where it sits, and its first column, its temperature."""
SENSORS = {"acc": ("m/s2", 1), "gyro": ("rad/s", 7), "mag": ("uT", 10)}
"""Modality → unit, and its x column counted from the temperature; the ±6 g accelerations are 4 to 6."""

CHANNELS = (
    *(
        Channel(f"{name}_{modality}_{axis}", location, modality, axis, unit)
        for name, (location, _) in UNITS.items()
        for modality, (unit, _) in SENSORS.items()
        for axis in "xyz"
    ),
    Channel("heart_rate", "chest", "hr", "none", "bpm"),
)
_PLACES = [
    first + offset + axis
    for _, first in UNITS.values()
    for _, offset in SENSORS.values()
    for axis in range(3)
]

SUBJECTS = {
    "101": Subject("101", age=27, height_cm=182, weight_kg=83, sex="male", hand="right"),
    "102": Subject("102", age=25, height_cm=169, weight_kg=78, sex="female", hand="right"),
    "103": Subject("103", age=31, height_cm=187, weight_kg=92, sex="male", hand="right"),
    "104": Subject("104", age=24, height_cm=194, weight_kg=95, sex="male", hand="right"),
    "105": Subject("105", age=26, height_cm=180, weight_kg=73, sex="male", hand="right"),
    "106": Subject("106", age=26, height_cm=183, weight_kg=69, sex="male", hand="right"),
    "107": Subject("107", age=23, height_cm=173, weight_kg=86, sex="male", hand="right"),
    "108": Subject("108", age=32, height_cm=179, weight_kg=87, sex="male", hand="left"),
    "109": Subject("109", age=31, height_cm=168, weight_kg=65, sex="male", hand="right"),
}
"""The published table of participants."""


class Pamap2(FileReader):
    """One recording a file."""

    dataset = "pamap2"
    window_s: ClassVar[float | None] = 5.12
    stride_s: ClassVar[float | None] = 2.56
    folders = ("PAMAP2_Dataset",)
    example = "Protocol/subject1NN.dat of PAMAP2"

    def find(self) -> list[Path]:
        folders = [self.root / "Protocol", self.root / "Optional"]
        if not folders[0].is_dir():
            folders = [self.root]
        return [file for folder in folders for file in sorted(folder.glob("subject*.dat"))]

    def part(self, number: int) -> Iterator[Recording]:
        file = self.files[number]
        match = re.fullmatch(r"subject(\d+)", file.stem)
        if match is None or match[1] not in SUBJECTS:
            raise DataError(f"{file}: PAMAP2 has subjects 101 to 109")
        # time, activity, heart rate, then what the channels hold
        table = read_table(file, COLUMNS, keep=[0, 1, 2, *_PLACES])
        signal = table[:, [*range(3, table.shape[1]), 2]].T.astype(np.float32)
        signal[-1:] = fill(signal[-1:], longest=round(HEART_S * RATE_HZ))
        recording = Recording(
            name=file.relative_to(self.root).with_suffix("").as_posix(),
            signal=signal,
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            label=code_track(table[:, 1], LABELS, file, column=2),
            subject=SUBJECTS[match[1]],
        )
        yield on_time(recording, table[:, 0], self.log.warn_once, str(file))
