"""A user would lose: being told which written duration is not what people do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from said import steps_said
from test_check_directions import RATE, STEPS, world

from vqtext.pipeline.inspection.check_durations import check_durations, duration_lines
from vqtext.schema import SubAction


def rounds(*frames: int) -> np.ndarray:
    """What happens in windows of steps of so many frames, each begun at another moment."""
    once = np.repeat(np.arange(len(frames)), frames)
    at = np.arange(STEPS) + 7 * np.arange(world()[0].n)[:, None]
    return once[at % len(once)]


def found(use: np.ndarray, *lasts: str | None):
    steps = [SubAction(phrase=f"step {i}", lasts=said) for i, said in enumerate(lasts)]
    return check_durations(steps_said(world()[0], use, steps))


def test_durations_are_held_against_the_mean_of_the_label() -> None:
    rows = found(rounds(10, 22, 28), "brief", None, "usual")
    assert [(row["phrase"], row["found"], row["seconds"]) for row in rows] == [
        ("step 2", "usual", 28 / RATE),
        ("step 0", "brief", 10 / RATE),
    ]
    assert all(row["usual_s"] == 20 / RATE for row in rows)
    assert duration_lines(rows) == ["2 of 2 written durations are what is found"]


def test_what_is_written_the_wrong_way_round_comes_first() -> None:
    rows = found(rounds(10, 30, 10), "usual", "brief", "brief")
    assert [(row["phrase"], row["found"]) for row in rows] == [
        ("step 1", "long"),
        ("step 0", "brief"),
        ("step 2", "brief"),
    ]
    lines = duration_lines(rows)
    assert lines[0] == "1 of 3 written durations are what is found"
    assert "0.60 s" in lines[2] and "0.33 s" in lines[2]


def test_nothing_is_found_of_steps_that_hardly_end_and_nothing_told_where_nothing_is_written() -> None:
    still = np.zeros((world()[0].n, STEPS), dtype=int)
    assert [row["found"] for row in found(still, "brief", "long")] == [None, None]
    assert duration_lines(found(still, "brief", "long")) == ["0 of 2 written durations are what is found"]
    assert found(rounds(10, 20), None, None) == [] and duration_lines([]) == []


@pytest.mark.parametrize("label", [1, 2])
def test_windows_whose_label_the_model_misses_say_nothing(label: int) -> None:
    windows = world()[0]
    windows = replace(windows, labels=["lift", "drop", "wait"], label=np.zeros_like(windows.label))
    said = steps_said(windows, rounds(10, 20), [SubAction(phrase="lift", lasts="brief")], label=label)
    assert check_durations(said)[0]["found"] is None
