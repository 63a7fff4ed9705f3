"""A user would lose: what a trained model says of a recording that nobody labelled, whoever recorded it."""

from __future__ import annotations

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from toy import CHANNELS, OF_STATE, RATE, STEPS, config, data, vocabulary, windows

import vqtext
from vqtext.cache import hdf5
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError, ShapeError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.load import VQText
from vqtext.model.network.network import Network
from vqtext.pipeline.artifacts import write_windows
from vqtext.pipeline.explaining.recording_file import read_recordings
from vqtext.pipeline.stage import Provenance
from vqtext.reason import RecordingReasons
from vqtext.schema import Channel

pandas = pytest.importorskip("pandas")
pytestmark = pytest.mark.filterwarnings("error::UserWarning")

NAMES = [channel.name for channel in CHANNELS]
SIGNAL = np.concatenate(list(windows(7)[0]), 1)[:, : 6 * STEPS + 33]
SECONDS = np.arange(SIGNAL.shape[1]) / RATE
CONTENTS = "".join(
    f'[[channels]]\ncolumn = "{c}"\nlocation = "wrist"\nmodality = "acc"\naxis = "{a}"\nunit = "g"\n'
    for c, a in (("b", "y"), ("a", "x"))
)


@pytest.fixture(scope="module")
def model() -> VQText:
    torch.manual_seed(0)
    network = Network(config(), data().anchors, OF_STATE)
    network.normalise.fit([torch.from_numpy(data().signal)])
    made = VQText(network, Decoder(config(), vocabulary()))
    said = made.tokenize(data().signal)
    made.decoder.learn(None, torch.from_numpy(said.names), data().label)
    return made


@pytest.fixture
def cache(model, tmp_path) -> Path:
    """A run of that model."""
    run = {"run": "default", "best": "seed-0", "seeds": [0], "inputs": {}, "splits": [{}]}
    run |= {"encoder": "none", "settings": {}, "versions": {}}
    model.save(tmp_path / "cache/runs/default/seed-0")
    (tmp_path / "cache/runs/default/run.json").write_text(json.dumps(run))
    return tmp_path / "cache"


def frame(signal=SIGNAL, **columns):
    return pandas.DataFrame(signal.T.astype(float), columns=NAMES).assign(**columns)


def told(said: RecordingReasons, decimals=3):
    return [(s.label, s.step, round(s.start_s, decimals), round(s.end_s, decimals)) for s in said.segments]


def test_it_says_what_the_stream_says(model):
    said = model.explain_recording(SIGNAL)
    streamed = [(r.label, s.name, s.start_s, s.end_s) for r in model.explain_stream(SIGNAL) for s in r.steps]
    assert told(said) == [(*words, start, min(end, said.duration_s)) for *words, start, end in streamed]
    assert said.duration_s == SIGNAL.shape[1] / RATE and said.silent == []
    assert said.stretches[0].start_s == 0 and said.stretches[-1].end_s == said.duration_s
    assert all(a.label != b.label for a, b in zip(said.stretches, said.stretches[1:], strict=False))


@pytest.mark.parametrize(
    "held",
    [
        lambda: SIGNAL.tolist(),
        lambda: frame()[NAMES[::-1]],
        lambda: frame(time=SECONDS),
        lambda: frame(when=pandas.Timestamp("2023-10-23") + pandas.to_timedelta(SECONDS, unit="s")),
        lambda: frame(timestamp=[f"2023-10-23T10:00:{s:06.3f}Z" for s in SECONDS]),
        lambda: frame().set_index(pandas.to_timedelta(SECONDS, unit="s")),
        lambda: frame().set_index(pandas.Index(SECONDS, name="time")),
    ],
)
def test_it_says_the_same_whatever_holds_it(model, held):
    assert told(model.explain_recording(held())) == told(model.explain_recording(SIGNAL))


@pytest.mark.parametrize(("name", "more"), [("time", {}), ("clock", {"time_column": "clock"})])
def test_an_index_of_seconds_is_time(model, name, more):
    """Rows of half the rate would be read as twice as fast."""
    slow = frame().set_index(pandas.Index(2 * SECONDS, name=name))
    with pytest.warns(UserWarning, match="10 Hz.* 20 Hz"):
        said = model.explain_recording(slow, **more)
    assert said.duration_s == pytest.approx(2 * len(SECONDS) / RATE, abs=0.2)


@pytest.mark.parametrize(("column", "factor"), [("time_ms", 1e3), ("t", 1e6), ("timestamp", 1e9)])
def test_the_unit_of_time_is_found_by_the_rate_and_said(model, column, factor):
    stamps = np.round(SECONDS * factor) + 1_698_055_200 * factor
    with pytest.warns(UserWarning, match=r"in .s\b"):
        said = model.explain_recording(frame(**{column: stamps}))
    assert told(said, 1) == told(model.explain_recording(SIGNAL), 1)


def test_nothing_is_said_of_a_gap_and_no_window_crosses_it(model):
    """Ten lost seconds between two rows that follow each other in the file."""
    late = np.where(np.arange(len(SECONDS)) >= 3 * STEPS, SECONDS + 10, SECONDS)
    said = model.explain_recording(frame(time=late))
    assert said.silent == [(12.0, 22.0)] and said.duration_s == pytest.approx(SECONDS[-1] + 10 + 1 / RATE)
    lost = SIGNAL.copy()
    lost[:, 3 * STEPS : 3 * STEPS + 40] = np.nan  # two seconds
    for held in (lost, np.ma.masked_invalid(lost)):
        said = model.explain_recording(held)
        assert said.silent == [(12.0, 14.0)]
    after = model.explain_recording(SIGNAL[:, 3 * STEPS + 40 :])
    assert told(said)[-len(after.segments) :] == [
        (label, step, pytest.approx(a + 14), pytest.approx(b + 14)) for label, step, a, b in told(after)
    ]


def test_a_short_stretch_between_gaps_is_told_as_such(model):
    lost = SIGNAL.copy()
    lost[:, [*range(2, 100), *range(130, 200)]] = np.nan
    with pytest.warns(UserWarning, match="2 stretches"):
        model.explain_recording(lost)


def test_another_rate_is_resampled_without_aliasing(model):
    """A hum of 38 Hz, sampled at 80 Hz, would be a movement of 2 Hz at 20 Hz."""
    fine = np.stack([np.interp(np.arange(4 * len(SECONDS)) / 4, np.arange(len(SECONDS)), x) for x in SIGNAL])
    hum = fine + 3 * np.sin(2 * np.pi * 38 * np.arange(fine.shape[1]) / 80)
    clean, said = (model.explain_recording(x, rate_hz=80) for x in (fine, hum))
    assert [s.label for s in said.stretches] == [s.label for s in clean.stretches]
    assert (
        abs(np.mean([s.confidence for s in said.segments]) - np.mean([s.confidence for s in clean.segments]))
        < 0.1
    )
    stamped = pandas.DataFrame(fine.T, columns=NAMES).assign(time=np.arange(fine.shape[1]) / 80)
    with pytest.warns(UserWarning, match="80 Hz.* 20 Hz"):
        assert told(model.explain_recording(stamped)) == told(clean)


def test_other_sensors_are_arranged_and_what_is_missing_or_unknown_is_named(model):
    x, y = CHANNELS
    hip = Channel("hip", "hip", "gyro", "x", "rad/s")
    plain = told(model.explain_recording(SIGNAL))
    with pytest.warns(UserWarning, match="hip gyro x"):
        other = model.explain_recording(
            SIGNAL[[1, 0, 0]], channels=[y, dataclasses.replace(x, name="A"), hip]
        )
    assert told(other) == plain
    with pytest.warns(UserWarning, match="wrist acc y"):
        model.explain_recording(SIGNAL[:1], channels=[x])
    with pytest.warns(UserWarning, match="acc_y"):
        model.explain_recording(frame()[["acc_x"]])
    with pytest.warns(UserWarning, match="label"):
        assert told(model.explain_recording(frame(label="?"))) == plain
    with pytest.raises(ShapeError, match=r"hip gyro x.* wrist acc"):
        model.explain_recording(SIGNAL[:1], channels=[hip])


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (SIGNAL.T, ShapeError, "513 channels"),
        (SIGNAL[None], ShapeError, "3-dimensional"),
        ("a.csv", ShapeError, "signals are a str"),
        (SIGNAL[:, :0], DataError, "empty"),
        (SIGNAL * np.nan, DataError, "nothing but missing samples"),
        (np.where(SECONDS == 20, 1e20, SIGNAL), DataError, r"1e\+20 in channel acc_x, sample 400"),
        (frame()[[]].assign(other=1), DataError, r"\(acc_x, acc_y\); it has other"),
        (frame(acc_x="1,5"), DataError, "row 1, column 'acc_x': '1,5'"),
    ],
)
def test_what_cannot_be_explained_is_one_line(model, given, error, says):
    with pytest.raises(error, match=says) as told:
        model.explain_recording(given)
    assert "\n" not in str(told.value)


def test_the_result_is_a_table(model, tmp_path):
    said = model.explain_recording(SIGNAL)
    rows = said.to_frame()
    assert len(rows) == len(said.segments) and rows.columns[:5].tolist() == [
        "start_s", "end_s", "label", "step", "confidence",
    ]  # fmt: skip
    said.to_csv(str(tmp_path / "said.csv"))
    with (tmp_path / "said.csv").open(encoding="utf-8", newline="") as text:
        read = list(csv.DictReader(text))
    assert [float(row["end_s"]) for row in read] == rows["end_s"].tolist()
    assert json.loads(json.dumps(said.to_dict()))["duration_s"] == said.duration_s


def test_the_command_writes_beside_the_run_and_never_beside_the_data(call, cache, model, tmp_path):
    study = tmp_path / "study"
    study.mkdir()
    frame(time=SECONDS).round(6).to_csv(study / "night.csv", index=False)
    code, out, err = call("explain", "--recording", "study/night.csv", "--json", "--quiet")
    assert code == 0 and err == ""
    answer = json.loads(out)
    (one,) = answer["recordings"]
    assert [(s["label"], s["step"], s["start_s"], s["end_s"]) for s in one["segments"]] == told(
        model.explain_recording(frame().round(6))
    )
    assert [path.name for path in study.iterdir()] == ["night.csv"]
    for kind in ("csv", "json", "report"):
        assert (tmp_path / answer[kind]).parent == cache / "runs/default/recordings"
    assert json.loads((tmp_path / answer["json"]).read_text(encoding="utf-8")) == answer
    page = (tmp_path / answer["report"]).read_text(encoding="utf-8")
    assert "night.csv" in page
    (study / "again").mkdir()
    frame().to_csv(study / "again/night.csv", index=False)
    code, out, err = call("explain", "--recording", "study/again/night.csv")
    assert code == 0 and "night.csv: 25.6 s" in out and "rounds of [" in out
    assert "20 Hz" in err, "at 40 Hz all would be half as fast"
    assert len(list((cache / "runs/default/recordings").glob("night-*.csv"))) == 2, "one name, two files"


@pytest.mark.parametrize("where", ["beside", "named"])
def test_a_dataset_toml_says_what_the_columns_are_and_labels_are_not_needed(
    call, cache, model, tmp_path, where
):
    """Half the rate, g instead of m/s2, other names and order, one sensor more; two people in one file."""
    (tmp_path / "study").mkdir()
    (tmp_path / "other").mkdir()
    toml = tmp_path / ("study" if where == "beside" else "other") / "dataset.toml"
    more = CONTENTS[: CONTENTS.index("[[", 2)].replace('"b"', '"c"').replace("wrist", "chest")
    toml.write_text(
        'name = "s"\nrate_hz = 10\nrecordings = "*.csv"\nlabel_column = "label"\nsubject_column = "who"\n'
        + CONTENTS + more
    )  # fmt: skip
    rows = pandas.DataFrame(SIGNAL[:, ::2].T / 9.80665, columns=["a", "b"]).assign(c=0)
    rows["who"] = np.where(np.arange(len(rows)) < 80, "7", "8")
    rows.to_csv(tmp_path / "study/a.csv", index=False)
    more = ("--dataset", str(toml)) if where == "named" else ()
    code, out, err = call("explain", "--recording", "study/a.csv", "--json", "--quiet", *more)
    assert code == 0, err
    assert "chest acc y" in err
    answer = json.loads(out)
    assert [one["name"] for one in answer["recordings"]] == ["a.csv#0", "a.csv#1"]
    assert answer["notes"], "the page tells it, too"
    expected = model.explain_recording(rows[["a", "b"]][:80].to_numpy().T * 9.80665, rate_hz=10)
    assert answer["recordings"][0]["duration_s"] == 8 == expected.duration_s
    assert [s["label"] for s in answer["recordings"][0]["stretches"]] == [s.label for s in expected.stretches]


def test_many_recordings_are_explained_by_many_workers_and_one_that_is_wrong_stops_none(
    call, cache, model, tmp_path
):
    for name, part in (("a", slice(0, 256)), ("b", slice(128, 384)), ("c", slice(256, 512))):
        frame()[part].to_csv(tmp_path / f"{name}.csv", index=False)
    alone = [json.loads(call("explain", "--recording", f"{n}.csv", "--json", "--quiet")[1]) for n in "ac"]
    (tmp_path / "b.csv").write_text("x\n1\n")
    asked = [option for name in "abc" for option in ("--recording", f"{name}.csv")]
    for where in (("--executor", "serial"), ("--workers", "2"), ()):
        code, out, err = call("explain", *asked, "--json", "--quiet", *where)
        assert code == 1 and "1 of 3 recordings are not explained" in err and "it has x" in err
        first, wrong, last = json.loads(out)["files"]
        assert [first["recordings"], last["recordings"]] == [one["recordings"] for one in alone]
        assert wrong.keys() == {"recording", "error"} and wrong["recording"] == "b.csv"
        assert (tmp_path / first["csv"]).is_file() and (tmp_path / last["report"]).is_file()
    code, out, _ = call("explain", "--recording", "[abc].csv")
    assert code == 1 and "a.csv: 12.8 s" in out and "c.csv: 12.8 s" in out, "people are told of both, too"


@pytest.mark.parametrize(
    ("options", "code", "says"),
    [
        (("--workers", "2"), 2, "--workers would not be used"),
        (("--recording", "no.csv"), 1, "no.csv"),
        (("--recording", "no*.csv"), 1, "no*.csv: there is no such file"),
        (("--recording", "empty.csv"), 1, "empty.csv"),
        (("--recording", "a.csv", "--dataset", "no.toml"), 1, "no.toml is missing"),
        (("--recording", "a.csv", "--window", "1"), 2, "--window would not be used"),
        (("--dataset", "a.toml"), 2, "--dataset would not be used"),
        (("--recording", "a.csv", "--run", "nobody"), 1, "run `vqtext train --run nobody`"),
        (("--recording", "a.csv"), 1, "(acc_x, acc_y); it has x"),
    ],
)
def test_what_cannot_be_is_one_line(call, cache, tmp_path, options, code, says):
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "a.csv").write_text("x\n1\n")
    ended, out, err = call("explain", *options)
    assert (ended, out) == (code, "") and says in err and len(err.splitlines()) == 1


def test_windows_overlap_as_those_of_the_training_did(call, cache, model, tmp_path):
    """What the model says of windows side by side is not what it says of its own stride."""
    made = Provenance("prepare 2", {}, {"stride_s": 1.0, "bridge_s": 0.2}, "recipe")
    study = dataset(SIGNAL[None])
    write_windows(cache / "windows.h5", study, "recipe")
    hdf5.stamp(cache / "windows.h5", made.to_dict())
    frame().to_csv(tmp_path / "a.csv", index=False)
    code, out, err = call("explain", "--recording", "a.csv", "--json", "--quiet")
    assert code == 0, err
    said = [
        (s["label"], s["step"], s["start_s"], s["end_s"])
        for s in json.loads(out)["recordings"][0]["segments"]
    ]
    assert said == told(model.explain_recording(frame(), stride_s=1.0))
    assert said != told(model.explain_recording(frame()))


def dataset(signal) -> Windows:
    n = len(signal)
    return Windows(
        dataset="s",
        rate_hz=RATE,
        channels=list(CHANNELS),
        labels=["shaking"],
        subjects=[],
        recordings=["r"],
        signal=signal,
        length=np.full(n, signal.shape[2], np.int32),
        label=np.zeros(n, np.int32),
        subject=np.full(n, -1, np.int32),
        recording=np.zeros(n, np.int32),
        start_s=np.zeros(n),
        split=np.full(n, -1, np.int8),
    )


def test_a_run_of_folds_says_which_model_to_train(call, cache, tmp_path):
    path = cache / "runs/default/run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"best": None}))
    (tmp_path / "a.csv").write_text("x\n1\n")
    code, _, err = call("explain", "--recording", "a.csv")
    assert code == 1 and "without --folds" in err


@pytest.mark.parametrize("held", [SIGNAL, frame()])
@pytest.mark.parametrize("rate_hz", [0, -1, np.nan])
def test_a_rate_that_cannot_be_is_one_line(model, held, rate_hz):
    with pytest.raises(DataError, match="Hz"):
        model.explain_recording(held, rate_hz=rate_hz)


def test_it_is_there_as_a_function_too(model):
    assert told(vqtext.explain_recording(model, SIGNAL)) == told(model.explain_recording(SIGNAL))


@pytest.mark.parametrize(
    ("factor", "said"), [(1 / 9.80665, "no gravity in"), (64 / 9.80665, "is their unit"), (1.0, "")]
)
def test_a_unit_that_is_not_the_models_is_asked_about(tmp_path, factor, said):
    """A file in g would be explained, with all of its numbers ten times too small."""
    channels = [Channel(axis, "wrist", "acc", axis, "m/s2") for axis in "xyz"]
    rows = "\n".join(f"{i / 50},0.1,{0.2 * i % 1},{9.8 * factor}" for i in range(50))
    (tmp_path / "a.csv").write_text(f"time,x,y,z\n{rows}\n")
    warned: list[str] = []
    read_recordings(tmp_path / "a.csv", None, warned.append, channels, 50.0)
    assert bool(warned) == bool(said) and all(said in line for line in warned[:1])
    assert not said or "m/s2" in warned[1]
    with pytest.raises(DataError, match="--dataset"):
        read_recordings(tmp_path, None, warned.append, channels, 50.0)
