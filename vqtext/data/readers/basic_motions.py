"""BasicMotions: four movements seen by one smart watch, out of aeon's own wheel.

From the file's header: a student project in which four students performed four activities while they wore a
smart watch with a 3-D accelerometer and a 3-D gyroscope, a sample every tenth of a second, ten seconds each.
Who did what was never published, so the subjects are unknown. The accelerations are m/s2 with gravity already
removed: a standing watch reads about zero on every axis.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from vqtext.data.readers.base import Reader, Warn
from vqtext.data.readers.ts_files import MISSING, aeon_version
from vqtext.data.recordings.recording import Recording
from vqtext.errors import DataError
from vqtext.schema import Channel

CHANNELS = tuple(
    Channel(f"{modality}_{axis}", "wrist", modality, axis, unit, gravity=False)
    for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
    for axis in "xyz"
)
SPLITS: tuple[Literal["train", "test"], ...] = ("train", "test")


class BasicMotions(Reader):
    """40 train and 40 test recordings of ten seconds, 6 channels at 10 Hz."""

    dataset = "basic_motions"
    parts = len(SPLITS)
    window_s: ClassVar[float | None] = 10.0

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        if path is not None:
            raise DataError(
                f"basic_motions comes inside aeon and is not read from {path}: say which data that is, "
                "such as --data csv"
            )

    def part(self, number: int) -> Iterator[Recording]:
        try:
            from aeon.datasets import load_basic_motions
        except ModuleNotFoundError as error:
            raise DataError(MISSING) from error
        split = SPLITS[number]
        signals, labels = load_basic_motions(split=split)
        for i, (signal, label) in enumerate(zip(signals, labels, strict=True)):
            yield Recording(
                name=f"{split}/{i}",
                signal=signal.astype(np.float32),
                rate_hz=10.0,
                channels=CHANNELS,
                label=str(label),
                split=split,
            )

    def fingerprint(self) -> Any:
        return ["aeon", aeon_version()]
