"""A user would lose: being told as two steps what no sensor can part."""

from __future__ import annotations

from vqtext.pipeline.vocabulary.identifiability import Sensors
from vqtext.pipeline.vocabulary.unseen_borders import unseen_borders
from vqtext.schema import Cell, SubAction

WAYS = ("forward", "backward")
WRIST = Sensors(["wrist"], [None])


def step(phrase: str, motion: str | None, direction: str | None = None) -> SubAction:
    cell = {"wrist": Cell(motion=motion, direction=direction)}
    return SubAction(phrase=phrase, signature=cell if motion else {})


def runs(*steps: SubAction, cyclic: bool = False, sensors: Sensors = WRIST) -> list[list[int]]:
    return [run for run in unseen_borders(steps, cyclic, sensors) if len(run) > 1]


def test_neighbours_that_read_the_same_are_a_run_and_others_are_not() -> None:
    sways = [step(f"sway {way}", "slight") for way in ("left", "right", "forward")]
    assert runs(step("hold still", "still"), *sways, step("shake", "strong")) == [[1, 2, 3]]
    assert runs(sways[0], step("hold still", "still"), sways[1]) == [], "what lies between parts them"


def test_a_direction_that_sensors_show_parts_neighbours_and_another_does_not() -> None:
    assert runs(step("lift", "strong", "up"), step("drop", "strong", "down")) == []
    assert runs(step("push", "strong", "forward"), step("pull", "strong", "backward")) == [[0, 1]]


def test_up_and_down_are_seen_by_sensors_that_feel_gravity_alone() -> None:
    steps = [step("lift", "strong", "up"), step("drop", "strong", "down")]
    for ways, found in (([("wrist", "rise")], []), ([("wrist", "turn")], [[0, 1]]), ([], [[0, 1]])):
        assert runs(*steps, sensors=Sensors(["wrist"], [None], ways)) == found


def test_postures_part_what_is_still_where_gravity_is_felt() -> None:
    back, side = (
        SubAction(phrase=way, signature={"wrist": Cell(motion="still", posture=way)})
        for way in ("lying face up", "lying on the left side")
    )
    assert runs(back, side) == []
    assert runs(back, side, sensors=Sensors(["wrist"], [None], [])) == [[0, 1]]


def test_a_place_without_a_sensor_parts_nobody() -> None:
    kick, stand = SubAction(phrase="kick"), SubAction(phrase="stand")
    for foot, level in ((kick, "strong"), (stand, "still")):
        foot.signature = {"wrist": Cell(motion="slight"), "left foot": Cell(motion=level)}
    assert runs(kick, stand) == [[0, 1]]


def test_a_place_of_which_one_step_says_nothing_is_no_agreement() -> None:
    assert runs(step("step round", "strong"), SubAction(phrase="turn")) == []


def test_steps_of_which_nothing_is_written_are_left_to_the_order() -> None:
    assert runs(step("kick", None), step("stand", None)) == []
    push, pull = (SubAction(phrase=way, signature={"wrist": Cell(direction=way)}) for way in WAYS)
    assert runs(push, pull) == [], "a direction that no sensor shows is nothing"


def test_the_ends_of_a_cycle_are_neighbours() -> None:
    steps = [step("swing", "strong"), step("rest", "still"), step("whirl", "strong")]
    assert runs(*steps) == [] and runs(*steps, cyclic=True) == [[2, 0]]
