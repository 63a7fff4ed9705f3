"""What was found in several files, reported once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field


class Findings:
    """Lines in words, each with the files that it holds for."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def add(self, line: str, file: str) -> None:
        """Note what was found in a file; "" is nothing."""
        if line:
            self._files.setdefault(line, []).append(file)

    def join(self, other: Findings) -> None:
        """Take what others noted, after what was noted here."""
        for line, files in other._files.items():
            self._files.setdefault(line, []).extend(files)

    def lines(self) -> list[str]:
        """A line a finding: "a.csv and 3 more: separator ';'"."""
        return [
            f"{files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {line}"
            for line, files in self._files.items()
        ]


WarnOnce = Callable[[str, str], None]
"""Takes what happened, and one line about it: the first line is a warning, the others are counted."""


@dataclass
class Found:
    """What was found in some files.

    Attributes:
        notes: how they are written, where that was left open.
        left_out: what of them was left out.
        counts: what happened, and how often.
        first: what happened → the warning of it.
    """

    notes: Findings = field(default_factory=Findings)
    left_out: Findings = field(default_factory=Findings)
    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)


class ReadLog(Found):
    """What a user should know of files that were read, though it is no error.

    Args:
        warn: takes a line at once.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        super().__init__()
        self.warn = warn
        self._warned: set[str] = set()  # by `join`

    def warn_once(self, what: str, text: str) -> None:
        """Warn where it happens first, and count how often it does."""
        if not self.counts[what]:
            self.warn(text)
            self.first[what] = text
        self.counts[what] += 1

    def take(self) -> Found:
        """What was found since this was called last."""
        found = Found(self.notes, self.left_out, self.counts, self.first)
        super().__init__()
        return found

    def join(self, found: Found, warned: Iterable[str]) -> None:
        """Go on with what another log found in the files that come next, and with the lines it gave to its
        ``warn``: a line that was given before is not given again."""
        known = {text for what, text in found.first.items() if self.counts[what]} | self._warned
        for text in dict.fromkeys(warned):
            if text not in known:
                self.warn(text)
                self._warned.add(text)
        self.notes.join(found.notes)
        self.left_out.join(found.left_out)
        self.counts += found.counts
        self.first = {**found.first, **self.first}

    def remarks(self) -> list[str]:
        """A line for all that happened more than once."""
        return [*self.left_out.lines(), *(f"{n} {what}" for what, n in self.counts.items() if n > 1)]


def listed(names: Iterable[str]) -> str:
    """Names in quotes, one after the other."""
    return ", ".join(repr(name) for name in names)
