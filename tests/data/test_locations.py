"""Names of sensor places, which signatures speak of which sensor, and what a sensor can know."""

import tomllib
from importlib import resources

import pytest

from vqtext.data.locations import best_cell, canonical, matches, sensed, senses


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("left ankle", "left ankle"),
        ("LeftAnkle", "left ankle"),
        ("ankle (L)", "left ankle"),
        ("lower_leg_r", "right shank"),
        ("left leg", "left shank"),
        ("Torso", "chest"),
        ("pelvis", "lower back"),
        ("hips", "waist"),
        ("smart-watch", "wrist"),
        ("wrist", "wrist"),
        ("dominant wrist", "dominant wrist"),
        ("Non-Dominant Hand", "non-dominant hand"),
        ("nondominant_hand", "non-dominant hand"),
        ("left chest", "chest"),  # a place in the middle has no side
        ("hand tip right", "right hand tip"),
        ("right trouser pocket", "right pocket"),
        ("L5", "lower back"),
        ("the moon", None),
        ("왼쪽 발목", None),
        ("", None),
    ],
)
def test_canonical(written: str, expected: str | None) -> None:
    assert canonical(written) == expected


def test_canonical_names_stand_for_themselves() -> None:
    for name in ("left foot", "right hand tip", "upper back", "dominant ankle", "waist", "left upper arm"):
        assert canonical(name) == name


@pytest.mark.parametrize(
    ("cell", "location", "hand", "expected"),
    [
        ("wrist", "wrist", None, True),
        ("wrist", "left wrist", None, True),  # a cell without a side speaks of either
        ("left wrist", "wrist", None, False),  # the sensor's side is unknown
        ("left wrist", "right wrist", None, False),
        ("left ankle", "left foot", None, True),
        ("left ankle", "left leg", None, True),
        ("left ankle", "left pocket", None, True),
        ("left ankle", "left wrist", None, False),
        ("chest", "waist", None, True),
        ("chest", "head", None, False),
        ("dominant wrist", "left wrist", "left", True),
        ("dominant wrist", "left wrist", "right", False),
        ("dominant wrist", "left wrist", None, False),
        ("dominant wrist", "dominant wrist", None, True),
        ("right wrist", "dominant wrist", "right", True),
        ("left wrist", "non-dominant wrist", "right", True),
        ("right wrist", "dominant wrist", None, False),
        ("the moon", "wrist", None, False),
        ("the moon", " The  Moon", None, True),  # a place of the user's own has its name alone
        ("the moon", "the sun", None, False),
    ],
)
def test_matches(cell: str, location: str, hand: str | None, expected: bool) -> None:
    assert matches(cell, location, hand) is expected


def test_best_cell_judges_a_sensor_by_its_nearest_cell_only() -> None:
    cells = ["left ankle", "left thigh", "chest"]
    assert best_cell("left foot", cells) == "left ankle"
    assert best_cell("left knee", cells) == "left thigh"
    assert best_cell("waist", cells) == "chest"
    assert best_cell("right foot", cells) is None
    assert [best_cell(wrist, ["wrist"]) for wrist in ("left wrist", "right wrist")] == ["wrist", "wrist"]
    assert best_cell("left wrist", ["wrist", "left wrist"]) == "left wrist"


@pytest.mark.parametrize(
    ("location", "part", "side", "hand", "expected"),
    [
        ("wrist", "arm", "none", None, True),
        ("wrist", "arm", None, None, True),
        ("wrist", "arm", "left", None, False),  # one watch cannot know its side
        ("wrist", "left arm", None, None, False),
        ("wrist", "leg", "none", None, False),
        ("wrist", "racket", None, None, False),
        ("wrist", None, "left", None, True),  # nothing claimed
        ("wrist", "arms", "both", None, False),
        ("left wrist", "arms", "both", None, False),
        ("left wrist", "hand", "left", None, True),
        ("dominant wrist", "hand", "left", "left", True),
        ("dominant wrist", "hand", "left", "right", False),
        ("dominant wrist", "hand", "left", None, False),
        ("dominant wrist", "dominant hand", None, None, True),
        ("left ankle", "foot", "left", None, True),
        ("left knee", "foot", "left", None, False),
        ("left shank", "knee", "left", None, True),
        ("chest", "torso", "left", None, True),  # a trunk has no left one
        ("chest", "body", None, None, True),
        ("waist", "Whole Body", None, None, True),
        ("waist", "hips", "both", None, True),
        ("left wrist", "body", None, None, False),
        ("the moon", "arm", None, None, False),
    ],
)
def test_senses(location: str, part: str | None, side: str | None, hand: str | None, expected: bool) -> None:
    assert senses(location, part, side, hand) is expected


def test_sensed_by_a_set_of_sensors() -> None:
    assert sensed(["left wrist", "chest"], "arm", "left")
    assert not sensed(["left wrist", "chest"], "arms", "both")
    assert sensed(["left wrist", "right wrist"], "arms", "both")
    assert sensed(["dominant wrist", "non-dominant wrist"], "arms", "both", hand="right")
    assert sensed(["chest"], "body", "both")
    assert not sensed(["wrist"], "foot", "none")
    assert not sensed(["left wrist"], "wings", "both")
    assert sensed([], None, "both") and not sensed([], "arm", None)


def test_the_vocabulary_file_is_consistent() -> None:
    text = resources.files("vqtext.data").joinpath("locations.toml").read_text(encoding="utf-8")
    raw = tomllib.loads(text)
    chained = [place for chain in raw["chains"].values() for place in chain]
    assert sorted(chained) == sorted(raw["places"]), "each place is on exactly one chain"
    for table in ("places", "parts"):
        spellings = [s for name, entry in raw[table].items() for s in (name, *entry["aliases"])]
        assert len(spellings) == len(set(spellings)), f"two {table} share a spelling"
    for name, entry in raw["parts"].items():
        assert set(entry["places"]) <= set(raw["places"]), name
    for name, entry in raw["places"].items():
        for spelling in (name, *entry["aliases"]):
            assert canonical(spelling) == name
