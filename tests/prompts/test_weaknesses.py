"""What is asked for once more: words that pass, of which the program could use little."""

from __future__ import annotations

from typing import Any

import pytest
from test_checks import a_reply, a_step

from vqtext.prompts.checks import Wanted, label_problems
from vqtext.prompts.replies import LabelReply
from vqtext.prompts.step_count import step_range
from vqtext.prompts.weaknesses import label_weaknesses

PLACES = ["left ankle", "right ankle", "wrist"]


def weaknesses(
    reply: LabelReply, few: int = 2, many: int = 10, feels: dict[str, list[str]] | None = None
) -> list[str]:
    place = ({place: place for place in PLACES} | {"LeftAnkle": "left ankle"}).get
    wanted = Wanted("walking", 1, 12, "en", PLACES, place, few, many, 25.0, feels)
    assert label_problems(reply, wanted) == [], "nothing of this is a reason to refuse the label"
    return label_weaknesses(reply, wanted)


def step(phrase: str, *cells: str, **more: Any) -> dict[str, Any]:
    """A step with cells such as "wrist strong up" or "left ankle still - upright"."""
    signature = []
    for cell in cells:
        place = next(place for place in [*PLACES, "LeftAnkle"] if cell.startswith(place))
        motion, direction, *posture = [*cell.removeprefix(place).split(maxsplit=2), "-", "-"][:3]
        signature.append(
            {
                "location": place,
                "motion": motion,
                "direction": None if direction == "-" else direction,
                "posture": None if posture in ([], ["-"]) else posture[0],
            }
        )
    return a_step(phrase, signature=signature, **more)


UP, DOWN = step("raise the hand", "wrist strong up"), step("lower the hand", "wrist strong down")


def test_distinct_steps_have_none() -> None:
    assert weaknesses(a_reply(UP, DOWN, step("hold the hand high", "wrist still"))) == []


@pytest.mark.parametrize(
    "cells",
    [
        (["wrist strong up"], ["wrist strong up"]),
        (["left ankle slight", "wrist strong"], ["wrist strong", "LeftAnkle slight"]),
        (["wrist still up"], ["wrist still down"]),
        (["wrist strong none"], ["wrist strong"]),
        ([], []),
    ],
)
def test_two_steps_that_nothing_tells_apart_are_named(cells: tuple[list[str], list[str]]) -> None:
    """Not neighbours alone: steps 1 and 3 of a label were the same, and named by lot."""
    first, third = cells
    reply = a_reply(
        step("grip the bar", *first), step("turn it", "wrist moderate up"), step("let it go", *third)
    )
    (said,) = weaknesses(reply)
    assert said.startswith("'grip the bar' and 'let it go' have ")


def test_what_no_sensor_feels_tells_nothing_apart() -> None:
    """A gyroscope at the wrist does not feel which way a spoon is pushed."""
    push, pull = (
        step("push the spoon", "wrist strong forward"),
        step("pull the spoon", "wrist strong backward"),
    )
    for felt, is_told in (["up", "down"], True), (["travel"], False), (["forward", "backward"], False):
        assert bool(weaknesses(a_reply(push, pull), feels={"wrist": felt})) is is_told
    turns = [step(f"turn it {x}", "wrist strong") for x in ("left", "right")]
    for turn, way in zip(turns, ("turn left", "turn right"), strict=True):
        turn["signature"][0]["direction"] = way
    assert not weaknesses(a_reply(*turns, cyclic=False), feels={"wrist": ["turn left", "turn right"]})


def test_posture_tells_steps_apart() -> None:
    held = [step(f"lean {x}", f"wrist still - leaning {x}") for x in ("left", "right")]
    assert weaknesses(a_reply(*held, cyclic=False)) == []


def test_a_held_label_without_posture() -> None:
    """Sitting and lying are both still: only how the body is held tells them apart."""
    held = a_reply(step("rest the hand", "wrist still"), cyclic=False)
    assert "say of each place that is held how it is held" in weaknesses(held, few=4)[0]
    assert weaknesses(held, feels={"wrist": ["up", "down"]}) == [], "no sensor feels posture"
    assert weaknesses(a_reply(step("rest the hand", "wrist still - upright"), cyclic=False), few=4) == []


def test_too_many_for_these_sensors() -> None:
    reply = a_reply(UP, DOWN, step("hold it", "wrist still"))
    assert "tell 1 to 2 apart" in weaknesses(reply, 1, 2)[0]
    assert weaknesses(reply, few=6) == [], "or a held label, and a quick round, would be padded"


def sided(phrase: str, level: str) -> dict[str, Any]:
    side = "left" if "left" in phrase else "right"
    return step(phrase, f"{side} ankle {level}", side=side)


LEFT = [sided("lift the left foot", "strong up"), sided("plant the left heel", "strong down")]
RIGHT = [sided("lift the right foot", "strong up"), sided("plant the right heel", "strong down")]


def test_a_mirror_image_that_is_missing_is_named() -> None:
    """Half of the round would have no name, and get that of the other side."""
    assert weaknesses(a_reply(*LEFT, *RIGHT)) == []
    (said,) = weaknesses(a_reply(*LEFT, RIGHT[0]))
    assert said.startswith(
        "'plant the left heel' has no counterpart on the other side, 'plant the right heel'"
    )


def test_what_one_side_does_once_needs_no_mirror_image() -> None:
    """A driver's right foot works the pedals while the left one rests."""
    reply = a_reply(
        *LEFT[:1], *RIGHT, UP | {"phrase": "press the right toes down", "side": "right"}, cyclic=False
    )
    assert weaknesses(reply) == [], "two of four steps have none"
    assert "'plant the left heel'" in weaknesses(a_reply(*LEFT[:1], *RIGHT, cyclic=False))[0]


def test_a_round_of_the_legs_has_both_sides() -> None:
    (said,) = weaknesses(a_reply(*LEFT))
    assert "'lift the left foot' and 'plant the left heel' speak of the left side" in said
    assert weaknesses(a_reply(*LEFT, cyclic=False)) == [], "a kick has one"
    assert weaknesses(a_reply(UP, step("lower the left hand", "wrist strong down"))) == []


def test_either_side_names_none() -> None:
    either = step("turn the trunk to one side", "wrist slight", side="either")
    assert weaknesses(a_reply(either, UP)) == []
    (said,) = weaknesses(a_reply(step("raise the left hand", "wrist slight", side="either"), DOWN))
    assert said == "'raise the left hand': its side is 'either', but the phrase says 'left'."


def test_a_posture_in_own_words_is_told_and_left_open() -> None:
    """A label is not lost over a word that no earlier prompt asked for."""
    reply = a_reply(step("rest the hand", "wrist still - sitting"), DOWN)
    (said,) = weaknesses(reply)
    assert said.startswith("'rest the hand': the posture 'sitting' is none of upright, leaning forward")
    (cell,) = (reply.words("x", str).subactions[0].signature or {}).values()
    assert (cell.motion, cell.posture) == ("still", None)


@pytest.mark.parametrize(
    ("places", "rate_hz", "limits", "asked"),
    [
        (1, 10, (1, 12), (2, 5)),
        (1, 50, (1, 12), (2, 6)),
        (5, 50, (1, 12), (6, 10)),
        (5, 25, (1, 12), (6, 10)),
        (40, 100, (1, 20), (8, 12)),
        (0, 1, (1, 12), (2, 2)),
        (1, 10, (4, 12), (4, 5)),
        (5, 50, (1, 3), (3, 3)),
        (1, 10, (7, 9), (7, 7)),
    ],
)
def test_how_many_steps_are_asked_for(
    places: int, rate_hz: float, limits: tuple[int, int], asked: tuple[int, int]
) -> None:
    assert step_range(places, rate_hz, *limits) == asked
