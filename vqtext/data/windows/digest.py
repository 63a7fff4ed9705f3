"""What is left of a recording once it is cut: a function of the recording alone, for any process to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqtext.data.recordings.recording import Recording, Track
from vqtext.data.recordings.resting import AtRest
from vqtext.data.windows.windowing import Cut, CutRecording, cut_recording
from vqtext.schema import Channel, Subject


@dataclass(frozen=True)
class Digest:
    """A recording without its signal: its windows, and what all of it shows.

    Attributes:
        name, rate_hz, channels, subject, split: as of the `Recording`.
        words: of its labels, all of them.
        seen: places among these that hold for a sample, ascending.
        truth_words: of its true sub-actions; None where it has none.
        truth_s: seconds that have such a word.
        low, high: of each channel, ``(C,)``, NaN without a sample.
        rest: what its accelerometers show.
        cut: its windows, and the samples in none.
    """

    name: str
    rate_hz: float
    channels: tuple[Channel, ...]
    subject: Subject | None
    split: Literal["train", "test"] | None
    words: tuple[str, ...]
    seen: tuple[int, ...]
    truth_words: tuple[str, ...] | None
    truth_s: float
    low: np.ndarray
    high: np.ndarray
    rest: AtRest
    cut: CutRecording


def digest(recording: Recording, how: Cut) -> Digest:
    """Cut one recording.

    Raises:
        DataError: a window is less than a sample.
    """
    words, codes = _codes(recording.label, recording.signal.shape[1])
    truth = recording.truth
    with np.errstate(invalid="ignore"):
        low, high = (extreme.reduce(recording.signal, axis=1) for extreme in (np.fmin, np.fmax))
    return Digest(
        name=recording.name,
        rate_hz=recording.rate_hz,
        channels=recording.channels,
        subject=recording.subject,
        split=recording.split,
        words=words,
        seen=tuple(int(i) for i in np.unique(codes) if i >= 0),
        truth_words=None if truth is None else truth.words,
        truth_s=0.0 if truth is None else int((truth.codes >= 0).sum()) / recording.rate_hz,
        low=low,
        high=high,
        rest=AtRest.of([recording]),
        cut=cut_recording(recording, codes, how),
    )


def _codes(label: str | Track, length: int) -> tuple[tuple[str, ...], np.ndarray]:
    if isinstance(label, Track):
        return label.words, label.codes
    return (label,), np.zeros(length, dtype=np.int32)
