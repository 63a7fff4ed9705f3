"""Looking for what fits a model: in a text, in what was found there, and in what that wraps."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Generic

from pydantic import BaseModel, ValidationError

from vqtext.pipeline.llm.json_repair import Broken, parse, place_in
from vqtext.pipeline.llm.question import T

_MAX_PROBLEMS = 12  # sent back to the model at once
_MAX_CHARACTERS = 60  # characters of a wrong value
_MAX_LAYERS = 6  # of wrapping: {"tool_calls": [{"function": {"arguments": "{…}"}}]} has five
_ASIDE = re.compile(r"think|thought|reason|draft|example|default", re.IGNORECASE)
_BRACKET = re.compile(r"[{\[]")
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_SCHEMA = {"type", "$ref", "anyOf"}


def validated(value: Any, model: type[T]) -> T:
    """The value as the model, whose keys may be spelled a little otherwise: else optional ones would be lost.

    Raises:
        ValidationError: it does not fit.
    """
    return model.model_validate_json(json.dumps(_renamed(value, _names(model))))


def values(text: str, take_note: Callable[[Broken, int], None]) -> Iterator[tuple[Any, int]]:
    """The objects and lists in a text, with their lengths; of what is broken, note is taken.

    What stands in a broken object is part of it, and no object of its own: half a reply is no reply.
    """
    at = end = 0
    while bracket := _BRACKET.search(text, at):
        start = bracket.start()
        try:
            value, at = parse(text, start)
        except Broken as error:
            if start >= end:
                end = _end(text, start)
                take_note(error, end - start)
            at = max(error.at, start + 1)
            continue
        if isinstance(value, dict) or any(isinstance(item, dict) for item in value):
            yield value, at - start


def _end(text: str, start: int) -> int:
    """About where a broken object ends: at the bracket that closes it, or with the text."""
    depth = 0
    for sign in _STRUCTURE.finditer(text, start):
        depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(sign[0], 0)
        if depth == 0:
            return sign.end()
    return len(text)


class Search(Generic[T]):
    """What was found in a reply: the last that fits, since drafts come before the reply.

    Attributes:
        value: what fits; None where nothing does yet.
        problems: what is wrong with the longest that does not fit.
        broken: why the longest is no JSON; nothing where it is.
    """

    def __init__(self, model: type[T]) -> None:
        self.model = model
        self.value: T | None = None
        self.problems = ["There is no JSON object in it."]
        self.broken = ""
        self._longest = -1

    def look_into(self, value: Any, length: int) -> None:
        """Look for what fits in a value or else in what it wraps, a layer at a time."""
        _, problems = nearest = self._doubts(value)
        layer = [value]
        broken: list[Broken] = []
        for _ in range(_MAX_LAYERS):
            fitting = [fits for part in layer if (fits := self._fit(part)) is not None]
            if fitting and all(fits == fitting[0] for fits in fitting):
                self.value = fitting[0]
                return
            if fitting:
                problems = [f"It holds {len(fitting)} objects that would fit: give one alone."]
                break
            nearest = max([nearest, *map(self._doubts, layer)], key=lambda doubts: doubts[0])
            problems = nearest[1]
            layer = [inner for part in layer for inner in _inside(part, broken)]
        if broken and nearest[0] == 0:  # the JSON is in a text, and nothing else is like it
            self.take_note(broken[0], length)
        elif length > self._longest:
            self.problems, self.broken, self._longest = problems, "", length

    def take_note(self, error: Broken, length: int) -> None:
        """Remember JSON that cannot be mended."""
        if length > self._longest:
            self.problems, self.broken = [f"It is not valid JSON: {error}."], str(error)
            self._longest = length

    def _fit(self, part: Any) -> T | None:
        try:
            return validated(part, self.model)
        except ValidationError:
            return None

    def _doubts(self, part: Any) -> tuple[int, list[str]]:
        """How near something is that does not fit, and what is wrong with it."""
        if isinstance(part, list) and len(part) > 1 and any(map(self._fit, part)):
            doubt = f"It is a list of {len(part)}: give one JSON object, for what was asked alone."
            return len(self.model.model_fields), [doubt]
        part = _renamed(part, _names(self.model))
        known = self.model.model_fields.keys() & part.keys() if isinstance(part, dict) else set()
        if known and all(isinstance(x, dict) and x.keys() & _SCHEMA for x in part.values()):
            return len(known), ["It repeats the JSON schema: give an object that fits it."]
        try:
            validated(part, self.model)
        except ValidationError as error:
            return len(known), _sentences(error, part)
        return 0, []


def _inside(part: Any, broken: list[Broken]) -> Iterator[Any]:
    """What a value wraps: the one thing of a list, all of an object, JSON in a text."""
    if isinstance(part, list) and len(part) == 1:
        yield part[0]
    elif isinstance(part, dict):
        yield from (value for name, value in part.items() if not _ASIDE.search(name))
    elif isinstance(part, str) and part.lstrip().startswith(("{", "[", "```")):
        yield from (value for value, _ in values(part, lambda error, _: broken.append(error)))


@cache
def _names(model: type[BaseModel]) -> dict[str, str]:
    """The names of all keys of a model, by their letters alone."""
    schema = model.model_json_schema()
    shapes = [schema, *schema.get("$defs", {}).values()]
    return {_letters(name): name for shape in shapes for name in shape.get("properties", {})}


def _letters(name: str) -> str:
    return re.sub(r"[\W_]", "", name).casefold()


def _renamed(value: Any, names: dict[str, str]) -> Any:
    """With keys as the model spells them: "Phrase", "bodyPart" and "body-part" are no other names."""
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if not isinstance(value, dict):
        return value
    spelled = {key: names.get(_letters(key), key) for key in value}
    taken = [*spelled.values()]
    return {
        key if taken.count(name) > 1 else name: _renamed(value[key], names) for key, name in spelled.items()
    }


def _sentences(error: ValidationError, value: Any) -> list[str]:
    """One sentence for each problem that pydantic found."""
    problems = error.errors(include_url=False, include_context=False)
    sentences = [
        _sentence(
            problem["loc"],
            place_in(value, problem["loc"]),
            problem["msg"],
            problem["input"],
        )
        for problem in problems[:_MAX_PROBLEMS]
    ]
    more = len(problems) - len(sentences)
    return [*sentences, f"There are {more} more problems like these."] if more else sentences


def _sentence(path: tuple[int | str, ...], place: str, message: str, value: Any) -> str:
    message = message.removeprefix("Value error, ").rstrip(".")
    numbers = [i for i, part in enumerate(path) if isinstance(part, int)]
    named = path[numbers[-1] + 1 :] if place and numbers else path  # the rest of the way is in the place
    where = ".".join(map(str, named))
    shown = (
        ""
        if isinstance(value, (dict, list))
        else f" (it is {json.dumps(value, default=str)[:_MAX_CHARACTERS]})"
    )
    sentence = f"{where}: {message}{shown}." if where else f"{message}{shown}."
    return f"{sentence} This is in {place}." if place else sentence
