"""Plain lines for people: values in a sentence, columns, and nothing that could drive a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from os.path import commonprefix
from typing import Any


def printable(text: str) -> str:
    """The text with control characters and line breaks shown as escapes: names of labels and files are data,
    and must neither break a line nor drive a terminal."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text
    )


def as_text(value: Any) -> str:
    """A value of a summary in one line: {"walking": 4, "running": 2} → "walking 4, running 2"."""
    if value is None:
        return "none"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {as_text(item)}" for key, item in value.items()) or "none"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(as_text, value)) or "none"
    return str(value)


def nearest_to(text: str, known: Sequence[str]) -> str:
    """The end of a message on a name that is not known: the known one that is most like it."""
    near = get_close_matches(text, known, n=1, cutoff=0)
    return f": the nearest is {near[0]!r}" if near else ""


def cut_short(text: str, most: int = 60) -> str:
    """The text, cut with an ellipsis where it is longer than a line has room for."""
    return text if len(text) <= most else text[: most - 1] + "…"


def cut_apart(texts: Sequence[str], most: int = 60) -> list[str]:
    """Each text as `cut_short`; those that would then look alike are cut in the middle instead."""
    shown = {text: cut_short(text, most) for text in texts}
    for cut in (_cut_in_the_middle, _cut_in_the_middle, lambda text, differ, most: text):
        groups: dict[str, list[str]] = {}
        for text, short in shown.items():
            groups.setdefault(short, []).append(text)
        for group in groups.values():
            if len(group) > 1:
                differ = len(commonprefix(group))  # noqa: RUF071  texts, not paths
                shown |= {text: cut(text, differ, most) for text in group}
    return [shown[text] for text in texts]


def _cut_in_the_middle(text: str, differ: int, most: int) -> str:
    """The start of a text and, from a word's begin where one is near, what stands about ``differ``."""
    begin = text.rfind(" ", differ - most // 3, differ - most // 6) + 1 or differ - most // 6
    start = text[: most // 3].rpartition(" ")[0] or text[: most // 3]
    return f"{start} … {cut_short(text[begin:], most - most // 3 - 3)}"


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Rows as lines with aligned columns."""
    rows = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
