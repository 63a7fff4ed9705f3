"""What was found in several files, told once."""

from __future__ import annotations


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
