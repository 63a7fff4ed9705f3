"""Recordings → windows of one shape, in batches: what `prepare` does with more data than memory holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from vqtext.data.recordings.findings import listed
from vqtext.data.recordings.resting import AtRest
from vqtext.data.windows.channel_ranges import ChannelRanges
from vqtext.data.windows.coverage import Coverage
from vqtext.data.windows.digest import Digest
from vqtext.data.windows.same_names import People, names_alike
from vqtext.data.windows.windowing import Cut, Stretch
from vqtext.data.windows.windows import OWN_SPLIT, Windows
from vqtext.errors import DataError, UsageError
from vqtext.schema import Channel

_INDICES = ("labels", "seen_labels", "truth_words", "recordings")
_NUMBERS = ("rate_hz", "truth_s", "padded")
"""Attributes of a `Cutter` that go from one process to the next: names with their indices, and numbers."""


@dataclass(frozen=True)
class _Row:
    """One window on its way into a batch; indices point into the cutter's names, those of the stretch's own
    samples into `Cutter.seen_labels`."""

    stretch: Stretch
    label: int
    subject: int
    recording: int
    split: int


class Cutter:
    """Cuts recordings one after the other and gives their windows in batches.

    All batches point into the same names (labels, subjects, recordings, truth words), which grow in order of
    first appearance; `state` and `restore` carry them from one process to the next.
    """

    def __init__(self, how: Cut, dataset: str, exact_subjects: bool = False) -> None:
        if how.stride_s is not None and how.window_s is None:
            raise UsageError("a stride needs a window length: give --window-s too")
        self.how = how
        self.dataset = dataset
        self.channels: tuple[Channel, ...] = ()
        self.rate_hz = 0.0  # of the windows
        self.first = ("", 0.0)  # name and rate of the first recording
        self.labels: dict[str, int] = {}
        self.seen_labels: dict[str, int] = {}  # also those without a window
        self.truth_words: dict[str, int] = {}
        self.recordings: dict[str, int] = {}
        self.unused: dict[str, None] = {}  # recordings without a window
        self.people = People(exact_subjects)
        self.coverage = Coverage()
        self.truth_s = 0.0  # seconds of signal that have a truth word
        self.ranges = ChannelRanges()
        self.rest = AtRest()
        self.padded = 0  # windows that are shorter than ``window_s``
        self._rows: list[_Row] = []
        self.nbytes = 0
        """Bytes of the windows that `batch` would give."""

    def take(self, recording: Digest) -> None:
        """Take what was cut, by this process or another, of one more recording.

        Raises:
            DataError: it does not fit those before it, or a value is wrong.
        """
        self._check_fits(recording)
        words = recording.words
        seen = np.full(len(words), -1, dtype=np.int16)
        for i in recording.seen:
            seen[i] = self.seen_labels.setdefault(words[i], len(self.seen_labels))
        subject = None if recording.subject is None else self.people.first_spelling(recording.subject)
        self._count(recording, "" if subject is None else subject.id)
        if not recording.cut.windows:
            self.unused[recording.name] = None
            return
        index = self.recordings.setdefault(recording.name, len(self.recordings))
        person = -1 if subject is None else self.people.index(subject, recording.name)
        for window in recording.cut.windows:
            most = int(np.bincount(window.label).argmax())
            label = self.labels.setdefault(words[most], len(self.labels))
            stretch = replace(window, label=seen[window.label], truth=self._truth(recording, window))
            self._rows.append(_Row(stretch, label, person, index, OWN_SPLIT[recording.split]))
            self.nbytes += window.signal.nbytes

    def batch(self) -> Windows | None:
        """The checked windows since the last batch; None where there are none. Labels of their samples are
        numbered as they were seen; `sample_labels` puts them in order.

        Raises:
            DataError: a value is wrong.
        """
        if not self._rows:
            return None
        rows, self._rows, self.nbytes = self._rows, [], 0
        windows = _batch(rows, self.names(), keep_labels=self.how.borders == "keep")
        windows.validate()
        return windows

    def sample_labels(self, seen: np.ndarray) -> np.ndarray:
        """Labels of the samples of a batch, after the last recording, ``(n, T)``: −1 also for a label that
        has no window of its own."""
        return np.array([*(self.labels.get(label, -1) for label in self.seen_labels), -1], np.int16)[seen]

    def names(self) -> dict[str, Any]:
        """What all batches have in common, as arguments of `Windows`: names as far as they are known."""
        return {
            "dataset": self.dataset,
            "rate_hz": float(self.rate_hz),
            "channels": list(self.channels),
            "labels": list(self.labels),
            "subjects": list(self.people.subjects.values()),
            "recordings": list(self.recordings),
            "truth_words": list(self.truth_words),
        }

    def nothing(self) -> DataError:
        """The error for recordings that gave no window at all."""
        what = "no window fits: every labelled stretch is shorter than the window; shorten it with --window-s"
        if not self.channels:
            what = "there are no recordings"
        elif not self.seen_labels:
            what = "no sample of any recording has a label"
        return DataError(f"{self.dataset}: {what}")

    def remarks(self) -> list[str]:
        """What a user should know though it is no error, one line each."""
        remarks = []
        if self.unused:
            remarks.append(
                f"{len(self.unused)} recordings gave no window, {next(iter(self.unused))!r} first: no "
                "labelled stretch is long enough"
            )
        if self.padded:
            remarks.append(
                f"{self.padded} windows are shorter than {self.how.window_s:g} s and padded: their "
                "recordings are that short"
            )
        lost = [label for label in self.seen_labels if label not in self.labels]
        if lost:
            remarks.append(
                f"labels without a window, left out: {listed(lost)}; shorten --window-s to keep them"
            )
        names = {
            "labels": self.seen_labels,
            "channels": [channel.name for channel in self.channels],
            "truth words": self.truth_words,
        }
        return [
            *remarks,
            *self.ranges.remarks(self.channels),
            *names_alike(self.people, names),
            *self.coverage.remarks(),
            *self.rest.remarks(self.channels),
        ]

    def summary(self) -> dict[str, Any]:
        """What became of the signal: the share in no window and why, and how much of it has truth words."""
        total = sum(seconds["total"] for seconds in self.coverage.seconds.values())
        truth = {"words": len(self.truth_words), "share": self.truth_s / total} if self.truth_words else None
        return {"unused": self.coverage.summary(), "truth": truth}

    def state(self) -> dict[str, Any]:
        """Plain data for JSON, from which `restore` goes on after the batch given last."""
        return {
            **{name: list(getattr(self, name)) for name in (*_INDICES, "first", "unused")},
            **{name: getattr(self, name) for name in _NUMBERS},
            **self.ranges.state(),
            "channels": [channel.to_dict() for channel in self.channels],
            "subjects": [subject.to_dict() for subject in self.people.subjects.values()],
            "spellings": self.people.spellings,
            "coverage": self.coverage.seconds,
            "rest": self.rest.sizes,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another cutter of the same recordings was when it gave its `state`."""
        for name in _INDICES:
            setattr(self, name, {word: i for i, word in enumerate(state[name])})
        for name in _NUMBERS:
            setattr(self, name, state[name])
        self.channels = tuple(Channel(**channel) for channel in state["channels"])
        self.first = (state["first"][0], state["first"][1])
        self.unused = dict.fromkeys(state["unused"])
        self.ranges.restore(state)
        self.people.restore(state)
        self.coverage = Coverage(state["coverage"])
        self.rest = AtRest(state["rest"])

    def _check_fits(self, recording: Digest) -> None:
        if recording.name in self.recordings or recording.name in self.unused:
            raise DataError(f"two recordings are named {recording.name!r}")
        name, rate_hz = self.first
        if not self.channels:
            self.channels = recording.channels
            self.first = recording.name, recording.rate_hz
            self.rate_hz = self.how.rate_hz or recording.rate_hz
        elif recording.channels != self.channels:
            raise DataError(
                f"recording {recording.name!r} has other channels than {name!r}: "
                f"{', '.join(c.name for c in recording.channels)}"
            )
        elif self.how.rate_hz is None and recording.rate_hz != rate_hz:
            raise DataError(
                f"recording {recording.name!r} has {recording.rate_hz:g} Hz, {name!r} has {rate_hz:g} Hz: "
                "choose one with --rate"
            )

    def _count(self, recording: Digest, subject: str) -> None:
        """Add a recording to what the remarks and the summary are about."""
        cut, size = recording.cut, round((self.how.window_s or 0) * self.rate_hz)
        self.ranges.add(recording.low, recording.high)
        self.rest.join(recording.rest)
        lost_s: dict[str, float] = {why: samples / self.rate_hz for why, samples in cut.lost.items()}
        self.coverage.add(subject, cut.samples / self.rate_hz, lost_s)
        self.truth_s += recording.truth_s
        self.padded += sum(window.signal.shape[1] < size for window in cut.windows)

    def _truth(self, recording: Digest, window: Stretch) -> np.ndarray | None:
        if recording.truth_words is None or window.truth is None:
            return None
        renamed = [self.truth_words.setdefault(word, len(self.truth_words)) for word in recording.truth_words]
        return np.array([*renamed, -1], dtype=np.int16)[window.truth]


def _batch(rows: list[_Row], names: dict[str, Any], keep_labels: bool) -> Windows:
    """Rows as arrays."""
    length = np.array([row.stretch.signal.shape[1] for row in rows], dtype=np.int32)
    signal = np.full((len(rows), len(names["channels"]), int(length.max())), np.nan, dtype=np.float32)
    none = np.full((len(rows), signal.shape[2]), -1, dtype=np.int16)
    truth = none.copy() if names["truth_words"] else None
    sample_label = none if keep_labels else None
    for i, row in enumerate(rows):
        signal[i, :, : length[i]] = row.stretch.signal
        if sample_label is not None:
            sample_label[i, : length[i]] = row.stretch.label
        if truth is not None and row.stretch.truth is not None:
            truth[i, : length[i]] = row.stretch.truth
    return Windows(
        **names,
        signal=signal,
        length=length,
        label=np.array([row.label for row in rows], dtype=np.int32),
        subject=np.array([row.subject for row in rows], dtype=np.int32),
        recording=np.array([row.recording for row in rows], dtype=np.int32),
        start_s=np.array([row.stretch.start_s for row in rows], dtype=np.float64),
        split=np.array([row.split for row in rows], dtype=np.int8),
        truth=truth,
        sample_label=sample_label,
    )
