"""Daily and Sports Activities (UCI): 8 people, 19 activities, five inertial units at 25 Hz.

``data/aAA/pP/sSS.txt`` holds 5 seconds: 125 rows of 45 comma-separated numbers. The files of one activity
and person are one continuous recording, published in pieces; a missing number leaves a gap. Units sit on
torso, arms and legs, that is chest, wrists and knees. Accelerations hold gravity; the magnetometers are
normalised to the earth's field, so their unit is 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vqtext.data.readers.base import Reader, Warn, data_folder, stamps
from vqtext.data.readers.tables import read_table
from vqtext.data.recordings.recording import Recording
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

RATE_HZ = 25.0
ROWS = 125

LABELS = (
    "sitting",
    "standing",
    "lying on back",
    "lying on right side",
    "ascending stairs",
    "descending stairs",
    "standing in an elevator",
    "moving around in an elevator",
    "walking in a parking lot",
    "walking on a treadmill flat",
    "walking on a treadmill inclined",
    "running on a treadmill",
    "exercising on a stepper",
    "exercising on a cross trainer",
    "cycling on an exercise bike horizontal",
    "cycling on an exercise bike vertical",
    "rowing",
    "jumping",
    "playing basketball",
)
"""Activities a01 to a19."""

LOCATIONS = ("chest", "right wrist", "left wrist", "right knee", "left knee")
CHANNELS = tuple(
    Channel(f"{location.replace(' ', '_')}_{modality}_{axis}", location, modality, axis, unit)
    for location in LOCATIONS
    for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"), ("mag", "1"))
    for axis in "xyz"
)


class Dsads(Reader):
    """One recording for each activity and subject; 5-second windows are the published segments."""

    dataset = "dsads"
    window_s: ClassVar[float | None] = 5.0

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.root = data_folder(path, "dsads", "data")
        self.segments = _segments(self.root)
        self.parts = len(self.segments)

    def part(self, number: int) -> Iterator[Recording]:
        (activity, person), files = list(self.segments.items())[number]
        jumps = np.flatnonzero(np.diff(list(files)) != 1) + 1
        yield Recording(
            name=f"a{activity:02d}/p{person}",
            signal=np.concatenate([_read(file) for file in files.values()]).T.astype(np.float32),
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            label=LABELS[activity - 1],
            subject=Subject(str(person)),
            breaks=tuple(int(jump) * ROWS for jump in jumps),
        )

    def fingerprint(self) -> Any:
        return stamps((file for files in self.segments.values() for file in files.values()), self.root)


def _segments(root: Path) -> dict[tuple[int, int], dict[int, Path]]:
    """(activity, person) → segment number → file, all in order."""
    files: dict[tuple[int, int], dict[int, Path]] = {}
    for file in root.glob("a*/p*/s*.txt"):
        numbers = re.fullmatch(r"a(\d+)/p(\d+)/s(\d+)\.txt", file.relative_to(root).as_posix())
        if numbers:
            activity, person, segment = map(int, numbers.groups())
            files.setdefault((activity, person), {})[segment] = file
    if not files:
        raise DataError(f"{root}: no file aAA/pP/sSS.txt of Daily and Sports Activities")
    unknown = [activity for activity, _ in files if not 1 <= activity <= len(LABELS)]
    if unknown:
        raise DataError(f"{root}: activity a{unknown[0]:02d}; this data set has a01 to a{len(LABELS)}")
    return {key: dict(sorted(files[key].items())) for key in sorted(files)}


def _read(file: Path) -> np.ndarray:
    """One segment, ``(125, 45)``."""
    values = read_table(file, len(CHANNELS), separator=",")
    if len(values) != ROWS:
        raise DataError(f"{file}: {len(values)} rows × {len(CHANNELS)} columns, not {ROWS} × {len(CHANNELS)}")
    return values
