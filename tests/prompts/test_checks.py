"""Replies that pass the schema and are of no use: each would spoil the words, and goes back with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from vqtext.prompts.checks import Wanted, label_problems, repeats
from vqtext.prompts.replies import LabelReply
from vqtext.schema import same_text

PLACES = ["left ankle", "wrist"]


def a_step(phrase: str, **more: Any) -> dict[str, Any]:
    return {
        "phrase": phrase,
        "opposite": f"undo: {phrase}",
        "paraphrases": [f"{phrase} {i}" for i in "abc"],
        "body_part": "leg",
        "side": "none",
        "direction": "none",
        "signature": [{"location": "left ankle", "motion": "strong", "direction": None}],
        **more,
    }


def a_reply(*steps: dict[str, Any], **more: Any) -> LabelReply:
    return LabelReply.model_validate(
        {
            "keyword": "walking",
            "sentence": "A person walks.",
            "paraphrases": ["Someone walks.", "Someone is on foot.", "A stroll."],
            "cyclic": True,
            "subactions": list(steps) or [a_step("lift the left foot"), a_step("plant the left heel")],
            **more,
        }
    )


def problems(reply: LabelReply, label: str = "walking", language: str = "en", least: int = 1) -> list[str]:
    places = {place: place for place in PLACES} | {"LeftAnkle": "left ankle"}
    return label_problems(reply, Wanted(label, least, 3, language, PLACES, places.get))


def test_a_good_reply_has_none() -> None:
    assert problems(a_reply()) == []
    assert problems(a_reply(a_step("hold still", opposite=None), cyclic=False)) == []


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (a_step("  "), "the phrase is empty"),
        (a_step(" ".join(["lift"] * 13)), "13 words"),
        (a_step("왼발을 들어 올린다"), "not English"),
        (a_step("…"), "no words"),
        (a_step("Walking"), "repeats the label"),
        (a_step("keep walking slowly"), "repeats the label"),
        (a_step("lift the foot", opposite=" Lift  the foot"), "is the phrase itself"),
        (a_step("lift the foot", paraphrases=["raise it", "Raise it ", "up with it"]), "3 different"),
        (
            a_step("lift the foot", paraphrases=["LIFT THE FOOT", "b", "c"]),
            "paraphrases is the phrase itself",
        ),
        (a_step("lift the foot", opposite="drop it", paraphrases=["Drop it", "b", "c"]), "its opposite"),
        (a_step("lift the left foot", side="right"), "side is 'right'"),
        (
            a_step("lift the foot", signature=[{"location": "left antenna", "motion": "still"}]),
            "'left antenna': choose from left ankle, wrist",
        ),
        (
            a_step(
                "lift it", signature=[{"location": x, "motion": "still"} for x in ("left ankle", "LeftAnkle")]
            ),
            "names 'left ankle' 2 times",
        ),
    ],
)
def test_a_step_of_no_use_is_named_by_its_phrase(step: dict[str, Any], said: str) -> None:
    found = problems(a_reply(a_step("swing the leg"), step))
    phrase = same_text(step["phrase"])
    named = repr(phrase if len(phrase) <= 60 else f"{phrase[:60]}…") if phrase else "subaction 2 (from 1)"
    assert len(found) == 1 and found[0].startswith(f"{named}: ") and said in found[0]


def test_left_and_right_may_both_stand_in_a_phrase() -> None:
    assert not problems(a_reply(a_step("cross the left leg over the right", side="left"), cyclic=False))


def test_where_a_hand_goes_is_not_its_side() -> None:
    """A label was lost over a right hand that stirs to the left."""
    steps = [a_step(f"{what} to the left", side="right") for what in ("sweep the spoon", "turn the head")]
    assert not problems(a_reply(*steps))


def test_two_phrases_that_differ_in_case_and_spaces_are_one() -> None:
    found = problems(a_reply(a_step("lift the foot"), a_step("Lift  the Foot")))
    assert found == [
        "the phrase 'lift the foot' comes 2 times: word each by what sets it apart, or merge them."
    ]


def test_too_few_and_too_many() -> None:
    assert "give 2 to 3" in problems(a_reply(a_step("lift the foot"), cyclic=False), least=2)[0]
    assert "There are 4" in problems(a_reply(*(a_step(f"lift toe {i}") for i in "abcd")))[0]


def test_a_cycle_of_one_step_is_none() -> None:
    assert "at least two" in problems(a_reply(a_step("lift the foot")))[0]


@pytest.mark.parametrize("change", [{"keyword": " "}, {"sentence": ""}, {"paraphrases": ["a", "b", " "]}])
def test_a_label_without_its_own_words(change: dict[str, Any]) -> None:
    assert len(problems(a_reply(**change))) == 1


def test_display_texts_are_asked_for_in_other_languages_only() -> None:
    plain = a_reply(a_step("lift the foot"), cyclic=False)
    assert not problems(plain)
    assert len(problems(plain, language="ko")) == 2, "of the label, and of the step"
    english = a_reply(a_step("lift the foot", display="Lift the foot"), cyclic=False, display="걷기")
    assert "display is the English phrase" in problems(english, language="ko")[0]
    good = a_reply(a_step("lift the foot", display="발을 든다"), cyclic=False, display="걷기")
    assert not problems(good, language="ko")


@pytest.mark.parametrize(
    ("phrase", "label", "is_repetition"),
    [
        ("turn to the left", "LeftTurn", True),
        ("walk", "walking_fast", True),
        ("clap hands", "hand clapping", True),
        ("the person runs", "running", True),
        ("swing the left arm", "arm swings", False),
        ("walk", "1.0", False),
        ("A12", "a12", True),
        ("up with the left knee", "knee", False),
        ("lower the hips", "스쿼트", False),
        ("go", "go on", False),
    ],
)
def test_what_repeats_a_label(phrase: str, label: str, is_repetition: bool) -> None:
    assert repeats(phrase, label) is is_repetition
