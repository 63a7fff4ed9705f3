"""A user would lose: the truth, to a model that says what was not measured or guesses the label."""

from __future__ import annotations

import re
import tomllib
from importlib import resources

import pytest

from vqtext.pipeline.descriptions.fact_sheet import Sheet
from vqtext.pipeline.descriptions.llm_description import (
    Description,
    gives_away,
    plain,
    problems,
    question,
    stretch_problems,
)

SHEET = Sheet(
    text="Length: 10.0 s\nSensors: left wrist, lower back\n",
    locations=("left wrist", "lower back"),
    peaks={"rad/s": [8.2, 0.02], "m/s2": [21.0]},
    others=[1.2, 90.0, 0.0, 4.0, 10.0, 6.0],
    stretches=2,
)
GOOD = "The left wrist moves strongly and turns at up to 8.2 rad/s for 10.0 s, while the lower back is still."


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        GOOD.replace("8.2", "8"),
        GOOD.replace("8.2 rad/s", "21 m/s²"),
        GOOD.replace("8.2 rad/s", "21 m/s^2"),
        GOOD + " It repeats 1.2 times a second from 4.0 to 10 s and turns by 90 degrees.",
        GOOD.replace("The left wrist", "The wrist"),
        GOOD.replace(" ", "\u202f") + "\n",
    ],
)
def test_what_keeps_to_the_facts_is_good(text: str) -> None:
    assert problems(text, SHEET) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- " + GOOD.replace(", ", "\n- "), "one paragraph of plain text"),
        ("**" + GOOD + "**", "one paragraph of plain text"),
        (GOOD + "\0", "one paragraph of plain text"),
        (GOOD.replace("left wrist", "왼쪽 손목"), "must be in English"),
        ("It turns at 8.2 rad/s.", "has 5 words: write 12 to 60"),
        (GOOD * 4, "words: write 12 to 60"),
        ("", "has 0 words"),
        (GOOD.replace("8.2", "9"), "9 rad/s is not among the facts"),
        (GOOD.replace("8.2", "0.05"), "0.05 rad/s is not among the facts"),
        (GOOD.replace("8.2 rad/s", "8.2 m/s2"), "8.2 m/s2 is not among the facts"),
        (GOOD.replace("8.2 rad/s", "many rad/s"), r"10.0|without a number"),
        (GOOD.replace("10.0 s", "17 s"), "17 is not among the facts"),
        (GOOD.replace("8.2 rad/s", "great speed"), r"The scale is missing.*rad/s or m/s2"),
        (GOOD.replace("lower back", "chest"), "no sensor at the chest"),
        (GOOD.replace("lower back", "feet"), "no sensor at the feet"),
        (GOOD.replace("left wrist", "right wrist"), "no sensor at the right wrist"),
        (GOOD.replace("lower back", "upper back"), "no sensor at the upper back"),
    ],
)
def test_what_was_not_measured_is_found(text: str, problem: str) -> None:
    found = problems(text, SHEET)
    assert found and any(re.search(problem, said) for said in found), found


def test_units_of_speed_muscles_and_forces() -> None:
    peaks = {"m/s": [0.8], "microvolts": [200.0], "N/s": [80.0]}
    sheet = Sheet("", ("left hand",), peaks, [0.0, 2.0], 1)
    good = "The left hand moves moderately at up to {} for 2 s and is still for the rest of it."
    for said in ("0.8 m/s", "200 microvolts", "200 microvolt", "80 N/s"):
        assert problems(good.format(said), sheet) == []
    for said in ("0.8 m/s2", "200 N/s", "3 m/s"):
        assert any(
            f"{said} is not among the facts" in problem for problem in problems(good.format(said), sheet)
        )


def test_a_place_nobody_knows() -> None:
    nowhere = Sheet("", ("unknown",), {}, [0.0, 2.0], 1)
    assert (
        problems("The signal is still at first, then it moves strongly for 2 seconds and stops.", nowhere)
        == []
    )
    assert "the wrist" in problems("The wrist moves" + " on" * 12, nowhere)[0]


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("walking", "someone walks on"),
        ("Walking_Upstairs", "the stretch looks like a walk"),
        ("walkingUpstairs", "the stretch looks like WALKED"),
        ("running", "a run"),
        ("cycling on an exercise bike", "as on a bike"),
        ("zqxv", "the zqxv motion"),
        ("걷기", "this is 걷기 ."),
        ("🏃", "clearly 🏃"),
    ],
)
def test_a_guessed_label_is_found_in_any_form(label: str, text: str) -> None:
    assert gives_away(text, label, "")


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("walking", "the wrist moves"),
        ("going up on the left", "up to 8 rad/s on the left"),
        ("7", "7 rad/s"),
        ("a07", "the arm"),
        ("run", "brunch"),
        ("", "the wrist moves"),
    ],
)
def test_what_says_nothing_of_a_label(label: str, text: str) -> None:
    assert not gives_away(text, label, "")


def test_a_label_made_of_words_of_the_prompt_is_no_guess() -> None:
    """Or a data set with the label "still" or "wrist" could have no description at all."""
    assert gives_away("it is still", "still", "")
    assert not gives_away("it is still", "still", "0.0–2.0 s: still: wrist")


def test_the_label_is_neither_asked_nor_sent_back() -> None:
    asked = question("window 3", SHEET, ["zqxv walking"])
    said = Description(description=GOOD.replace("moves", "walks"))
    (problem,) = asked.check(said)
    assert problem == "Do not guess what the person does: say only how the places move."
    assert "zqxv" not in f"{asked.messages()}{problem}" and "walk" not in f"{asked.messages()}"
    assert asked.check(Description(description=GOOD)) == []


def test_plain() -> None:
    assert plain(" a\u202fb\n c\u00a0d ") == "a b c d"


def test_the_prompt_names_no_activity() -> None:
    """The prompt's own words are allowed in replies, so a label among them would pass unseen."""
    files = resources.files("vqtext.prompts").joinpath("lexicon", "labels").iterdir()
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in files]
    known = {
        name
        for table in tables
        for label, words in table.items()
        for name in (label, *words.get("aliases", []))
    }
    assert "stand" in known and len(known) > 50
    asked = question("", SHEET, [])
    prompt = f"{asked.system} {asked.user}"
    assert [label for label in known if re.search(rf"\b{re.escape(label)}\b", prompt, re.IGNORECASE)] == []
    assert [label for label in known if not gives_away(f"as in {label}", label, prompt)] == []


def test_sentences_of_stretches_are_checked_as_descriptions_are() -> None:
    """They reach the text encoder by themselves, and name what happens when: none may say more than that."""
    good = ["The left wrist is still.", "The left wrist moves strongly, the lower back less."]
    assert stretch_problems([], SHEET) == stretch_problems(good, SHEET) == []
    assert "write one for each, or leave stretches empty" in stretch_problems(good[:1], SHEET)[0]
    for bad, problem in (
        ("The chest moves.", "no sensor at the chest"),
        ("**", "Sentence 2"),
        (" ", "0 words"),
    ):
        found = stretch_problems([good[0], bad], SHEET)
        assert found and any(problem in said for said in found), found
    ask = question("window 0", SHEET, ["running"])
    assert ask.check(Description(description=GOOD, stretches=good)) == []
    assert "Do not guess" in ask.check(Description(description=GOOD, stretches=[good[0], "A runner."]))[0]
