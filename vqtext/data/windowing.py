"""Recordings → windows.

A recording is first taken apart where time itself is broken: at its own ``breaks``, and where no channel has
a sample for longer than `GAP_S`. Each piece is brought to the wanted rate on its own, so that no filter
reaches across a gap. Samples without a label part it further, and with ``borders="drop"`` so does every
change of label: each stretch of one label is then cut from its own beginning. What is left over at the end of
a stretch is shorter than a window and is dropped; the only stretch of a recording, when it is shorter than a
window, is kept and padded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqtext.data.recording import Recording, Track
from vqtext.data.resample import nearest, resample
from vqtext.data.windows import OWN_SPLIT, Windows
from vqtext.errors import DataError, UsageError
from vqtext.schema import Subject

GAP_S = 1.0
"""A stretch without any sample that is longer than this is a gap: no window crosses it."""


@dataclass(frozen=True)
class Cut:
    """How recordings are cut.

    Attributes:
        window_s: length of a window; None makes one window of each stretch, whatever its length.
        stride_s: step from window to window; None is ``window_s``.
        borders: "drop" leaves out windows that cross a change of label, "keep" gives them the label that
            holds for most of their samples.
        rate_hz: resample to this rate; None keeps the recordings' own.
    """

    window_s: float | None = None
    stride_s: float | None = None
    borders: Literal["drop", "keep"] = "drop"
    rate_hz: float | None = None


@dataclass(frozen=True)
class _Stretch:
    """Samples that follow each other in time; ``label`` and ``truth`` are (t,) codes."""

    signal: np.ndarray
    label: np.ndarray
    truth: np.ndarray | None
    start_s: float

    def part(self, start: int, stop: int, rate_hz: float) -> _Stretch:
        truth = None if self.truth is None else self.truth[start:stop]
        return _Stretch(
            self.signal[:, start:stop], self.label[start:stop], truth, self.start_s + start / rate_hz
        )


def cut(
    recordings: Iterable[Recording], how: Cut, dataset: str, warn: Callable[[str], None] | None = None
) -> Windows:
    """Cut recordings into windows of one shape.

    Args:
        recordings: read one at a time; all must have the same channels and, unless ``how`` resamples, the
            same rate.
        how: lengths, borders, rate.
        dataset: the data set's name.
        warn: takes one line for what a user should know though it is no error.

    Returns:
        Checked windows, labels and subjects in order of first appearance. T is the longest window's length.

    Raises:
        UsageError: a stride without a window length.
        DataError: there is nothing to cut, recordings do not fit each other, or values are wrong.
    """
    if how.stride_s is not None and how.window_s is None:
        raise UsageError("a stride needs a window length: give --window-s too")
    maker = _Maker(how, dataset)
    for recording in recordings:
        maker.add(recording)
    windows = maker.windows()
    windows.validate()
    if warn is not None:
        for remark in [*maker.remarks(), *windows.remarks()]:
            warn(remark)
    return windows


class _Maker:
    """Collects windows, and the names that their indices point into."""

    def __init__(self, how: Cut, dataset: str) -> None:
        self.how = how
        self.dataset = dataset
        self.first: Recording | None = None
        self.rate_hz = 0.0
        self.labels: dict[str, int] = {}
        self.truth_words: dict[str, int] = {}
        self.subjects: dict[str, Subject] = {}
        self.recordings: dict[str, int] = {}
        self.rows: list[tuple[int, int, int, float, int]] = []  # label, subject, recording, start_s, split
        self.signals: list[np.ndarray] = []
        self.truths: list[np.ndarray | None] = []
        self.unused: dict[str, None] = {}  # recordings without a window
        self.seen_labels: dict[str, None] = {}

    def add(self, recording: Recording) -> None:
        self._check_fits(recording)
        words, codes = _codes(recording.label, recording.signal.shape[1])
        self.seen_labels.update(dict.fromkeys(word for i, word in enumerate(words) if (codes == i).any()))
        stretches = list(self._stretches(recording, codes))
        windows = [
            window
            for stretch in stretches
            for window in self._windows(stretch, pad=len(stretches) == 1)
            if not np.isnan(window.signal).all()
        ]
        if not windows:
            self.unused[recording.name] = None
            return
        index = self.recordings.setdefault(recording.name, len(self.recordings))
        subject = self._subject(recording)
        for window in windows:
            label = self.labels.setdefault(words[np.bincount(window.label).argmax()], len(self.labels))
            self.rows.append((label, subject, index, window.start_s, OWN_SPLIT[recording.split]))
            self.signals.append(window.signal)
            self.truths.append(self._truth(recording, window))

    def _check_fits(self, recording: Recording) -> None:
        if recording.name in self.recordings or recording.name in self.unused:
            raise DataError(f"two recordings are named {recording.name!r}")
        if self.first is None:
            self.first = recording
            self.rate_hz = self.how.rate_hz or recording.rate_hz
        elif recording.channels != self.first.channels:
            raise DataError(
                f"recording {recording.name!r} has other channels than {self.first.name!r}: "
                f"{', '.join(c.name for c in recording.channels)}"
            )
        elif self.how.rate_hz is None and recording.rate_hz != self.first.rate_hz:
            raise DataError(
                f"recording {recording.name!r} has {recording.rate_hz:g} Hz, {self.first.name!r} has "
                f"{self.first.rate_hz:g} Hz: choose one with --rate"
            )

    def _subject(self, recording: Recording) -> int:
        if recording.subject is None:
            return -1
        known = self.subjects.setdefault(recording.subject.id, recording.subject)
        if known != recording.subject:
            raise DataError(f"recording {recording.name!r}: other facts of subject {known.id!r} than before")
        return list(self.subjects).index(known.id)

    def _stretches(self, recording: Recording, codes: np.ndarray) -> Iterator[_Stretch]:
        truth = None if recording.truth is None else recording.truth.codes
        whole = _Stretch(recording.signal, codes, truth, 0.0)
        for start, stop in _pieces(recording):
            piece = whole.part(start, stop, recording.rate_hz)
            if recording.rate_hz != self.rate_hz:
                piece = _resampled(piece, recording.rate_hz, self.rate_hz)
            for first, last in _runs(piece.label, split_at_changes=self.how.borders == "drop"):
                yield piece.part(first, last, self.rate_hz)

    def _windows(self, stretch: _Stretch, pad: bool) -> Iterator[_Stretch]:
        length = stretch.signal.shape[1]
        if self.how.window_s is None:
            yield stretch
            return
        size = max(round(self.how.window_s * self.rate_hz), 1)
        stride = max(round((self.how.stride_s or self.how.window_s) * self.rate_hz), 1)
        if length < size and pad:
            yield stretch
        for start in range(0, length - size + 1, stride):
            yield stretch.part(start, start + size, self.rate_hz)

    def _truth(self, recording: Recording, window: _Stretch) -> np.ndarray | None:
        if recording.truth is None or window.truth is None:
            return None
        words = recording.truth.words
        renamed = [self.truth_words.setdefault(word, len(self.truth_words)) for word in words]
        return np.array([*renamed, -1], dtype=np.int16)[window.truth]

    def windows(self) -> Windows:
        if self.first is None:
            raise DataError(f"{self.dataset}: there are no recordings")
        if not self.signals:
            raise DataError(
                f"{self.dataset}: no window fits: every labelled stretch is shorter than the window; "
                "shorten it with --window-s"
            )
        length = np.array([signal.shape[1] for signal in self.signals], dtype=np.int32)
        shape = (len(length), len(self.first.channels), int(length.max()))
        joined = np.full(shape, np.nan, dtype=np.float32)
        truth = np.full((shape[0], shape[2]), -1, dtype=np.int16) if self.truth_words else None
        for i, (signal, steps) in enumerate(zip(self.signals, self.truths, strict=True)):
            joined[i, :, : length[i]] = signal
            if truth is not None and steps is not None:
                truth[i, : length[i]] = steps
        label, subject, recording, start_s, split = zip(*self.rows, strict=True)
        return Windows(
            dataset=self.dataset,
            rate_hz=float(self.rate_hz),
            channels=list(self.first.channels),
            labels=list(self.labels),
            subjects=list(self.subjects.values()),
            recordings=list(self.recordings),
            signal=joined,
            length=length,
            label=np.array(label, dtype=np.int32),
            subject=np.array(subject, dtype=np.int32),
            recording=np.array(recording, dtype=np.int32),
            start_s=np.array(start_s, dtype=np.float64),
            split=np.array(split, dtype=np.int8),
            truth=truth,
            truth_words=list(self.truth_words),
        )

    def remarks(self) -> list[str]:
        found = []
        if self.unused:
            first = next(iter(self.unused))
            found.append(
                f"{len(self.unused)} recordings gave no window, {first!r} first: no labelled stretch is "
                "long enough"
            )
        lost = [repr(label) for label in self.seen_labels if label not in self.labels]
        if lost:
            found.append(
                f"labels without a window, left out: {', '.join(lost)}; shorten --window-s to keep them"
            )
        return found


def _codes(label: str | Track, length: int) -> tuple[tuple[str, ...], np.ndarray]:
    if isinstance(label, Track):
        return label.words, label.codes
    return (label,), np.zeros(length, dtype=np.int32)


def _pieces(recording: Recording) -> Iterator[tuple[int, int]]:
    """Stretches (start, stop) of a recording in which time runs on."""
    silent = np.isnan(recording.signal).all(axis=0)
    edges = np.flatnonzero(np.diff(silent, prepend=False, append=False))
    gaps = [
        (int(a), int(b))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if b - a > GAP_S * recording.rate_hz
    ]
    gaps += [(at, at) for at in recording.breaks]
    start = 0
    for a, b in sorted(gaps):
        if a > start:
            yield start, a
        start = max(start, b)
    if start < silent.size:
        yield start, silent.size


def _runs(codes: np.ndarray, split_at_changes: bool) -> Iterator[tuple[int, int]]:
    """Stretches (start, stop) that are labelled throughout, of one label each if asked for."""
    key = codes if split_at_changes else np.minimum(codes, 0)
    starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    for start, stop in zip(starts, [*starts[1:], codes.size], strict=True):
        if codes[start] >= 0:
            yield int(start), int(stop)


def _resampled(piece: _Stretch, rate_hz: float, new_rate_hz: float) -> _Stretch:
    signal = resample(piece.signal, rate_hz, new_rate_hz)
    index = nearest(signal.shape[1], piece.signal.shape[1], rate_hz, new_rate_hz)
    truth = None if piece.truth is None else piece.truth[index]
    return _Stretch(signal, piece.label[index], truth, piece.start_s)
