"""Harmonising: one movement gets one wording, and nothing that tells steps apart is lost."""

from __future__ import annotations

from typing import Any

import pytest

from vqtext.pipeline.authors.harmonise import harmonise_problems, harmonise_weaknesses, harmonised
from vqtext.prompts.render import render
from vqtext.prompts.replies import Harmonised
from vqtext.schema import LabelWords


def a_label(name: str, *steps: dict[str, Any]) -> LabelWords:
    return LabelWords.model_validate({"label": name, "subactions": list(steps)})


WALK = a_label(
    "walking",
    {
        "phrase": "swing the left arm ahead",
        "side": "left",
        "direction": "forward",
        "display": "왼팔을 앞으로",
    },
    {"phrase": "bring the left arm back", "side": "left", "direction": "backward"},
    {"phrase": "swing the right arm ahead", "side": "right", "direction": "forward"},
)
RUN = a_label(
    "running",
    {
        "phrase": "Left arm swings forward",
        "side": "left",
        "direction": "forward",
        "opposite": "bring the left arm back",
        "paraphrases": ["x", "y", "swing the left arm ahead"],
        "display": "왼팔 스윙",
    },
    {
        "phrase": "left arm swings back",
        "side": "left",
        "direction": "backward",
        "opposite": "left arm swings forward",
    },
)
LABELS = [WALK, RUN]
ARM = ("left arm swings forward", "swing the left arm ahead")


def a_reply(*pairs: tuple[str, str]) -> Harmonised:
    return Harmonised.model_validate({"replacements": [{"phrase": a, "instead": b} for a, b in pairs]})


def test_nothing_to_replace_is_fine() -> None:
    assert harmonise_problems(a_reply(), LABELS, set()) == []
    assert harmonised(a_reply(), LABELS, set()) == (LABELS, 0)
    same = a_reply(("Left arm swings forward", "left arm swings forward"))
    assert harmonise_problems(same, LABELS, {"running"}) == [] and harmonised(same, LABELS, set()) == (
        LABELS,
        0,
    )


def test_a_replaced_phrase_takes_wording_and_display_and_becomes_a_paraphrase() -> None:
    reply = a_reply(ARM, ("left arm swings back", "bring the left arm back"))
    assert harmonise_problems(reply, LABELS, set()) == []
    (walk, run), count = harmonised(reply, LABELS, set())
    assert walk == WALK and count == 2
    first, second = run.subactions
    assert (first.phrase, first.display) == ("swing the left arm ahead", "왼팔을 앞으로")
    assert first.paraphrases == ["Left arm swings forward", "x", "y"]
    assert second.phrase == "bring the left arm back"
    assert second.opposite == "swing the left arm ahead", "an opposite follows the phrase it names"


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        ([("wave", "swing the left arm ahead")], "no phrase of the list"),
        ([(ARM[0], "wave")], "no phrase of the list"),
        ([ARM, (ARM[0], "left arm swings back")], "replaced twice"),
        ([ARM, (ARM[1], "bring the left arm back")], "itself replaced"),
        ([("bring the left arm back", "swing the left arm ahead")], "both stand in 'walking'"),
        ([ARM, ("bring the left arm back", ARM[1])], "both stand in 'walking'"),
        ([(ARM[0], "swing the right arm ahead")], "differ in side"),
        ([("left arm swings back", ARM[1])], "differ in direction"),
    ],
)
def test_what_may_not_be_merged(pairs: list[tuple[str, str]], said: str) -> None:
    found = harmonise_problems(a_reply(*pairs), LABELS, set())
    assert any(said in problem for problem in found), found


@pytest.mark.parametrize(
    ("ours", "theirs", "said"),
    [
        ({"phrase": "sit", "opposite": "Rise"}, {"phrase": "rise"}, "are opposites"),
        ({"phrase": "bend the knee"}, {"phrase": "straighten the knee"}, "say different things"),
    ],
)
def test_opposites_never_merge_though_nothing_says_their_direction(
    ours: dict[str, Any], theirs: dict[str, Any], said: str
) -> None:
    labels = [a_label("a", ours), a_label("b", theirs)]
    for pair in ((ours["phrase"], theirs["phrase"]), (theirs["phrase"], ours["phrase"])):
        assert said in harmonise_problems(a_reply(pair), labels, set())[0]


def test_a_side_is_never_lost() -> None:
    """ "swing the arm" in place of "swing the left arm" would leave left and right to chance."""
    labels = [WALK, a_label("jogging", {"phrase": "swing the arm ahead", "side": "none"})]
    for pair in ((ARM[1], "swing the arm ahead"), ("swing the arm ahead", ARM[1])):
        assert "differ in side" in harmonise_problems(a_reply(pair), labels, set())[0]
    only_in_words = a_label("jogging", {"phrase": "swing left arm ahead"})
    assert harmonise_problems(a_reply(("swing left arm ahead", ARM[1])), [WALK, only_in_words], set()) == []


def test_two_phrases_of_one_label_never_meet_in_a_third() -> None:
    labels = [WALK, RUN, a_label("jogging", {"phrase": "pump the left arm"})]
    reply = a_reply(
        ("left arm swings forward", "pump the left arm"), ("left arm swings back", "pump the left arm")
    )
    assert any("both stand in 'running'" in problem for problem in harmonise_problems(reply, labels, set()))


def test_fixed_labels_come_back_as_they_are() -> None:
    reply = a_reply((ARM[1], ARM[0]))
    fixed = {"running"}
    assert "must stay" in harmonise_problems(reply, LABELS, {"walking"})[0]
    assert harmonise_problems(reply, LABELS, fixed) == []
    (walk, run), _ = harmonised(reply, LABELS, fixed)
    assert run == RUN and walk.subactions[0].phrase == "Left arm swings forward"


def in_label(phrase: str, instead: str, label: str) -> Harmonised:
    return Harmonised.model_validate(
        {"replacements": [{"phrase": phrase, "instead": instead, "label": label}]}
    )


def test_a_phrase_may_be_replaced_in_one_label_alone() -> None:
    """The same words may be one movement here and another one there: without a label both would be lost."""
    jog = a_label("jogging", {"phrase": ARM[0], "side": "left"}, {"phrase": "rest", "opposite": ARM[0]})
    labels = [WALK, RUN, jog]
    reply = in_label(ARM[0], ARM[1], "Running ")
    assert harmonise_problems(reply, labels, {"jogging"}) == [] == harmonise_weaknesses(reply, labels)
    (walk, run, other), count = harmonised(reply, labels, set())
    assert (walk, other, count) == (WALK, jog, 1), "elsewhere its words and opposites stay"
    assert [step.phrase for step in run.subactions] == [ARM[1], "left arm swings back"]
    assert run.subactions[1].opposite == ARM[1]


def test_a_label_without_the_phrase_is_told_and_replaces_nothing() -> None:
    for label in ("walking", "swimming"):
        reply = in_label(ARM[0], ARM[1], label)
        assert harmonise_problems(reply, LABELS, set()) == []
        assert "has no phrase 'left arm swings forward'" in harmonise_weaknesses(reply, LABELS)[0]
        assert harmonised(reply, LABELS, set()) == (LABELS, 0)


def test_the_request_shows_what_a_phrase_means() -> None:
    """Side and direction alone were "left, left", and nobody saw whether two phrases feel the same."""
    step = {
        "phrase": "hold the thigh",
        "body_part": "thigh",
        "side": "left",
        "direction": "left",
        "signature": {"left thigh": {"motion": "still", "direction": "none", "posture": "lying face up"}},
        "opposite": "drop it",
    }
    text = render("harmonise", labels=[a_label("sitting", step), WALK], fixed={"walking"})
    assert (
        '- "hold the thigh"; part "thigh"; side left; direction left; "left thigh": still, lying face up; '
        'opposite "drop it"\n'
    ) in text
    assert '- "swing the left arm ahead"; side left; direction forward\n' in text
