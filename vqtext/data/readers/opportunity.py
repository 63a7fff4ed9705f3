"""Opportunity (UCI): four people in a kitchen, sensors all over the body, at 30 Hz.

``S1-ADL1.dat`` … ``S4-ADL5.dat`` and ``S1-Drill.dat`` … hold 250 numbers a row; ``column_names.txt`` of the
data set says which. What is done with them:

- **Channels** are those worn on the body that hold both acceleration and rotation: the five units of the
  jacket (back, upper arms, forearms) and the two shoes, and the accelerometer on the hip, which is the only
  one there. The other eleven wireless accelerometers doubled the jacket or lost too much; quaternions, Euler
  angles and the shoes' room-frame columns are computed from the rest; the magnetic columns have no published
  unit. Sensors on objects and in the room are not worn, and left out.
- **Units**: published accelerations are milli g, here m/s2. Rotation rates are published as 1000 times what
  the unit gave, of unknown unit ("mm/s" for the shoes); these makes of units give rad/s, and they are taken
  as mrad/s. The jacket and the hip hold gravity; for the shoes it is not published.
- **Lost samples** are NaN.
- **Time** is the first column, in ms: where more than a second is lost, the recording has a break.
- **Labels** are the mode of locomotion (column 244): stand, walk, sit, lie; 0 is none and in no window. The
  gesture of both arms (column 250) is given as truth, for measuring only.
- **Split**: none. The published challenge and the papers after it hold out different runs.

The side of the hip sensor was not published, nor were facts of the subjects.
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
from vqtext.schema import Channel, Subject

RATE_HZ = 30.0
COLUMNS = 250
TIME, LOCOMOTION, GESTURE = 1, 244, 250  # columns, counted from 1 as published

LABELS = {1: "stand", 2: "walk", 4: "sit", 5: "lie"}
GESTURES = {
    406516: "open door 1",
    406517: "open door 2",
    404516: "close door 1",
    404517: "close door 2",
    406520: "open fridge",
    404520: "close fridge",
    406505: "open dishwasher",
    404505: "close dishwasher",
    406519: "open drawer 1",
    404519: "close drawer 1",
    406511: "open drawer 2",
    404511: "close drawer 2",
    406508: "open drawer 3",
    404508: "close drawer 3",
    408512: "clean table",
    407521: "drink from cup",
    405506: "toggle switch",
}

SENSORS = (
    ("hip", "hip", {"acc": 5}),
    ("back", "upper back", {"acc": 38, "gyro": 41}),
    ("rua", "right upper arm", {"acc": 51, "gyro": 54}),
    ("rla", "right forearm", {"acc": 64, "gyro": 67}),
    ("lua", "left upper arm", {"acc": 77, "gyro": 80}),
    ("lla", "left forearm", {"acc": 90, "gyro": 93}),
    ("l_shoe", "left foot", {"acc": 109, "gyro": 112}),
    ("r_shoe", "right foot", {"acc": 125, "gyro": 128}),
)
"""Name, where it sits, and the x column of each modality, counted from 1 as published."""
UNITS = {"acc": ("m/s2", 9.80665 / 1000), "gyro": ("rad/s", 1 / 1000)}
CHANNELS = tuple(
    Channel(f"{name}_{modality}_{axis}", location, modality, axis, UNITS[modality][0])
    for name, location, columns in SENSORS
    for modality in columns
    for axis in "xyz"
)
_PLACES = [first + axis - 1 for *_, columns in SENSORS for first in columns.values() for axis in range(3)]
_FACTORS = np.array([UNITS[channel.modality][1] for channel in CHANNELS])


class Opportunity(FileReader):
    """One recording a run."""

    dataset = "opportunity"
    window_s: ClassVar[float | None] = 2.0
    stride_s: ClassVar[float | None] = 1.0
    folders = ("OpportunityUCIDataset/dataset", "dataset")
    example = "S1-ADL1.dat … S4-Drill.dat of Opportunity"

    def find(self) -> list[Path]:
        files = sorted(self.root.glob("S*-*.dat"))
        return [file for file in files if re.fullmatch(r"S[1-4]-(ADL[1-5]|Drill)", file.stem)]

    def part(self, number: int) -> Iterator[Recording]:
        file = self.files[number]
        table = read_table(file, COLUMNS, keep=[TIME - 1, LOCOMOTION - 1, GESTURE - 1, *_PLACES])
        recording = Recording(
            name=file.stem,
            signal=(table[:, 3:] * _FACTORS).T.astype(np.float32),
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            label=code_track(table[:, 1], LABELS, file, LOCOMOTION),
            subject=Subject(file.stem[1]),
            truth=code_track(table[:, 2], GESTURES, file, GESTURE),
        )
        yield on_time(recording, table[:, 0] / 1000, self.log.warn_once, str(file))
