"""Recordings → windows of one shape, in batches: what `prepare` does with more data than memory holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from vqtext.data.recordings.findings import listed
from vqtext.data.recordings.recording import Recording
from vqtext.data.recordings.resting import AtRest
from vqtext.data.recordings.units import SPANS
from vqtext.data.windows.coverage import Coverage
from vqtext.data.windows.digest import Digest, digest
from vqtext.data.windows.windowing import Cut, Stretch
from vqtext.data.windows.windows import OWN_SPLIT, Windows
from vqtext.errors import DataError, UsageError
from vqtext.schema import Channel, Subject, same_subject


def cut(
    recordings: Iterable[Recording], how: Cut, dataset: str, warn: Callable[[str], None] | None = None
) -> Windows:
    """Cut recordings into windows of one shape, all of them in memory; `Cutter` does it in batches.

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
    cutter = Cutter(how, dataset)
    for recording in recordings:
        cutter.add(recording)
    batch = cutter.batch()
    if batch is None:
        raise cutter.nothing()
    windows, share = batch
    if how.borders == "keep":
        windows = replace(windows, share=cutter.shares_of_labels(share))
    if warn is not None:
        for remark in cutter.remarks():
            warn(remark)
    return windows


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
        self.exact_subjects = exact_subjects  # otherwise "1", "01" and "1.0" are one person
        self.channels: tuple[Channel, ...] = ()
        self.rate_hz = 0.0  # of the windows
        self.first = ("", 0.0)  # name and rate of the first recording
        self.labels: dict[str, int] = {}
        self.truth_words: dict[str, int] = {}
        self.subjects: dict[str, Subject] = {}
        self.spellings: dict[str, list[str]] = {}  # of each subject, by what they have in common
        self.coverage = Coverage()
        self.truth_s = 0.0  # seconds of signal that have a truth word
        self.recordings: dict[str, int] = {}
        self.unused: dict[str, None] = {}  # recordings without a window
        self.seen_labels: dict[str, int] = {}
        self.low = self.high = np.empty(0)  # of each channel, NaN before its first sample
        self.padded = 0  # windows that are shorter than was asked for
        self.rest = AtRest()
        self._rows: list[tuple[int, int, int, float, int]] = []  # label, subject, recording, start_s, split
        self._cuts: list[Stretch] = []
        self._shares: list[dict[int, float]] = []  # of each window: place in seen_labels → share
        self.nbytes = 0
        """Bytes of the windows that `batch` would give."""

    def add(self, recording: Recording) -> None:
        """Cut one more recording; as `take`."""
        self.take(digest(recording, self.how))

    def take(self, recording: Digest) -> None:
        """Take what was cut, here or elsewhere, of one more recording.

        Raises:
            DataError: it does not fit those before it, or a value is wrong.
        """
        self._check_fits(recording)
        words, made = recording.words, recording.cut
        places = {i: self.seen_labels.setdefault(words[i], len(self.seen_labels)) for i in recording.seen}
        self.low = np.fmin(self.low, recording.low)
        self.high = np.fmax(self.high, recording.high)
        self.rest.join(recording.rest)
        subject = self._who(recording)
        self._count(recording, subject)
        if not made.windows:
            self.unused[recording.name] = None
            return
        index = self.recordings.setdefault(recording.name, len(self.recordings))
        place = self._place(subject, recording.name)
        for window in made.windows:
            shares = np.bincount(window.label, minlength=len(words)) / len(window.label)
            label = self.labels.setdefault(words[int(shares.argmax())], len(self.labels))
            self._rows.append((label, place, index, window.start_s, OWN_SPLIT[recording.split]))
            self._shares.append({places[i]: float(shares[i]) for i in np.flatnonzero(shares)})
            self._cuts.append(replace(window, truth=self._truth(recording, window)))
            self.nbytes += window.signal.nbytes
            self.padded += window.signal.shape[1] < round((self.how.window_s or 0) * self.rate_hz)

    def batch(self) -> tuple[Windows, np.ndarray] | None:
        """The checked windows since the last batch, and which share of each window has which label, ``(n,
        labels seen so far)``; None where there are no windows. `shares_of_labels` puts shares in order.

        Raises:
            DataError: a value is wrong.
        """
        if not self._rows:
            return None
        length = np.array([window.signal.shape[1] for window in self._cuts], dtype=np.int32)
        joined = np.full((len(length), len(self.channels), int(length.max())), np.nan, dtype=np.float32)
        truth = np.full((len(length), joined.shape[2]), -1, dtype=np.int16) if self.truth_words else None
        share = np.zeros((len(length), len(self.seen_labels)), dtype=np.float32)
        for i, window in enumerate(self._cuts):
            joined[i, :, : length[i]] = window.signal
            share[i, list(self._shares[i])] = list(self._shares[i].values())
            if truth is not None and window.truth is not None:
                truth[i, : length[i]] = window.truth
        label, subject, recording, start_s, split = zip(*self._rows, strict=True)
        self._rows, self._cuts, self._shares, self.nbytes = [], [], [], 0
        windows = Windows(
            **self.names(),
            signal=joined,
            length=length,
            label=np.array(label, dtype=np.int32),
            subject=np.array(subject, dtype=np.int32),
            recording=np.array(recording, dtype=np.int32),
            start_s=np.array(start_s, dtype=np.float64),
            split=np.array(split, dtype=np.int8),
            truth=truth,
        )
        windows.validate()
        return windows, share

    def shares_of_labels(self, share: np.ndarray) -> np.ndarray:
        """Shares of a batch, after the last recording: ``(n, labels)``, one column for each label that has a
        window. Labels without one are left out, so that a row may sum to less than 1."""
        seen = np.zeros((len(share), len(self.seen_labels)), dtype=np.float32)
        seen[:, : share.shape[1]] = share  # labels seen after that batch
        return seen[:, [self.seen_labels[label] for label in self.labels]]

    def names(self) -> dict[str, Any]:
        """What all batches have in common, as arguments of `Windows`: names as far as they are known."""
        return {
            "dataset": self.dataset,
            "rate_hz": float(self.rate_hz),
            "channels": list(self.channels),
            "labels": list(self.labels),
            "subjects": list(self.subjects.values()),
            "recordings": list(self.recordings),
            "truth_words": list(self.truth_words),
        }

    def nothing(self) -> DataError:
        """The error for recordings that gave no window at all."""
        if not self.channels:
            return DataError(f"{self.dataset}: there are no recordings")
        if not self.seen_labels:
            return DataError(f"{self.dataset}: no sample of any recording has a label")
        return DataError(
            f"{self.dataset}: no window fits: every labelled stretch is shorter than the window; "
            "shorten it with --window-s"
        )

    def remarks(self) -> list[str]:
        """What a user should know though it is no error, one line each."""
        found = []
        if self.unused:
            first = next(iter(self.unused))
            found.append(
                f"{len(self.unused)} recordings gave no window, {first!r} first: no labelled stretch is "
                "long enough"
            )
        if self.padded:
            found.append(
                f"{self.padded} windows are shorter than {self.how.window_s:g} s and padded: their "
                "recordings are that short"
            )
        lost = [label for label in self.seen_labels if label not in self.labels]
        if lost:
            found.append(
                f"labels without a window, left out: {listed(lost)}; shorten --window-s to keep them"
            )
        names = [channel.name for channel in self.channels]
        constant = [name for name, a, b in zip(names, self.low, self.high, strict=True) if a == b]
        if constant:
            found.append(f"constant channel, kept though it tells nothing: {listed(constant)}")
        span = zip(self.channels, self.high - self.low, strict=True)
        wide = [c.name for c, own in span if c.unit != "1" and own > SPANS.get(c.modality, np.inf)]
        if wide:
            found.append(
                f"numbers beyond those of any body in {listed(wide)}: is their unit the one that is said?"
            )
        never = [name for name, a in zip(names, self.low, strict=True) if np.isnan(a)]
        if never:
            found.append(f"channel without a single sample, kept: {listed(never)}")
        return found + self._names_alike() + self.coverage.remarks() + self.rest.remarks(self.channels)

    def summary(self) -> dict[str, Any]:
        """What became of the signal: the share in no window and why, and how much of it has truth words."""
        total = sum(counted["total"] for counted in self.coverage.seconds.values())
        truth = {"words": len(self.truth_words), "share": self.truth_s / total} if self.truth_words else None
        return {"unused": self.coverage.summary(), "truth": truth}

    def state(self) -> dict[str, Any]:
        """Plain data for JSON, from which `restore` goes on after the batch given last."""
        return {
            "channels": [channel.to_dict() for channel in self.channels],
            "rate_hz": self.rate_hz,
            "first": list(self.first),
            "labels": list(self.labels),
            "truth_words": list(self.truth_words),
            "subjects": [subject.to_dict() for subject in self.subjects.values()],
            "spellings": self.spellings,
            "coverage": self.coverage.state(),
            "truth_s": self.truth_s,
            "recordings": list(self.recordings),
            "unused": list(self.unused),
            "seen_labels": list(self.seen_labels),
            "low": [None if np.isnan(x) else float(x) for x in self.low],
            "high": [None if np.isnan(x) else float(x) for x in self.high],
            "padded": self.padded,
            "rest": self.rest.sizes,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where another cutter of the same recordings was when it said its `state`."""
        self.channels = tuple(Channel(**channel) for channel in state["channels"])
        self.rate_hz = state["rate_hz"]
        self.first = (state["first"][0], state["first"][1])
        self.labels = {name: i for i, name in enumerate(state["labels"])}
        self.truth_words = {name: i for i, name in enumerate(state["truth_words"])}
        self.subjects = {facts["id"]: Subject(**facts) for facts in state["subjects"]}
        self.spellings = {key: list(own) for key, own in state["spellings"].items()}
        self.coverage = Coverage(state["coverage"])
        self.truth_s = state["truth_s"]
        self.recordings = {name: i for i, name in enumerate(state["recordings"])}
        self.unused = dict.fromkeys(state["unused"])
        self.seen_labels = {name: i for i, name in enumerate(state["seen_labels"])}
        self.low, self.high = (np.array(state[name], dtype=np.float64) for name in ("low", "high"))
        self.padded = state["padded"]
        self.rest = AtRest(state["rest"])

    def _check_fits(self, recording: Digest) -> None:
        if recording.name in self.recordings or recording.name in self.unused:
            raise DataError(f"two recordings are named {recording.name!r}")
        name, rate_hz = self.first
        if not self.channels:
            self.channels = recording.channels
            self.first = recording.name, recording.rate_hz
            self.rate_hz = self.how.rate_hz or recording.rate_hz
            self.low = self.high = np.full(len(self.channels), np.nan)
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

    def _who(self, recording: Digest) -> Subject | None:
        """Whose it is, called as that person was called first; see `same_subject`."""
        if recording.subject is None:
            return None
        spelled = recording.subject.id
        key = spelled.strip() if self.exact_subjects else same_subject(spelled)
        spellings = self.spellings.setdefault(key, [])
        if spelled not in spellings:
            spellings.append(spelled)
        return replace(recording.subject, id=spellings[0].strip())

    def _place(self, subject: Subject | None, recording: str) -> int:
        if subject is None:
            return -1
        if self.subjects.setdefault(subject.id, subject) != subject:
            raise DataError(f"recording {recording!r}: other facts of subject {subject.id!r} than before")
        return list(self.subjects).index(subject.id)

    def _count(self, recording: Digest, subject: Subject | None) -> None:
        made = recording.cut
        lost_s: dict[str, float] = {why: samples / self.rate_hz for why, samples in made.lost.items()}
        self.coverage.add("" if subject is None else subject.id, made.samples / self.rate_hz, lost_s)
        self.truth_s += recording.truth_s

    def _names_alike(self) -> list[str]:
        """One remark on all names that differ in no more than case, spaces or zeros."""
        found = []
        merged = [
            f"{listed(spellings)} are one person, {spellings[0].strip()!r}"
            for spellings in self.spellings.values()
            if len(spellings) > 1
        ]
        if merged:
            found.append(
                f"subjects {'; '.join(merged)} (exact_subjects = true in dataset.toml keeps them apart)"
            )
        for kind, names in (
            ("subjects", [spellings[0].strip() for spellings in self.spellings.values()]),
            ("labels", self.seen_labels),
            ("channels", [channel.name for channel in self.channels]),
            ("truth words", self.truth_words),
        ):
            if groups := _alike(names):
                found.append(f"{kind} {'; '.join(map(listed, groups))} are kept apart")
        return [f"names that nearly agree: {'; '.join(found)}"] if found else []

    def _truth(self, recording: Digest, window: Stretch) -> np.ndarray | None:
        if recording.truth_words is None or window.truth is None:
            return None
        renamed = [self.truth_words.setdefault(word, len(self.truth_words)) for word in recording.truth_words]
        return np.array([*renamed, -1], dtype=np.int16)[window.truth]


def _alike(names: Iterable[str]) -> list[list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(same_subject(name), []).append(name)
    return [group for group in groups.values() if len(group) > 1]
