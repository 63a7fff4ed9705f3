"""Windows: what ``windows.h5`` holds and everything after ``prepare`` works on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from vqtext.errors import DataError
from vqtext.schema import Channel, Rows, Subject

OWN_SPLIT = {None: -1, "train": 0, "test": 1}
"""Codes of the data set's own split."""


BLOCK = 256
"""Windows that are worked on at once where all of them may not fit into memory."""


@dataclass
class Windows:
    """Fixed-length cuts of recordings, in physical units.

    Attributes:
        dataset: the data set's name.
        rate_hz: samples a second.
        channels: metadata of the C channels.
        labels, subjects, recordings, truth_words: what the indices below point into.
        signal: ``(N, C, T) float32``; NaN is no sample: missing, or beyond the window's own length. Read
            from ``windows.h5`` it stays in the file: take rows of it.
        length: ``(N,) int32``, samples of each window, at most T.
        label: ``(N,) int32``.
        subject: ``(N,) int32``, −1 is unknown.
        recording: ``(N,) int32``.
        start_s: ``(N,) float64``, where the window begins in its recording.
        split: ``(N,) int8``: 0 train, 1 test of the data set's own split, −1 none.
        truth: ``(N, T) int16`` or None: the true sub-action of each sample, −1 none. For measuring only; in
            the file as the signal is.
        sample_label: ``(N, T) int16`` or None: the label of each sample, where windows may cross a change of
            label; −1 beyond the window's own length, and for a label that no window has. In the file too.
    """

    dataset: str
    rate_hz: float
    channels: list[Channel]
    labels: list[str]
    subjects: list[Subject]
    recordings: list[str]
    signal: Rows
    length: np.ndarray
    label: np.ndarray
    subject: np.ndarray
    recording: np.ndarray
    start_s: np.ndarray
    split: np.ndarray
    truth: Rows | None = None
    sample_label: Rows | None = None
    truth_words: list[str] = field(default_factory=list)

    @property
    def n(self) -> int:
        """Number of windows."""
        return int(self.signal.shape[0])

    @property
    def C(self) -> int:
        """Number of channels."""
        return int(self.signal.shape[1])

    @property
    def T(self) -> int:
        """Samples of the longest window."""
        return int(self.signal.shape[2])

    def take(self, index: np.ndarray | slice) -> Windows:
        """Some of the windows, in memory, with the names of all."""
        of_windows = ("signal", "length", "label", "subject", "recording", "start_s", "split")
        arrays = {name: getattr(self, name) for name in (*of_windows, "truth", "sample_label")}
        return replace(self, **{name: rows[index] for name, rows in arrays.items() if rows is not None})

    def frame_labels(self, rows: np.ndarray, frames: int) -> np.ndarray:
        """The label at the middle of each frame of the windows ``rows``, ``(n, frames)``; where a sample has
        none, the window's."""
        own = np.repeat(self.label[rows, None], frames, axis=1)
        if self.sample_label is None:
            return own
        middle = ((np.arange(frames) + 0.5) * self.T / frames).astype(int)
        found = self.sample_label[rows][:, middle]
        return np.where(found >= 0, found, own)

    def place(self, i: int) -> str:
        """Where a window comes from, for messages."""
        return f"window {i} (recording {self.recordings[self.recording[i]]!r} at {self.start_s[i]:.2f} s)"

    def validate(self) -> None:
        """Check the values of windows in memory: names, the indices that point into them, and the signal.

        Raises:
            DataError: names the first thing that is wrong, and the window or channel it is in.
        """
        if len(self.signal.shape) != 3 or not all(self.signal.shape):
            raise DataError(
                f"no windows: signal has shape {self.signal.shape}, not (windows, channels, time)"
            )
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise DataError(f"a rate of {self.rate_hz} Hz is not possible")
        if len(self.channels) != self.C:
            raise DataError(f"{len(self.channels)} channels are described, the windows have {self.C}")
        self._check_words()
        self._check_range("label", 0, len(self.labels))
        self._check_range("subject", -1, len(self.subjects))
        self._check_range("recording", 0, len(self.recordings))
        self._check_range("split", -1, 2)
        self._check_range("length", 1, self.T + 1)
        if self.truth is not None:
            self._check_range("truth", -1, len(self.truth_words))
        self._check_signal()

    def _check_words(self) -> None:
        ids = [subject.id for subject in self.subjects]
        for kind, names in (
            ("label", self.labels),
            ("subject", ids),
            ("truth word", self.truth_words),
            ("channel", [channel.name for channel in self.channels]),
        ):
            if any(not name.strip() for name in names):
                raise DataError(f"an empty {kind}: every {kind} needs a name")
            if len(set(names)) < len(names):
                twice = next(name for name in names if names.count(name) > 1)
                raise DataError(f"the {kind} {twice!r} is there twice")

    def _check_range(self, name: str, low: int, high: int) -> None:
        values: np.ndarray = getattr(self, name)
        if values.min() < low or values.max() >= high:
            raise DataError(
                f"windows: {name} must be within {low}…{high - 1}, found {values.min()}…{values.max()}"
            )

    def _check_signal(self) -> None:
        sampled = np.zeros(self.n, dtype=bool)
        beyond = np.arange(self.T) >= self.length[:, None]
        for c, channel in enumerate(self.channels):
            values = self.signal[:, c]  # one channel at a time: masks as large as the data would double it
            wrong = np.isinf(values).any(axis=1)
            if wrong.any():
                raise DataError(
                    f"{self.place(int(wrong.argmax()))}: infinite value in channel {channel.name!r}; "
                    "a missing sample is NaN"
                )
            present = ~np.isnan(values)
            if (present & beyond).any():
                i = int((present & beyond).any(axis=1).argmax())
                raise DataError(f"{self.place(i)}: samples beyond its own length in channel {channel.name!r}")
            sampled |= present.any(axis=1)
        if not sampled.all():
            raise DataError(f"{self.place(int(sampled.argmin()))}: nothing but missing samples; leave it out")
