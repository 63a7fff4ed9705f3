"""A user would lose: honest numbers of robustness. Wrong words are as many as was said, and the same every
time."""

from __future__ import annotations

import pytest
from corruption import corrupted

from vqtext.data.planted.world import WORLDS
from vqtext.errors import UsageError
from vqtext.prompts.lexicon import lexicon
from vqtext.schema import Cell, SubActions

WORDS = lexicon("planted", list(WORLDS["identifiable"].labels))


def cells(words: SubActions) -> list[str | None]:
    return [c.motion for w in words.labels for s in w.subactions for c in (s.signature or {}).values()]


@pytest.mark.parametrize("share", [0, 0.1, 0.5, 1])
def test_exactly_the_wanted_share_of_levels_is_wrong(share: float) -> None:
    before = WORDS.model_dump()
    pairs = list(zip(cells(WORDS), cells(corrupted(WORDS, share, 3)), strict=True))
    assert sum(one != other for one, other in pairs) == round(share * len(pairs))
    assert WORDS.model_dump() == before


def test_a_seed_gives_the_same_wrong_words() -> None:
    assert corrupted(WORDS, 0.3, 1) == corrupted(WORDS, 0.3, 1) != corrupted(WORDS, 0.3, 2)


def test_a_wrong_cell_says_another_direction_where_it_says_one_and_nothing_else_changes() -> None:
    wrong, turned = corrupted(WORDS, 1, 0).model_dump(), 0
    for one, other in zip(wrong["labels"], WORDS.model_dump()["labels"], strict=True):
        for step, true in zip(one["subactions"], other["subactions"], strict=True):
            for place, cell in step["signature"].items():
                right = true["signature"][place]
                assert (cell["direction"] == right["direction"]) == (right["direction"] in (None, "none"))
                turned += cell["direction"] != right["direction"]
                cell.update(right)
        assert one == other
    assert turned > 10


def test_how_long_a_step_lasts_is_a_cell_too() -> None:
    words = lexicon("gait", ["walk"])
    said = [step.lasts for step in words.labels[0].subactions]
    wrong = [step.lasts for step in corrupted(words, 1, 0).labels[0].subactions]
    assert said.count("brief") == 4
    assert all((one is None) == (other is None) for one, other in zip(said, wrong, strict=True))
    assert all(one != other for one, other in zip(said, wrong, strict=True) if one is not None)


def test_a_share_is_a_share() -> None:
    with pytest.raises(UsageError, match=r"0 to 1, not 1\.5"):
        corrupted(WORDS, 1.5, 0)


def test_a_posture_is_said_wrong_too() -> None:
    """A held label whose postures stay true would look robust for nothing."""
    words = lexicon("dsads", ["sitting"])
    words.labels[0].subactions[0].signature = {"chest": Cell(posture="upright")}
    for step, true in zip(
        corrupted(words, 1, 0).labels[0].subactions, words.labels[0].subactions, strict=True
    ):
        for place, cell in (true.signature or {}).items():
            wrong = (step.signature or {})[place]
            assert (wrong.posture == cell.posture) == (cell.posture is None)
            assert (wrong.motion == cell.motion) == (cell.motion is None)
