"""Healthy gait with foot-level truth (Voisard and others, IPOL 2023, doi 10.5201/ipol.2023.497).

Each trial: stand, walk, turn round, walk back, stand, at 100 Hz with one unit on each foot and one on the
lower back. ``GaitData/S-T_{lf,rf,lb}.txt`` hold the sensors and ``S-T.json`` the person and the annotations.
Three things that are easy to get wrong:

- Packets were lost, differently by each sensor, so rows are not time: ``PacketCounter`` is, and the
  annotations count in it. Rows taken for time put the feet out of step with each other and with the truth.
  A lost packet is a missing sample.
- The event lists hold spurious swings outside ``TrialBoundaries``, where the person stands: they are cut.
- Where both feet are said to swing at once while walking (a few samples), the truth is unknown.

Windows are 2 s, one every second: a turn takes 1.4 to 2.4 s, so in longer windows it would never be the label
that holds for most of the window. Borders are kept. Accelerations hold gravity; magnetometers are normalised.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from vqtext.data.readers.base import Reader, Warn, data_folder, stamps
from vqtext.data.readers.tables import read_table
from vqtext.data.recordings.recording import Recording, Track
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

RATE_HZ = 100.0
SENSORS = {"lf": "left foot", "rf": "right foot", "lb": "lower back"}
LABELS = ("stand", "walk", "u-turn")
TRUTH = ("standing", "left leg swings", "right leg swings", "both feet on the ground")
CHANNELS = tuple(
    Channel(f"{short}_{modality}_{axis}", location, modality, axis, unit)
    for short, location in SENSORS.items()
    for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"), ("mag", "1"))
    for axis in "xyz"
)
_LONGEST = 10_000_000  # packets: a counter beyond a day is damaged, and would fill the memory with gaps
_SEX = {"M": "male", "F": "female"}


class Gait(Reader):
    """One recording a trial."""

    dataset = "gait"
    window_s: ClassVar[float | None] = 2.0
    stride_s: ClassVar[float | None] = 1.0
    borders: ClassVar[Literal["drop", "keep"]] = "keep"

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.root = data_folder(path, "gait", "GaitData")
        trials = (re.fullmatch(r"(\d+)-(\d+)\.json", file.name) for file in self.root.glob("*-*.json"))
        self.trials = sorted((int(found[1]), int(found[2])) for found in trials if found)
        if not self.trials:
            raise DataError(f"{self.root}: no trial S-T.json of the gait data")
        self.parts = len(self.trials)

    def part(self, number: int) -> Iterator[Recording]:
        subject, trial = self.trials[number]
        yield self._recording(f"{subject}-{trial}")

    def fingerprint(self) -> Any:
        return stamps((file for s, t in self.trials for file in self._files(f"{s}-{t}")), self.root)

    def _files(self, name: str) -> list[Path]:
        files = [self.root / f"{name}.json", *(self.root / f"{name}_{short}.txt" for short in SENSORS)]
        for file in files:
            if not file.is_file():
                raise DataError(f"{file} is missing")
        return files

    def _recording(self, name: str) -> Recording:
        facts_file, *sensor_files = self._files(name)
        sensors = [_read(file) for file in sensor_files]
        length = max(int(counter[-1]) for counter, _ in sensors) + 1
        signal = np.full((len(CHANNELS), length), np.nan, dtype=np.float32)
        for i, (counter, values) in enumerate(sensors):
            signal[9 * i : 9 * i + 9, counter] = values.T
        try:
            facts = json.loads(facts_file.read_text(encoding="utf-8"))
            label, truth = _annotations(facts, length)
            subject = _subject(facts)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{facts_file}: not the annotations of a trial ({error!r})") from error
        return Recording(
            name=name,
            signal=signal,
            rate_hz=RATE_HZ,
            channels=CHANNELS,
            label=Track(LABELS, label),
            subject=subject,
            truth=Track(TRUTH, truth),
        )


def _read(file: Path) -> tuple[np.ndarray, np.ndarray]:
    """Packet numbers ``(rows,)`` and values ``(rows, 9)`` of one sensor."""
    with file.open("rb") as lines:
        first = lines.readline().decode("utf-8", errors="replace")
    rate = re.search(r"(\d+(?:\.\d+)?) *Hz", first)
    if rate is None or float(rate[1]) != RATE_HZ:
        raise DataError(f"{file}: the first line does not say {RATE_HZ:g} Hz")
    # PacketCounter, then acc, gyro and mag
    table = read_table(file, columns=10, header=2)
    strange = np.flatnonzero(~((table[:, 0] >= 0) & (table[:, 0] < _LONGEST)))
    if strange.size:
        raise DataError(f"{file}, row {strange[0] + 3}, column 1: no packet number")
    counter = table[:, 0].astype(np.int64)
    falls = np.flatnonzero(np.diff(counter, prepend=counter[0]) < 0)
    if falls.size:
        raise DataError(f"{file}, row {falls[0] + 3}, column 1: the packet counter falls")
    return counter, table[:, 1:]


def _annotations(facts: dict[str, Any], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of `LABELS` and of `TRUTH`, ``(length,)`` each."""
    start, stop = facts["TrialBoundaries"]
    label = np.zeros(length, dtype=np.int32)
    label[start:stop] = LABELS.index("walk")
    turn_start, turn_stop = facts["UTurnBoundaries"]
    label[turn_start:turn_stop] = LABELS.index("u-turn")
    swings = np.zeros((2, length), dtype=bool)
    for foot, events in enumerate((facts["LeftFootEvents"], facts["RightFootEvents"])):
        for first, last in events:
            swings[foot, first:last] = True
    left, right = swings
    truth = np.full(length, TRUTH.index("both feet on the ground"), dtype=np.int32)
    truth[left] = TRUTH.index("left leg swings")
    truth[right] = TRUTH.index("right leg swings")
    truth[left & right] = -1
    truth[:start] = truth[stop:] = TRUTH.index("standing")
    return label, truth


def _subject(facts: dict[str, Any]) -> Subject:
    def number(key: str) -> float | None:
        value = facts.get(key)
        return None if value is None or math.isnan(value) else float(value)

    return Subject(
        id=str(facts["Subject"]),
        age=number("Age"),
        height_cm=number("Height"),
        weight_kg=number("Weight"),
        sex=_SEX.get(facts.get("Gender", "")),
    )
