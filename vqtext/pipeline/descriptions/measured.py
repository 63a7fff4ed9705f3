"""What the sensors did in some windows, and that in words: what `describe` lets any process find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from vqtext.data.features.facts import Facts, cadence, facts
from vqtext.data.windows.windows import Windows
from vqtext.errors import ArtifactError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.descriptions.template import describe

SOURCES = ("template", "llm")


@dataclass
class Texts:
    """The descriptions of N windows, and the sentences of their S segments.

    Attributes:
        of_window: of each window.
        source: who wrote it, a place in `SOURCES`, ``(N,)``.
        sentences: of segments, each once.
        of_segment: which of them is whose, ``(N, S)``, −1 without a sample.
    """

    of_window: list[str]
    source: np.ndarray
    sentences: list[str]
    of_segment: np.ndarray


@dataclass(frozen=True)
class Block:
    """Windows that follow each other, by their places."""

    start: int
    stop: int

    def __str__(self) -> str:
        return f"windows {self.start} to {self.stop - 1}"


@dataclass(frozen=True)
class Measured:
    """Of a block of n windows.

    Attributes:
        facts: of each.
        rhythm: of each place over the whole window, ``(n, L)``, see `cadence`; NaN where it has no clear one.
        text: the template's description of each; empty where it was not asked for.
    """

    facts: Facts
    rhythm: np.ndarray
    text: list[str]


@dataclass(frozen=True)
class Measure:
    """Measures one block; may be sent to another process, which opens the windows for itself.

    Attributes:
        path, content: of windows.h5, which must stay as it is.
        segments: equal stretches of a window.
        in_words: describe them too.
        opened: the windows of this process.
    """

    path: Path
    content: str
    segments: int
    in_words: bool
    opened: Windows | None = None

    def __call__(self, block: Block) -> Measured:
        opened = self.opened or _opened(self.path, self.content)
        windows = opened.take(slice(block.start, block.stop))
        found = facts(windows, self.segments)
        text = [describe(windows, found, i) for i in range(windows.n)] if self.in_words else []
        return Measured(found, _rhythms(windows, found.locations), text)

    def __reduce__(self) -> tuple[type[Measure], tuple[Path, str, int, bool]]:
        return Measure, (self.path, self.content, self.segments, self.in_words)


@lru_cache(maxsize=1)
def _opened(path: Path, content: str) -> Windows:
    windows = read_windows(path)
    if getattr(windows.signal, "content", content) != content:
        raise ArtifactError(f"{path} was made again while it was read: start once more")
    return windows


def _rhythms(windows: Windows, locations: Sequence[str]) -> np.ndarray:
    """Rhythm of each place over each whole window, ``(N, L) float32``; NaN where there is no clear one."""
    rhythm = np.full((windows.n, len(locations)), np.nan, dtype=np.float32)
    for i in range(windows.n):
        signal = windows.signal[i, :, : windows.length[i]]
        for place, location in enumerate(locations):
            rate = cadence(signal, windows.channels, location, windows.rate_hz)
            rhythm[i, place] = np.nan if rate is None else rate
    return rhythm
