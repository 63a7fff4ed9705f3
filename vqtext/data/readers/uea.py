"""Any data set in the ``.ts`` format of the UEA archive, or the ``.tsv`` format of the UCR archive.

The formats know neither sensors nor rates: locations and modalities are "unknown", units "1", the rate is the
one given with ``--rate`` or 1 Hz. ``NAME_TRAIN.ts`` and ``NAME_TEST.ts`` side by side are the data set's own
split, and so are ``NAME_TRAIN.tsv`` and ``NAME_TEST.tsv``; a folder with both kinds is read from the first.
Each case is one window; cases of different lengths are padded. Labels are kept as they are spelled. Where
``--path`` is the bare name of a problem that lies inside aeon's wheel (GunPoint, BasicMotions,
JapaneseVowels …) and of nothing here, it is read from there; nothing is ever downloaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from vqtext.data.readers.base import Reader, Warn, existing, stamps
from vqtext.data.readers.ts_files import aeon_data, load_cases
from vqtext.data.recordings.recording import Recording
from vqtext.errors import UsageError
from vqtext.schema import Channel

SUFFIXES = (".ts", ".tsv")
_PARTS: dict[str, Literal["train", "test"]] = {"_TRAIN": "train", "_TEST": "test"}


class Uea(Reader):
    """One problem: a file, or a folder with ``NAME_TRAIN`` and ``NAME_TEST``."""

    gap_s: ClassVar[float] = math.inf  # a case is one window, whatever is missing in it

    def __init__(self, path: Path | None, rate_hz: float | None, warn: Warn) -> None:
        super().__init__(path, rate_hz, warn)
        self.files = _bundled(path) or _files(existing(path, "uea"))
        self.dataset = _problem(self.files[0])
        self.parts = len(self.files)

    def part(self, number: int) -> Iterator[Recording]:
        file = self.files[number]
        part = next((name for end, name in _PARTS.items() if file.stem.endswith(end)), None)
        split = part if len(self.files) > 1 else None
        for i, (signal, label) in enumerate(load_cases(file, self.warn)):
            channels = tuple(
                Channel(f"channel_{c}", "unknown", "unknown", str(c), "1") for c in range(len(signal))
            )
            yield Recording(
                name=f"{part or file.stem}/{i}",
                signal=signal,
                rate_hz=self.rate_hz or 1.0,
                channels=channels,
                label=label,
                split=split,
            )

    def fingerprint(self) -> Any:
        return [self.rate_hz, *stamps(self.files, self.files[0].parent)]


def _bundled(path: Path | None) -> list[Path]:
    """The files of a problem inside aeon's own wheel, if ``path`` is no more than its name; [] otherwise."""
    inside = aeon_data()
    if path is None or inside is None or path.exists() or len(path.parts) != 1:
        return []
    folder = inside / path.name
    return _files(folder) if any(folder.glob("*.ts")) else []


def _problem(file: Path) -> str:
    return file.stem.removesuffix("_TRAIN").removesuffix("_TEST")


def _files(path: Path) -> list[Path]:
    """The files of one problem, training first."""
    folder = path if path.is_dir() else path.parent
    if path.is_file() and path.suffix not in SUFFIXES:
        raise UsageError(f"--path {path}: neither a .ts nor a .tsv file")
    problems: dict[str, list[Path]] = {}
    for suffix in SUFFIXES if path.is_dir() else (path.suffix,):
        files = [file for file in folder.glob(f"*{suffix}") if file.is_file() and file.name[0] != "."]
        for file in sorted(files, reverse=True):  # _TRAIN before _TEST
            found = problems.setdefault(_problem(file), [])
            if not found or found[0].suffix == suffix:
                found.append(file)
    if path.is_file():
        return problems[_problem(path)]
    if not problems:
        raise UsageError(f"--path {path}: no .ts or .tsv file in this folder")
    if len(problems) > 1 and path.name not in problems:
        raise UsageError(
            f"--path {path} holds several problems: name a file of {', '.join(sorted(problems))}"
        )
    return problems[path.name if path.name in problems else next(iter(problems))]
