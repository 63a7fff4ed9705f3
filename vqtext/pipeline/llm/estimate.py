"""What asking would cost, before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vqtext.pipeline.llm.question import Question

_CJK = re.compile(
    r"[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]"
)
_CHARACTERS = 4  # a token
_MESSAGE = 4  # tokens around each message
_STRING, _OTHER = 8, 2  # tokens of a value in a reply
_ITEMS = 5  # of a list that may have any number
_DEPTH = 8  # of a schema that holds itself


@dataclass(frozen=True)
class Estimate:
    """About how much a set of questions is.

    Attributes:
        calls: requests, one a question; replies sent back come on top, and those in the journal are free.
        prompt_tokens: a token for each 4 characters, and for each character of Chinese, Japanese and Korean.
        reply_tokens: as long as the schema filled in, with 8 tokens a text, and 5 items a list of any length.
    """

    calls: int
    prompt_tokens: int
    reply_tokens: int


def estimate(questions: Sequence[Question[Any]]) -> Estimate:
    """What asking them would be. Sends nothing and needs no key."""
    prompts = sum(
        tokens(message["content"]) + _MESSAGE for question in questions for message in question.messages()
    )
    kinds = {question.reply: 0 for question in questions}
    for kind in kinds:
        schema = kind.model_json_schema()
        kinds[kind] = _filled(schema, schema.get("$defs", {}), _DEPTH)
    return Estimate(len(questions), prompts, sum(kinds[question.reply] for question in questions))


def plan_lines(plan: Mapping[str, Any], purpose: str, first: str) -> list[str]:
    """A stage's plan for people.

    Args:
        plan: ``calls``, ``model``, ``base_url``, ``prompt_tokens``, ``reply_tokens`` and, as messages,
            ``prompts``.
        purpose: what the calls are for, to stand behind the model's name.
        first: what the prompts shown are.
    """
    if not plan["calls"]:
        return ["nothing would be asked of a language model"]
    lines = [
        f"{plan['calls']} calls to {plan['model'] or 'a model (none is set: --model)'} at {plan['base_url']}"
        f"{purpose}",
        f"about {plan['prompt_tokens']:,} tokens of prompts and {plan['reply_tokens']:,} of replies; "
        "replies that are in the journal cost nothing",
        f"{first}:",
    ]
    for message in plan["prompts"]:
        lines += [f"--- {message['role']}", *message["content"].splitlines()]
    return lines


def tokens(text: str) -> int:
    """About how many tokens a text is.

    >>> tokens("walking up"), tokens("걷기")
    (3, 2)
    """
    wide = len(_CJK.findall(text))
    return wide + -(-(len(text) - wide) // _CHARACTERS)


def _filled(schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int) -> int:
    """Tokens of a value that fits the schema."""
    if depth == 0:
        return 0
    if "$ref" in schema:
        return _filled(defs[schema["$ref"].rpartition("/")[2]], defs, depth - 1)
    if options := schema.get("anyOf"):
        return max(_filled(option, defs, depth - 1) for option in options)
    if schema.get("type") == "array":
        least, most = schema.get("minItems", 0), schema.get("maxItems")
        items = (least + most) // 2 if most is not None else max(least, _ITEMS)
        return items * _filled(schema.get("items", {}), defs, depth - 1)
    if schema.get("type") == "object":
        named = schema.get("properties", {}).items()
        return _OTHER + sum(tokens(name) + _OTHER + _filled(value, defs, depth - 1) for name, value in named)
    return _STRING if schema.get("type") == "string" and "enum" not in schema else _OTHER
