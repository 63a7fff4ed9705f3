from __future__ import annotations

import json

import pytest
from llm.asked import Word
from pydantic import BaseModel, field_validator

from vqtext.pipeline.llm.replies import read, without_thoughts


class Leg(BaseModel):
    side: str
    steps: list[Word]

    @field_validator("side")
    @classmethod
    def known(cls, side: str) -> str:
        if side not in ("left", "right"):
            raise ValueError("say left or right.")
        return side


GOOD = '{"side": "left", "steps": [{"word": "up {higher}"}, {"word": "down"}]}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"\n {GOOD} \n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```",
        f"<think>The set {{left, right}} … {{}}</think>\n{GOOD}",
        f"no opening tag {{</think>{GOOD}",
        f"<think>maybe {GOOD.replace('left', 'right')}</think> {GOOD}",
        f"Sure! Here it is:\n{GOOD}\nAnything else? :-}}",
        f'Such as {{"side": "…"}}. So: {GOOD}',
        f"First try: {GOOD.replace('left', 'right')}\nBetter: {GOOD}",
        f"\ufeff{GOOD}",
        f"{GOOD}<|im_end|>",
    ],
)
def test_json_is_found_wherever_it_stands(text):
    found = read(text, Leg)
    assert found.problems == [] and found.value == Leg.model_validate_json(GOOD)
    assert found.pure == (text.strip() == GOOD)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "There is no JSON object in it."),
        ("I cannot.", "There is no JSON object in it."),
        ("<think>{}</think>I cannot.", "There is no JSON object in it."),
        ("[1]", "Input should be an object."),
        ("null", "Input should be an object (it is null)."),
        ('{"side": "left"}', "steps: Field required."),
        ('{"side": "up", "steps": []}', 'side: say left or right (it is "up").'),
        (
            '{"side": "left", "steps": [{"word": "a"}]}',
            'steps.0.word: String should have at least 2 characters (it is "a").',
        ),
        (f"Here: {GOOD[:-2]}", "It is not valid JSON: Expecting ',' delimiter where it ends."),
        (
            '{"side": left, "steps": []}',
            "It is not valid JSON: Expecting value at 'left, \"steps\": []}'.",
        ),
        ('Well: {"a": 1}, or {"side": "left", "step": []}', "steps: Field required."),
        ('{"a":' * 5000, "It is not valid JSON: it is nested too deeply."),
    ],
)
def test_what_is_wrong_is_a_sentence_for_the_model(text, problem):
    found = read(text, Leg)
    assert found.value is None and found.problems[0].startswith(problem)
    assert all(line.isprintable() for line in found.problems)


def test_many_problems_are_told_in_part():
    found = read(json.dumps({"side": "left", "steps": [{"word": ""}] * 40}), Leg)
    assert len(found.problems) == 13 and found.problems[-1] == "There are 28 more problems like these."


def test_half_a_reply_is_not_taken_for_its_part():
    """The inner object fits, but belongs to an outer one that was never closed."""
    assert read('{"side": "left", "steps": [{"word": "up"}, {"word": "do', Leg).value is None


def test_a_reply_of_braces_costs_no_time():
    assert read('{"a": 1, ' * 2_000, Leg).value is None
    assert read("{" * 20_000, Leg).value is None


def test_thinking_alone_is_kept():
    assert without_thoughts("<think>hm</think>") == "<think>hm</think>"
