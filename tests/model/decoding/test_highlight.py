"""A user would lose: which place a step was read from, and what would have made it another class."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_decoder import decoder
from toy import ANCHORS, OF_STATE, RATE, STEPS, windows

from vqtext.errors import DataError
from vqtext.model.decoding import highlight, redraw
from vqtext.model.decoding.reasons import reason_of
from vqtext.model.network.token_to_frame import anchors_of
from vqtext.reason import UNKNOWN_NAME, Carrier, Step
from vqtext.schema import Channel

PLACES = ("left foot", "right foot")
CHANNELS = tuple(Channel(f"acc {place}", place, "acc", "x", "m/s2") for place in PLACES)


class Network:
    """Reads the number of an anchor off the first channel; the other tells it nothing."""

    normalise = SimpleNamespace(mean=torch.zeros(2), std=torch.ones(2))

    def __call__(self, rows):
        return SimpleNamespace(
            rows=rows, stitched=rows, classes=rows.new_zeros(len(rows), 2), pooled=torch.zeros(len(rows), 32)
        )

    read = __call__

    def names_of(self, states):
        return anchors_of(states, OF_STATE, len(ANCHORS))


@pytest.fixture
def model(monkeypatch):
    def states(out, frames):
        nearest = out.rows[:, 0].nan_to_num().round().long().clamp(0, 3)
        return torch.nn.functional.one_hot(nearest, 4) * 0.9 + 0.025

    for module in (highlight, redraw):
        monkeypatch.setattr(module, "frame_states", states)
    made = decoder(channels=CHANNELS)
    return SimpleNamespace(network=Network(), decoder=made, config=made.config)


def shown(label: int) -> np.ndarray:
    """A window of a label, ``(2, STEPS)``: the number of the true anchor, and noise."""
    _, labels, truth = windows(8)
    row = int(np.flatnonzero(labels == label)[0])
    noise = np.random.default_rng(0).normal(size=STEPS)
    return np.stack([truth[row] + 2 * label, noise]).astype(np.float32)


def read(model, signal):
    rows = torch.from_numpy(signal)[None]
    out, keep = model.network(rows), torch.ones(1, STEPS, dtype=torch.bool)
    states = highlight.frame_states(out, STEPS)
    decoded = model.decoder(states, out.classes, keep, ranks=2)
    return reason_of(decoded, 0, states[0], keep[0], model.decoder)


@pytest.mark.parametrize("label", [0, 1])
def test_the_place_that_a_step_was_read_from_is_told_with_when(model, label):
    signal = shown(label)
    signal[0] += 0.4  # so that its mean is another anchor's
    reason = highlight.highlight(model, signal, read(model, signal))
    carried = [step for step in reason.steps if step.places]
    assert carried
    for step in carried:
        assert [place.location for place in step.places] == ["left foot"] and step.carried == "left foot"
        (place,) = step.places
        assert place.channels == ("acc left foot",) and place.nats > 0
        assert step.start_s <= place.start_s < place.end_s <= step.end_s
        assert str(step).endswith("s by left foot")
        assert Step.of(json.loads(json.dumps(asdict(step)))) == step
    assert replace(reason, steps=()) == replace(read(model, signal), steps=())


def test_a_place_is_told_in_text_only_where_it_clearly_carried_the_step():
    def step(*nats: float) -> Step:
        places = tuple(Carrier(f"p{i}", (), n, 0.0, 1.0) for i, n in enumerate(nats))
        return Step("swing", 0.0, 1.0, 0.9, places=places)

    assert step(2.0, 0.5).carried == "p0" and str(step(2.0, 0.5)) == "swing 0.0–1.0 s by p0"
    assert step(2.0, 1.5, 1.0).carried is None and step(1e-3).carried is None and step().carried is None
    assert str(step(2.0, 1.5, 1.0)) == "swing 0.0–1.0 s"
    plain = {"name": "swing", "start_s": 0.0, "end_s": 1.0, "confidence": 0.9}
    assert Step.of(plain) == Step("swing", 0.0, 1.0, 0.9)  # written before there were places


def test_a_reason_of_another_model_of_a_recording_and_of_many_windows_is_refused(model):
    signal = shown(0)
    reason = read(model, signal)
    strange = replace(reason, steps=(Step("fly", 0.0, 1.0, 0.9),))
    with pytest.raises(DataError, match="'fly'"):
        highlight.highlight(model, signal, strange)
    late = replace(reason, steps=(Step(ANCHORS[0], 90.0, 91.0, 0.9),))
    with pytest.raises(DataError, match=r"91 s.* 4 s"):
        highlight.highlight(model, signal, late)
    with pytest.raises(DataError, match="2 windows"):
        highlight.highlight(model, np.stack([signal, signal]), reason)
    unknown = replace(reason, steps=(Step(UNKNOWN_NAME, 0.0, 1.0, 0.9),))
    assert highlight.highlight(model, signal, unknown) == unknown


@pytest.mark.parametrize("label", [0, 1])
def test_a_stretch_drawn_as_another_class_makes_it_that_class_and_changes_nothing_else(model, label):
    other = 1 - label
    signal, names = shown(label), model.config.labels
    examples = redraw.drawings(model, shown(other)[None], other)
    reason = read(model, signal)
    drawn = redraw.redraw(model, signal, reason, names[other], examples)
    assert drawn.enough and drawn.label == names[other] and read(model, drawn.signal).label == names[other]
    begin, end = (round(s * RATE) for s in (drawn.start_s, drawn.end_s))
    assert 0 < end - begin < STEPS
    outside = np.r_[0:begin, end:STEPS]
    assert np.array_equal(drawn.signal[:, outside], signal[:, outside])
    assert set(drawn.steps) <= set(ANCHORS[2 * other : 2 * other + 2])
    assert "signal" not in drawn.to_dict() and f"then it is read as {names[other]}" in str(drawn)


def test_nothing_is_drawn_from_nothing(model):
    signal = shown(0)
    assert redraw.redraw(model, signal, read(model, signal), "whirling", []) is None
    assert redraw.drawings(model, shown(0)[None], 1) == []  # it is not read as that class
    with pytest.raises(DataError, match="'flying'"):
        redraw.redraw(model, signal, read(model, signal), "flying", [])
