"""A user would lose: being told before the training, once, that words cannot or may not be true."""

import numpy as np
import pytest
from test_unseen import prepared, study  # noqa: F401

from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.lint_words import lint_words
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.prompts.lexicon import lexicon
from vqtext.schema import Cell, SubAction

FEET = ("left foot", "right foot")
SOURCES = frozenset({"order", "signal"})


def words(*steps: SubAction) -> Words:
    uses = [list(enumerate(steps))]
    return Words([step.phrase for step in steps], np.eye(len(steps)), uses, [True], [None])


def step(phrase: str, left: str, right: str, side: str | None = None) -> SubAction:
    cells = {"left foot": Cell(motion=left), "right foot": Cell(motion=right)}
    return SubAction(phrase=phrase, side=side, signature=cells)


def test_a_signature_against_its_side_is_told_once_and_one_that_fits_never():
    fits = step("lift the left foot", "strong", "still")
    against = step("lift the right foot", "strong", "still")
    assert lint_words(words(fits), FEET, [None], SOURCES) == []
    (told,) = lint_words(words(fits, against, against), FEET, [None], SOURCES)
    assert (
        told.startswith("2 steps have")
        and "'lift the right foot': right foot still, left foot strong" in told
    )
    (told,) = lint_words(
        words(step("lift the left foot", "strong", "still", side="right")),
        FEET,
        [None],
        frozenset({"label", "signal"}),
    )
    assert "right" in told
    assert lint_words(words(against), FEET, [None], frozenset({"order"})) == [], (
        "a mode that reads no signature has no doubt"
    )
    planted = step("straighten the left knee", "still", "strong")
    assert lint_words(words(planted), FEET, [None], SOURCES) == [], "the foot under a knee stands"


@pytest.mark.parametrize(
    "dataset, labels", [("gait", ["walk", "u-turn", "stand"]), ("planted", ["leg kicks", "warm-up"])]
)
def test_the_built_in_words_raise_no_doubt(dataset, labels):
    built_in = lexicon(dataset, labels)
    uses = [list(enumerate(label.subactions)) for label in built_in.labels]
    places = (*FEET, "left wrist", "right wrist", "lower back")
    own = Words([], np.empty(0), uses, [True] * len(uses), [None] * len(uses))
    assert lint_words(own, places, ["left", "right"], SOURCES) == []


def test_without_any_signature_training_falls_back_to_the_order_and_says_so(prepared, heard):  # noqa: F811
    settings = prepared(study(), test_subjects=["1"])
    run(Train(settings, heard))
    told = [line for line in heard.warned if "names follow the order of steps alone" in line]
    assert len(told) == 1


def test_words_about_sensors_that_are_not_there_are_no_words():
    (told,) = lint_words(
        words(step("lift the left foot", "strong", "still")),
        ("chest",),
        [None],
        frozenset({"label", "signal"}),
    )
    assert told.startswith(
        "no signature tells how a sensor of this data moves: names follow the labels alone"
    )


def test_words_of_ways_alone_are_words():
    """Where no level is written of a sensor, but which way it goes is."""
    goes = SubAction(phrase="lift the left foot", signature={"left foot": Cell(direction="up")})
    assert lint_words(words(goes), FEET, [None], SOURCES, [("left foot", "rise")]) == []
    (told,) = lint_words(words(goes), FEET, [None], SOURCES)
    assert told.startswith("no signature tells"), "without gravity nothing tells which way is up"


def test_places_without_a_sensor_are_named_once():
    """Mistyped, or of other data. The dominant wrist is a wrist of somebody."""
    cells = {place: Cell(motion="slight") for place in ("left wrist", "right ankle", "left antenna")}
    steps = [SubAction(phrase=f"step {i}", signature=cells) for i in range(3)]
    (told,) = lint_words(words(*steps), ("dominant wrist",), ["left", "right"], SOURCES)
    assert told == "no sensor at right ankle, left antenna: what signatures say of it is left unused"


def test_postures_alone_are_read_where_gravity_is_felt():
    """Names of people who lie and stand were said to follow the order alone."""
    lying = words(SubAction(phrase="lie", signature={"chest": Cell(posture="lying face up")}))
    assert lint_words(lying, ("chest",), [None], SOURCES, upright=("chest",)) == []
    assert lint_words(lying, ("chest",), [None], SOURCES)
