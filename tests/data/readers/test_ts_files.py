"""``.ts`` and ``.tsv`` files as people write them: labels as they are spelled, and errors that say where."""

from __future__ import annotations

import re

import numpy as np
import pytest
from cutting import cut, label_counts

from vqtext.data.readers.base import open_reader
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError, UsageError

HEAD = "@problemName P\n@timeStamps false\n@univariate {uni}\n@equalLength true\n{label}\n@data\n"


@pytest.fixture
def ts(tmp_path):
    """Writes P.ts and gives its windows and what was warned of."""

    def make(rows, label="@classLabel true a b", uni="true", encoding="utf-8"):
        file = tmp_path / "P.ts"
        text = HEAD.format(uni=uni, label=label) + "\n".join(rows) + "\n"
        file.write_bytes(text.encode(encoding))
        return read(file)

    return make


def read(path):
    warned: list[str] = []
    reader = open_reader("uea", path, None, warned.append)
    return cut(reader.recordings(), Cut(), reader.dataset, warned.append), warned


def error_of(make, *args, **more):
    with pytest.raises(DataError) as error:
        make(*args, **more)
    assert "\n" not in str(error.value) and "TextIOWrapper" not in str(error.value)
    return str(error.value)


def test_labels_keep_their_case_and_two_that_differ_in_it_are_named(ts):
    made, warned = ts(["1,2:a", "3,4:A"], "@classLabel true a A")
    assert label_counts(made) == {"a": 1, "A": 1}
    assert warned == ["names that nearly agree: labels 'a', 'A' are kept apart"]


@pytest.mark.parametrize("label", ["sure?", "nan", "NaN", "Nancy", "?", "jumping jack", "größer"])
def test_a_label_is_a_word_whatever_is_in_it(ts, label):
    made, warned = ts([f"1,?:{label}", "NaN,4:walk"], f"@classLabel true walk {label}")
    assert made.labels == [label, "walk"] and not warned
    assert np.nanmax(made.signal, axis=(1, 2)).tolist() == [1, 4]


def test_a_missing_label_is_no_class(ts):
    made, warned = ts(["1,2:a", "3,4:?", "5,6:b"])
    assert made.labels == ["a", "b"]
    assert len(warned) == 1 and "P.ts: 1 cases without a label" in warned[0]


def test_labels_that_the_header_does_not_name_are_told(ts):
    made, warned = ts(["1,2:a", "3,4:c", "5,6:c"])
    assert label_counts(made) == {"a": 1, "c": 2}
    assert len(warned) == 1 and "'c' (2)" in warned[0]


def test_blank_lines_comments_byte_order_marks_and_windows_line_ends(ts, tmp_path):
    rows = ["# a comment", "1,2:a", "", "  ", "3,4:b"]
    plain, warned = ts(rows)
    assert plain.labels == ["a", "b"] and plain.signal[:, 0].tolist() == [[1, 2], [3, 4]]
    text = (tmp_path / "P.ts").read_text()
    for other in (
        text.replace("\n", "\r\n").encode(),
        text.encode("utf-8-sig"),
        text.encode("utf-16"),
        "# Jörg Müller\n".encode("cp1252") + text.encode(),
    ):
        (tmp_path / "P.ts").write_bytes(other)
        made, warned = read(tmp_path)
        assert made.labels == plain.labels and (made.signal == plain.signal).all() and not warned


def test_cases_of_other_lengths_are_read_and_told(ts):
    made, warned = ts(["1,2,3:a", "4,5:b"])
    assert made.length.tolist() == [3, 2]
    assert len(warned) == 1 and "@equalLength true" in warned[0]


def test_time_stamps_are_numbers_or_dates_and_told_where_no_clock_ticks_so(ts):
    made, warned = ts(
        ["(0,1.5),(1,?),(2,2):a", "(2020-01-01 10:00:00,3),(2020-01-01 10:00:01,4),(2020-01-01 10:00:02,5):b"]
    )
    assert made.signal[made.label == 1][0, 0].tolist() == [3, 4, 5] and not warned
    for uneven in ("(0,1),(1,2),(5,3):a", "(0,1),(1,2):(7,1),(8,2):a"):  # a hole; channels at other times
        _, warned = ts([uneven], uni="false")
        assert len(warned) == 1 and "1 cases" in warned[0]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1,2:3,4:a", "1,2:b"], r"case 2 \(line 8\): 1 channels, case 1 has 2"),
        (["1,2:3:a"], r"case 1 \(line 7\), channel 1: 1 samples, channel 0 has 2"),
        (["1,2:a", "1,x:a"], r"case 2 \(line 8\), channel 0: value 2 is 'x'"),
        (["1,,3:a"], r"value 2 is '', not a number"),
        (["1,2:a", "1,2"], r"case 2 \(line 8\): no label"),
        (["1,2:"], "the label is empty"),
        (["1,inf:a"], r"case 1 \(line 7\): an infinite value"),
        (["1,1e99:a"], r"case 1 \(line 7\): an infinite value"),
        (["?,?:a"], r"case 1 \(line 7\): nothing"),
        (["(0,1),1,2:a"], r"channel 0: '\(0,1\),1,2'"),
        (["(0,1),,(1,2):a"], r"channel 0: value 1 is '1\),,\(1,2'"),
        (["(0,1),(2):a"], r"is no list of \(time,value\)"),
    ],
)
def test_a_wrong_case_is_named_by_file_case_and_line(ts, rows, message):
    text = error_of(ts, rows)
    assert re.search(message, text) and "P.ts" in text


def test_files_for_regression_or_without_labels_say_so(ts):
    assert "@targetLabel true" in error_of(ts, ["1,2:0.5"], "@targetLabel true")
    assert "@classLabel false" in error_of(ts, ["1,2"], "@classLabel false")


def test_bytes_that_are_no_text(ts, tmp_path):
    assert "UTF-8" in error_of(ts, ["1,2:größer"], encoding="cp1252")
    (tmp_path / "P.ts").write_bytes(b"@data\n\x00\x01\x02:a\n")
    assert error_of(read, tmp_path)
    (tmp_path / "P.ts").write_bytes("@data\n1,2:a\n".encode("utf-16")[:-1])
    assert error_of(read, tmp_path)


# --- .tsv


def test_ucr_files_have_their_label_first_and_end_in_nan(tmp_path):
    (tmp_path / "Coffee_TRAIN.tsv").write_text("1\t0.5\t-1e-3\tNaN\n-1\t1\t2\t3\n")
    (tmp_path / "Coffee_TEST.tsv").write_text("1\t4\t5\t6\r\n")
    for path in (tmp_path, tmp_path / "Coffee_TEST.tsv"):
        made, warned = read(path)
        assert made.dataset == "Coffee" and made.labels == ["1", "-1"] and not warned
        assert made.split.tolist() == [0, 0, 1] and made.length.tolist() == [2, 3, 3]
        assert [(c.name, c.modality, c.unit) for c in made.channels] == [("channel_0", "unknown", "1")]


def test_of_both_kinds_ts_is_read(tmp_path, ts):
    ts(["1,2:a"])
    (tmp_path / "P.tsv").write_text("9\t1\t2\n")
    assert read(tmp_path)[0].labels == ["a"]
    assert read(tmp_path / "P.tsv")[0].labels == ["9"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t2\t3\n1\t2\n", "row 2: 1 values"),
        ("1,2,3\n", "row 1: 0 values"),
        ("1\t2\tx\n", "row 1: value 2 is 'x'"),
        ("1\tNaN\tNaN\n", "row 1: nothing"),
        ("", "no cases"),
    ],
)
def test_a_wrong_row_of_a_ucr_file(tmp_path, text, message):
    (tmp_path / "X_TRAIN.tsv").write_text(text)
    text = error_of(read, tmp_path)
    assert message in text and "X_TRAIN.tsv" in text


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.arff").write_text("")
    with pytest.raises(UsageError):
        read(tmp_path / "a.arff")


def test_a_case_with_a_long_gap_is_one_window(tmp_path):
    """Cases have no rate that anybody said: four samples at "1 Hz" are no break."""
    line = ",".join(["1"] * 10 + ["?"] * 6 + ["2"] * 10)
    (tmp_path / "P.ts").write_text(f"@classLabel true a b\n@data\n{line}:a\n{line}:b\n")
    opened = open_reader("uea", tmp_path / "P.ts", None, print)
    windows = cut(opened.recordings(), Cut(gap_s=opened.gap_s), "p")
    assert windows.n == 2 and np.isnan(windows.signal).sum() == 12
