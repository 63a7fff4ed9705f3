"""A user would lose: a long recording that is explained as it comes in, the same however it comes in."""

import dataclasses
import gc
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
import torch
from toy import OF_STATE, RATE, STEPS, config, data, vocabulary, windows

from vqtext.errors import DataError, ShapeError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.load import VQText
from vqtext.model.network.network import Network

WINDOW_S = STEPS / RATE


@pytest.fixture
def model():
    torch.manual_seed(0)
    network = Network(config(), data().anchors, OF_STATE)
    network.normalise.fit([torch.from_numpy(data().signal)])
    made = VQText(network, Decoder(config(), vocabulary()))
    names = torch.from_numpy(made.tokenize(data().signal).names)
    made.decoder.learn(None, names, data().label)
    return made


def recording(count=6, more=0):
    """(2, n): ``count`` windows one after the other, and ``more`` samples."""
    return np.concatenate(list(windows(count + 1)[0]), 1)[:, : count * STEPS + more]


def steps_of(reasons):
    return [(r.label, [(s.name, s.start_s, s.end_s) for s in r.steps]) for r in reasons]


def sure(reasons):
    return [s.confidence for r in reasons for s in r.steps] + [r.confidence for r in reasons]


def flat(reasons):
    """(label, name, start, end) of all steps, those that a window's border cuts in two made one."""
    found = []
    for r in reasons:
        for s in r.steps:
            if found and found[-1][:2] == [r.label, s.name] and abs(found[-1][3] - s.start_s) < 1e-6:
                found[-1][3] = s.end_s
            else:
                found.append([r.label, s.name, s.start_s, s.end_s])
    return found


def test_side_by_side_it_says_what_the_windows_say_and_joins_what_a_border_cuts(model):
    signal = recording(6)
    cut = [
        dataclasses.replace(
            r,
            steps=tuple(
                dataclasses.replace(s, start_s=s.start_s + WINDOW_S * i, end_s=s.end_s + WINDOW_S * i)
                for s in r.steps
            ),
        )
        for i, r in enumerate(model.explain(signal.reshape(2, 6, STEPS).swapaxes(0, 1)))
    ]
    streamed = list(model.explain_stream(signal))
    assert np.allclose([s[2:] for s in flat(streamed)], [s[2:] for s in flat(cut)])
    assert [s[:2] for s in flat(streamed)] == [s[:2] for s in flat(cut)]
    steps = [(r.label, s) for r in streamed for s in r.steps]
    assert steps[0][1].start_s == 0 and steps[-1][1].end_s == 6 * WINDOW_S
    for (one, a), (other, b) in pairwise(steps):
        assert a.end_s == b.start_s and (one, a.name) != (other, b.name), "one step is told once"


@pytest.mark.parametrize("stride_s", [None, 2.0, 0.7])
@pytest.mark.parametrize("more", [0, 33])
def test_chunks_change_nothing(model, stride_s, more):
    signal = recording(4, more)
    whole = list(model.explain_stream(signal, stride_s))
    assert whole[-1].steps[-1].end_s == pytest.approx(signal.shape[1] / RATE)
    for size in (1, 7, STEPS, 111):
        chunks = (signal[:, i : i + size] for i in range(0, signal.shape[1], size))
        again = list(model.explain_stream(chunks, stride_s))
        assert steps_of(again) == steps_of(whole) and np.allclose(sure(again), sure(whole), atol=1e-4)


@pytest.mark.parametrize("stride_s", [None, 0.7])
def test_many_windows_at_once_say_what_one_after_the_other_say(model, stride_s):
    """A night of recording would take an hour, window by window."""
    signal = recording(7, 33)
    signal[:, 2 * STEPS : 3 * STEPS + 40] = np.nan
    one = list(model.explain_stream(signal, stride_s))
    for ahead in (2, 100):
        several = list(model.explain_stream(signal, stride_s, ahead))
        assert steps_of(several) == steps_of(one) and np.allclose(sure(several), sure(one), atol=1e-4)


def test_a_short_recording_is_a_short_window(model):
    signal = recording(1)[:, :30]
    (streamed,), (single,) = model.explain_stream(signal), model.explain(signal)
    assert steps_of([streamed]) == steps_of([single])


def test_reasons_come_as_soon_as_their_windows_are_whole(model):
    """A window's own reason waits for the next one only, which may go on with its last step."""
    given = 0

    def live():
        nonlocal given
        for window in windows(12)[0]:
            given += 1
            yield window

    for reason in model.explain_stream(live()):
        assert reason.steps[0].start_s >= 0 and given <= 12
        last = reason.steps[-1].end_s / WINDOW_S
        assert given <= np.ceil(last) + 1 or given == 12


def test_the_network_looks_once_at_each_window(model, monkeypatch):
    looks = []
    read = model.network.read
    monkeypatch.setattr(model.network, "read", lambda rows: looks.append(len(rows)) or read(rows))
    for count in (5, 10):
        looks.clear()
        list(model.explain_stream(recording(count)))
        assert looks == [1] * count
    looks.clear()
    list(model.explain_stream(recording(5), WINDOW_S / 2))
    assert sum(looks) == 9


def test_memory_does_not_grow_with_the_recording():
    fine = dataclasses.replace(
        config(), steps=100 * STEPS, rate_hz=100 * RATE
    )  # samples that weigh something
    network = Network(fine, data().anchors, OF_STATE)
    part = np.random.default_rng(0).normal(size=(2, fine.steps)).astype(np.float32)
    network.normalise.fit([torch.from_numpy(part[None])])
    model, held = VQText(network, Decoder(fine, vocabulary())), []
    tracemalloc.start()
    for i, _ in enumerate(model.explain_stream(part + k for k in range(20))):
        if i in (5, 15):
            gc.collect()
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert len(held) == 2 and held[1] - held[0] < 2 * part.nbytes, "ten windows later"


@pytest.mark.parametrize("stride_s", [None, WINDOW_S / 4])
def test_what_was_not_measured_is_passed_over(model, stride_s):
    signal = recording(5)
    signal[:, 2 * STEPS : 3 * STEPS] = np.nan
    times = [(s.start_s, s.end_s) for r in model.explain_stream(signal, stride_s) for s in r.steps]
    assert all(end <= 2 * WINDOW_S or start >= 3 * WINDOW_S for start, end in times)
    assert times[0][0] == 0 and times[-1][1] == 5 * WINDOW_S


@pytest.mark.parametrize("stride_s", [0, -1, float("nan"), WINDOW_S + 1])
def test_a_stride_that_cannot_be_is_refused_at_once(model, stride_s):
    with pytest.raises(DataError, match="stride_s"):
        model.explain_stream(recording(2), stride_s)


@pytest.mark.parametrize(
    ("signal", "error", "says"),
    [
        (np.zeros((3, 90)), ShapeError, "3 channels.* 2: acc_x, acc_y"),
        (np.zeros((4, 2, 80)), ShapeError, "3-dimensional"),
        (np.zeros((2, 0)), ShapeError, "no sample"),
        ([], ShapeError, "no sample"),
        (np.full((2, 200), np.nan), DataError, "nothing but NaN"),
        (np.where(np.arange(200) == 150, np.inf, np.zeros((2, 200))), DataError, "infinite.*acc_x at 7.5 s"),
    ],
)
def test_recordings_that_do_not_fit_are_refused_in_words(model, signal, error, says):
    with pytest.raises(error, match=says):
        list(model.explain_stream(signal))
