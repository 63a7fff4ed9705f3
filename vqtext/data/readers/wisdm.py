"""WISDM: phones in pockets and watches on wrists at 20 Hz, in the two sets that were published as raw text.

Rows of both are ``user,activity,timestamp,x,y,z;`` with time in nanoseconds since the device was started.

- **Activity prediction, v1.1** (36 people, six activities): one file ``WISDM_ar_v1.1_raw.txt``, the
  accelerometer of a phone in the pocket of the trousers.
- **Smartphone and smartwatch, 2019** (51 people, 18 activities): ``raw/phone`` and ``raw/watch`` with
  ``accel/data_1600_accel_phone.txt``, ``gyro/data_1600_gyro_phone.txt`` …: accelerometer and gyroscope of a
  phone in the pocket and of a watch on the wrist of the dominant hand. The two have clocks of their own,
  which nothing published ties together, so each device is a data set by itself: ``--path raw/watch``.

What is done with them:

- **Units** are m/s2, gravity included, and rad/s. (v1.1 says that "10 = 1 g = 9.81 m/s2": it means m/s2.)
- **Bad rows** (no six fields, no numbers, time 0, an unknown activity) are left out and counted, as are rows
  whose time was there before; several records on a line are read each for itself.
- **Time**: rows of one person and activity are put in order; where the clock jumps back by more than
  `RESTART_S` it was started anew, and there is a break. Devices that wrote faster are averaged to 20 Hz.
  Rows are then brought to a grid (`vqtext.data.recordings.grid`). The gyroscope is read at the
  accelerometer's times, missing where it has a gap; where there is no accelerometer, nothing is read.

There is no null class, no split, and nothing is known of the subjects. Windows are the published ten seconds.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vqtext.data.readers.base import Reader, Warn, existing, stamps
from vqtext.data.recordings.findings import WarnOnce
from vqtext.data.recordings.grid import on_grid
from vqtext.data.recordings.recording import Recording
from vqtext.data.recordings.time_stamped import GAP_S
from vqtext.errors import DataError, UsageError
from vqtext.schema import Channel, Subject

RATE_HZ = 20.0
RESTART_S = 1.0
"""A clock that jumps back by more was started anew; by less, two rows changed places."""

Key = tuple[str, str]
"""Person and activity, as written."""

OLD = {word: word for word in ("Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing")}
"""Activities of v1.1."""
NEW = {
    "A": "walking",
    "B": "jogging",
    "C": "stairs",
    "D": "sitting",
    "E": "standing",
    "F": "typing",
    "G": "brushing teeth",
    "H": "eating soup",
    "I": "eating chips",
    "J": "eating pasta",
    "K": "drinking from cup",
    "L": "eating sandwich",
    "M": "kicking soccer ball",
    "O": "playing catch with tennis ball",
    "P": "dribbling basketball",
    "Q": "writing",
    "R": "clapping",
    "S": "folding clothes",
}
"""Activities of 2019 by their letters; there is no N."""

PLACES = {"phone": "pocket", "watch": "dominant wrist"}
UNITS = {"acc": "m/s2", "gyro": "rad/s"}


class Wisdm(Reader):
    """One recording for each person and activity."""

    dataset = "wisdm"
    window_s: ClassVar[float | None] = 10.0

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.root = _one_of(existing(path, "wisdm"))
        self.files: list[tuple[Path, ...]]  # of each part: accelerometer, and gyroscope if there is one
        if self.root.is_file():
            self.files = [(self.root,)]
        else:
            accel = sorted((self.root / "accel").glob("data_*_accel_*.txt"))
            self.files = [(a, self.root / "gyro" / a.name.replace("accel", "gyro")) for a in accel]
        self.parts = len(self.files)
        device = "watch" if self.files[0][0].stem.endswith("_watch") else "phone"
        self.channels = tuple(
            Channel(f"{device}_{modality}_{axis}", PLACES[device], modality, axis, unit)
            for modality, unit in list(UNITS.items())[: len(self.files[0])]
            for axis in "xyz"
        )

    def part(self, number: int) -> Iterator[Recording]:
        first, *others = self.files[number]
        user = re.fullmatch(r"data_(\d+)_.*", first.name)
        labels = NEW if user else OLD
        who = str(int(user[1])) if user else None
        tables = [_read(file, who, labels, self.warn) for file in (first, *others)]
        if not tables[0]:
            raise DataError(f"{first}: no row is user,activity,timestamp,x,y,z of WISDM")
        for (who, activity), sessions in tables[0].items():
            name = f"{who}/{labels[activity]}"
            beside = [table.get((who, activity), []) for table in tables[1:]]
            try:
                signal, breaks = _joined(sessions, beside, f"{first}, {name}", self.log.warn_once)
            except DataError as error:
                self.warn(f"{error}: left out")
                continue
            yield Recording(
                name=name,
                signal=signal,
                rate_hz=RATE_HZ,
                channels=self.channels,
                label=labels[activity],
                subject=Subject(who),
                breaks=tuple(breaks),
                lost_s=tuple(breaks.values()),
            )

    def fingerprint(self) -> Any:
        return stamps((file for files in self.files for file in files if file.is_file()), self.root)


def _one_of(root: Path) -> Path:
    """The file of v1.1, or the folder of one device of 2019.

    Raises:
        UsageError: there are several.
        DataError: there is none.
    """
    if root.is_file():
        return root
    sets = sorted(root.rglob("WISDM_ar*raw.txt"))
    sets += sorted({file.parent.parent for file in root.rglob("accel/data_*_accel_*.txt")})
    if not sets:
        raise DataError(f"{root}: neither WISDM_ar_v1.1_raw.txt nor accel/data_NNNN_accel_phone.txt of WISDM")
    if len(sets) > 1:
        raise UsageError(
            f"--path {root} holds several data sets of WISDM: name one of {', '.join(map(str, sets))}"
        )
    return sets[0]


def _read(file: Path, user: str | None, labels: Mapping[str, str], warn: Warn) -> dict[Key, list[np.ndarray]]:
    """Person and activity → sessions: rows ``(n, 4)`` of time in seconds, x, y, z, in order of time.

    Args:
        user: of the file; None where it holds several.
    """
    values_of: dict[Key, array[float]] = {}
    bad, example = 0, ""
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as lines:
            for number, line in enumerate(lines, start=1):
                for record in filter(None, (text.strip(" ,\t\r\n") for text in line.split(";"))):
                    row = _row(record, labels)
                    if row is not None and user in (None, row[0][0]):
                        values_of.setdefault(row[0], array("d")).extend(row[1])
                    else:
                        bad += 1
                        example = example or f"line {number} first: {record[:60]!r}"
    except FileNotFoundError:
        warn(f"{file} is missing: what it measured counts as lost")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    tables = {key: np.frombuffer(values).reshape(-1, 4).copy() for key, values in values_of.items()}
    second = _second([table[:, 0] for table in tables.values()])
    sessions: dict[Key, list[np.ndarray]] = {}
    repeated = 0
    for key, table in tables.items():
        table[:, 0] /= second
        sessions[key] = _sessions(table)
        repeated += len(table) - sum(map(len, sessions[key]))
    if bad:
        rows = bad + sum(map(len, tables.values()))
        warn(f"{file}: {bad} of {rows} rows are no user,activity,timestamp,x,y,z and left out, {example}")
    if repeated:
        warn(f"{file}: {repeated} rows left out whose time stamp was there before")
    return sessions


def _row(record: str, labels: Mapping[str, str]) -> tuple[Key, tuple[float, ...]] | None:
    """Person and activity, and time, x, y, z; None where that is not what it says."""
    who, *rest = (field.strip() for field in record.split(","))
    try:
        values = tuple(map(float, rest[1:]))
    except ValueError:
        return None
    good = who.isdecimal() and len(values) == 4 and all(map(math.isfinite, values)) and values[0] > 0
    return ((str(int(who)), rest[0]), values) if good and rest[0] in labels else None


def _second(times: Sequence[np.ndarray]) -> float:
    """How many units of these stamps a second has, a power of 1000, if rows come about every 1/20 s."""
    steps = np.concatenate([np.diff(time) for time in times]) if times else np.empty(0)
    steps = steps[steps > 0]
    return 1000.0 ** round(math.log(np.median(steps) * RATE_HZ, 1000)) if steps.size else 1e9


def _sessions(rows: np.ndarray) -> list[np.ndarray]:
    """Rows ``(n, 4)`` as they stand in a file → those of each run of the clock, rising in time."""
    _, first = np.unique(rows, axis=0, return_index=True)  # some stretches were written twice
    rows = rows[np.sort(first)]
    sessions = []
    for piece in np.split(rows, np.flatnonzero(np.diff(rows[:, 0]) < -RESTART_S) + 1):
        ordered = piece[np.argsort(piece[:, 0], kind="stable")]
        sessions.append(ordered[np.diff(ordered[:, 0], prepend=-np.inf) > 0])
    return sessions


def _joined(
    sessions: Sequence[np.ndarray], others: Sequence[Sequence[np.ndarray]], where: str, warn_once: WarnOnce
) -> tuple[np.ndarray, dict[int, float]]:
    """One activity of one person on a grid of 20 Hz, one session after the other.

    Args:
        sessions: of the accelerometer, which says when there is a sample.
        others: sessions of each other sensor.
        warn_once: takes what was wrong with time stamps and what was done.

    Returns:
        The signal, ``(C, T) float32``, and its breaks, each with the seconds that are lost before it, as far
        as they are known.

    Raises:
        DataError: rows come at another rate.
    """
    pieces: list[np.ndarray] = []
    breaks: dict[int, float] = {}
    length = 0
    for session in sessions:
        rows = _thinned(session)
        time = rows[:, 0]
        signal = np.concatenate([rows[:, 1:].T, *(_at(time, other) for other in others)])
        grid = on_grid(signal, time, RATE_HZ, where).report(warn_once)
        breaks |= {length + at: lost for at, lost in ({0: 0.0} | grid.breaks).items() if length + at}
        pieces.append(grid.signal)
        length += grid.signal.shape[1]
    return np.concatenate(pieces, axis=1).astype(np.float32), breaks


def _thinned(rows: np.ndarray) -> np.ndarray:
    """Rows of a device that wrote faster than 20 Hz, averaged over each twentieth of a second."""
    if len(rows) < 2 or np.median(np.diff(rows[:, 0])) * RATE_HZ > 0.8:
        return rows
    starts = np.flatnonzero(np.diff(np.floor(rows[:, 0] * RATE_HZ), prepend=-1))
    means: np.ndarray = np.add.reduceat(rows, starts) / np.diff(starts, append=len(rows))[:, None]
    return means


def _at(time: np.ndarray, sessions: Sequence[np.ndarray]) -> np.ndarray:
    """Another sensor at these times, ``(3, n)``, by straight lines; NaN where it has a gap."""
    if not sessions:
        return np.full((3, len(time)), np.nan)
    rows = _thinned(max(sessions, key=lambda rows: min(time[-1], rows[-1, 0]) - max(time[0], rows[0, 0])))
    values = np.stack([np.interp(time, rows[:, 0], row, left=np.nan, right=np.nan) for row in rows[:, 1:].T])
    after = np.searchsorted(rows[:, 0], time).clip(1, len(rows) - 1)
    values[:, rows[after, 0] - rows[after - 1, 0] > GAP_S] = np.nan
    return values
