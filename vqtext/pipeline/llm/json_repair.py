"""JSON as language models write it → values, or what is wrong with it, in words and with its place.

What can mean one thing only is mended: a comma before a closing bracket, comments, single and typographic
quotes, line breaks inside texts, Python's words, doubled braces. What is inside a text stays as it is.
Anything else, such as a missing comma, may hide what the model meant, and is reported.
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any, NoReturn

_MAX_DEPTH = 64  # of a reply; those that are asked for have 5
_MAX_CONTEXT = 20  # characters shown of what follows
_MAX_PHRASE = 60  # characters of a phrase that names a place
_CLOSES = {'"': '"', "'": "'", "“": '”“"', "”": '”"', "„": '“”"', "‘": "’'", "’": "’'", "«": "»"}
_APOSTROPHES = "'’"
_GAP = re.compile(r"(?:[\s\ufeff\u200b]|//[^\n]*|#[^\n]*|/\*.{0,999}?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,99})(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])")
_WORD = re.compile(r"[^\W\d]\w*")
_LITERAL = re.compile(r"(?:(?i:true|false|null)|None|NaN|undefined)(?!\w)")  # not "none", which may be a word
_COMMA_BEFORE_END = re.compile(r",[\s,]*[}\]]")
_LONE_COMMA = re.compile(r",(?=\s*[}\]])")  # of a list that is empty
_ESCAPED = re.compile(r'\\(.)|"', re.DOTALL)


class Broken(ValueError):
    """JSON that cannot be mended.

    Attributes:
        at: where in the text it breaks.
    """

    def __init__(self, what: str, at: int) -> None:
        super().__init__(what)
        self.at = at


def parse(text: str, start: int = 0) -> tuple[Any, int]:
    """The value that begins in a text, and where it ends.

    Raises:
        Broken: it is no JSON and cannot be made so.
    """
    reader = _Reader(text, start)
    return reader.value(), reader.at


def place_in(value: Any, path: tuple[int | str, ...]) -> str:
    """A place in a value: the items of lists that it is in, each by its phrase or its first text. Numbers are
    no names, since they may count from 0 or 1.

    >>> place_in({"steps": [{"phrase": "up"}, {"phrase": "down"}]}, ("steps", 1, "side"))
    "step 'down'"
    """
    named = []
    for i, (key, number) in enumerate(pairwise(path)):
        if isinstance(key, str) and isinstance(number, int):
            item = _at(value, path[: i + 2])
            part = item if isinstance(item, dict) else {}
            texts = [text for text in (part.get("phrase"), *part.values()) if isinstance(text, str)]
            shown = f"'{_shown(texts[0])}'" if texts and texts[0].strip() else f"{number + 1} (from 1)"
            named.append(f"{re.sub('(?<=ch)es$|s$', '', key)} {shown}")
    return ", ".join(named)


def _at(value: Any, path: tuple[int | str, ...] | list[int | str]) -> Any:
    """What is there; None where nothing is yet."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def _shown(text: str) -> str:
    line = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    return line if len(line) <= _MAX_PHRASE else f"{line[:_MAX_PHRASE]}…"


class _Reader:
    """Goes through a text once; ``root`` is what was read so far, ``path`` the place in it."""

    def __init__(self, text: str, at: int) -> None:
        self.text, self.at = text, at
        self.root: Any = None
        self.path: list[int | str] = []

    def value(self) -> Any:
        sign = self.next()
        if len(self.path) > _MAX_DEPTH:
            self.broken("it is nested too deeply")
        if sign == "{":
            return self.members()
        if sign == "[":
            return self.items()
        if sign and sign in _CLOSES:
            return self.string()
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return json.loads(number[0])
        if literal := _LITERAL.match(self.text, self.at):
            self.at = literal.end()
            return {"true": True, "false": False}.get(literal[0].lower())
        if sign == ",":
            self.broken_comma()
        if sign and sign in ":]}":
            self.broken("a missing value")
        is_word = _WORD.match(self.text, self.at) is not None
        self.broken("a value without quotation marks" if is_word else "something that is no JSON")

    def members(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.put(found)
        self.at += 1
        is_doubled = self.next() == "{"  # as in a template
        self.at += is_doubled
        self.skip_lone_comma()
        while self.next() != "}":
            key = self.key()
            if self.next() != ":":
                self.broken(f"a missing colon after the name {key!r}")
            self.at += 1
            self.path.append(key)
            found[key] = self.value()
            self.path.pop()
            self.end_of_item("}", repr(key))
        self.at += 1
        if is_doubled and self.next() == "}":
            self.at += 1
        return found

    def items(self) -> list[Any]:
        found: list[Any] = []
        self.put(found)
        self.at += 1
        self.skip_lone_comma()
        of = f" of {self.path[-1]!r}" if self.path and isinstance(self.path[-1], str) else ""
        while self.next() != "]":
            self.path.append(len(found))
            found.append(None)
            found[-1] = self.value()
            self.end_of_item("]", f"item {len(found)}{of}")
            self.path.pop()
        self.at += 1
        return found

    def skip_lone_comma(self) -> None:
        self.next()
        if lone := _LONE_COMMA.match(self.text, self.at):
            self.at = lone.end()

    def key(self) -> str:
        sign = self.next()
        if sign and sign in _CLOSES:
            return self.string()
        if sign == ",":
            self.broken_comma()
        if word := _WORD.match(self.text, self.at):
            self.broken(f"the name {word[0]!r} without quotation marks")
        self.broken("something that is no name in quotation marks")

    def end_of_item(self, closing: str, item: str) -> None:
        """Past the comma behind an item; the last one may have a comma too."""
        before, sign = self.text[self.at - 1], self.next()
        if sign == ",":
            self.at += 1
        elif sign and sign in "]}" and sign != closing:
            self.broken(f"a missing {closing!r} after {item}")
        elif sign == ":" and closing == "]":
            self.broken(f"a name where {item} should be, and so a missing ']' before it")
        elif sign != closing:
            is_inside = before in "\"'“”’" and sign.isalnum()
            what = "a quotation mark inside a text, without a backslash, or " if is_inside else ""
            self.broken(f"{what}a missing comma after {item}")

    def string(self) -> str:
        start = self.at + 1
        closes = _CLOSES[self.text[self.at]]
        for sign in re.compile(rf"\\.|[{closes}]", re.DOTALL).finditer(self.text, start):
            if sign[0] in closes and not self.is_apostrophe(sign.start()):
                self.at = sign.end()
                return self.meant(self.text[start : sign.start()])
        self.at = len(self.text)
        self.broken("it is cut off, or the quotation mark after a text is missing")

    def is_apostrophe(self, at: int) -> bool:
        around = self.text[at - 1] + self.text[at + 1 : at + 2]
        return self.text[at] in _APOSTROPHES and len(around) == 2 and around.isalpha()

    def meant(self, raw: str) -> str:
        """A text without its escapes. Quotation marks that are not its own, and line breaks, need none."""

        def as_json(sign: re.Match[str]) -> str:
            if sign[0] == '"':
                return '\\"'
            return sign[1] if sign[1] in "'“”„‘’" else sign[0]

        try:
            meant = str(json.loads(f'"{_ESCAPED.sub(as_json, raw)}"', strict=False))
        except json.JSONDecodeError:
            self.at -= len(raw) + 1
            self.broken("a backslash that JSON does not know")
        return meant.encode("utf-8", "replace").decode()  # without halves of characters

    def next(self) -> str:
        """The next sign that is neither space nor comment; "" where the text ends."""
        gap = _GAP.match(self.text, self.at)
        self.at = gap.end() if gap else self.at
        return self.text[self.at : self.at + 1]

    def put(self, found: dict[str, Any] | list[Any]) -> None:
        """Put what is read next where it belongs before it is full, so that a place in it has a name."""
        if self.path:
            _at(self.root, self.path[:-1])[self.path[-1]] = found
        else:
            self.root = found

    def broken_comma(self) -> NoReturn:
        is_last = _COMMA_BEFORE_END.match(self.text, self.at)
        self.broken(f"a comma too many{': a comma stands before the bracket' if is_last else ''}")

    def broken(self, what: str) -> NoReturn:
        near = self.text[self.at : self.at + _MAX_CONTEXT]
        where = place_in(self.root, tuple(self.path))
        if not near and not what.startswith("it is"):
            what = "it is cut off"
        shown = f" in {where}" if where else ""
        at = f", at {near!r}" if near and not what.startswith("it is") else ""
        raise Broken(f"{what}{shown}{at}", self.at)
