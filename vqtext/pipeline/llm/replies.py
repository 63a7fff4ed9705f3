"""The text of a reply → JSON → the question's model, or sentences that say what is wrong with it.

Whatever a server was asked for, its model may think aloud, talk around the JSON, put it in a fence, wrap it
in another object or write it a little wrong: the JSON is found in all of these.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
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
        earlier_problems: in the words of earlier versions, by which their journals find the next reply.
        broken: why its JSON is none, and where; "" where it is JSON.
    """

    value: T | None
    problems: list[str]
    pure: bool
    earlier_problems: list[str] = field(default_factory=list)
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
    earlier_problems = search.earlier_problems or [_earlier_problems(without_thoughts(text))]
    return Read(None, search.problems, is_json, earlier_problems, search.broken)


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


def _earlier_problems(text: str) -> str:
    start = text.find("{")
    try:
        json.JSONDecoder().raw_decode(text, max(start, 0))
    except json.JSONDecodeError as error:
        near = text[error.pos : error.pos + 20]
        where = f"at {near!r}" if near else "where it ends"
        if start >= 0:
            return f"It is not valid JSON: {error.msg.removesuffix(' at')} {where}."
    except (ValueError, RecursionError):
        return "It is not valid JSON: it is nested too deeply."
    return "There is no JSON object in it."
