"""One recording → its windows.

A recording is first taken apart where time itself is broken: at its own ``breaks``, and where no channel has
a sample for longer than `GAP_S`. In each piece short losses are bridged by straight lines, longer ones stay
missing, and the piece is brought to the wanted rate on its own, so that neither a line nor a filter reaches
across a gap. Samples without a label part it further, and with ``borders="drop"`` so does every change of
label: each stretch of one label is then cut from its own beginning. What is left over at the end of a stretch
is shorter than a window and is dropped; the only stretch of a recording, when it is shorter than a window, is
kept and padded.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal

import numpy as np

from vqtext.data.recording import Recording
from vqtext.data.resample import fill, nearest, resample
from vqtext.errors import DataError

GAP_S = 1.0
"""A stretch without any sample that is longer than this is a gap: no window crosses it."""

BRIDGE_S = 0.2
"""Losses up to this are bridged where the user says nothing: shorter than the phases of a movement."""


@dataclass(frozen=True)
class Cut:
    """How recordings are cut.

    Attributes:
        window_s: length of a window; None makes one window of each stretch, whatever its length.
        stride_s: step from window to window; None is ``window_s``.
        borders: "drop" leaves out windows that cross a change of label, "keep" gives them the label that
            holds for most of their samples, and notes the share of each.
        rate_hz: resample to this rate; None keeps the recordings' own.
        bridge_s: longest loss that is bridged by a straight line, channel by channel.
    """

    window_s: float | None = None
    stride_s: float | None = None
    borders: Literal["drop", "keep"] = "drop"
    rate_hz: float | None = None
    bridge_s: float = BRIDGE_S


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


def windows_of(recording: Recording, codes: np.ndarray, how: Cut) -> list[Stretch]:
    """The windows of one recording, those without a single sample left out.

    Args:
        recording: the recording.
        codes: of its labels, ``(T,)``; −1 is no label.
        how: lengths, borders, rate.
    """
    rate_hz = how.rate_hz or recording.rate_hz
    stretches = list(_stretches(recording, codes, how, rate_hz))
    return [
        window
        for stretch in stretches
        for window in _windows(stretch, how, rate_hz, pad=len(stretches) == 1)
        if not np.isnan(window.signal).all()
    ]


def _stretches(recording: Recording, codes: np.ndarray, how: Cut, rate_hz: float) -> Iterator[Stretch]:
    truth = None if recording.truth is None else recording.truth.codes
    whole = Stretch(recording.signal, codes, truth, 0.0)
    bridge = int(how.bridge_s * recording.rate_hz + 1e-6)
    breaks = recording.breaks if recording.lost_s else ()
    lost_s = [0.0, *accumulate(recording.lost_s)]
    for start, stop in _pieces(recording):
        piece = whole.part(start, stop, recording.rate_hz)
        piece = replace(piece, start_s=piece.start_s + lost_s[bisect_right(breaks, start)])
        if bridge and np.isnan(piece.signal).any():
            piece = replace(piece, signal=fill(piece.signal, longest=bridge))
        if recording.rate_hz != rate_hz:
            piece = _resampled(piece, recording.rate_hz, rate_hz)
        for first, last in _runs(piece.label, split_at_changes=how.borders == "drop"):
            yield piece.part(first, last, rate_hz)


def _windows(stretch: Stretch, how: Cut, rate_hz: float, pad: bool) -> Iterator[Stretch]:
    length = stretch.signal.shape[1]
    if how.window_s is None:
        yield stretch
        return
    size, stride = round(how.window_s * rate_hz), round((how.stride_s or how.window_s) * rate_hz)
    if not size or not stride:
        raise DataError(
            f"a window of {how.window_s:g} s every {how.stride_s or how.window_s:g} s is less than a sample "
            f"at {rate_hz:g} Hz: choose a longer --window-s or --stride-s"
        )
    if length < size and pad:
        yield stretch
    for start in range(0, length - size + 1, stride):
        yield stretch.part(start, start + size, rate_hz)


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


def _resampled(piece: Stretch, rate_hz: float, new_rate_hz: float) -> Stretch:
    signal = resample(piece.signal, rate_hz, new_rate_hz)
    index = nearest(signal.shape[1], piece.signal.shape[1], rate_hz, new_rate_hz)
    truth = None if piece.truth is None else piece.truth[index]
    return Stretch(signal, piece.label[index], truth, piece.start_s)
