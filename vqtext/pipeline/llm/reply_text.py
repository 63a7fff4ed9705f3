"""All that a completion says, whichever field the server put it in."""

from __future__ import annotations

import json
import re
from typing import Any

from vqtext.pipeline.llm.reasoning import without_reasoning

_THOUGHTS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_OF_A_PART = ("text", "value", "content", "thinking", "reasoning", "summary")
_IS_THOUGHT = re.compile(r"think|thought|reason", re.IGNORECASE)
_ENDS_AS_JSON = re.compile(r"[}\]][\s`]*(?:<[^<>\n]*>\s*)*$")


def text_of_choice(choice: dict[str, Any]) -> str:
    """What a choice of a completion replies: its content, and the arguments of tools that it calls.

    Where it has neither, its server has taken the reply for thoughts if these end with JSON. If they do not,
    they are all there is, and are kept as thoughts.
    """
    message = table(choice.get("message"))
    content = message.get("content") or choice.get("text")
    parts = content if isinstance(content, list) else [content]
    calls = message.get("tool_calls")
    functions = [table(call).get("function") for call in calls] if isinstance(calls, list) else []
    called = [_argument(table(function)) for function in [*functions, message.get("function_call")]]
    text = "".join(_text(part) for part in parts if not _is_thought(part))
    if any(called):
        return "\n".join(filter(None, [text if without_reasoning(text) else "", *called]))
    if text.strip():
        return text
    thoughts = ["".join(map(_text, parts)), *(_text(message.get(name)) for name in _THOUGHTS)]
    thought = next(filter(str.strip, thoughts), "")
    return f"<think>{thought}</think>" if thought and not _ENDS_AS_JSON.search(thought) else thought


def refusal(choice: dict[str, Any]) -> str | None:
    """The words with which the model refuses; None where it does not."""
    message = table(choice.get("message"))
    content = message.get("content")
    parts = map(table, content if isinstance(content, list) else [])
    texts = [message.get("refusal"), *(part.get("refusal") for part in parts)]
    return next((text for text in texts if isinstance(text, str)), None)


def table(value: Any) -> dict[str, Any]:
    """The value, or an empty one where it is no object."""
    return value if isinstance(value, dict) else {}


def _argument(function: dict[str, Any]) -> str:
    arguments = function.get("arguments")
    return json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, dict) else _text(arguments)


def _is_thought(part: Any) -> bool:
    return bool(_IS_THOUGHT.search(str(table(part).get("type"))))


def _text(part: Any) -> str:
    """The text of a part: servers give a text, nothing, parts of parts, or the JSON itself."""
    if isinstance(part, list):
        return "".join(map(_text, part))
    if isinstance(part, dict):
        inner = next((part[name] for name in _OF_A_PART if part.get(name)), None)
        is_json = inner is None and part and "type" not in part
        return json.dumps(part, ensure_ascii=False) if is_json else _text(inner)
    return part if isinstance(part, str) else ""
