"""Drafts: a cell that the model only guessed would name the wrong stretch of signal, and must go."""

from __future__ import annotations

from typing import Any

import pytest

from vqtext.pipeline.authors.drafts import align, merge_drafts, temperatures
from vqtext.schema import LabelWords

STRIDE = (
    ("lift the left foot", "foot", "left", "up"),
    ("plant the left heel", "heel", "left", "down"),
    ("lift the right foot", "foot", "right", "up"),
    ("plant the right heel", "heel", "right", "down"),
)
REWORDED = (
    ("raise the left foot off the ground", "foot", "left", "up"),
    ("put the left heel down", "heel", "left", "down"),
    ("raise the right foot off the ground", "foot", "right", "up"),
    ("put the right heel down", "heel", "right", "down"),
)
SURE = {"left ankle": "strong", "right ankle": "still"}


def a_draft(
    *steps: tuple[str, str, str, str], cells: dict[int, dict[str, Any]] | None = None, cyclic: bool = True
) -> LabelWords:
    """A draft whose steps have the cells of `SURE`, except where ``cells`` says others."""
    return LabelWords.model_validate(
        {
            "label": "walking",
            "cyclic": cyclic,
            "subactions": [
                {
                    "phrase": phrase,
                    "body_part": part,
                    "side": side,
                    "direction": direction,
                    "signature": {
                        place: cell if isinstance(cell, dict) else {"motion": cell}
                        for place, cell in (cells or {}).get(i, SURE).items()
                    },
                }
                for i, (phrase, part, side, direction) in enumerate(steps)
            ],
        }
    )


def motions(words: LabelWords) -> list[dict[str, str | None]]:
    return [{place: c.motion for place, c in (s.signature or {}).items()} for s in words.subactions]


def test_one_draft_is_left_as_it_is() -> None:
    draft = a_draft(*STRIDE)
    merged = merge_drafts([draft])
    assert merged.words == draft and merged.disagreed == 0


def test_drafts_that_agree_in_other_words_keep_all() -> None:
    merged = merge_drafts([a_draft(*STRIDE), a_draft(*REWORDED), a_draft(*STRIDE)])
    assert merged.words == a_draft(*STRIDE) and merged.disagreed == 0


def test_planted_disagreements_are_left_out_and_counted() -> None:
    merged = merge_drafts(
        [
            a_draft(*STRIDE),
            a_draft(*REWORDED, cells={1: {"left ankle": "moderate", "right ankle": "still"}}),
            a_draft(*STRIDE, cells={2: {"left ankle": "strong", "right ankle": "slight"}}),
        ]
    )
    assert motions(merged.words) == [SURE, {"right ankle": "still"}, {"left ankle": "strong"}, SURE]
    assert merged.disagreed == 2


def test_unknown_outweighs_only_where_most_drafts_say_it() -> None:
    silent = {0: {"right ankle": "still"}}
    one_of_two = merge_drafts([a_draft(*STRIDE), a_draft(*STRIDE, cells=silent)])
    assert motions(one_of_two.words)[0] == {"right ankle": "still"} and one_of_two.disagreed == 1
    two_of_three = merge_drafts([a_draft(*STRIDE), a_draft(*STRIDE), a_draft(*STRIDE, cells=silent)])
    assert motions(two_of_three.words)[0] == SURE and two_of_three.disagreed == 0


def test_a_direction_alone_can_be_disputed() -> None:
    up, down = ({0: {"left ankle": {"motion": "strong", "direction": way}}} for way in ("up", "down"))
    merged = merge_drafts([a_draft(*STRIDE, cells=up), a_draft(*STRIDE, cells=down)])
    cell = (merged.words.subactions[0].signature or {})["left ankle"]
    assert (cell.motion, cell.direction, merged.disagreed) == ("strong", None, 1)
    agreed = merge_drafts([a_draft(*STRIDE, cells=up), a_draft(*STRIDE)])
    assert (agreed.words.subactions[0].signature or {})["left ankle"].direction == "up", (
        "silence is no dispute"
    )


@pytest.mark.parametrize(
    ("said", "left"),
    [
        (["upright", "upright"], ("strong", "upright")),
        (["upright", None], ("strong", "upright")),
        (["upright", "leaning left"], ("strong", None)),
        ([None, "upright"], ("strong", None)),
    ],
)
def test_a_posture_that_drafts_dispute_is_left_open(said: list[str | None], left: tuple[Any, ...]) -> None:
    """A wrong posture would name sitting what is lying."""
    cells = [{0: {"left ankle": {"motion": "strong", "posture": posture}}} for posture in said]
    merged = merge_drafts([a_draft(*STRIDE, cells=cell) for cell in cells])
    cell = (merged.words.subactions[0].signature or {})["left ankle"]
    assert (cell.motion, cell.posture) == left
    assert merged.disagreed == (said == ["upright", "leaning left"])


def test_a_posture_that_drafts_agree_on_survives_their_motion() -> None:
    """Whether sitting is still or slight, it is sitting."""
    cells = [{0: {"left ankle": {"motion": level, "posture": "upright"}}} for level in ("still", "slight")]
    merged = merge_drafts([a_draft(*STRIDE, cells=cell) for cell in cells])
    cell = (merged.words.subactions[0].signature or {})["left ankle"]
    assert (cell.motion, cell.posture, merged.disagreed) == (None, "upright", 1)


def test_how_long_a_step_lasts_is_left_out_where_drafts_differ() -> None:
    drafts = [a_draft(*STRIDE), a_draft(*REWORDED)]
    for draft, said in zip(
        drafts, (("brief", "long", "usual", None), ("brief", "usual", None, "long")), strict=True
    ):
        for step, lasts in zip(draft.subactions, said, strict=True):
            step.lasts = lasts
    assert [step.lasts for step in merge_drafts(drafts).words.subactions] == ["brief", None, None, None]


def test_a_step_without_counterpart_keeps_its_cells() -> None:
    merged = merge_drafts([a_draft(*STRIDE, cyclic=False), a_draft(*REWORDED[:2], cyclic=False)])
    assert motions(merged.words) == [SURE] * 4 and merged.disagreed == 0


def test_steps_are_aligned_in_order_past_what_only_one_draft_has() -> None:
    extra = ("sway the trunk", "trunk", "none", "none")
    one = a_draft(*STRIDE, cyclic=False)
    other = a_draft(REWORDED[0], extra, REWORDED[1], REWORDED[3], cyclic=False)
    assert align(one, other) == {0: 0, 1: 2, 3: 3}


def test_a_cycle_may_begin_at_any_moment() -> None:
    turned = (*REWORDED[2:], *REWORDED[:2])
    assert align(a_draft(*STRIDE), a_draft(*turned)) == {0: 2, 1: 3, 2: 0, 3: 1}
    once = align(a_draft(*STRIDE, cyclic=False), a_draft(*turned, cyclic=False))
    assert len(once) == 2, "what is no cycle keeps its order"


@pytest.mark.parametrize(
    "other",
    [
        ("lift the right foot", "foot", "right", "up"),
        ("lower the left foot", "foot", "left", "down"),
        ("drop the left foot", "foot", "left", "none"),
        ("shake the head", "head", "none", "none"),
    ],
)
def test_other_movements_are_no_counterparts(other: tuple[str, str, str, str]) -> None:
    assert align(a_draft(STRIDE[0], cyclic=False), a_draft(other, cyclic=False)) == {}


def test_the_first_draft_is_the_most_careful() -> None:
    assert temperatures(1) == [0.2]
    assert temperatures(3) == [0.2, 0.6, 1.0]
    assert temperatures(9)[-1] == 1.0
