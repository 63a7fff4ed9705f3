"""A user would lose: being told which neighbouring steps no sensor can part."""

from __future__ import annotations

import numpy as np

from vqtext.pipeline.identifiability import Sensors
from vqtext.pipeline.unseen_borders import unseen_borders
from vqtext.pipeline.words import Words, vocabulary
from vqtext.schema import Cell, SubAction

WAYS = ("forward", "backward")
WRIST = Sensors(["wrist"], [None])


def step(phrase: str, motion: str | None, direction: str | None = None) -> SubAction:
    cell = {"wrist": Cell(motion=motion, direction=direction)}
    return SubAction(phrase=phrase, signature=cell if motion else {})


def label(*steps: SubAction, cyclic: bool = False) -> list[list[int]]:
    return unseen_borders([list(enumerate(steps))], [cyclic], WRIST)[0]


def test_neighbours_that_read_the_same_are_a_run_and_others_are_not() -> None:
    sways = [step(f"sway {way}", "slight") for way in ("left", "right", "forward")]
    assert label(step("hold still", "still"), *sways, step("shake", "strong")) == [[1, 2, 3]]
    assert label(sways[0], step("hold still", "still"), sways[1]) == [], "what lies between parts them"


def test_a_direction_that_sensors_show_parts_neighbours_and_another_does_not() -> None:
    assert label(step("lift", "strong", "up"), step("drop", "strong", "down")) == []
    assert label(step("push", "strong", "forward"), step("pull", "strong", "backward")) == [[0, 1]]


def test_up_and_down_are_seen_by_sensors_that_feel_gravity_alone() -> None:
    steps = list(enumerate([step("lift", "strong", "up"), step("drop", "strong", "down")]))
    for ways, runs in (([("wrist", "rise")], []), ([("wrist", "turn")], [[0, 1]]), ([], [[0, 1]])):
        assert unseen_borders([steps], [False], Sensors(["wrist"], [None], ways)) == [runs]


def test_a_place_without_a_sensor_parts_nobody() -> None:
    kick, stand = SubAction(phrase="kick"), SubAction(phrase="stand")
    for foot, level in ((kick, "strong"), (stand, "still")):
        foot.signature = {"wrist": Cell(motion="slight"), "left foot": Cell(motion=level)}
    assert label(kick, stand) == [[0, 1]]


def test_steps_of_which_nothing_is_written_are_left_to_the_order() -> None:
    assert label(step("kick", None), step("stand", None)) == []
    push, pull = (SubAction(phrase=way, signature={"wrist": Cell(direction=way)}) for way in WAYS)
    assert label(push, pull) == [], "a direction that no sensor shows is nothing"


def test_the_ends_of_a_cycle_are_neighbours() -> None:
    steps = [step("swing", "strong"), step("rest", "still"), step("whirl", "strong")]
    assert label(*steps) == [] and label(*steps, cyclic=True) == [[0, 2]]


def test_names_for_them_are_marked_in_their_own_label_alone() -> None:
    sway, rock, rest = step("sway", "slight"), step("rock", "slight"), step("rest", "still")
    uses = [[(0, sway), (1, rock)], [(0, sway), (2, rest), (1, step("rock", "strong"))]]
    words = Words(["sway", "rock", "rest"], np.eye(3), uses, [False, False], [None, None])
    for signed, marked in ((True, ("rock",)), (False, ())):
        standing, other = vocabulary(words, ["stand", "play"], WRIST, signed).transcripts
        assert standing.uses[0].ambiguous_with == marked
        assert not any(use.ambiguous_with for use in other.uses)
