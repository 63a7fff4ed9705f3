from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from vqtext.errors import ArtifactError, DataError, UsageError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings

REAL = Path(os.environ.get("VQTEXT_DATA") or Path(__file__).parents[3] / "shared" / "data")

CONTENTS = """
name = "own"
rate_hz = 10
recordings = "*.csv"
label_column = "label"
subject_column = "subject"
[[channels]]
column = "ax"
location = "left ankle"
modality = "acc"
axis = "x"
unit = "m/s2"
[[channels]]
column = "gz"
location = "left ankle"
modality = "gyro"
axis = "z"
unit = "rad/s"
"""


@pytest.fixture
def own(tmp_path):
    """A study with two people who walk and run for 10 s each, and settings that read it."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "dataset.toml").write_text(CONTENTS)
    for subject in (1, 2):
        for label in ("walking", "running"):
            write(folder, f"{subject}-{label}.csv", label, subject)
    return Settings(cache=tmp_path / "cache", data={"name": "csv", "path": folder})


def write(folder, name, label, subject=1, values=None):
    values = np.random.default_rng(0).normal(size=100) if values is None else values
    quoted = '"' + label.replace('"', '""') + '"'
    rows = [f"{value},{-value},{quoted},{subject}" for value in values]
    (folder / name).write_text("\n".join(["ax,gz,label,subject", *rows]) + "\n")


def test_the_answer_is_exactly_the_promised_one(own, heard):
    answer = run(Prepare(own, heard))
    assert json.loads(json.dumps(answer)) == {
        "windows": 8,
        "channels": 2,
        "steps": 50,
        "labels": {"running": 4, "walking": 4},
        "subjects": {"1": 4, "2": 4},
        "unused": {"share": 0, "why": {}},
        "truth": None,
    }
    assert heard.warned == []


def test_how_files_are_written_is_said_once(own, heard):
    for file in own.data.path.glob("*.csv"):
        file.write_text(file.read_text().replace(",", ";"))
    run(Prepare(own, heard))
    assert "1-running.csv and 3 more: separator ';'" in heard.said and heard.warned == []


def test_changed_recordings_or_settings_are_noticed(own, heard):
    run(Prepare(own, heard))
    write(own.data.path, "3-new.csv", "walking", 3)
    assert not Prepare(own, heard).is_current()
    assert run(Prepare(own, heard))["subjects"] == {"1": 4, "2": 4, "3": 2}
    own.data.window_s = 2.0
    assert run(Prepare(own, heard))["windows"] == 25


@pytest.mark.parametrize(
    ("data", "windows", "steps"),
    [
        ({"window_s": 4.0}, 8, 40),
        ({"window_s": 4.0, "stride_s": 2.0}, 16, 40),
        ({"stride_s": 2.5}, 12, 50),
        ({"rate_hz": 20.0}, 8, 100),
        ({"window_s": 60.0}, 4, 100),
    ],
)
def test_settings_decide_how_it_is_cut(own, heard, data, windows, steps):
    changed = own.model_copy(update={"data": own.data.model_copy(update=data)})
    answer = run(Prepare(changed, heard))
    assert (answer["windows"], answer["steps"]) == (windows, steps)


def test_labels_survive_the_round_trip_but_for_spaces_around_them(own, heard):
    strange = [
        "a/b",
        "../..",
        "two\nlines",
        "🏃",
        "걷기",
        "<script>alert(1)</script>",
        'say "hi"',
    ]
    for i, label in enumerate(strange):
        write(own.data.path, f"9-{i}.csv", label)
    answer = run(Prepare(own, heard))
    assert all(answer["labels"][label.strip()] == 2 for label in strange)
    assert read_windows(own.cache / "windows.h5").labels[-len(strange) :] == [
        label.strip() for label in strange
    ]
    assert json.loads(json.dumps(answer)) == answer


def test_windows_are_read_back_as_they_were(own, heard):
    values = np.arange(100, dtype=float)
    values[7] = np.nan
    write(own.data.path, "0-gap.csv", "walking", 1, values)
    run(Prepare(own, heard))
    windows = read_windows(own.cache / "windows.h5")
    windows.take(slice(None)).validate()
    assert windows.dataset == "own" and windows.rate_hz == 10 and windows.recordings[0] == "0-gap.csv"
    assert windows.channels[0].location == "left ankle" and windows.subjects[0].id == "1"
    assert windows.signal[0, 0, 6:9].tolist() == [6, 7, 8], "a loss of 0.1 s is bridged"
    unbridged = own.model_copy(update={"data": own.data.model_copy(update={"bridge_s": 0.0})})
    run(Prepare(unbridged, heard))
    again = read_windows(own.cache / "windows.h5")
    assert again.signal[0, 0, 6] == 6 and np.isnan(again.signal[0, :, 7]).all()
    assert windows.start_s[:2].tolist() == [0, 5] and (windows.split == -1).all() and windows.truth is None


def test_facts_of_nobody_make_a_warning(own, heard):
    contents = own.data.path / "dataset.toml"
    contents.write_text(CONTENTS + "[subjects.1]\nage = 30\n[subjects.s2]\nage = 40\n")
    run(Prepare(own, heard))
    assert heard.warned == ["dataset.toml has facts of 's2', who is in no window: is the name right?"]


def test_one_class_and_a_class_with_one_window_are_accepted(own, heard):
    for file in own.data.path.glob("*.csv"):
        write(own.data.path, file.name, "walking")
    assert run(Prepare(own, heard))["labels"] == {"walking": 8}
    write(own.data.path, "4.csv", "jumping", values=np.random.default_rng(0).normal(size=50))
    assert run(Prepare(own, heard))["labels"] == {"walking": 8, "jumping": 1}


def test_an_empty_data_set(own, heard):
    for file in own.data.path.glob("*.csv"):
        file.unlink()
    with pytest.raises(DataError, match=r"'\*\.csv'"):
        run(Prepare(own, heard))
    own.data.name, own.data.path = "csvs", None
    with pytest.raises(UsageError, match="'csv'"):
        run(Prepare(own, heard))


def test_default_data(tmp_path, heard):
    pytest.importorskip("aeon", reason="BasicMotions comes inside aeon's wheel")
    answer = run(Prepare(Settings(cache=tmp_path), heard))
    assert answer == {
        "windows": 80,
        "channels": 6,
        "steps": 100,
        "labels": {"standing": 20, "running": 20, "walking": 20, "badminton": 20},
        "subjects": {},
        "unused": {"share": 0, "why": {}},
        "truth": None,
    }


@pytest.mark.parametrize("damaged", [False, True])
def test_windows_of_other_data_do_not_make_room_for_data_that_nobody_named(own, heard, damaged):
    """`vqtext prepare --force`, as a message says it, without the options of the first time."""
    run(Prepare(own, heard))
    file = own.cache / "windows.h5"
    if damaged:
        file.write_bytes(b"x" * 100)
    before = file.read_bytes()
    for force in (False, True):
        with pytest.raises((UsageError, ArtifactError)) as error:
            run(Prepare(Settings(cache=own.cache), heard), force)
        assert file.read_bytes() == before and "\n" not in str(error.value)
    assert isinstance(error.value, UsageError) and "--data" in str(error.value)
    assert run(Prepare(own, heard), force=True)["windows"] == 8


def test_a_folder_for_data_that_come_without_one_is_refused_whatever_there_is(tmp_path, heard):
    pytest.importorskip("aeon", reason="BasicMotions comes inside aeon's wheel")
    run(Prepare(Settings(cache=tmp_path), heard))
    with pytest.raises(DataError, match="aeon"):
        run(Prepare(Settings(cache=tmp_path, data={"path": tmp_path}), heard))


def test_real_gait(tmp_path, heard):
    if not (REAL / "gait").is_dir():
        pytest.skip("no gait recordings: set VQTEXT_DATA to the folder that holds them")
    settings = Settings(cache=tmp_path, data={"name": "gait", "path": REAL / "gait"})
    answer = run(Prepare(settings, heard))
    assert answer["channels"] == 27 and set(answer["labels"]) == {"stand", "walk", "u-turn"}
    assert list(answer["subjects"]) == [str(i) for i in range(1, 13)]
    assert "left leg swings" in read_windows(tmp_path / "windows.h5").truth_words
