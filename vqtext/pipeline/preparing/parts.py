"""One part of the data, read and cut: what `prepare` lets any process do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from vqtext.data.readers.base import Reader, open_reader
from vqtext.data.recordings.findings import Found
from vqtext.data.windows.digest import Digest, digest
from vqtext.data.windows.windowing import Cut
from vqtext.errors import VQTextError


@dataclass(frozen=True)
class Part:
    """A part of the data: its number, from 0, and what messages call it."""

    number: int
    called: str

    def __str__(self) -> str:
        return self.called


@dataclass
class PartRead:
    """What was in a part.

    Attributes:
        recordings: up to the first that could not be read.
        error: why that one could not.
        found, warned: notes on its files, see `ReadLog.join`.
    """

    recordings: list[Digest] = field(default_factory=list)
    error: VQTextError | None = None
    found: Found = field(default_factory=Found)
    warned: list[str] = field(default_factory=list)


class OpenReader:
    """A reader whose warnings are kept."""

    def __init__(self, name: str, path: Path | None, rate_hz: float | None) -> None:
        self.warned: list[str] = []
        self.reader: Reader = open_reader(name, path, rate_hz, self.warned.append)

    def take_warnings(self) -> list[str]:
        """What it warned of since this was called last."""
        lines, self.warned[:] = self.warned[:], []
        return lines

    def read(self, number: int, how: Cut) -> PartRead:
        self.take_warnings()
        part = PartRead()
        try:
            for recording in self.reader.part(number):
                part.recordings.append(digest(recording, how))
        except VQTextError as error:
            part.error = error
        return replace(part, found=self.reader.log.take(), warned=self.take_warnings())


@dataclass
class ReadPart:
    """Reads and cuts one part; may be sent to another process, which opens a reader of its own and keeps it.

    Attributes:
        name, path, rate_hz: as `open_reader` takes them.
        how: how recordings are cut.
        recipe: changes when the recordings do.
        opened: the reader of this process.
    """

    name: str
    path: Path | None
    rate_hz: float | None
    how: Cut
    recipe: str
    opened: OpenReader | None = None

    def __call__(self, part: Part) -> PartRead:
        opened = self.opened or _opened(self.name, self.path, self.rate_hz, self.recipe)
        return opened.read(part.number, self.how)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "opened": None}


@lru_cache(maxsize=1)
def _opened(name: str, path: Path | None, rate_hz: float | None, recipe: str) -> OpenReader:
    return OpenReader(name, path, rate_hz)
