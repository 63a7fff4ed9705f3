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
            "word: String should have at least 2 characters (it is \"a\"). This is in step 'a'.",
        ),
        (f"Here: {GOOD[:-2]}", "It is not valid JSON: it is cut off in step 'down'."),
        (
            '{"side": left, "steps": []}',
            "It is not valid JSON: a value without quotation marks, at 'left, \"steps\": []}'.",
        ),
        ('Well: {"a": 1}, or {"side": "left", "step": []}', "steps: Field required."),
        ('{"a":' * 5000, "It is not valid JSON: it is nested too deeply."),
    ],
)
def test_what_is_wrong_is_a_sentence_for_the_model(text, problem):
    found = read(text, Leg)
    assert found.value is None and found.problems[0].startswith(problem)
    assert all(line.isprintable() for line in found.problems)


@pytest.mark.parametrize(
    "text",
    [
        f"[{GOOD}]",
        json.dumps({"Leg": json.loads(GOOD)}),
        json.dumps({"name": "reply", "arguments": GOOD}),
        json.dumps({"tool_calls": [{"type": "function", "function": {"arguments": GOOD}}]}),
        json.dumps({"type": "object", "properties": json.loads(GOOD), "required": ["side"]}),
        json.dumps({"draft": json.loads(GOOD.replace("left", "right")), "reply": json.loads(GOOD)}),
        json.dumps(GOOD),
        f'<tool_call>\n{{"name": "reply", "arguments": {GOOD}}}\n</tool_call>',
        f'<tool_call>{{"name": "reply", "arguments": {GOOD}}}',
        "<function=reply><parameter=side>\nleft\n</parameter><parameter=steps>\n"
        '[{"word": "up {higher}"}, {"word": "down"}]\n</parameter></function>',
        GOOD.replace('"side"', '"Side"').replace('"word"', '"WORD"'),
        f"{GOOD}<think>Is that right? {{no}}",
        f"[THINK]maybe {GOOD.replace('left', 'right')}[/THINK]{GOOD}",
        f"<seed:think>{GOOD.replace('left', 'right')}</seed:think>{GOOD}",
        f"<|channel|>analysis<|message|>{GOOD.replace('left', 'right')}<|end|><|start|>assistant"
        f"<|channel|>final<|message|>{GOOD}<|return|>",
        f"analysisPerhaps {GOOD.replace('left', 'right')}assistantfinal{GOOD}",
    ],
)
def test_what_wraps_it_is_taken_off(text):
    """Each of these was paid for, sent back, paid for again and thrown away."""
    assert read(text, Leg).value == Leg.model_validate_json(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        f"<think>perhaps {GOOD}",
        f"<think>perhaps {GOOD}</think>",
        f"perhaps {GOOD}</think>\n",
        f"<THINKING>\n```json\n{GOOD}\n```",
        f"[THINK]{GOOD}",
        f"<|begin_of_thought|>{GOOD}<|end_of_thought|>",
        f"<|channel|>analysis<|message|>{GOOD}",
        f"<|channel|>analysis<|message|>{GOOD}<|end|><|start|>assistant",
        f"analysisWe need {GOOD}",
    ],
)
def test_a_draft_among_thoughts_is_no_reply(text):
    """Else words that the model would have corrected become the names of what is found."""
    found = read(text, Leg)
    assert found.value is None and found.problems[0].startswith("It holds only thoughts")


def test_what_a_text_says_is_no_thought():
    text = GOOD.replace("down", "say <think>no</think>")
    assert read(f"```json\n{text}\n```", Leg).value == Leg.model_validate_json(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"[{GOOD}, {GOOD}]", "It is a list of 2: give one JSON object"),
        (json.dumps({"legs": [json.loads(GOOD)] * 3}), "It is a list of 3: give one JSON object"),
        (
            json.dumps({"a": json.loads(GOOD), "b": json.loads(GOOD.replace("left", "right"))}),
            "It holds 2 objects that would fit",
        ),
        (json.dumps(Leg.model_json_schema()), "It repeats the JSON schema"),
        ('{"Leg": {"side": "left"}}', "steps: Field required."),
        (json.dumps({"name": "reply", "arguments": '{"side": left}'}), "It is not valid JSON: a value with"),
    ],
)
def test_what_may_mean_two_things_is_told(text, problem):
    found = read(text, Leg)
    assert found.value is None and found.problems[0].startswith(problem)


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
