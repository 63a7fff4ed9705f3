"""Numbers are read in blocks, and are the same to the last digit however that is done."""

from __future__ import annotations

import numpy as np
import pytest
from csv_study import error_of, read, write

from vqtext.data.text import own_tables, row_reader
from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.frame_tables import read_frame
from vqtext.errors import DataError


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
    assert "row 7, column 'lf_acc_x': 'x'" in error_of(folder)
    write(folder, "a.csv", ["0,1,0,walk,13", '1,2,0,"two\nmore\nlines",13', "2,3,0,walk,13"])
    assert read(folder)[0].label.words == ("walk", "two\nmore\nlines")


def test_text_in_frames_is_read_as_it_is_said():
    """What the error about a decimal comma tells to say must do, and b'walk' is no label."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": ["0,5", "1.234,5", None], "label": [b"walk", "gén".encode(), None]})
    made = read_frame(frame, "f", ["x"], ["label"], keys=FileKeys(decimal=","))
    np.testing.assert_array_equal(made.signal, [[0.5, 1234.5, np.nan]])
    assert made.words["label"] == ["walk", "gén", None]
    with pytest.raises(DataError, match="decimal"):
        read_frame(frame, "f", ["x"], ["label"])
