"""Own data: dataset.toml and CSV files, and one clear line for everything that can be wrong with them."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from cutting import cut, label_counts

from vqtext.data.own.contents import check_contents
from vqtext.data.readers.base import open_reader
from vqtext.data.text import own_tables, row_reader
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.frame_tables import read_frame
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError
from vqtext.schema import Channel, Subject

CONTENTS = """
name = "my-study"
rate_hz = 10
recordings = "recordings/*.csv"
label_column = "label"
subject_column = "subject"
[[channels]]
column = "lf_acc_x"
location = "Left_Foot"
modality = "acc"
axis = "X"
unit = "g"
[[channels]]
column = "turn"
location = "left foot"
modality = "gyro"
axis = "z"
unit = "deg/s"
[subjects.13]
age = 27
height_cm = 182
sex = "male"
hand = "left"
"""
HEADER = "time,lf_acc_x,turn,label,subject"


@pytest.fixture
def folder(tmp_path):
    """A study with one recording of 20 rows."""
    (tmp_path / "recordings").mkdir()
    (tmp_path / "dataset.toml").write_text(CONTENTS)
    write(tmp_path, "a.csv", [f"{i},{i},180,walking,13" for i in range(20)])
    return tmp_path


def write(folder, name, rows, header=HEADER, encoding="utf-8"):
    text = "\n".join([header, *rows]) + "\n"
    (folder / "recordings" / name).write_bytes(text.encode(encoding))


def change(folder, old, new):
    file = folder / "dataset.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))


def read(folder, warned=None):
    return list(open_reader("csv", folder, None, (warned if warned is not None else []).append).recordings())


def error_of(folder):
    with pytest.raises(DataError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


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
    assert "recordings/b.csv: the file name does not match subject_pattern" in error_of(folder)


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
    assert warned[0].startswith("recordings/a.csv: subjects '13', '13.0', ' 13' are one person, '13'")
    assert warned[1] == "recordings/a.csv, row 5: 5 rows without a subject are taken for those of '13'"
    write(folder, "a.csv", [f"{i},{i},180,walking,{name}" for i, name in enumerate(["1", "", "2"])])
    warned.clear()
    assert [made.subject and made.subject.id for made in read(folder, warned)] == ["1", None, "2"]
    assert "row 3: 1 rows without a subject are nobody's, and cut off from the others" in warned[0]


def test_without_subjects(folder):
    change(folder, 'subject_column = "subject"\n', "")
    assert read(folder)[0].subject is None


def test_long_files_are_read_in_blocks(folder):
    write(folder, "a.csv", [f"{i},{i},0,walk,13" for i in range(25_001)])
    (made,) = read(folder)
    assert made.signal.shape == (2, 25_001)
    np.testing.assert_allclose(made.signal[0, ::5000], 9.80665 * np.arange(0, 25_001, 5000), rtol=1e-6)


def test_numbers_are_the_same_to_the_last_digit_however_a_block_is_read(folder, monkeypatch):
    """A quoted label makes a block go field by field; another reads it at once."""
    monkeypatch.setattr(row_reader, "_BLOCK", 7)
    values = np.random.default_rng(0).normal(size=(100, 2)) * 10.0 ** np.arange(-50, 50)[:, None]
    rows = [f"{label},{a!r},{b!r},13" for label, (a, b) in zip("wxyz" * 25, values.tolist(), strict=True)]
    rows[10:14] = ["w,,1,13", "x,1,,", "y,-0,+.5e-3,13", "z, 1 ,NaN,13"]
    rows[50] = ""
    header = "label,lf_acc_x,turn,subject"
    plain = "\r\n".join([header, *rows]).encode()  # without an end of the last line
    quoted = "\n".join([header, *(row and f'"{row[0]}"{row[1:]}' for row in rows), ""]).encode()
    file = folder / "recordings/a.csv"
    file.write_bytes(plain)
    one = own_tables.read_csv(file, "a", ["turn", "lf_acc_x"], ["label", "subject"])
    file.write_bytes(quoted)
    two = own_tables.read_csv(file, "a", ["turn", "lf_acc_x"], ["label", "subject"])
    assert one.signal.tobytes() == two.signal.tobytes() and one.signal.shape == (2, 99)
    assert one.words == two.words and one.words["subject"][10:13] == ["13", None, "13"]
    assert one.lines == two.lines == [*range(2, 52), *range(53, 102)]


def test_a_quoted_field_may_run_over_the_end_of_a_block(folder, monkeypatch):
    monkeypatch.setattr(row_reader, "_BLOCK", 2)
    write(folder, "a.csv", ["0,1,0,walk,13", '1,2,0,"two\nmore\nlines",13', "2,3,0,walk,13", "3,x,0,walk,13"])
    assert "row 7, column 'lf_acc_x': 'x' is not a number" in error_of(folder)
    write(folder, "a.csv", ["0,1,0,walk,13", '1,2,0,"two\nmore\nlines",13', "2,3,0,walk,13"])
    assert read(folder)[0].label.words == ("walk", "two\nmore\nlines")


def test_an_unknown_place_is_kept_with_a_warning(folder):
    change(folder, 'location = "left foot"', 'location = "violin bow"')
    warned: list[str] = []
    assert read(folder, warned)[0].channels[1].location == "violin bow"
    assert len(warned) == 1 and "'violin bow'" in warned[0]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate_hz", "rate_hertz", "unknown key 'rate_hertz': did you mean 'rate_hz'?"),
        ("height_cm", "hieght_cm", "unknown key 'subjects.13.hieght_cm': did you mean 'height_cm'?"),
        ('axis = "z"', 'axes = "z"', "unknown key 'channels.1.axes': did you mean 'axis'?"),
        ("rate_hz = 10", "rate_hz = 0", "'rate_hz': Input should be greater than 0"),
        ("rate_hz = 10", "", "'rate_hz' is missing"),
        ("rate_hz = 10", "rate_hz = ", "is not TOML"),
        ('unit = "deg/s"', 'unit = "rpm"', "channel 'turn': unknown unit 'rpm' for gyro"),
        ('modality = "gyro"', 'modality = "gyros"', "unknown modality 'gyros'"),
        ('hand = "left"', 'hand = "both"', "'subjects.13.hand'"),
        ('column = "turn"', 'column = "lf_acc_x"', "two channels are column 'lf_acc_x'"),
        ("rate_hz = 10", "rate_hz = 10\nseparator = ';;'", "'separator': one character"),
        ("rate_hz = 10", "rate_hz = 10\nencoding = 'klingon'", "'encoding': Python knows no such encoding"),
        ("rate_hz = 10", "rate_hz = 10\ntime_unit = 'hours'", "'time_unit'"),
        ('column = "turn"', 'columns = ["turn", "time"]', "channels ['turn', 'time']: say axes"),
        ('column = "turn"', 'columns = ["turn", "lf_acc_x", "time"]', "two channels are column 'lf_acc_x'"),
        ('unit = "deg/s"', 'unit = "deg/s"\ngravity = false', "'turn': gravity is said of acc, not of gyro"),
        ('"recordings/*.csv"', '"../*.csv"', "leaves the folder"),
        ('"recordings/*.csv"', '"/etc/*.csv"', "leaves the folder"),
        (
            '"recordings/*.csv"',
            '"recordings/*.dat"',
            "no file matches recordings 'recordings/*.dat'; there is recordings/a.csv",
        ),
        ('subject_column = "subject"', 'subject_pattern = "("', "not a regular expression"),
        ('subject_column = "subject"', 'subject_pattern = "a"', "one pair of brackets"),
        (
            'column = "turn"',
            'column = "trun"',
            "recordings/a.csv: there is no column 'trun'; the header has time, ",
        ),
    ],
)
def test_a_wrong_dataset_toml(folder, old, new, message):
    change(folder, old, new)
    assert message in error_of(folder)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,fast,0,walk,13", "recordings/a.csv, row 3, column 'lf_acc_x': 'fast' is not a number"),
        ("1,inf,0,walk,13", "recordings/a.csv, row 3, column 'lf_acc_x': infinite"),
        ("1,1,-1e999,walk,13", "row 3, column 'turn': infinite"),
        ("1,1,0,walk", "recordings/a.csv, row 3: 4 fields, the header has 5"),
        ("1,1,0,walk,13,9", "row 3: 6 fields, the header has 5"),
        ("1,1,0,,13", "recordings/a.csv, row 3, column 'label': an empty label"),
        ('1,1,0,"walk,13', "recordings/a.csv, row 3"),
    ],
)
def test_a_wrong_row(folder, row, message):
    write(folder, "a.csv", ["0,1,0,walk,13", row])
    assert message in error_of(folder)


def test_files_that_are_no_csv(folder):
    write(folder, "a.csv", [])
    assert "a header but no row" in error_of(folder)
    (folder / "recordings/a.csv").write_bytes(b"")
    assert "recordings/a.csv: the file is empty" in error_of(folder)
    write(folder, "a.csv", ["0,1,0,größer,13"], encoding="latin-1")
    assert "not UTF-8 text, it looks like Latin-1" in error_of(folder)
    for encoding in ("utf-8-sig", "utf-16"):
        write(folder, "a.csv", ["0,1,0,größer,13"], encoding=encoding)
        assert read(folder)[0].label.words == ("größer",)


def test_a_byte_order_mark_is_no_part_of_dataset_toml(folder):
    (folder / "dataset.toml").write_bytes(CONTENTS.encode("utf-8-sig"))
    assert len(read(folder)) == 1


def test_nothing_but_missing_samples(folder):
    write(folder, "a.csv", ["0,,,walk,13"])
    assert "recording 'recordings/a.csv': nothing but missing samples" in error_of(folder)


def test_two_columns_of_one_name(folder):
    write(folder, "a.csv", ["0,1,1,walk,13"], header="turn,lf_acc_x,turn,label,subject")
    assert "two columns are named 'turn'" in error_of(folder)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text(HEADER + "\n0,1,1,walk,13\n")
    (folder / "recordings/link.csv").symlink_to(outside)
    assert "is a link that leaves the folder" in error_of(folder)


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
    assert "b.parquet: not a readable Parquet file" in error_of(folder)


def timed(folder, times):
    change(folder, 'label_column = "label"', 'label_column = "label"\ntime_column = "time"')
    write(folder, "a.csv", [f"{time},{10 * float(time or 0)},0,walk,13" for time in times])


def test_stamps_on_the_grid_change_nothing_and_gaps_are_breaks(folder):
    timed(folder, ["0", "0.1", "0.2", "5", "5.1"])
    (made,) = read(folder)
    np.testing.assert_allclose(made.signal[0] / 9.80665, [0, 1, 2, 50, 51], rtol=1e-5)
    assert made.breaks == (3,) and made.label.codes.tolist() == [0] * 5
    np.testing.assert_allclose(made.lost_s, [4.7], atol=1e-9)


def test_irregular_stamps_are_brought_to_the_grid_by_straight_lines(folder):
    timed(folder, ["0", "0.08", "0.21", "0.28", "0.4", "0.61", "3", "3.13", "3.2"])
    (made,) = read(folder)
    wanted = [0, 1, 2, 3, 4, np.nan, 6, 30, 31, 32]  # at 0.5 s a sample is lost
    np.testing.assert_allclose(made.signal[0] / 9.80665, wanted, rtol=1e-5, atol=1e-5)
    assert made.breaks == (7,)
    np.testing.assert_allclose(made.lost_s, [2.3], atol=1e-9)


def test_time_may_start_anew_where_the_subject_changes(folder):
    change(folder, 'label_column = "label"', 'label_column = "label"\ntime_column = "time"')
    write(folder, "a.csv", [f"{i % 3 / 10},{i},0,walk,{13 + i // 3}" for i in range(6)])
    assert [(r.subject.id, r.signal.shape[1], r.breaks) for r in read(folder)] == [
        ("13", 3, ()),
        ("14", 3, ()),
    ]


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (["0", "0.1", "0.1"], "recordings/a.csv, row 4: duplicate time stamp"),
        (["0", "0.2", "0.1"], "recordings/a.csv, row 4: time goes backwards"),
        (["0", "", "0.1"], "recordings/a.csv, row 3: an empty time stamp"),
        (["0", "0.02", "0.04"], "recordings/a.csv: rows are 0.02 s apart (50 Hz)"),
    ],
)
def test_wrong_time_stamps_where_they_are_errors(folder, times, message):
    timed(folder, times)
    change(folder, "rate_hz = 10", 'rate_hz = 10\nrepeated_times = "error"')
    assert message in error_of(folder)


def test_a_file_that_is_there_twice_is_an_error(folder):
    (folder / "recordings" / "z.csv").symlink_to("a.csv")
    assert "z.csv and" in error_of(folder) and "a.csv are one file" in error_of(folder)


def test_a_link_to_nothing_is_an_error(folder):
    (folder / "recordings" / "z.csv").symlink_to("nowhere.csv")
    assert "z.csv is a link to nothing" in error_of(folder)


@pytest.mark.parametrize("pattern", ["**.csv", "."])
def test_a_pattern_that_is_none(folder, pattern):
    change(folder, "recordings/*.csv", pattern)
    assert f"recordings '{pattern}'" in error_of(folder)


def test_utf_16_without_its_mark(folder):
    write(folder, "a.csv", ["0,1,180,walking,13"], encoding="utf-16-le")
    assert "a.csv, from row 1: NUL characters, as in UTF-16" in error_of(folder)
    text = (folder / "dataset.toml").read_text()
    (folder / "dataset.toml").write_bytes(text.encode("utf-16-le"))
    assert "dataset.toml: not UTF-8 text, it looks like UTF-16" in error_of(folder)


def test_text_in_frames_is_read_as_it_is_said():
    """What the error about a decimal comma tells to say must do, and b'walk' is no label."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": ["0,5", "1.234,5", None], "label": [b"walk", "gén".encode(), None]})
    made = read_frame(frame, "f", ["x"], ["label"], keys=FileKeys(decimal=","))
    np.testing.assert_array_equal(made.signal, [[0.5, 1234.5, np.nan]])
    assert made.words["label"] == ["walk", "gén", None]
    with pytest.raises(DataError, match="say decimal, if it is"):
        read_frame(frame, "f", ["x"], ["label"])
