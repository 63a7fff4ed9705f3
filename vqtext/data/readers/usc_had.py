"""USC-HAD: fourteen people, 12 activities, one unit at the front of the right hip at 100 Hz.

``Subject1/a1t1.mat`` …: activity 1, trial 1, in MATLAB's format. What is done with them:

- **sensor_readings** are accelerations in g, here m/s2, gravity included, and rotation rates in deg/s, here
  rad/s.
- **Activity**: ``activity_number``, which some files spell ``activity_numbr``; where both are missing, the
  number in the file's name. Where field and name differ, the field counts and a warning says so.
- **Subject**: the folder's number, or the field ``subject`` where files lie in no such folder. Age, height
  and weight are those of the subject's first file.

Each file is one trial of one activity, without a break. There is no null class and no split. Windows are
5.12 s, half of one overlaps the next.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vqtext.data.readers.base import FileReader, Warn
from vqtext.data.recordings.recording import Recording
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

RATE_HZ = 100.0
G = 9.80665

LABELS = {
    1: "walking forward",
    2: "walking left",
    3: "walking right",
    4: "walking upstairs",
    5: "walking downstairs",
    6: "running forward",
    7: "jumping up",
    8: "sitting",
    9: "standing",
    10: "sleeping",
    11: "elevator up",
    12: "elevator down",
}
SENSORS = {"acc": ("m/s2", G), "gyro": ("rad/s", math.pi / 180)}
"""Modality → unit, and the factor that leads to it."""
CHANNELS = tuple(
    Channel(f"{modality}_{axis}", "right hip", modality, axis, unit)
    for modality, (unit, _) in SENSORS.items()
    for axis in "xyz"
)
_FACTORS = np.repeat([factor for _, factor in SENSORS.values()], 3)[:, None]


class UscHad(FileReader):
    """One recording a file."""

    dataset = "usc_had"
    window_s: ClassVar[float | None] = 5.12
    stride_s: ClassVar[float | None] = 2.56
    folders = ("USC-HAD",)
    example = "SubjectN/aAtT.mat of USC-HAD"

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.subjects: dict[Path, Subject] = {}

    def find(self) -> list[Path]:
        files = self.root.rglob("*.mat")
        return sorted((file for file in files if re.fullmatch(r"a\d+t\d+", file.stem)), key=_order)

    def part(self, number: int) -> Iterator[Recording]:
        file = self.files[number]
        fields = _load(file)
        signal = np.asarray(fields.get("sensor_readings", []))
        if signal.ndim != 2 or signal.shape[1] != len(CHANNELS) or not np.issubdtype(signal.dtype, np.number):
            raise DataError(f"{file}: sensor_readings are not rows of {len(CHANNELS)} numbers")
        named = int(re.findall(r"\d+", file.stem)[0])
        written = _number(fields, "activity_number", "activity_numbr")
        activity = named if written is None else int(written)
        if activity not in LABELS:
            raise DataError(f"{file}: activity {activity} is none of 1 to {len(LABELS)}")
        if activity != named:
            self.warn(
                f"{file}: activity_number is {activity} ({LABELS[activity]}), which counts, not {named}"
            )
        yield Recording(
            name=file.relative_to(self.root).with_suffix("").as_posix(),
            signal=(signal.T * _FACTORS).astype(np.float32),
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            label=LABELS[activity],
            subject=self._subject(file.parent),
        )

    def _subject(self, folder: Path) -> Subject:
        """Who the files of a folder are of."""
        if folder not in self.subjects:
            file = next(file for file in self.files if file.parent == folder)
            fields = _load(file)
            number = _folder(file) or _number(fields, "subject")
            if number is None:
                raise DataError(f"{file}: neither a folder SubjectN nor a field 'subject' says who that is")
            age, height, weight = (_number(fields, name) for name in ("age", "height", "weight"))
            self.subjects[folder] = Subject(str(int(number)), age, height, weight)
        return self.subjects[folder]


def _folder(file: Path) -> int | None:
    """The N of its folder ``SubjectN``."""
    match = re.fullmatch(r"subject\D*(\d+)", file.parent.name, re.IGNORECASE)
    return int(match[1]) if match else None


def _order(file: Path) -> tuple[Any, ...]:
    return (_folder(file) or 0, file.parent, *map(int, re.findall(r"\d+", file.stem)))


def _load(file: Path) -> dict[str, Any]:
    from scipy.io import loadmat

    try:
        fields: dict[str, Any] = loadmat(file)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}") from error
    except NotImplementedError as error:
        raise DataError(f"{file} is of MATLAB 7.3: save it again with -v7") from error
    except Exception as error:  # scipy raises a dozen kinds for bytes that are no MATLAB file
        raise DataError(f"{file} is not a readable .mat file: damaged, cut off or of another kind") from error
    return fields


def _number(fields: Mapping[str, Any], *names: str) -> float | None:
    """The number in the first of these fields that is there; MATLAB strings such as "170cm" hold one too."""
    for name in names:
        match = re.search(r"\d+(\.\d+)?", str(np.squeeze(fields.get(name, ""))))
        if match:
            return float(match[0])
    return None
