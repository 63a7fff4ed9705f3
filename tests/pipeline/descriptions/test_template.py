from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vqtext.data.features.facts import facts
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.descriptions.template import describe, describe_segments, rounded
from vqtext.schema import Channel

RATE = 50.0


def made(*locations, t=400, swing=None, mute=()):
    """One window of 8 s; each location swings once and a half a second with its own size, (L, t) or (L,)."""
    size = np.broadcast_to(np.asarray(swing, dtype=float).reshape(len(locations), -1), (len(locations), t))
    wave = np.sin(2 * np.pi * 1.5 * np.arange(t) / RATE)
    rows, channels = [], []
    for place, amount in zip(locations, size, strict=True):
        rows += [9.81 + amount * wave, *np.zeros((2, t)), *np.zeros((1, t)), amount * wave, *np.zeros((1, t))]
        channels += [
            Channel(f"{place} {modality} {axis}", place, modality, axis, unit)
            for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
            for axis in "xyz"
        ]
    return Windows(
        dataset="made up",
        rate_hz=RATE,
        channels=channels,
        labels=["hopping"],
        subjects=[],
        recordings=["r"],
        signal=np.stack(rows)[None].astype(np.float32),
        length=np.array([t], dtype=np.int32),
        label=np.zeros(1, dtype=np.int32),
        subject=np.full(1, -1, dtype=np.int32),
        recording=np.zeros(1, dtype=np.int32),
        start_s=np.zeros(1),
        split=np.full(1, -1, dtype=np.int8),
    )


def told(windows, segments=4):
    return describe(windows, facts(windows, segments), 0)


def test_one_place():
    assert told(made("wrist", swing=[3.0])) == (
        "Rotation up to 3 rad/s and acceleration up to 3 m/s2 at the wrist. "
        "0.0–8.0 s: the wrist moves moderately, about 1.5 times a second."
    )


def test_left_and_right_are_taken_together():
    text = told(made("left foot", "right foot", "chest", swing=[9.0, 9.0, 0.01]))
    assert "0.0–8.0 s: both feet move strongly, about 1.5 times a second, the chest is still." in text
    text = told(made("left foot", "right wrist", swing=[0.01, 0.01]))
    assert text.endswith("the left foot and the right wrist are still.")


def test_stretches_differ_in_time():
    size = np.where(np.arange(400) < 200, 0.01, 9.0)
    text = told(made("wrist", swing=[size]))
    assert "0.0–4.0 s: the wrist is still; 4.0–8.0 s: the wrist moves strongly" in text


def test_a_movement_that_grows():
    growing = made("wrist", swing=[np.geomspace(1.4, 4.4, 400)])
    assert "the wrist moves moderately, more and more" in told(growing, segments=6)
    growing.signal = growing.signal[..., ::-1]
    assert "less and less" in told(growing, segments=6)


def test_a_rotation_of_the_body():
    turning = made("lower back", swing=[0.01])
    turning.signal[0, 3, 100:300] += np.radians(
        45
    )  # gravity is on x: 180 degrees to the left in four seconds
    text = told(turning)
    assert "rotating left by about 180 degrees" in text
    turning.signal[0, 3] *= -1
    assert "rotating right by about 180 degrees" in told(turning)


def test_scale_tells_a_child_from_an_adult():
    assert told(made("wrist", swing=[3.0])) != told(made("wrist", swing=[4.0]))


def test_a_padded_window_ends_where_it_ends():
    short = made("wrist", swing=[9.0])
    short.signal[..., 250:] = np.nan
    short.length[:] = 250
    assert "0.0–5.0 s: the wrist moves strongly" in told(short) and "8.0" not in told(short)


def test_nothing_is_known():
    pulse = made("chest", swing=[1.0])
    pulse.channels = [replace(channel, modality="hr", unit="bpm") for channel in pulse.channels]
    assert told(pulse) == "Nothing is known of the motion."


def test_unknown_sensors():
    unknown = made("unknown", swing=[1.0])
    unknown.channels = [replace(channel, modality="unknown", unit="1") for channel in unknown.channels]
    assert told(unknown).startswith("0.0–") and "the signal moves" in told(unknown)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.0312, "0.03"), (0.97, "1"), (1.1, "1.2"), (7.4, "8"), (23, "25"), (95, "100")],
)
def test_rounded(value, text):
    assert rounded(value) == text


def of_segments(windows, segments=4):
    texts, which = describe_segments(facts(windows, segments), RATE)
    assert len(set(texts)) == len(texts)
    return [texts[i] if i >= 0 else "" for i in which[0]]


def test_each_segment_by_itself_and_beside_the_one_before():
    size = np.where(np.arange(400) < 200, 0.01, 9.0)
    told = of_segments(made("left foot", "right foot", "chest", swing=[size, size, np.full(400, 0.01)]))
    still = "Both feet and the chest are still."
    assert told[:2] == [still, still]
    assert told[2] == "Both feet move strongly, more than before, the chest is still."
    assert told[3] == "Both feet move strongly, the chest is still.", "alike segments share a text"


def test_a_segment_in_which_the_body_rotates():
    turning = made("lower back", swing=[0.01])
    turning.signal[0, 3, 100:200] += np.radians(60)
    assert [text.partition(", rotating ")[2] for text in of_segments(turning)] == ["", "left.", "", ""]


def test_nothing_is_said_of_a_segment_without_a_sample():
    short = made("wrist", swing=[9.0])
    short.signal[..., 200:] = np.nan
    short.length[:] = 200
    assert of_segments(short) == ["The wrist moves strongly."] * 2 + [""] * 2


def of_kinds(t=400):
    """Two seconds of work in eight: a hand travels, a forearm's muscle works, a thumb presses and lets go."""
    works = (np.arange(t) >= 200) & (np.arange(t) < 300)
    turns = np.where(works, np.sin(2 * np.pi * 1.5 * np.arange(t) / RATE), 0)
    base = made("left hand", swing=[0.01])
    kinds = {
        ("left hand", "position", "m"): 0.1 * turns,
        ("left hand", "velocity", "m/s"): 0.94 * turns,
        ("left forearm", "emg", "uV"): np.where(works, 200.0, 2.0),
        ("left thumb", "force", "N"): 10 * turns,
    }
    base.channels = [Channel(f"{at} {kind}", at, kind, "x", unit) for at, kind, unit in kinds]
    base.signal = np.stack([*kinds.values()])[None].astype(np.float32)
    return base


def test_muscles_work_and_forces_change_where_a_limb_moves():
    """Nobody is told that a muscle, or a place that is pressed, moved."""
    text = told(of_kinds())
    assert text.startswith("Speed up to 1 m/s at the left hand, muscle activity up to 200 microvolts at the ")
    assert "left forearm, change of force up to 80 N/s at the left thumb" in text
    rest = "the left hand is still, the force at the left thumb is steady"
    work = "strong muscle activity at the left forearm"
    assert f"0.0–4.0 s: hardly any muscle activity at the left forearm, {rest};" in text
    assert "the left hand moves moderately" in text and f"4.0–6.0 s: {work}" in text
    assert any(sentence.startswith("Strong muscle activity") for sentence in of_segments(of_kinds()))


def test_numbers_without_a_unit_have_no_size_and_levels_of_their_own():
    counts = of_kinds()
    counts.channels = [replace(channel, unit="1") for channel in counts.channels]
    text = told(counts)
    assert "up to" not in text and "hardly any muscle activity at the left forearm" in text
