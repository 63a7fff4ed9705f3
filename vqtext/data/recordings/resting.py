"""What accelerometers show where they rest: gravity, in their unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from vqtext.data.recordings.findings import listed
from vqtext.data.recordings.recording import Recording
from vqtext.schema import Channel

GRAVITY = (3.0, 7.0)
"""An accelerometer that measures gravity has a median above the first (m/s2) even where a limb swings; one
with a median above the second even in its calmest recording, and a mean above the first, does."""

LARGEST_REST = 40.0
"""Nobody is accelerated so much (m/s2) for half of the calmest recording."""


class AtRest:
    """Sizes of accelerations.

    Attributes:
        sizes: location → least and largest median of |acc| of a recording, and the least |mean acc|.
    """

    def __init__(self, sizes: Mapping[str, Sequence[float]] | None = None) -> None:
        self.sizes = {location: list(own) for location, own in (sizes or {}).items()}

    def add(self, recording: Recording) -> None:
        """Look at one more recording; those of one channel set only."""
        groups: dict[str, list[int]] = {}
        for i, channel in enumerate(recording.channels):
            if channel.modality == "acc":
                groups.setdefault(channel.location, []).append(i)
        for location, rows in groups.items():
            size = np.linalg.norm(recording.signal[rows], axis=0)
            if len(rows) == 3 and np.isfinite(size).any():
                median = float(np.nanmedian(size))
                mean = float(np.linalg.norm(np.nanmean(recording.signal[rows], axis=1, dtype=np.float64)))
                self._note(location, median, median, mean)

    def join(self, other: AtRest) -> None:
        """Take what another one saw."""
        for location, sizes in other.sizes.items():
            self._note(location, *sizes)

    def _note(self, location: str, low: float, high: float, mean: float) -> None:
        least, most, steady = self.sizes.get(location, (low, high, mean))
        self.sizes[location] = [min(least, low), max(most, high), min(steady, mean)]

    @classmethod
    def of(cls, recordings: Iterable[Recording]) -> AtRest:
        rest = cls()
        for recording in recordings:
            rest.add(recording)
        return rest

    def remarks(self, channels: Sequence[Channel]) -> list[str]:
        """What their sizes say against their unit, or against ``gravity``; a line each."""
        feels = {c.location: c.gravity for c in channels if c.modality == "acc"}
        missing = [place for place, (_, most, _) in self.sizes.items() if feels[place] and most < GRAVITY[0]]
        unexpected = [
            place
            for place, (least, _, steady) in self.sizes.items()
            if not feels[place] and least > GRAVITY[1] and steady > GRAVITY[0]
        ]
        large = [place for place, (least, _, _) in self.sizes.items() if least > LARGEST_REST]
        lines = []
        if large:
            least = min(self.sizes[place][0] for place in large)
            lines.append(
                f"accelerations of {listed(large)} are never calmer than {least:.3g} m/s2 in the middle: is "
                "their unit right?"
            )
        if missing:
            lines.append(
                f"no gravity in the accelerations of {listed(missing)}: if it was removed, say gravity = "
                "false; if the unit is g, say so"
            )
        if unexpected:
            lines.append(f"accelerations of {listed(unexpected)} hold gravity despite gravity = false")
        return lines
