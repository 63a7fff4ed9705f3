"""One clear line for everything that can be wrong with dataset.toml and its files."""

from __future__ import annotations

import pytest
from csv_study import HEADER, change, error_of, read, write


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rate_hz", "rate_hertz", "'rate_hertz': did you mean 'rate_hz'"),
        ("height_cm", "hieght_cm", "'subjects.13.hieght_cm': did you mean 'height_cm'"),
        ('axis = "z"', 'axes = "z"', "'channels.1.axes': did you mean 'axis'"),
        ("rate_hz = 10", "rate_hz = 0", "'rate_hz'"),
        ("rate_hz = 10", "", "'rate_hz' is missing"),
        ("rate_hz = 10", "rate_hz = ", "is not TOML"),
        ('unit = "deg/s"', 'unit = "rpm"', "channel 'turn': unknown unit 'rpm'"),
        ('modality = "gyro"', 'modality = "gyros"', "unknown modality 'gyros'"),
        ('hand = "left"', 'hand = "both"', "'subjects.13.hand'"),
        ('column = "turn"', 'column = "lf_acc_x"', "two channels are column 'lf_acc_x'"),
        ("rate_hz = 10", "rate_hz = 10\nseparator = ';;'", "'separator': one character"),
        ("rate_hz = 10", "rate_hz = 10\nencoding = 'klingon'", "'encoding'"),
        ("rate_hz = 10", "rate_hz = 10\ntime_unit = 'hours'", "'time_unit'"),
        ('column = "turn"', 'columns = ["turn", "time"]', "channels ['turn', 'time']"),
        ('column = "turn"', 'columns = ["turn", "lf_acc_x", "time"]', "two channels are column 'lf_acc_x'"),
        ('unit = "deg/s"', 'unit = "deg/s"\ngravity = false', "'turn': gravity"),
        ('"recordings/*.csv"', '"../*.csv"', "leaves the folder"),
        ('"recordings/*.csv"', '"/etc/*.csv"', "leaves the folder"),
        (
            '"recordings/*.csv"',
            '"recordings/*.dat"',
            "'recordings/*.dat'; there is recordings/a.csv",
        ),
        ('subject_column = "subject"', 'subject_pattern = "("', "not a regular expression"),
        ('subject_column = "subject"', 'subject_pattern = "a"', "one pair of brackets"),
        (
            'column = "turn"',
            'column = "trun"',
            "'trun'; the header has time, ",
        ),
    ],
)
def test_a_wrong_dataset_toml(folder, old, new, message):
    change(folder, old, new)
    assert message in error_of(folder)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,fast,0,walk,13", "recordings/a.csv, row 3, column 'lf_acc_x': 'fast'"),
        ("1,inf,0,walk,13", "recordings/a.csv, row 3, column 'lf_acc_x': infinite"),
        ("1,1,-1e999,walk,13", "row 3, column 'turn': infinite"),
        ("1,1,0,walk", "recordings/a.csv, row 3: 4 fields"),
        ("1,1,0,walk,13,9", "row 3: 6 fields"),
        ("1,1,0,,13", "recordings/a.csv, row 3, column 'label'"),
        ('1,1,0,"walk,13', "recordings/a.csv, row 3"),
    ],
)
def test_a_wrong_row(folder, row, message):
    write(folder, "a.csv", ["0,1,0,walk,13", row])
    assert message in error_of(folder)


def test_files_that_are_no_csv(folder):
    write(folder, "a.csv", [])
    assert "header" in error_of(folder)
    (folder / "recordings/a.csv").write_bytes(b"")
    assert "recordings/a.csv" in error_of(folder)
    write(folder, "a.csv", ["0,1,0,größer,13"], encoding="latin-1")
    assert "Latin-1" in error_of(folder)
    for encoding in ("utf-8-sig", "utf-16"):
        write(folder, "a.csv", ["0,1,0,größer,13"], encoding=encoding)
        assert read(folder)[0].label.words == ("größer",)


def test_nothing_but_missing_samples(folder):
    write(folder, "a.csv", ["0,,,walk,13"])
    assert "'recordings/a.csv'" in error_of(folder)


def test_two_columns_of_one_name(folder):
    write(folder, "a.csv", ["0,1,1,walk,13"], header="turn,lf_acc_x,turn,label,subject")
    assert "'turn'" in error_of(folder)


def test_a_link_out_of_the_folder_is_refused(folder, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside") / "secret.csv"
    outside.write_text(HEADER + "\n0,1,1,walk,13\n")
    (folder / "recordings/link.csv").symlink_to(outside)
    assert "link.csv" in error_of(folder)


def test_a_file_that_is_there_twice_is_an_error(folder):
    (folder / "recordings" / "z.csv").symlink_to("a.csv")
    assert all(name in error_of(folder) for name in ("z.csv", "a.csv"))


def test_a_link_to_nothing_is_an_error(folder):
    (folder / "recordings" / "z.csv").symlink_to("nowhere.csv")
    assert "z.csv" in error_of(folder)


@pytest.mark.parametrize("pattern", ["**.csv", "."])
def test_a_pattern_that_is_none(folder, pattern):
    change(folder, "recordings/*.csv", pattern)
    assert f"recordings '{pattern}'" in error_of(folder)


def test_utf_16_without_its_mark(folder):
    write(folder, "a.csv", ["0,1,180,walking,13"], encoding="utf-16-le")
    assert "a.csv, from row 1: NUL" in error_of(folder)
    text = (folder / "dataset.toml").read_text()
    (folder / "dataset.toml").write_bytes(text.encode("utf-16-le"))
    assert "dataset.toml: " in error_of(folder) and "UTF-16" in error_of(folder)
