"""A user would lose: being told which written direction the sensors contradict."""

from __future__ import annotations

import numpy as np
from said import steps_said

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.inspection.check_directions import check_directions, direction_lines
from vqtext.schema import Channel, SubAction, Subject

RATE, STEPS, N = 50.0, 200, 12
CHANNELS = [Channel(f"acc {axis}", "wrist", "acc", axis, "m/s2") for axis in "xyz"]


def world() -> tuple[Windows, np.ndarray]:
    """A hand that goes up, down, and holds still for half a second each, and which it does."""
    rng = np.random.default_rng(0)
    time = np.arange(STEPS)
    truth = (time // 25 + rng.integers(3, size=(N, 1))) % 3
    speed = np.array([1.0, -1.0, 0.0])[truth] * np.sin(np.pi * (time % 25) / 25)
    signal = rng.normal(size=(N, 3, STEPS)) * 0.05
    signal[:, 2] += 9.81 + np.gradient(speed, axis=1) * RATE
    windows = Windows(
        dataset="toy",
        rate_hz=RATE,
        channels=CHANNELS,
        labels=["lift"],
        subjects=[Subject("1"), Subject("2")],
        recordings=["r"],
        signal=signal.astype(np.float32),
        length=np.full(N, STEPS, np.int32),
        label=np.zeros(N, np.int32),
        subject=(np.arange(N) % 2).astype(np.int32),
        recording=np.zeros(N, np.int32),
        start_s=np.arange(N) * 4.0,
        split=np.full(N, -1, np.int8),
    )
    return windows, truth


def found(windows: Windows, truth: np.ndarray, *directions: str):
    steps = [
        SubAction(phrase=f"step {i}", signature={"wrist": {"direction": way}})
        for i, way in enumerate(directions)
    ]
    return check_directions(steps_said(windows, truth, steps))


def test_right_directions_are_found_to_be_right() -> None:
    rows = found(*world(), "up", "down", "none")
    assert {row["phrase"]: row["found"] for row in rows} == {"step 0": "up", "step 1": "down"}
    assert direction_lines(rows) == ["2 of 2 written directions are what is found"]


def test_a_wrong_direction_comes_first_and_one_that_does_not_happen_next() -> None:
    rows = found(*world(), "down", "down", "up")
    assert [(row["phrase"], row["written"], row["found"]) for row in rows] == [
        ("step 0", "down", "up"),
        ("step 2", "up", "neither"),
        ("step 1", "down", "down"),
    ]
    lines = direction_lines(rows)
    assert lines[0] == "1 of 3 written directions are what is found" and "step 0" in lines[2]


def test_what_no_sensor_shows_is_left_out() -> None:
    windows, truth = world()
    assert found(windows, truth, "forward", "turn left", "out") == []
    windows.channels = [Channel(c.name, c.location, c.modality, c.axis, c.unit, False) for c in CHANNELS]
    assert found(windows, truth, "up", "down", "none") == [] and direction_lines([]) == []
