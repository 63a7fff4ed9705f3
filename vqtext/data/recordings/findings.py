"""What was found in several files, reported once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable


class Findings:
    """Lines in words, each with the files that it holds for."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def add(self, line: str, file: str) -> None:
        """Note what was found in a file; "" is nothing."""
        if line:
            self._files.setdefault(line, []).append(file)

    def lines(self) -> list[str]:
        """A line a finding: "a.csv and 3 more: separator ';'"."""
        return [
            f"{files[0]}{f' and {len(files) - 1} more' if len(files) > 1 else ''}: {line}"
            for line, files in self._files.items()
        ]


WarnOnce = Callable[[str, str], None]
"""Takes what happened, and one line about it: the first line is a warning, the others are counted."""


class ReadLog:
    """What a user should know of files that were read, though it is no error.

    Args:
        warn: takes a line at once.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self.warn = warn
        self.notes, self.left_out = Findings(), Findings()
        self.counts: Counter[str] = Counter()

    def warn_once(self, what: str, text: str) -> None:
        """Warn where it happens first, and count how often it does."""
        if not self.counts[what]:
            self.warn(text)
        self.counts[what] += 1

    def remarks(self) -> list[str]:
        """A line for all that happened more than once."""
        return [*self.left_out.lines(), *(f"{n} {what}" for what, n in self.counts.items() if n > 1)]


def listed(names: Iterable[str]) -> str:
    """Names in quotes, one after the other."""
    return ", ".join(repr(name) for name in names)
