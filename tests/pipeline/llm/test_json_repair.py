from __future__ import annotations

import json

import pytest

from vqtext.pipeline.llm.json_repair import Broken, parse
from vqtext.pipeline.llm.replies import read
from vqtext.prompts.replies import LabelReply

PHRASES = ["lift the left foot", "swing the person's arm // out", "put the left foot down, ]} with “care”"]
LABEL = {
    "keyword": "walking",
    "sentence": 'A person walks: "left", /* then */ right.',
    "paraphrases": ["It's a walk # two", 'a \\ b "c"'],
    "cyclic": True,
    "is_guess": None,
    "subactions": [
        {"phrase": phrase, "paraphrases": ["a", "b"], "side": "left", "signature": []} for phrase in PHRASES
    ],
}
GOOD = json.dumps(LABEL, ensure_ascii=False)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        json.dumps(LABEL, indent=2),
        json.dumps(LABEL).replace('"b"]', '"b",]').replace("[]}", "[,],\n}"),
        repr(LABEL),
        "{ // the label\n" + GOOD[1:].replace('"subactions":', '"subactions": /* ] */ # "steps"\n'),
        GOOD.replace('"keyword"', "“keyword”").replace('"walking"', "„walking“"),
        GOOD.replace('"keyword"', "'keyword'").replace('"walking"', "‘walking’"),
        "{{"
        + GOOD[1:-1].replace('{"phrase"', '{{"phrase"').replace('"signature": []}', '"signature": []}}')
        + "}}",
        GOOD.replace("null", "NaN").replace("true", "TRUE"),
        "\ufeff" + GOOD.replace('": ', '"\u00a0:\ufeff'),
    ],
)
def test_what_can_mean_one_thing_is_mended_and_no_text_changes(text):
    """Sent back, it costs a second reply and mostly comes back the same way."""
    assert parse(text.lstrip("\ufeff"))[0] == LABEL
    assert read(text, LabelReply).value == LabelReply.model_validate(LABEL)


def test_line_breaks_inside_texts():
    assert parse('{"a": "one\ntwo\tthree", "b": "c"}')[0] == {"a": "one\ntwo\tthree", "b": "c"}


def test_an_apostrophe_between_single_quotes():
    assert parse("{'a': 'the person's arm', 'b': 'don\\'t \"x\"'}")[0] == {
        "a": "the person's arm",
        "b": 'don\'t "x"',
    }


def last(old: str, new: str) -> str:
    """The label with its last such piece replaced: in subaction 3."""
    before, _, after = GOOD.rpartition(old)
    return f"{before}{new}{after}"


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (last('"a", ', '"a" '), "a missing comma after item 1 of 'paraphrases'"),
        (last(', "signature"', ' "signature"'), "a missing comma after 'side'"),
        (last('"side"', "side"), "the name 'side' without quotation marks"),
        (last(": ", " "), "a missing colon after the name 'signature'"),
        (last('"b"', '"the "b" one"'), "a quotation mark inside a text, without a backslash"),
        (last('"b"', '"b",,'), "a comma too many: a comma stands before the bracket"),
        (last('"b"', "b"), "a value without quotation marks"),
        (last('"left"', ""), "a comma too many"),
        (last('"b"', '"\\w"'), "a backslash that JSON does not know"),
        (last('"b"', '"b", ...'), "something that is no JSON"),
        (last("[]}", "[}"), "a missing value"),
        (last('"b"]', '"b"'), "a name where item 3 of 'paraphrases' should be, and so a missing ']'"),
        (GOOD[: GOOD.rindex('"b"')], "it is cut off"),
        (GOOD[: GOOD.rindex('b"')], "it is cut off, or the quotation mark after a text is missing"),
    ],
)
def test_what_may_mean_more_is_told_with_its_place(text, cause):
    """The model is told what to mend, instead of a number of characters that it cannot count."""
    (problem,) = read(text, LabelReply).problems
    assert problem.startswith(f"It is not valid JSON: {cause}")
    assert f" in subaction '{PHRASES[2]}'" in problem


def test_a_wrong_value_too():
    text = json.dumps(
        LABEL | {"subactions": [*LABEL["subactions"], {**LABEL["subactions"][0], "side": "up"}]}
    )
    (problem,) = read(text, LabelReply).problems
    assert problem.startswith("side: Input should be 'left', 'right'")
    assert problem.endswith("This is in subaction 'lift the left foot'.")


def test_a_wrong_cell_is_named_by_its_place():
    """Numbers count from 0 for one model and from 1 for another."""
    step = {**LABEL["subactions"][1], "signature": [{"location": "wrist", "motion": "fast"}]}
    (problem,) = read(json.dumps(LABEL | {"subactions": [step]}), LabelReply).problems
    assert problem.startswith("motion: Input should be 'still'")
    assert problem.endswith(f"This is in subaction '{PHRASES[1]}', signature 'wrist'.")


@pytest.mark.parametrize(
    "text", ["{" * 5000, "[" * 5000, '{"a":' * 5000, "{" + "/*" * 5000, '{"' * 5000, "[1," * 5000]
)
def test_nothing_recurses_or_takes_long(text):
    with pytest.raises(Broken):
        parse(text)
    assert read(text, LabelReply).value is None


def test_a_number_too_long_for_python():
    assert read('{"cyclic": ' + "9" * 5000 + "}", LabelReply).value is None


def test_what_follows_a_fault_does_not_hide_it():
    """The longest whole part is the list of steps: that it is no label is not what is wrong."""
    text = GOOD.replace('"walking", ', '"walking" ')
    assert read(text, LabelReply).problems == [
        "It is not valid JSON: a missing comma after 'keyword', at '\"sentence\": \"A perso'."
    ]


@pytest.mark.parametrize("text", ["<think>", "</think>", "{/*", "[{", '{"a":[1,', "analysisa", "}", '"'])
def test_a_model_that_repeats_itself_costs_no_time(text):
    assert read(text * 10_000, LabelReply).value is None


def test_an_optional_name_in_other_letters_is_not_lost():
    """The rest fits without it, so nobody would hear that the guess was one, or the side left."""
    text = GOOD.replace('"is_guess": null', '"isGuess": true').replace('"side"', '"Side"')
    value = read(text, LabelReply).value
    assert value.is_guess is True and {step.side for step in value.subactions} == {"left"}
