"""A model that knows every label, behind the loopback server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from llm.server import Response

Reply = Callable[[dict[str, Any]], "str | Response"]
NONE_ALIKE = '{"replacements": []}'
KOREAN = {"walking": "걷기", "running": "달리기", "standing": "서 있기"}
STEPS = (
    "swing the left arm forward",
    "swing the left arm back",
    "shift weight onto the heels",
    "sway the hips out",
)
FELT = (("strong", "up"), ("strong", "down"), ("moderate", None), ("slight", None))


class Toy:
    """A model that knows every label: what it says is a function of the label and the draft.

    Attributes:
        says: label → what it replies in place of good words; a list is used up from its start.
        alike: its reply when it is asked to harmonise.
        asked: the labels it was asked for, in order, "*" for harmonising.
    """

    def __init__(self) -> None:
        self.says: dict[str, Any] = {}
        self.alike: str | Response = NONE_ALIKE
        self.asked: list[str] = []
        self.change: Callable[[str, float, dict[str, Any]], None] = lambda label, temperature, reply: None

    def __call__(self, request: dict[str, Any]) -> str | Response:
        prompt = next(message["content"] for message in request["messages"] if message["role"] == "user")
        found = re.search(r"^Break this label into its sub-actions: (.*)$", prompt, re.MULTILINE)
        if found is None:
            self.asked.append("*")
            return self.alike
        label = json.loads(found[1])
        self.asked.append(label)
        said = self.says.get(label)
        if isinstance(said, list):
            said = said.pop(0) if said else None
        if said is not None:
            return said
        reply = words_of(label, 'in the language "ko"' in prompt)
        self.change(label, request["temperature"], reply)
        return json.dumps(reply)


def words_of(label: str, is_korean: bool = False) -> dict[str, Any]:
    def told(text: str) -> str | None:
        return f"{text}: 동작" if is_korean else None

    return {
        "keyword": label,
        "sentence": f"A person is {label}.",
        "paraphrases": [f"Someone is {label} {i}." for i in "abc"],
        "cyclic": False,
        "is_guess": False,
        "display": KOREAN.get(label, "라벨") if is_korean else None,
        "subactions": [
            {
                "phrase": f"{phrase} as in {label}",
                "display": told(phrase),
                "opposite": f"undo it as in {label}",
                "paraphrases": [f"{phrase} {i}" for i in "abc"],
                "body_part": "arm",
                "side": "left" if "left" in phrase else "none",
                "direction": "none",
                "signature": [{"location": "wrist", "motion": motion, "direction": direction}],
            }
            for phrase, (motion, direction) in zip(STEPS, FELT, strict=True)
        ],
    }
