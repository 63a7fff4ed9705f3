"""Labels as intervals: which of them are a recording's, and where they lie in it.

docs/own-data.md has the keys of ``[intervals]``. A file without ``{stem}``, ``{name}`` or ``{folder}`` is
looked for beside the recording, then in the folder of ``dataset.toml``; one that is found for several
recordings says of each interval whose it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np

from vqtext.data.own.contents import CONTENTS, Contents
from vqtext.data.own.interval_files import CLOCK, Found, read_intervals
from vqtext.data.own.own_rows import label_word
from vqtext.data.recordings.findings import WarnOnce
from vqtext.data.recordings.recording import Track
from vqtext.errors import DataError

_TOLERANCE_S = 1e-6  # s: rows so near to the end of an interval are on it


class _Placed(NamedTuple):
    """An interval in seconds since the start of its recording; ``where`` it stands, for errors."""

    start: float
    stop: float
    word: str
    where: str


class Intervals:
    """The intervals of all recordings.

    Args:
        folder: of ``dataset.toml``.
        recordings: the name of each, and its files as paths below the folder.
        contents: with ``intervals``.
        warn_once: takes what a user should know though it is no error.

    Raises:
        DataError: no file of intervals is there, or one is outside the folder.
    """

    def __init__(
        self, folder: Path, recordings: Mapping[str, Sequence[str]], contents: Contents, warn_once: WarnOnce
    ) -> None:
        assert contents.intervals is not None
        self.folder, self.contents, self.entry = folder, contents, contents.intervals
        self.warn_once = warn_once
        self.of_recording = {
            name: interval_files(folder, paths, self.entry.files) for name, paths in recordings.items()
        }
        self.files = list(dict.fromkeys(chain.from_iterable(self.of_recording.values())))
        uses = Counter(chain.from_iterable(self.of_recording.values()))
        self.shared = {file for file, count in uses.items() if count > 1}
        self.paths = recordings
        self.read = cache(self._read)
        self.by_name = cache(self._by_name)
        self.taken: dict[Found, str] = {}  # intervals that name no path → the recording they were taken for
        if not self.files:
            raise DataError(f"{folder / CONTENTS}: no file matches intervals {self.entry.files!r}")

    def track(
        self, name: str, subject: str | None, times: np.ndarray, first: float | None, rate_hz: float
    ) -> Track:
        """The label of each sample of a recording.

        Args:
            times: seconds since its start, ``(T,)``, rising.
            first: when it started, in seconds of its own clock; None if unknown.

        Raises:
            DataError: intervals of two labels overlap, or nothing says when or of what they are.
        """
        intervals = self._found(name, subject)
        if not intervals:
            self.warn_once(
                "recordings without an interval", f"{name}: no interval is of it: it is in no window"
            )
        at = self._shift(intervals, name, times, first, rate_hz)
        scale = 1 / rate_hz if self.entry.unit == "samples" else 1.0
        placed = []
        for source in intervals:
            word = label_word(source.label, self.contents, source.where)
            start, stop = source.start * scale - at, source.stop * scale - at
            if stop == start:
                self.warn_once(
                    "intervals without a length",
                    f"{source.where}: the interval has no length, and is left out",
                )
            elif word is not None:
                placed.append(_Placed(start, stop, word, source.where))
        self._check_inside(placed, times[-1] + 1 / rate_hz, at, name)
        placed.sort(key=lambda one: one.start)
        return _track(placed, times, name, may_overlap=self.entry.overlap == "later")

    def _check_inside(self, placed: list[_Placed], end: float, at: float, name: str) -> None:
        """Warn of intervals that are not inside a recording of ``end`` seconds, which began at ``at``."""

        def outside(one: _Placed) -> float:
            return max(-one.start, 0) + max(one.stop - end, 0)

        strays = [one for one in placed if outside(one) > min(1.0, (one.stop - one.start) / 2)]
        if not strays:
            return
        first = strays[0]
        began = ""
        if at >= CLOCK:
            began = f", which began at {datetime.fromtimestamp(at, UTC).isoformat(' ', 'milliseconds')}"
        marked = sum(one.stop - one.start for one in placed)
        inside = sum(max(min(one.stop, end) - max(one.start, 0), 0) for one in placed)
        hint = "; what unit are they in? Say unit and clock in [intervals]" if inside < marked / 2 else ""
        self.warn_once(
            "recordings whose intervals reach outside",
            f"{first.where}: {len(strays)} of {len(placed)} intervals reach outside {name}{began}: "
            f"{first.word!r} is from {first.start:.6g} s to {first.stop:.6g} s, it lasts {end:.6g} s{hint}",
        )

    def _found(self, name: str, subject: str | None) -> list[Found]:
        """The intervals of one recording: those that name its path, else its file, else its subject."""
        intervals: list[Found] = []
        for file in self.of_recording[name]:
            rows = self.read(file)
            if self._is_own(file):
                intervals += rows
                continue
            nameless = next((row for row in rows if not row.names), None)
            if nameless is not None:
                raise DataError(
                    f"{nameless.where}: the intervals are for several recordings, but nothing says for "
                    "which: say recording = … in [intervals], the column that names the file or the subject"
                )
            intervals += self._named(file, name, subject)
        return intervals

    def _is_own(self, file: Path) -> bool:
        """Are all intervals of a file those of the one recording that it was found for?"""
        return file not in self.shared and len({key for row in self.read(file) for key in row.names}) < 2

    def _named(self, file: Path, name: str, subject: str | None) -> list[Found]:
        exact, stems, people = self.by_name(file)
        paths = {name, *self.paths[name]}
        own = _of(exact, paths)
        if own:
            return own
        own = _of(stems, _stems(paths))
        if not own and subject is not None:
            own = people.get(self.contents.same_subject(subject), [])
        for row in own:
            other = self.taken.setdefault(row, name)
            if other != name and not row.is_clock:
                raise DataError(
                    f"{row.where}: the interval may be of {other} or of {name}: name recordings by their path"
                )
        return own

    def _by_name(self, file: Path) -> tuple[dict[str, list[Found]], ...]:
        """The intervals of a file by what they name, by names as a labelling program may leave them, and by
        whom they name, however spelled."""
        exact: dict[str, list[Found]] = {}
        stems: dict[str, list[Found]] = {}
        people: dict[str, list[Found]] = {}
        for row in self.read(file):
            own = set(row.names)
            for index, keys in (
                (exact, own),
                (stems, _stems(own)),
                (people, set(map(self.contents.same_subject, own))),
            ):
                for key in keys:
                    index.setdefault(key, []).append(row)
        return exact, stems, people

    def _shift(
        self, intervals: list[Found], name: str, times: np.ndarray, first: float | None, rate_hz: float
    ) -> float:
        """What the times of intervals count at the recording's start."""
        if not intervals or self.entry.clock == "start" or self.entry.unit == "samples":
            return 0.0
        if self.entry.clock == "stamps" or any(one.is_clock for one in intervals):
            if first is None or (self.entry.clock is None and first < CLOCK):
                raise DataError(
                    f"{intervals[0].where}: the interval is at a date and time, but nothing says at which "
                    f"{name} started: say its time_column"
                )
            return first
        if first is None or abs(first) <= 1 / rate_hz:
            return 0.0

        def inside(at: float) -> int:
            return sum(one.stop > at and one.start < at + times[-1] for one in intervals)

        if inside(first) > inside(0.0):
            return first
        if inside(first):
            self.warn_once(
                "recordings whose intervals may be on another clock",
                f"{intervals[0].where}: intervals are taken as seconds since the start of {name}; if they "
                f"are on the clock of its rows, which start at {first:.6g} s, say clock = "
                '"stamps" in [intervals]; clock = "start" ends this warning',
            )
        return 0.0

    def unknown(self, subjects: Sequence[str]) -> list[str]:
        """What names a recording in a shared file and is none."""
        same = self.contents.same_subject
        stems = _stems([*self.paths, *(path for paths in self.paths.values() for path in paths)])
        people = set(map(same, subjects))
        shared = [file for file in self.files if not self._is_own(file)]
        keys = dict.fromkeys(row.names for file in shared for row in self.read(file))
        return [
            names[0]
            for names in keys
            if names and not _stems(names) & stems and people.isdisjoint(map(same, names))
        ]

    def _read(self, file: Path) -> list[Found]:
        name = file.relative_to(self.folder).as_posix()
        return read_intervals(file, name, self.entry, self.contents.encoding)


def _track(placed: list[_Placed], times: np.ndarray, name: str, may_overlap: bool) -> Track:
    """Sorted intervals as the label of each sample.

    Raises:
        DataError: two of them overlap, and may not.
    """
    words = tuple(dict.fromkeys(one.word for one in placed))
    codes = np.full(len(times), -1, dtype=np.int32)
    owner = np.full(len(times), -1)
    for i, one in enumerate(placed):
        a, b = np.searchsorted(times, [one.start - _TOLERANCE_S, one.stop - _TOLERANCE_S])
        code = words.index(one.word)
        before = owner[a:b][(codes[a:b] >= 0) & (codes[a:b] != code)]
        if before.size > 1 and not may_overlap:
            other = placed[before[0]]
            raise DataError(
                f"{one.where}: {one.word!r} from {one.start:.6g} s to {one.stop:.6g} s of {name} overlaps "
                f"{other.word!r} from {other.start:.6g} s to {other.stop:.6g} s: cut one of them, leave "
                'one out with ignore_labels, or say overlap = "later" in [intervals]: the later one holds'
            )
        codes[a:b], owner[a:b] = code, i
    return Track(words, codes)


def interval_files(folder: Path, paths: Sequence[str], pattern: str) -> list[Path]:
    """The files of intervals of one recording, those that exist."""
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise DataError(f"{folder / CONTENTS}: intervals {pattern!r} leaves the folder")
    files = []
    for path in map(PurePosixPath, paths):
        name = pattern
        for key, value in (("folder", path.parent), ("stem", _bare(path.name)), ("name", path.name)):
            name = name.replace(f"{{{key}}}", str(value))
        places = [folder / name] if "{folder}" in pattern else [folder / path.parent / name, folder / name]
        files += [file for file in places if file.is_file()][:1]
    for file in files:
        if not file.resolve().is_relative_to(folder.resolve()):
            raise DataError(f"{file} is a link that leaves the folder")
    return list(dict.fromkeys(files))


def _of(index: Mapping[str, list[Found]], keys: Iterable[str]) -> list[Found]:
    return list(dict.fromkeys(row for key in sorted(keys) for row in index.get(key, [])))


def _bare(name: str) -> str:
    """A file's name without what says its format."""
    return re.sub(r"\.[A-Za-z]\w{0,7}$", "", re.sub(r"\.(gz|zip|bz2|xz)$", "", name))


def _stems(paths: Iterable[str]) -> set[str]:
    """Names of files, with and without what says their format, out of paths and links that a labelling
    program may have changed: Label Studio puts eight digits before a name."""
    names = {re.sub(r"^[0-9a-f]{8}-", "", re.split(r"[/\\=]", unquote(path))[-1]) for path in paths}
    return names | {_bare(name) for name in names}
