"""What words say of direction, side and part: what keeps opposites apart where no encoder does."""

from __future__ import annotations

import numpy as np
import pytest

from vqtext.prompts.facets import (
    NOTHING,
    axes,
    conflict,
    contrasted,
    disjoint,
    opposed,
    read_facets,
    ways,
)


def says(text: str) -> dict[str, int]:
    return {axis: way for axis, way in zip(axes(), ways(read_facets(text)), strict=True) if way}


@pytest.mark.parametrize(
    "one, same",
    [
        ("knee up", "raise the knee"),
        ("the knee goes up", "lifting up your knee"),
        ("breathe in", "inhale"),
        ("turn left", "rotate to the left"),
        ("speed up", "go faster"),
        ("get up from the chair", "rise out of the chair"),
        ("jump down", "jump downwards"),
        ("let the rope go", "release the rope"),
        ("straighten your back", "sit upright"),
        ("step back onto the mat", "step backwards"),
    ],
)
def test_one_movement_in_two_wordings_never_conflicts(one: str, same: str) -> None:
    assert not conflict(read_facets(one), read_facets(same))
    assert not contrasted(read_facets(one), read_facets(same))


@pytest.mark.parametrize(
    "one, other",
    [
        ("turn left", "turn right"),
        ("lift the left foot", "lift the right foot"),
        ("faster", "slower"),
        ("inhale", "exhale"),
        ("push", "pull"),
        ("raise both arms", "raise the right arm"),
        ("stand on one leg", "stand on both legs"),
        ("get up from the floor", "get down on the floor"),
        ("bend the elbow", "bend the wrist"),
        ("bend the knee", "keep the knee straight"),
        ("unbuckle the belt", "buckle the belt"),
        ("grip the bar", "let the bar go"),
        ("move", "without moving"),
        ("climb the stairs", "climb down the stairs"),
        ("sway the hips back", "sway the hips rightward"),
        ("step into the car", "step out of the car"),
        ("swing the arm forward", "swing the arm back"),
    ],
)
def test_opposites_conflict(one: str, other: str) -> None:
    assert conflict(read_facets(one), read_facets(other))
    assert conflict(read_facets(other), read_facets(one))


@pytest.mark.parametrize(
    "one, other, apart",
    [
        ("breathe through the nose", "breathe through the mouth", True),
        ("scratch the table", "scratch the chair", True),
        ("roll from toe to heel", "roll from heel to toe", True),
        ("tap the table", "tap on the table", False),
        ("stir", "knead", False),  # nothing in common, so nothing is contrasted
        ("shut the lid", "close the lid", False),  # the same way
    ],
)
def test_one_word_or_the_order_can_be_the_whole_difference(one: str, other: str, apart: bool) -> None:
    assert contrasted(read_facets(one), read_facets(other)) is apart
    assert contrasted(read_facets(other), read_facets(one)) is apart


def test_wordings_of_one_movement_become_one_text() -> None:
    wordings = ["knee up", "raise the knee", "the knee goes up", "lifting up your knee"]
    assert len({read_facets(text).canonical for text in wordings}) == 1


@pytest.mark.parametrize(
    "text, opposite",
    [
        ("turn the head left", "turn head right"),
        ("lift the left leg", "lower left leg"),
        ("wave", None),
        ("swing the left arm", None),
    ],
)
def test_a_phrase_makes_its_own_opposite(text: str, opposite: str | None) -> None:
    assert read_facets(text).opposite == opposite


def test_a_phrase_about_one_side_has_a_mirror_image() -> None:
    assert read_facets("swing the left arm").mirrored == "swing the right arm"
    assert read_facets("swing both arms").mirrored is None


def test_parts_of_the_body_are_no_directions() -> None:
    assert says("rest the lower back") == says("rest")
    assert "sagittal" not in says("flatten the back")
    assert "vertical" not in says("swing the lower leg") and "vertical" not in says("the upper body leans")
    assert says("lower the leg") == says("lower leg") == {"vertical": -1}
    assert says("swing the arm back") == {"sagittal": -1}
    assert "turn" not in says("lift the left foot") and says("turn left") == {"turn": 1}


def test_what_a_phrase_says_counts_before_what_was_written_beside_it() -> None:
    assert says("lift the left foot")["side"] == 1
    assert read_facets("lift the left foot").also(["right"], ["down"]) == read_facets("lift the left foot")
    assert read_facets("tap").also(["right"], ["forward"]).sides == NOTHING.also(["right"], []).sides
    assert NOTHING.also([], ["up", "down"]) == NOTHING
    assert NOTHING.also(["none", None], ["none", None]) == NOTHING


@pytest.mark.parametrize("text", ["", "🙂", "  ", "ᄀ" * 10_000, "left", "up down", "$", "무릎을 든다"])
def test_any_text_will_do(text: str) -> None:
    assert not conflict(read_facets(text), read_facets(text))
    assert not contrasted(read_facets(text), read_facets(text))


def test_whole_lists_are_compared_as_single_phrases_are() -> None:
    texts = [
        "lift the left foot",
        "lower the right foot",
        "lift both feet",
        "wave",
        "push",
        "pull",
        "go back",
    ]
    said = [read_facets(text) for text in texts]
    poles, *sets = (
        np.array([getattr(facets, name) for facets in said], dtype=np.int64)
        for name in ("poles", "heading", "sides", "parts")
    )
    a, b = np.divmod(np.arange(len(said) ** 2), len(said))
    found = np.any([opposed(poles[a], poles[b]), *(disjoint(one[a], one[b]) for one in sets)], axis=0)
    assert found.tolist() == [conflict(said[i], said[j]) for i, j in zip(a, b, strict=True)]
