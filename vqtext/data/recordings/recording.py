"""One continuous multichannel stream of one subject: what every reader gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqtext.errors import DataError
from vqtext.schema import Channel, Subject


@dataclass(frozen=True)
class Track:
    """Words along the time axis: ``words[codes[t]]`` holds at sample t, −1 is none."""

    words: tuple[str, ...]
    codes: np.ndarray  # (T,) int

    @classmethod
    def of(cls, values: Sequence[str | None]) -> Track:
        """From one word (or None) a sample, in order of first appearance; spaces around it are left out."""
        index: dict[str, int] = {}
        codes = [-1 if value is None else index.setdefault(value.strip(), len(index)) for value in values]
        return cls(tuple(index), np.asarray(codes, dtype=np.int32))


@dataclass(frozen=True)
class Recording:
    """A stream as it was recorded, in physical units.

    Attributes:
        name: where it comes from, unique in its data set ("1-3", "a01/p1").
        signal: ``(C, T) float32``; NaN is a missing sample.
        rate_hz: samples a second.
        channels: metadata of the C rows.
        label: one word for all of it, or a `Track`; samples without a label are in no window.
        subject: who wore the sensors; None if unknown.
        truth: sub-actions as they truly happened, for measuring only.
        split: the part of the data set's own split it belongs to, if there is one.
        breaks: samples that do not follow their predecessor in time; no window crosses one.
        lost_s: seconds that are lost before each of the breaks; none where that is unknown.
    """

    name: str
    signal: np.ndarray
    rate_hz: float
    channels: tuple[Channel, ...]
    label: str | Track
    subject: Subject | None = None
    truth: Track | None = None
    split: Literal["train", "test"] | None = None
    breaks: tuple[int, ...] = ()
    lost_s: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        shape = self.signal.shape
        if len(shape) != 2 or shape[0] != len(self.channels):
            raise DataError(
                f"recording {self.name!r}: a signal of {len(self.channels)} channels is (C, T), got {shape}"
            )
        if not self.channels or not shape[1]:
            raise DataError(f"recording {self.name!r} is empty: {shape[0]} channels, {shape[1]} samples")
        if not (np.isfinite(self.rate_hz) and self.rate_hz > 0):
            raise DataError(f"recording {self.name!r}: a rate of {self.rate_hz} Hz is not possible")
        self._check_values()
        words = (self.label,) if isinstance(self.label, str) else self.label.words
        if any(not word.strip() for word in words):
            raise DataError(f"recording {self.name!r}: an empty label; give it a name or remove its samples")
        for track in (self.label, self.truth):
            if isinstance(track, Track) and len(track.codes) != shape[1]:
                raise DataError(
                    f"recording {self.name!r}: {len(track.codes)} labelled samples for {shape[1]} samples"
                )

    def _check_values(self) -> None:
        infinite = np.isinf(self.signal)
        if infinite.any():
            row, sample = np.argwhere(infinite)[0]
            raise DataError(
                f"recording {self.name!r}: infinite value in channel {self.channels[row].name!r} at "
                f"{sample / self.rate_hz:.2f} s; a missing sample is NaN"
            )
        if np.isnan(self.signal).all():
            raise DataError(f"recording {self.name!r}: nothing but missing samples; leave it out")
