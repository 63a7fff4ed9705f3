"""Readers: one small file a data set, found by name.

A reader knows a published format and nothing else: it yields `Recording`s in physical units, with the
metadata of each channel, and says how its data are usually cut. To add one, write a file with a `Reader` and
name it in `READERS`.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Literal

from vqtext.data.recordings.findings import ReadLog
from vqtext.data.recordings.grid import GAP_S
from vqtext.data.recordings.recording import Recording
from vqtext.errors import DataError, UsageError

READERS = {
    "basic_motions": "vqtext.data.readers.basic_motions:BasicMotions",
    "csv": "vqtext.data.own.csv_folder:Csv",
    "dsads": "vqtext.data.readers.dsads:Dsads",
    "gait": "vqtext.data.readers.gait:Gait",
    "mhealth": "vqtext.data.readers.mhealth:Mhealth",
    "opportunity": "vqtext.data.readers.opportunity:Opportunity",
    "pamap2": "vqtext.data.readers.pamap2:Pamap2",
    "planted": "vqtext.data.planted.reader:Planted",
    "uci_har": "vqtext.data.readers.uci_har:UciHar",
    "uea": "vqtext.data.readers.uea:Uea",
    "usc_had": "vqtext.data.readers.usc_had:UscHad",
    "wisdm": "vqtext.data.readers.wisdm:Wisdm",
}
"""Name of the data → module and class."""

Warn = Callable[[str], None]


class Reader(ABC):
    """One data set on this machine.

    Args:
        path: where it lies; None for data that come inside a package.
        rate_hz: the rate the user asked for; only readers of files without a rate of their own use it.
        warn: takes one line for what a user should know though it is no error.

    Attributes:
        log: what was found in files that were read: how they are written, where that was left open, and
            what of them was put right.
        dataset: the data set's name, as the artifacts carry it.
        parts: how many parts it is read in. A part is what is read at once and held in memory, one file or
            the files of one recording, so that a large data set is never held whole and a reading that was
            stopped goes on at the part where it stopped.
        independent: no part needs to know of another: they may be read in any order, and anywhere.
        exact_subjects: subjects may differ in case, spaces or zeros; else `vqtext.schema.same_subject`.
        window_s, stride_s, borders, gap_s: how its windows are usually cut, where the user says nothing; see
            `vqtext.data.windows.windowing.Cut`.
    """

    dataset: str
    parts: int
    window_s: ClassVar[float | None] = None
    stride_s: ClassVar[float | None] = None
    borders: ClassVar[Literal["drop", "keep"]] = "drop"
    gap_s: ClassVar[float] = GAP_S
    exact_subjects: bool = False
    independent: bool = True

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        self.path = path
        self.rate_hz = rate_hz
        self.warn = warn
        self.log = ReadLog(warn)

    @abstractmethod
    def part(self, number: int) -> Iterator[Recording]:
        """Read the recordings of one part, 0 … ``parts`` − 1, always in the same order.

        Raises:
            DataError: names the file, and what in it is wrong.
        """

    def called(self, number: int) -> str:
        """What messages call a part of which nothing else is known."""
        return f"part {number + 1} of {self.parts} of {self.dataset}"

    def remarks(self, subjects: Collection[str]) -> list[str]:
        """What a user should know once all parts were read, in which these subjects occurred; a line each."""
        return []

    def recordings(self) -> Iterator[Recording]:
        """All recordings, one part after the other."""
        for number in range(self.parts):
            yield from self.part(number)

    @abstractmethod
    def fingerprint(self) -> Any:
        """Plain data that change when the recordings do, found without reading them."""


def open_reader(name: str, path: Path | str | None, rate_hz: float | None, warn: Warn) -> Reader:
    """The reader of that name.

    Raises:
        UsageError: there is no such reader, or ``path`` is missing or does not exist.
    """
    if name not in READERS:
        near = difflib.get_close_matches(name.lower().replace("-", "_"), READERS, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UsageError(f"no data set is named {name!r}: {hint}There are {', '.join(READERS)}")
    module, _, cls = READERS[name].partition(":")
    reader: Reader = getattr(import_module(module), cls)(None if path is None else Path(path), rate_hz, warn)
    return reader


class FileReader(Reader):
    """A data set each of whose files is a part.

    Attributes:
        folders: where its archive unpacks to, inside the folder that the user names.
        example: the name of a file, for the error where there is none.
        files: all of them, in order.
    """

    folders: ClassVar[tuple[str, ...]] = ()
    example: ClassVar[str]

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.root = data_folder(path, self.dataset, *self.folders)
        self.files = self.find()
        self.parts = len(self.files)
        if not self.files:
            raise DataError(f"{self.root}: no file {self.example}")

    @abstractmethod
    def find(self) -> list[Path]:
        """The files below ``root``."""

    def fingerprint(self) -> Any:
        return stamps(self.files, self.root)


def data_folder(path: Path | None, name: str, *inside: str) -> Path:
    """``path``, or the first of these folders inside it, as archives unpack to; errors as `existing`."""
    root = existing(path, name)
    return next((root / folder for folder in inside if (root / folder).is_dir()), root)


def existing(path: Path | None, name: str) -> Path:
    """``path`` if there is such a file or folder.

    Raises:
        UsageError: it was not given, or is not there.
    """
    if path is None:
        raise UsageError(f"where is the data? vqtext prepare --data {name} --path FOLDER")
    if not path.exists():
        raise UsageError(f"--path {path}: there is no such file or folder")
    return path


def stamps(paths: Iterable[Path], root: Path) -> list[list[str | int]]:
    """Name, size and time of change of each file: what changes when its content does."""
    stats = ((path, path.stat()) for path in paths)
    return [[str(path.relative_to(root)), stat.st_size, stat.st_mtime_ns] for path, stat in stats]
