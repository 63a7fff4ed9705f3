"""Own data: what dataset.toml says of CSV files is what comes out."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from csv_study import CONTENTS, HEADER, change, error_of, read, write
from cutting import cut, label_counts

from vqtext.data.own.contents import check_contents
from vqtext.data.readers.base import open_reader
from vqtext.data.windows.windowing import Cut
from vqtext.schema import Channel, Subject


def test_units_locations_and_facts(folder):
    (made,) = read(folder)
    assert made.name == "recordings/a.csv" and made.rate_hz == 10
    assert made.channels == (
        Channel("lf_acc_x", "left foot", "acc", "x", "m/s2"),
        Channel("turn", "left foot", "gyro", "z", "rad/s"),
    )
    np.testing.assert_allclose(made.signal[0], 9.80665 * np.arange(20), rtol=1e-6)
    np.testing.assert_allclose(made.signal[1], np.pi, rtol=1e-6)
    assert made.subject == Subject("13", age=27, height_cm=182, sex="male", hand="left")


def test_empty_fields_are_missing_samples(folder):
    write(folder, "a.csv", ["0,,180,walking,13", "1,nan,180,walking,13", "2,1,180,walking,13"])
    (made,) = read(folder)
    assert np.isnan(made.signal[0]).tolist() == [True, True, False]


def test_labels_change_inside_a_file(folder):
    write(folder, "a.csv", [f"{i},{i},0,{'walk' if i < 30 else 'run'},13" for i in range(60)])
    made = cut(read(folder), Cut(window_s=2), "d")
    assert label_counts(made) == {"walk": 1, "run": 1}
    assert made.start_s.tolist() == [0, 3]


def test_strange_labels_survive_but_for_spaces_around_them(folder):
    strange = ["a/b", "../..", '"two\nlines"', "🏃", "걷기", "<script>alert(1)</script>", " padded "]
    write(folder, "a.csv", [f"{i},{i},0,{label},13" for i, label in enumerate(strange)])
    (made,) = read(folder)
    assert made.label.words == tuple(label.strip('" ') for label in strange)


def test_truth_is_read_and_may_be_empty(folder):
    change(folder, 'label_column = "label"', 'label_column = "label"\ntruth_column = "time"')
    write(folder, "a.csv", ["step,1,0,walk,13", ",1,0,walk,13"])
    (made,) = read(folder)
    assert made.truth.words == ("step",) and made.truth.codes.tolist() == [0, -1]


def test_a_subject_for_each_file_name(folder):
    change(folder, 'subject_column = "subject"', r'subject_pattern = "(\\d+)-.*"')
    (folder / "recordings/a.csv").rename(folder / "recordings/13-a.csv")
    assert [made.subject.id for made in read(folder)] == ["13"]
    write(folder, "b.csv", ["1,1,1,walk,13"])
    assert re.search("recordings/b.csv.*subject_pattern", error_of(folder))


def test_a_file_in_which_the_subject_changes_becomes_several_recordings(folder):
    write(folder, "a.csv", [f"{i},{i},0,walk,{13 if i < 6 else 14}" for i in range(10)])
    made = read(folder)
    assert [(r.name, r.subject.id, r.signal.shape[1]) for r in made] == [
        ("recordings/a.csv#0", "13", 6),
        ("recordings/a.csv#1", "14", 4),
    ]


def test_gravity_is_felt_unless_it_is_said_that_it_was_removed(folder):
    assert [channel.gravity for channel in read(folder)[0].channels] == [True, True]
    change(folder, 'unit = "g"', 'unit = "g"\ngravity = false')
    assert [channel.gravity for channel in read(folder)[0].channels] == [False, True]


def test_the_columns_of_one_sensor_in_one_section(folder):
    """A section for each column makes a study of five sensors a file of two hundred lines."""
    change(folder, 'column = "turn"', 'columns = ["turn", "time", "subject"]')
    change(folder, 'axis = "z"', "")
    channels = [
        Channel(column, "left foot", "gyro", axis, "rad/s")
        for column, axis in (("turn", "x"), ("time", "y"), ("subject", "z"))
    ]
    assert list(read(folder)[0].channels[1:]) == channels
    change(
        folder, 'columns = ["turn", "time", "subject"]', 'columns = ["turn", "time"]\naxes = ["z", "tilt"]'
    )
    assert [(channel.name, channel.axis) for channel in read(folder)[0].channels[1:]] == [
        ("turn", "z"),
        ("time", "tilt"),
    ]


def test_what_was_found_is_noted_once_for_all_files(folder):
    reader = open_reader("csv", folder, None, print)
    for name in ("a.csv", "b.csv"):
        write(folder, name, ["0;0,5;1;walk;13"] * 3, header=HEADER.replace(",", ";"))
    write(folder, "c.csv", ["0,1,1,walk,13", "0,1,1,wa"])
    (folder / "recordings/c.csv").write_text((folder / "recordings/c.csv").read_text().rstrip())
    reader = open_reader("csv", folder, None, print)
    list(reader.recordings())
    assert reader.log.notes.lines() == ["recordings/a.csv and 1 more: separator ';', decimal ','"]
    assert reader.log.remarks() == ["recordings/c.csv: the last row is cut off and left out"]


def test_the_study_of_the_docs_is_right():
    text = (Path(__file__).parents[3] / "docs/own-data.md").read_text(encoding="utf-8")
    block = re.findall(r"```toml\n(.*?)```", text, flags=re.DOTALL)[0]
    assert [channel.axis for channel in check_contents(tomllib.loads(block), "docs").channels] == [
        "x",
        "y",
        "z",
    ]


def test_one_person_spelled_in_two_ways_is_one_recording(folder):
    """Cut apart at each change of spelling, the signal would be in windows of one row, or in none."""
    names = ["13", "13.0", " 13", ""] * 5
    write(folder, "a.csv", [f"{i},{i},180,walking,{name}" for i, name in enumerate(names)])
    warned: list[str] = []
    (made,) = read(folder, warned)
    assert made.subject.id == "13" and made.subject.age == 27 and made.signal.shape[1] == 20
    assert warned[0].startswith("recordings/a.csv: subjects '13', '13.0', ' 13' ")
    assert warned[1] == "recordings/a.csv, row 5: 5 rows without a subject are taken for those of '13'"
    write(folder, "a.csv", [f"{i},{i},180,walking,{name}" for i, name in enumerate(["1", "", "2"])])
    warned.clear()
    assert [made.subject and made.subject.id for made in read(folder, warned)] == ["1", None, "2"]
    assert "row 3: 1 rows" in warned[0]


def test_without_subjects(folder):
    change(folder, 'subject_column = "subject"\n', "")
    assert read(folder)[0].subject is None


def test_an_unknown_place_is_kept_with_a_warning(folder):
    change(folder, 'location = "left foot"', 'location = "violin bow"')
    warned: list[str] = []
    assert read(folder, warned)[0].channels[1].location == "violin bow"
    assert len(warned) == 1 and "'violin bow'" in warned[0]


def test_a_byte_order_mark_is_no_part_of_dataset_toml(folder):
    (folder / "dataset.toml").write_bytes(CONTENTS.encode("utf-8-sig"))
    assert len(read(folder)) == 1


def test_fingerprint_changes_with_the_files(folder):
    def fingerprint():
        return open_reader("csv", folder, None, print).fingerprint()

    before = fingerprint()
    os.utime(folder / "recordings/a.csv", (1, 1))
    between = fingerprint()
    change(folder, "my-study", "mine")
    assert len({str(f) for f in (before, between, fingerprint())}) == 3


def test_parquet(folder):
    pandas = pytest.importorskip("pandas")
    change(folder, "*.csv", "*.parquet")
    frame = pandas.DataFrame(
        {"lf_acc_x": [0.0, None], "turn": [1, 2], "label": ["walk", "run"], "subject": [13, 13]}
    )
    try:
        frame.to_parquet(folder / "recordings/a.parquet")
    except ImportError:
        (folder / "recordings/a.parquet").write_bytes(b"PAR1")
        assert "pip install pandas pyarrow" in error_of(folder)
        return
    (made,) = read(folder)
    assert np.isnan(made.signal[0]).tolist() == [False, True]
    assert made.label.words == ("walk", "run") and made.subject.id == "13"
    (folder / "recordings/b.parquet").write_bytes(b"PAR1")
    assert "b.parquet" in error_of(folder)
