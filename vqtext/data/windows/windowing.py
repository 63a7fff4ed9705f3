"""One recording → its windows.

A recording is first taken apart where time itself is broken: at its own ``breaks``, and where no channel has
a sample for longer than ``gap_s``. In each piece short losses are bridged by straight lines, longer ones stay
missing, and the piece is brought to the wanted rate on its own, so that neither a line nor a filter reaches
across a gap. Samples without a label part it further, and with ``borders="drop"`` so does every change of
label: each stretch of one label is then cut from its own beginning. What is left over at the end of a stretch
is shorter than a window and is dropped; the only stretch of a recording, when it is shorter than a window, is
kept and padded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Literal

import numpy as np

from vqtext.data.recordings.recording import Recording
from vqtext.data.recordings.resample import fill, nearest, resample, runs
from vqtext.data.recordings.time_stamped import GAP_S
from vqtext.data.windows.coverage import Reason
from vqtext.errors import DataError

BRIDGE_S = 0.2
"""Losses up to this are bridged where the user says nothing: shorter than the phases of a movement."""


@dataclass(frozen=True)
class Cut:
    """How recordings are cut.

    Attributes:
        window_s: length of a window; None makes one window of each stretch, whatever its length.
        stride_s: step from window to window; None is ``window_s``.
        borders: "drop" leaves out windows that cross a change of label, "keep" gives them the label that
            holds for most of their samples, and keep that of each sample.
        rate_hz: resample to this rate; None keeps the recordings' own.
        bridge_s: longest loss that is bridged by a straight line, channel by channel.
        gap_s: longest stretch without any sample that a window may hold.
    """

    window_s: float | None = None
    stride_s: float | None = None
    borders: Literal["drop", "keep"] = "drop"
    rate_hz: float | None = None
    bridge_s: float = BRIDGE_S
    gap_s: float = GAP_S


@dataclass(frozen=True)
class Stretch:
    """Samples that follow each other in time.

    Attributes:
        signal: ``(C, t) float32``.
        label, truth: codes of the recording's words, ``(t,)``.
        start_s: where it begins in its recording.
    """

    signal: np.ndarray
    label: np.ndarray
    truth: np.ndarray | None
    start_s: float

    def part(self, start: int, stop: int, rate_hz: float) -> Stretch:
        truth = None if self.truth is None else self.truth[start:stop]
        return Stretch(
            self.signal[:, start:stop], self.label[start:stop], truth, self.start_s + start / rate_hz
        )


@dataclass(frozen=True)
class _Labelled:
    """A stretch that is labelled throughout, and what its beginning and its end are."""

    stretch: Stretch
    begins: Reason
    ends: Reason


@dataclass
class CutRecording:
    """The windows of one recording, those without a single sample left out.

    Attributes:
        samples: of the recording, at the windows' rate.
        lost: samples in no window, by reason.
    """

    windows: list[Stretch] = field(default_factory=list)
    samples: int = 0
    lost: Counter[Reason] = field(default_factory=Counter)


def cut_recording(recording: Recording, codes: np.ndarray, how: Cut) -> CutRecording:
    """Cut one recording with label codes ``(T,)``, where −1 is no label."""
    rate_hz = how.rate_hz or recording.rate_hz
    cut = CutRecording()
    pieces = list(_in_one_piece(recording, codes, how, rate_hz))
    stretches = [
        one for i, piece in enumerate(pieces) for one in _labelled(piece, how, rate_hz, i, len(pieces))
    ]
    cut.samples = cut.lost["no label"] = sum(piece.label.size for piece in pieces)
    for one in stretches:
        cut.lost["no label"] -= one.stretch.label.size
        _cut_stretch(one, how, rate_hz, len(stretches) == 1, cut)
    return cut


def _in_one_piece(recording: Recording, codes: np.ndarray, how: Cut, rate_hz: float) -> Iterator[Stretch]:
    """Stretches in which time runs on, short losses bridged, at the wanted rate."""
    truth = None if recording.truth is None else recording.truth.codes
    whole = Stretch(recording.signal, codes, truth, 0.0)
    bridge = int(how.bridge_s * recording.rate_hz + 1e-6)
    breaks = recording.breaks if recording.lost_s else ()
    lost_s = [0.0, *accumulate(recording.lost_s)]
    for start, stop in _pieces(recording, how.gap_s):
        piece = whole.part(start, stop, recording.rate_hz)
        piece = replace(piece, start_s=piece.start_s + lost_s[bisect_right(breaks, start)])
        if bridge and np.isnan(piece.signal).any():
            piece = replace(piece, signal=fill(piece.signal, longest=bridge))
        if recording.rate_hz != rate_hz:
            piece = _resampled(piece, recording.rate_hz, rate_hz)
        yield piece


def _labelled(piece: Stretch, how: Cut, rate_hz: float, number: int, pieces: int) -> list[_Labelled]:
    """The labelled stretches of a piece, which is the ``number``-th of the recording."""
    size = piece.label.size
    first: Reason = "too short" if number == 0 else "breaks"
    last: Reason = "too short" if number == pieces - 1 else "breaks"
    return [
        _Labelled(
            piece.part(start, stop, rate_hz),
            begins="borders" if start else first,
            ends="borders" if stop < size else last,
        )
        for start, stop in _runs(piece.label, split_at_changes=how.borders == "drop")
    ]


def _cut_stretch(one: _Labelled, how: Cut, rate_hz: float, pad: bool, cut: CutRecording) -> None:
    """Add the windows of a stretch to ``cut``, and count what is in none of them."""
    stretch, length = one.stretch, one.stretch.label.size
    if how.window_s is None:
        size = stride = length
    else:
        size, stride = round(how.window_s * rate_hz), round((how.stride_s or how.window_s) * rate_hz)
    if not size or not stride:
        raise DataError(
            f"a window of {how.window_s:g} s every {how.stride_s or how.window_s:g} s is less than a sample "
            f"at {rate_hz:g} Hz: choose a longer --window-s or --stride-s"
        )
    if length < size and pad:
        size = stride = length
    starts = range(0, length - size + 1, stride)
    for start in starts:
        window = stretch.part(start, start + size, rate_hz)
        if np.isnan(window.signal).all():
            cut.lost["no sample"] += min(size, stride)
        else:
            cut.windows.append(window)
    if not starts:  # it is the shorter of its ends' fault
        cut.lost[one.ends if one.ends != "too short" else one.begins] += length
        return
    cut.lost["between strides"] += (len(starts) - 1) * max(stride - size, 0)
    cut.lost[one.ends] += length - (starts[-1] + size)


def _pieces(recording: Recording, gap_s: float) -> Iterator[tuple[int, int]]:
    """Stretches (start, stop) of a recording in which time runs on."""
    silent = np.isnan(recording.signal).all(axis=0)
    gaps = [(a, b) for a, b in runs(silent) if b - a > gap_s * recording.rate_hz]
    gaps += [(at, at) for at in recording.breaks]
    start = 0
    for a, b in sorted(gaps):
        if a > start:
            yield start, a
        start = max(start, b)
    if start < silent.size:
        yield start, silent.size


def _runs(codes: np.ndarray, split_at_changes: bool) -> Iterator[tuple[int, int]]:
    """Stretches (start, stop) that are labelled throughout, of one label each if wanted."""
    key = codes if split_at_changes else np.minimum(codes, 0)
    starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    for start, stop in zip(starts, [*starts[1:], codes.size], strict=True):
        if codes[start] >= 0:
            yield int(start), int(stop)


def _resampled(piece: Stretch, rate_hz: float, new_rate_hz: float) -> Stretch:
    signal = resample(piece.signal, rate_hz, new_rate_hz)
    index = nearest(signal.shape[1], piece.signal.shape[1], rate_hz, new_rate_hz)
    truth = None if piece.truth is None else piece.truth[index]
    return Stretch(signal, piece.label[index], truth, piece.start_s)
