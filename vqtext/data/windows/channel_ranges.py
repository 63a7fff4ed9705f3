"""The least and the largest value of each channel, and what is strange about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vqtext.data.recordings.findings import listed
from vqtext.data.recordings.units import SPANS
from vqtext.schema import Channel


class ChannelRanges:
    """Ranges over all recordings: ``low`` and ``high``, ``(C,)``, NaN before a channel's first sample."""

    def __init__(self) -> None:
        self.low = self.high = np.empty(0)

    def add(self, low: np.ndarray, high: np.ndarray) -> None:
        """Take the range of one more recording."""
        if not self.low.size:
            self.low = self.high = np.full(len(low), np.nan)
        self.low, self.high = np.fmin(self.low, low), np.fmax(self.high, high)

    def state(self) -> dict[str, list[float | None]]:
        """Plain data for JSON, from which `restore` goes on."""
        values = {"low": self.low, "high": self.high}
        return {name: [None if np.isnan(x) else float(x) for x in own] for name, own in values.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.low, self.high = (np.array(state[name], dtype=np.float64) for name in ("low", "high"))

    def remarks(self, channels: Sequence[Channel]) -> list[str]:
        """A line for each of these: channels that never change, range too far, or have no sample."""
        limit = np.array([SPANS.get(c.modality, np.inf) if c.unit != "1" else np.inf for c in channels])
        strange = (
            ("constant channel, kept though it tells nothing: {}", self.low == self.high),
            (
                "numbers beyond those of any body in {}: is their unit right?",
                self.high - self.low > limit,
            ),
            ("channel without a single sample, kept: {}", np.isnan(self.low)),
        )
        return [
            text.format(listed(channels[i].name for i in np.flatnonzero(mask)))
            for text, mask in strange
            if mask.any()
        ]
