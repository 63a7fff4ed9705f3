"""UCI-HAR: thirty people, six activities, one phone at the waist at 50 Hz.

``train`` and ``test`` each hold windows of 128 samples, every one overlapping the next by half, in ``Inertial
Signals/total_acc_x_train.txt`` and so on, with ``y_train.txt`` and ``subject_train.txt``. What is done with
them:

- **Channels** are ``total_acc`` (g, here m/s2), which holds gravity, and ``body_gyro`` (rad/s). ``body_acc``
  is left out: it is ``total_acc`` less a filtered guess of gravity, and without gravity lying cannot be
  told from standing.
- **Overlap**: where the first half of a window is exactly the second half of the one before, of the same
  person and activity, the two are stitched back to what was recorded; elsewhere there is a break. So no
  stretch is in the data twice, and overlapping windows are known as such and never straddle a split. Cut at
  the reader's own 2.56 s and 1.28 s, the published windows come back.
- **Split**: the published one, 21 people to train on and nine to test.

The side of the waist the phone sat on was not published, nor were facts of the subjects.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from vqtext.data.readers.base import Reader, Warn, data_folder, stamps
from vqtext.data.readers.columns import code_track
from vqtext.data.readers.tables import read_table
from vqtext.data.recordings.recording import Recording
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

RATE_HZ = 50.0
SIZE = 128  # samples of a published window
STEP = SIZE // 2
G = 9.80665

LABELS = {
    1: "WALKING",
    2: "WALKING_UPSTAIRS",
    3: "WALKING_DOWNSTAIRS",
    4: "SITTING",
    5: "STANDING",
    6: "LAYING",
}
SPLITS: tuple[Literal["train", "test"], ...] = ("train", "test")
SIGNALS = {"total_acc": ("acc", "m/s2", G), "body_gyro": ("gyro", "rad/s", 1.0)}
"""Published name → modality, unit, factor."""
CHANNELS = tuple(
    Channel(f"{name}_{axis}", "waist", modality, axis, unit)
    for name, (modality, unit, _) in SIGNALS.items()
    for axis in "xyz"
)


class UciHar(Reader):
    """One recording a subject; each half of the published split is a part."""

    dataset = "uci_har"
    parts = len(SPLITS)
    window_s: ClassVar[float | None] = SIZE / RATE_HZ
    stride_s: ClassVar[float | None] = STEP / RATE_HZ

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.root = data_folder(path, "uci_har", "UCI HAR Dataset")
        self.files = {split: _files(self.root, split) for split in SPLITS}

    def part(self, number: int) -> Iterator[Recording]:
        split = SPLITS[number]
        label_file, subject_file, *signal_files = self.files[split]
        labels = read_table(label_file, 1)[:, 0]
        subjects = read_table(subject_file, 1)[:, 0].astype(np.int64)
        signal = np.empty((len(labels), len(CHANNELS), SIZE), dtype=np.float32)
        if len(subjects) != len(labels):
            raise DataError(f"{subject_file}: {len(subjects)} rows, {label_file.name} has {len(labels)}")
        for channel, file in enumerate(signal_files):
            values = read_table(file, SIZE)
            if len(values) != len(labels):
                raise DataError(f"{file}: {len(values)} rows, {label_file.name} has {len(labels)}")
            signal[:, channel] = values * list(SIGNALS.values())[channel // 3][2]
        code_track(labels, LABELS, label_file, column=1)  # a wrong label is found in its row of the file
        for subject in dict.fromkeys(subjects.tolist()):
            own = subjects == subject
            stream, wanted, breaks = _stitched(signal[own], labels[own], np.flatnonzero(own))
            yield Recording(
                name=f"{split}/{subject}",
                signal=stream,
                rate_hz=RATE_HZ,
                channels=CHANNELS,
                label=code_track(wanted, LABELS, label_file, column=1),
                subject=Subject(str(subject)),
                split=split,
                breaks=breaks,
            )

    def fingerprint(self) -> Any:
        return stamps((file for files in self.files.values() for file in files), self.root)


def _files(root: Path, split: str) -> list[Path]:
    """Labels, subjects, then a file for each channel."""
    folder = root / split
    files = [folder / f"y_{split}.txt", folder / f"subject_{split}.txt"]
    files += [folder / "Inertial Signals" / f"{channel.name}_{split}.txt" for channel in CHANNELS]
    for file in files:
        if not file.is_file():
            raise DataError(f"{file} is missing: --path names the folder with train and test of UCI-HAR")
    return files


def _stitched(
    windows: np.ndarray, labels: np.ndarray, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray, tuple[int, ...]]:
    """Windows ``(N, C, 128)`` of one subject → stream ``(C, T)``, label of each sample, breaks."""
    follows = np.zeros(len(windows), dtype=bool)
    follows[1:] = (
        (np.diff(rows) == 1)
        & (labels[1:] == labels[:-1])
        & (windows[1:, :, :STEP] == windows[:-1, :, STEP:]).all(axis=(1, 2))
    )
    pieces = [window[:, STEP:] if after else window for window, after in zip(windows, follows, strict=True)]
    lengths = [piece.shape[1] for piece in pieces]
    starts = np.cumsum([0, *lengths[:-1]])
    breaks = tuple(int(at) for at in starts[1:][~follows[1:]])
    return np.concatenate(pieces, axis=1), np.repeat(labels, lengths), breaks
