"""The text of a reply → JSON → the question's model, or sentences that say what is wrong with it.

Whatever a server was asked for, its model may think aloud, talk around the JSON, put it in a fence, wrap it
in another object or write it a little wrong: the JSON is found in all of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Generic

from pydantic import ValidationError
from pydantic_core import from_json

from vqtext.pipeline.llm.find_value import Search, validated, values
from vqtext.pipeline.llm.json_repair import Broken, parse
from vqtext.pipeline.llm.question import T
from vqtext.pipeline.llm.reasoning import without_reasoning

_TAG = re.compile(
    r"<parameter(?:=| name=)[\"']?(\w+)[\"']?>(.*?)</parameter>"
    r"|<arg_key>\s*(\w+)\s*</arg_key>\s*<arg_value>(.*?)</arg_value>",
    re.DOTALL,
)


@dataclass(frozen=True)
class Read(Generic[T]):
    """A reply that was read.

    Attributes:
        value: what it says; None where it cannot be used.
        problems: why it cannot, as sentences for the model; none where it can.
        pure: whether it was JSON and nothing else.
        broken: why its JSON is none, and where; "" where it is JSON.
    """

    value: T | None
    problems: list[str]
    pure: bool
    broken: str = ""


def without_thoughts(text: str) -> str:
    """The text after a model's thinking aloud; all of it where there is nothing else.

    >>> without_thoughts("<think>a leg? {two}!</think> {}")
    '{}'
    """
    return without_reasoning(text) or text.strip()


def read(text: str, model: type[T]) -> Read[T]:
    """Read a reply.

    Args:
        text: the reply, as it came.
        model: what it must fit.
    """
    try:
        return Read(validated(from_json(text), model), [], pure=True)
    except ValidationError:
        is_json = True
    except ValueError:
        is_json = False
    search = Search(model)
    content = text if is_json else _without_thoughts_around(text)
    if is_json:
        search.look_into(parse(text)[0], len(text))
    elif not content and text.strip():
        search.problems = ["It holds only thoughts: there is no JSON object after them."]
    else:
        for value, length in values(content, search.take_note):
            search.look_into(value, length)
    if search.value is None and "</" in content and (tags := _TAG.findall(content)):
        search.look_into({a or c: _of_tag((b or d).strip()) for a, b, c, d in tags}, len(content))
    if search.value is not None:
        return Read(search.value, [], pure=False)
    return Read(None, search.problems, is_json, search.broken)


def _without_thoughts_around(text: str) -> str:
    """The text without thoughts. A text in its JSON is none of them, whatever it says."""
    before, brace, after = text.partition("{")
    try:
        _, end = parse(brace + after)
    except Broken:
        return without_reasoning(text)
    around = f"{before} {(brace + after)[end:]}"
    return text if without_reasoning(around) == around.strip() else without_reasoning(text)


def _of_tag(text: str) -> object:
    """A tool's argument, written in a tag of its own: JSON, or a text as it is."""
    try:
        return parse(text)[0] if text.startswith(("{", "[")) else from_json(text)
    except ValueError:
        return text
