"""A user would lose: a check of names by the sensors themselves, where nobody knows the truth."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from vqtext.pipeline.evaluation.motion_check import claims, moves_more
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import AFTER, join
from vqtext.schema import Cell, SubAction

PLACES = ("left foot", "right foot", "lower back")


def words() -> Words:
    still = {"foot": Cell(motion="still")}
    steps = [
        SubAction(phrase="lift the left leg", body_part="leg", side="left"),
        SubAction(phrase="lift the right leg", body_part="leg", side="right"),
        SubAction(phrase="keep both legs still", body_part="leg", side="both", signature=still),
        SubAction(phrase="wait"),
        SubAction(phrase="sway the hips", body_part="hips", signature={"lower back": Cell(motion="slight")}),
    ]
    return Words([s.phrase for s in steps], np.eye(5), [[*enumerate(steps)]], [True], [None])


def test_what_phrases_claim_of_sensors() -> None:
    assert claims(words(), PLACES).tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [-1, -1, 0],
        [0, 0, 0],
        [0, 0, -1],
    ]


def test_a_joined_step_claims_what_any_of_its_parts_does() -> None:
    lift, _, keep, *_ = (step for _, step in words().uses[0])
    said = Words(["lift, keep"], np.eye(1), [[(0, join([lift, keep], AFTER))]], [True], [None])
    assert claims(said, PLACES).tolist() == [[1, -1, 0]]


def test_names_that_move_their_sensor_and_names_that_are_swapped() -> None:
    energy = np.zeros((1, 8, 3))
    energy[0, :4, 0] = energy[0, 4:, 1] = 1.0
    code, t, l = np.array([[0, 1, -1]]), np.array([[0, 0.5, 0]]), np.array([[0.5, 0.5, 1]])
    claimed = claims(words(), PLACES)

    def shares(*names: int) -> list[float]:
        part = SimpleNamespace(code=code, t=t, l=l, code_name=np.array(names))
        return moves_more(part, energy, claimed).tolist()  # type: ignore[arg-type]

    assert shares(0, 1)[:2] == [1, 1], "left where left moves"
    assert shares(1, 0)[:2] == [0, 0], "swapped"
    assert np.isnan(shares(0, 1)[2]) and np.isnan(shares(3, 3)).all(), "nobody claims it: nothing to check"
    assert np.isnan(shares(0, 2)[0]), "a leg that is held still is no evidence on either side"
    energy[0, :, 0] = np.nan
    assert np.isnan(shares(0, 1)[0]) and shares(0, 1)[1] == 1, "a sensor that measured nothing"
