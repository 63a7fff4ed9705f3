"""Postures that cannot be read are known before anything is trained by them."""

import pytest
import torch
from test_posture import worn, written

from vqtext.model.grounding.posture_reference import unreadable_postures

ONE = torch.zeros(4, dtype=torch.long)
HELD = ["upright", "lying face up", "lying on the right side", "leaning forward"]


def against(held: list[str], words: list[str], mounting: int = 0) -> list[int]:
    """Labels that are found to contradict the others, each held and written so."""
    label = torch.arange(len(held))
    (found,) = unreadable_postures(
        worn(held, mounting), written(*([name] for name in words)), label, ONE[:1].expand(len(held))
    )
    assert found.without_reference == [] and found.people == 1
    return sorted(found.against)


@pytest.mark.parametrize("mounting", range(3))
def test_postures_that_are_true_contradict_nothing(mounting: int) -> None:
    assert against(HELD, HELD, mounting) == []


@pytest.mark.parametrize("mounting", range(3))
def test_one_posture_that_is_wrong_is_named(mounting: int) -> None:
    """It turns the axes of all other labels, and nobody would look for it there."""
    assert against([*HELD[:3], "lying face down"], [*HELD[:3], "upright"], mounting) == [3]


def test_two_that_are_held_alike_and_written_otherwise_are_both_named() -> None:
    assert against(["upright", "upright"], ["upright", "lying face up"]) == [0, 1]


def test_sides_that_are_taken_for_each_other_are_noticed() -> None:
    """All angles between labels are as written: only turning one into the other fails."""
    assert against(HELD[:3], [*HELD[:2], "lying on the left side"])


def test_people_whom_no_label_teaches_are_named() -> None:
    """Their postures are left unused, whatever was written."""
    up = worn(["upright"] * 3, 0).clone()
    up[2] = torch.nan
    held = written(["upright", None], ["upright", "leaning left"], ["upright", None])
    (found,) = unreadable_postures(up, held, torch.tensor([0, 1, 0]), torch.tensor([1, 2, 3]))
    assert found.without_reference == [2, 3] and found.people == 3 and not found.against
