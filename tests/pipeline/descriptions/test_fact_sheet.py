"""What a language model gets of a window: the measured facts, and no more."""

from __future__ import annotations

import numpy as np
from test_template import made, of_kinds

from vqtext.data.features.facts import facts
from vqtext.pipeline.descriptions.fact_sheet import sheet


def of(windows, rhythm=np.nan, segments=4):
    found = facts(windows, segments)
    return sheet(windows, found, np.full((1, len(found.locations)), rhythm), 0)


def test_facts_in_order_of_time():
    size = np.where(np.arange(400) < 200, 0.01, 9.0)
    told = of(made("left foot", "chest", swing=[size, np.full(400, 1.0)]), rhythm=1.5)
    assert told.text.splitlines() == [
        "Length: 8.0 s",
        "Sensors: left foot, chest",
        "Largest rotation: left foot 8.6 rad/s, chest 0.96 rad/s",
        "Largest acceleration: left foot 8.6 m/s2, chest 0.96 m/s2",
        "Rhythm: left foot 1.5 times a second, chest 1.5 times a second",
        "0.0–4.0 s: slight: chest; still: left foot",
        "4.0–8.0 s: strong: left foot; slight: chest",
    ]
    assert told.peaks == {"rad/s": [8.6, 0.96], "m/s2": [8.6, 0.96]}
    assert set(told.others) == {0, 1.5, 4, 8}, "times, what is between them, and rhythms"


def test_a_turn_of_the_body():
    turning = made("lower back", swing=[0.01])
    turning.signal[0, 3, 100:300] += np.radians(45)
    told = of(turning)
    assert "the body rotated 180 degrees to the left" in told.text and 180 in told.others
    turning.signal[0, 3] *= -1
    assert "180 degrees to the right" in of(turning).text


def test_a_padded_window_ends_where_it_ends():
    short = made("wrist", swing=[9.0])
    short.signal[..., 250:] = np.nan
    short.length[:] = 250
    told = of(short)
    assert told.text.startswith("Length: 5.0 s") and "0.0–5.0 s: strong: wrist" in told.text
    assert "8.0" not in told.text


def test_what_a_level_is_of_is_said_where_it_is_not_movement():
    told = of(of_kinds())
    assert (
        "Sensors: left hand, left forearm (activity of its muscles), left thumb (change of the force there)"
        in (told.text)
    )
    assert set(told.peaks) == {"m/s", "microvolts", "N/s"} and told.peaks["microvolts"] == [200.0]
