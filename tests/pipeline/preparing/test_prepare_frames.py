"""Recordings that are pandas DataFrames: the same windows as from files, and nothing goes stale afterwards.

A user whose data are frames would else have to write files, and would never know whether digits were lost.
"""

from __future__ import annotations

import json
import tomllib

import numpy as np
import pytest

import vqtext
from vqtext.console.progress import Progress
from vqtext.errors import ConfigError, DataError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings

pandas = pytest.importorskip("pandas")

PLACE = {"location": "left ankle"}
CONTENTS = {
    "name": 'my "study"\n걷기',
    "rate_hz": 10,
    "label_column": "label",
    "subject_column": "subject",
    "time_column": "time",
    "truth_column": "step",
    "channels": [
        {
            "column": "ax",
            "location": "left ankle",
            "modality": "acc",
            "axis": "x",
            "unit": "g",
            "gravity": False,
        },
        {"column": "gz", "location": "left ankle", "modality": "gyro", "axis": "z", "unit": "deg/s"},
    ],
    "subjects": {13: {"age": 27.5, "sex": "male"}},
}


def frame(seed=0, n=120, **columns):
    values = np.random.default_rng(seed).normal(size=(2, n))
    values[:, 20:28] = np.nan
    given = {
        "time": np.arange(n) / 10 + np.where(np.arange(n) > 60, 7.03, 0),
        "ax": values[0],
        "gz": values[1],
        "label": ['walk, "fast"\r\n' if i < 60 else " run " for i in range(n)],
        "subject": 13,
        "step": [None if i % 3 else "step" for i in range(n)],
        "unused": [object()] * n,
    }
    return pandas.DataFrame(given | columns)


def windows(cache):
    made = read_windows(cache / "windows.h5")
    return {name: value[:] if name == "signal" else value for name, value in vars(made).items()}


def assert_same(one, two):
    assert one.keys() == two.keys()
    for name, value in one.items():
        np.testing.assert_equal(np.asarray(two[name]), np.asarray(value), err_msg=name)


@pytest.fixture
def prepare(tmp_path):
    def call(frames, contents=CONTENTS, cache="cache", **more):
        return vqtext.prepare_frames(
            frames, contents, tmp_path / cache, quiet=True, **{"window_s": 2, **more}
        )

    return call


def test_the_windows_are_those_of_the_same_rows_in_files(tmp_path, prepare):
    frames = {"b": frame(0), "a": frame(1)}
    answer = prepare(frames)
    assert answer["windows"] == 10 and answer["subjects"] == {"13": answer["windows"]}
    own = tmp_path / "own"
    own.mkdir()
    head, *rest = (tmp_path / "cache/frames/dataset.toml").read_text().partition("[[channels]]")
    (own / "dataset.toml").write_text(head + "".join(rest))
    for name, given in frames.items():
        given.to_csv(own / f"{name}.csv", index=False)  # pandas writes the digits that give the number back
    data = {"name": "csv", "path": own, "window_s": 2}
    run(Prepare(Settings(cache=tmp_path / "other", data=data), Progress(quiet=True)))
    assert_same(windows(tmp_path / "cache"), windows(tmp_path / "other"))


def test_the_contents_are_written_as_they_were_given(tmp_path, prepare):
    prepare(frame())
    said = tomllib.loads((tmp_path / "cache/frames/dataset.toml").read_text(encoding="utf-8"))
    written = {"recordings": "*.csv", "header": True, "time_unit": "s"}
    assert said == CONTENTS | written | {"subjects": {"13": {"age": 27.5, "sex": "male"}}}


@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Berlin"])
def test_datetimes_are_time_stamps(tmp_path, prepare, zone):
    """Pandas gives a column of times as datetimes; each was refused as no number."""
    given = frame()
    whole = given.assign(time=given["time"].round(3))
    start = pandas.Timestamp("2023-10-29 00:59:58", tz=zone)  # clocks go back an hour later
    times = pandas.Series(start + pandas.to_timedelta(whole["time"], unit="s"))
    prepare(whole)
    expected = windows(tmp_path / "cache")
    ways = {
        "datetimes": whole.assign(time=times),
        "differences": whole.assign(time=times - times[0]),
        "index": whole.drop(columns="time").set_index(pandas.DatetimeIndex(times, name="time")),
        "text": whole.assign(time=times.astype(str)),
        "nanoseconds": whole.assign(time=times.dt.as_unit("ns").astype("int64")),
    }
    for name, way in ways.items():
        prepare(way, cache=name)
        made = windows(tmp_path / name)
        np.testing.assert_allclose(made["start_s"], expected["start_s"], atol=1e-6)
        assert made["signal"].tobytes() == expected["signal"].tobytes()


def test_one_frame_with_a_column_of_recordings_is_a_dict_of_frames(tmp_path, prepare):
    both = pandas.concat([frame(0, who="b"), frame(1, who="a")])
    prepare(both, recording_column="who")
    prepare({"a": frame(1), "b": frame(0)}, cache="other")
    assert_same(windows(tmp_path / "cache"), windows(tmp_path / "other"))


def test_a_list_keeps_its_order(tmp_path, prepare):
    prepare([frame(i, label=f"label {i}") for i in range(12)])
    assert windows(tmp_path / "cache")["labels"] == [f"label {i}" for i in range(12)]


def test_nothing_is_stale_afterwards(tmp_path, prepare, call):
    prepare(frame(), cache="cache")
    before = (tmp_path / "cache/windows.h5").stat()
    prepare(frame(), cache="cache")  # the same rows again
    code, out, _ = call("status", "--json")
    states = {entry["artifact"]: entry["state"] for entry in json.loads(out)["artifacts"]}
    assert code == 0 and states["windows.h5"] == "made"
    assert call("gen-subactions")[0] in (0, 1)  # asks for the windows first, and may not know the labels
    assert call("prepare", "--data", "csv", "--path", "cache/frames", "--window-s", "2")[0] == 0
    after = (tmp_path / "cache/windows.h5").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert prepare(frame(seed=5), cache="cache")["windows"]
    assert (tmp_path / "cache/windows.h5").stat().st_mtime_ns != before.st_mtime_ns


def test_gaps_in_a_column_of_subjects_do_not_change_their_names(tmp_path, prepare):
    subject = np.full(120, 13.0)
    subject[60:] = np.nan
    assert prepare(frame(subject=subject))["subjects"].keys() == {"13"}


@pytest.mark.parametrize("kind", ["Float64", "float32", "object", "category"])
def test_columns_of_any_kind(tmp_path, prepare, kind):
    given = frame(ax=np.arange(120) / 4)
    given.loc[7, "ax"] = None
    prepare(given)
    given["ax"] = given["ax"].astype(kind)
    prepare(given, cache="other")
    assert_same(windows(tmp_path / "cache"), windows(tmp_path / "other"))


def changed(column, value):
    given = frame().astype({column: object})
    given.loc[1, column] = value
    return given


@pytest.mark.parametrize(
    ("frames", "more", "message"),
    [
        ({"a": changed("ax", "fast")}, {}, "frame a, row 2, column 'ax': 'fast'"),
        ({"a": changed("ax", np.inf)}, {}, "frame a, row 2, column 'ax': infinite"),
        ({"a": changed("label", None)}, {}, "frame a, row 2, column 'label'"),
        ({"a": frame().drop(columns="gz")}, {}, "frame a: there is no column 'gz'"),
        ({"a": frame(n=0)}, {}, "frame a: there is no row"),
        ([frame(), [1, 2]], {}, "frame 000001: a list"),
        ({}, {}, "there are no frames"),
        ({"../a": frame()}, {}, "frame '../a'"),
        ({"": frame()}, {}, "frame ''"),
        ({1: frame(), "1": frame()}, {}, "two recordings are named '1'"),
        (changed("label", None), {"recording_column": "step"}, "row 2, column 'step'"),
        (frame(), {"recording_column": "who"}, "there is no column 'who'"),
        (frame(), {"contents": CONTENTS | {"rate": 10}}, "contents: unknown key 'rate'"),
        (frame(), {"contents": []}, "contents: a list, not a dict"),
        (
            frame(),
            {
                "contents": {k: v for k, v in CONTENTS.items() if k != "label_column"}
                | {"label_pattern": "(.*)"}
            },
            "contents: label_pattern, [intervals]",
        ),
    ],
)
def test_one_clear_line_and_nothing_changes(tmp_path, prepare, frames, more, message):
    prepare({"old": frame(3)})
    before = {path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.[ch]*")}
    with pytest.raises(DataError) as error:
        prepare(frames, **more)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert before == {path: path.read_bytes() for path in (tmp_path / "cache").rglob("*.[ch]*")}


def test_codes_get_words_and_some_rows_are_left_out(tmp_path, prepare):
    coded = pandas.concat([frame(0, label=0), frame(0, label=7), frame(0, label=None)], ignore_index=True)
    contents = CONTENTS | {"label_names": {7: 'walk "on"'}, "ignore_labels": [0, ""]}
    contents.pop("time_column", None)
    prepare(coded, contents=contents)
    assert windows(tmp_path / "cache")["labels"] == ['walk "on"']


def test_rows_of_a_recording_are_counted_in_the_frame(prepare):
    both = pandas.concat([frame(0, who="b"), changed("ax", "fast").assign(who="a")])
    with pytest.raises(DataError, match="recording a, row 122, column 'ax': 'fast'"):
        prepare(both, recording_column="who")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"window": 2}, "window: there is rate_hz, window_s"),
        ({"window_s": -1}, "window_s"),
        ({"path": "x"}, "path is not given here"),
    ],
)
def test_a_wrong_setting(prepare, more, message):
    with pytest.raises(ConfigError, match=message):
        prepare(frame(), **more)


DATES = pandas.date_range("2023-10-29 00:30", periods=120, freq="100ms")  # ten a second
GONE = np.r_[0:60, 90:120]


@pytest.mark.parametrize(
    "dated",
    [
        lambda f: f.assign(time=DATES),
        lambda f: f.assign(time=DATES.tz_localize("UTC").tz_convert("Europe/Berlin")),  # clocks go back
        lambda f: f.assign(time=DATES - DATES[0]),
        lambda f: f.assign(time=[date.isoformat() for date in DATES]),
        lambda f: f.drop(columns="time").set_index(DATES.rename("time")),
    ],
)
def test_dates_and_durations_are_a_time(prepare, tmp_path, dated):
    """Three lost seconds, that nobody sees in frames whose time cannot be read."""
    plain = frame(time=np.arange(120) / 10)
    prepare(plain.iloc[GONE], cache="plain")
    prepare(dated(plain).iloc[GONE])
    assert_same(windows(tmp_path / "cache"), windows(tmp_path / "plain"))


def test_an_index_of_dates_is_the_time_where_no_column_is(prepare, tmp_path):
    plain = frame(time=np.arange(120) / 10)
    prepare(plain.iloc[GONE], cache="plain")
    untimed = {key: value for key, value in CONTENTS.items() if key != "time_column"}
    dated = plain.drop(columns="time").set_index(DATES).iloc[GONE]
    prepare({"recording": dated}, untimed)
    assert_same(windows(tmp_path / "cache"), windows(tmp_path / "plain"))
    with pytest.raises(DataError):
        prepare([dated, plain], untimed)
