"""The text of a reply → JSON → the question's model, or sentences that say what is wrong with it.

Whatever a server was asked for, its model may think aloud, talk around the JSON or put it in a fence: the
JSON is found in all of these.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Generic

from pydantic import ValidationError

from vqtext.pipeline.llm.question import T

_THOUGHT = re.compile(r"^.*</think(?:ing)?>", re.DOTALL | re.IGNORECASE)
_PROBLEMS = 12  # told to the model at once
_SHOWN = 60  # characters of a wrong value


@dataclass(frozen=True)
class Read(Generic[T]):
    """A reply that was read.

    Attributes:
        value: what it says; None where it cannot be used.
        problems: why it cannot, as sentences for the model; none where it can.
        pure: whether it was JSON and nothing else.
    """

    value: T | None
    problems: list[str]
    pure: bool


def without_thoughts(text: str) -> str:
    """The text after a model's thinking aloud; all of it where nothing follows.

    >>> without_thoughts("<think>a leg? {two}!</think> {}")
    '{}'
    """
    return _THOUGHT.sub("", text).strip() or text.strip()


def read(text: str, model: type[T]) -> Read[T]:
    """Read a reply.

    Args:
        text: the reply, as it came.
        model: what it must fit.
    """
    try:
        return Read(model.model_validate_json(text), [], pure=True)
    except ValidationError as error:
        whole = error
    if not any(problem["type"] == "json_invalid" for problem in whole.errors(include_url=False)):
        return Read(None, _sentences(whole), pure=True)
    said = without_thoughts(text)
    objects, (furthest, complaint) = _objects(said)
    problems, longest = [complaint], furthest
    value: T | None = None
    for found in objects:
        try:
            value = model.model_validate_json(found)  # the last one that fits: drafts come before the reply
        except ValidationError as error:
            if len(found) > longest:
                problems, longest = _sentences(error), len(found)
    return Read(value, [] if value is not None else problems, pure=False)


def _objects(text: str) -> tuple[list[str], tuple[int, str]]:
    """The JSON objects in a text, and how far the best broken one goes, with what is wrong there.

    What stands in a broken object is part of it, and no object of its own: half a reply is no reply.
    """
    decoder = json.JSONDecoder()
    found: list[str] = []
    furthest, complaint = -1, "There is no JSON object in it."
    end = 0
    for start in [match.start() for match in re.finditer(r"\{", text)]:
        if start < end:
            continue
        try:
            _, end = decoder.raw_decode(text, start)
            found.append(text[start:end])
        except json.JSONDecodeError as error:
            end = error.pos
            if end - start > furthest:
                near = text[end : end + 20]
                where = f"at {near!r}" if near else "where it ends"
                furthest = end - start
                complaint = f"It is not valid JSON: {error.msg.removesuffix(' at')} {where}."
        except RecursionError:
            return found, (len(text), "It is not valid JSON: it is nested too deeply.")
    return found, (furthest, complaint)


def _sentences(error: ValidationError) -> list[str]:
    """One sentence for each problem that pydantic found."""
    problems = error.errors(include_url=False, include_context=False)
    told = [_sentence(problem["loc"], problem["msg"], problem["input"]) for problem in problems[:_PROBLEMS]]
    more = len(problems) - len(told)
    return [*told, f"There are {more} more problems like these."] if more else told


def _sentence(place: tuple[int | str, ...], message: str, value: Any) -> str:
    message = message.removeprefix("Value error, ").rstrip(".")
    where = ".".join(map(str, place))
    shown = "" if isinstance(value, (dict, list)) else f" (it is {json.dumps(value, default=str)[:_SHOWN]})"
    return f"{where}: {message}{shown}." if where else f"{message}{shown}."
