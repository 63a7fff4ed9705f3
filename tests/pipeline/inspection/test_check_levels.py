"""A user would lose: being told which written level of motion the sensors contradict."""

from __future__ import annotations

import numpy as np
import pytest
from said import steps_said

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.inspection.check_levels import check_levels, level_lines
from vqtext.schema import Channel, SubAction, Subject

RATE, STEPS, N = 20.0, 80, 24
CHANNELS = [
    Channel(f"{place} {axis}", place, "gyro", axis, "rad/s")
    for place in ("left ankle", "right ankle")
    for axis in "xyz"
]


def step(phrase: str, left: str | None, right: str | None) -> SubAction:
    cells = {"left ankle": left, "right ankle": right}
    signature = {place: {"motion": level} for place, level in cells.items() if level is not None}
    return SubAction(phrase=phrase, signature=signature)


def walking(*, left_swing: str = "strong") -> list[SubAction]:
    return [
        step("swing the left leg", left_swing, "still"),
        step("swing the right leg", "still", "strong"),
        step("stand on both feet", "still", "still"),
    ]


def world() -> tuple[Windows, np.ndarray]:
    """Windows of two people, and the true step of each sample: left swings, right swings, both stand."""
    rng = np.random.default_rng(0)
    truth = (np.arange(STEPS) // 8 + rng.integers(3, size=(N, 1))) % 3
    strength = np.where(np.arange(N) % 2, 1.0, 5.0)  # one of them moves five times as much
    size = 0.2 + np.stack([truth == 0, truth == 1], 1) * 3.0  # (N, 2, T)
    signal = rng.normal(size=(N, 6, STEPS)) * size.repeat(3, 1) * strength[:, None, None]
    windows = Windows(
        dataset="toy",
        rate_hz=RATE,
        channels=CHANNELS,
        labels=["walk"],
        subjects=[Subject("1"), Subject("2")],
        recordings=["r"],
        truth_words=[],
        signal=signal.astype(np.float32),
        length=np.full(N, STEPS, np.int32),
        label=np.zeros(N, np.int32),
        subject=(np.arange(N) % 2).astype(np.int32),
        recording=np.zeros(N, np.int32),
        start_s=np.arange(N) * 4.0,
        split=np.full(N, -1, np.int8),
    )
    return windows, truth


def found(windows: Windows, use: np.ndarray, uses: list[SubAction], label: int = 0):
    """What is found while a model says ``use (N, F)``."""
    return check_levels(steps_said(windows, use, uses, np.arange(N - 4), label))


def test_right_words_are_found_to_be_right() -> None:
    windows, truth = world()
    rows = found(windows, truth, walking())
    assert len(rows) == 6 and all(row["found"] == row["written"] for row in rows)
    assert level_lines(rows) == ["6 of 6 written levels are what is found"]


def test_a_wrong_word_comes_first_and_nothing_is_changed() -> None:
    windows, truth = world()
    uses = walking(left_swing="still")
    first, *_ = rows = found(windows, truth, uses)
    assert (first["phrase"], first["location"]) == ("swing the left leg", "left ankle")
    assert first["written"] == "still" and first["found"] in ("moderate", "strong") and first["doubt"] > 1
    assert uses == walking(left_swing="still")
    told = level_lines(rows)
    assert any("swing the left leg" in line and "still" in line for line in told)


def test_a_word_that_the_data_contradict_is_marked() -> None:
    """Two witnesses against a word weigh more than one; that of another place or step is not touched."""
    windows, truth = world()
    uses = walking(left_swing="still")
    cells = [{"label": "walk", "step": 0, "location": place} for place in ("left ankle", None)]
    rows = check_levels(steps_said(windows, truth, uses, rejected=cells))
    marked = [(row["phrase"], row["location"]) for row in rows if row["rejected"]]
    assert marked == [("swing the left leg", "left ankle")]
    heading, first = (line for line in level_lines(rows) if line.endswith(("by the data", "contradicted")))
    assert "swing the left leg" in first and heading.startswith("label")
    assert not any("by the data" in line for line in level_lines(found(windows, truth, uses)))


def test_all_that_the_data_contradict_is_shown_also_where_it_was_right_or_never_found() -> None:
    windows, truth = world()
    cells = [{"label": "walk", "step": step, "location": "left ankle"} for step in (0, 2)]
    said = steps_said(windows, np.where(truth == 2, -1, truth), walking(), rejected=cells)
    first, second = (line for line in level_lines(check_levels(said)) if line.endswith("contradicted"))
    assert "swing the left leg" in first and "stand on both feet" in second and "–" in second


def test_only_training_windows_are_looked_at() -> None:
    windows, truth = world()
    before = found(windows, truth, walking())
    windows.signal[N - 4 :] = 1e6
    assert found(windows, truth, walking()) == before


def test_what_the_decoding_hardly_or_never_says_is_not_judged() -> None:
    windows, truth = world()
    rows = found(windows, np.where(truth == 2, -1, truth), walking())
    silent = [row for row in rows if row["phrase"] == "stand on both feet"]
    assert [(row["found"], row["doubt"], row["z"]) for row in silent] == [(None, None, None)] * 2
    assert rows[-2:] == silent and level_lines(rows)[1].startswith("2 ")
    wrong_label = found(windows, truth, walking(), label=1)
    assert all(row["found"] is None for row in wrong_label)


@pytest.mark.parametrize("uses", [[step("walk on", None, None)], [SubAction(phrase="walk on")]])
def test_no_written_level_is_one_plain_line(uses: list[SubAction]) -> None:
    windows, truth = world()
    rows = found(windows, truth * 0, uses)
    assert rows == [] and len(level_lines(rows)) == 1


def test_a_sensor_without_a_sample_is_no_evidence() -> None:
    windows, truth = world()
    windows.signal[:, 3:] = np.nan
    rows = found(windows, truth, walking())
    assert {row["location"] for row in rows if row["found"] is not None} == {"left ankle"}
