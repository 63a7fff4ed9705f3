"""Text files as devices, spreadsheets and other programs write them: the same numbers, and what was found."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest

from vqtext.data.text.file_keys import FileKeys
from vqtext.data.text.own_tables import read_csv
from vqtext.errors import DataError

COLUMNS = ["Acc X (m/s²)", "y", "z", "label", "who"]
VALUES = np.array([[0.5, -1.25, 9.81], [1234.5, 0, np.nan], [2, 3.125, -9.5]])
WORDS = ["walk fast", "walk fast", "run"]


def plain(separator=",", decimal=".", missing="", header=True, quote=""):
    rows = [COLUMNS] if header else []
    for values, label in zip(VALUES.tolist(), WORDS, strict=True):
        numbers = [missing if np.isnan(v) else f"{v:g}".replace(".", decimal) for v in values]
        rows.append([*numbers, label, "01"])
    return "".join(separator.join(f"{quote}{field}{quote}" for field in row) + "\n" for row in rows)


def table(tmp_path, content, columns=COLUMNS, **keys):
    file = tmp_path / "a.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_csv(file, "a.csv", columns[:3], columns[3:], FileKeys(**keys))


def error(tmp_path, content, columns=COLUMNS, **keys):
    with pytest.raises(DataError) as caught:
        table(tmp_path, content, columns, **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


HEAD = "------ Created By A Logger, date format M/d/yyyy at 50 Hz ------\nSerial: 1\nStart 10:00:00\n\n"
GENEACTIV = "".join(f"line {i},of,the,head\n" for i in range(99))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (plain(), ""),
        (plain(";", ","), "separator ';', decimal ','"),
        (plain(";"), "separator ';'"),
        (plain("\t"), "separator tab"),
        (plain("\t", ","), "separator tab, decimal ','"),
        (plain("|"), "separator '|'"),
        (plain(",", ",", quote='"'), "decimal ','"),
        (plain(" ", missing="NaN", quote='"'), "separator blanks"),
        (plain(", "), ""),
        (plain(" ; ", ",").replace("\n", ";\n"), "separator ';', decimal ','"),
        (HEAD + plain(), "header in row 5"),
        (GENEACTIV + plain(), "header in row 100"),
        ("sep=;\n" + plain(";"), "separator ';'"),
        ('"sep=\t"\n' + plain("\t"), "separator tab"),
        ("# x y z, by a logger\n" + plain(), "header in row 2"),
        ("# " + plain(), ""),
        (plain().replace("\n", ",\n"), ""),
        (plain().replace("01\n", "01,,\n"), ""),
        (plain() + "\n  \n,,,,\n,,,,\n", ""),
        (plain() + "0.5,1,", ""),
        (plain().replace("\n", ";\n"), "each row ends with ';'"),
        (plain().replace("\n", "\r\n"), ""),
        (plain().replace("\n", "\r"), ""),
        (plain().replace("0.5,", ".5e0,"), ""),
        (plain().replace("1234.5", '"1,234.5"'), ""),
        (plain(";", ",").replace("1234,5", "1.234,5"), "separator ';', decimal ','"),
        (plain().replace("who\n", "who\nm/(s^2),m/(s^2),m/(s^2),no units,no units\n"), "row 2 below"),
        (plain().replace("2,3.1", plain().split("\n")[0] + "\n2,3.1"), "repeated headers passed over: 1"),
        (plain().replace("2,3.1", "# a pause, of, 3, minutes, here\n2,3.1"), "comments passed over: 1"),
        (plain().encode("utf-8-sig"), ""),
        (plain().encode("utf-16"), "encoding utf-16"),
        (plain().encode("cp1252"), "encoding cp1252"),
        (gzip.compress(plain().encode(), mtime=0), ""),
        (plain(missing="NaN"), ""),
        (plain(missing=" "), ""),
        *(
            (plain(missing=word), f"missing where it says '{word}'")
            for word in ("NA", "n/a", "#N/A", "NULL", "None", "?", "-", "1.#QNAN", "nan(ind)")
        ),
    ],
)
def test_one_table_however_it_is_written(tmp_path, content, found):
    made = table(tmp_path, content)
    np.testing.assert_array_equal(made.signal.T, VALUES)
    words = {column: [word.strip() for word in own] for column, own in made.words.items()}
    assert words == {"label": WORDS, "who": ["01"] * 3}
    assert ", ".join(made.found).startswith(found) and bool(made.found) == bool(found)


def test_what_is_said_needs_no_finding(tmp_path):
    made = table(tmp_path, "a\n" + plain(";", ","), separator=";", decimal=",", skip_rows=1)
    np.testing.assert_array_equal(made.signal.T, VALUES)
    assert made.found == ()
    names = {"column_names": COLUMNS, "skip_rows": 2, "separator": "tab"}
    made = table(tmp_path, "x\ny\n" + plain("\t", header=False), **names)
    np.testing.assert_array_equal(made.signal.T, VALUES)
    made = table(
        tmp_path, plain(",").replace("2,3.1", "% 2,3.1\n-999,3.1"), comment="%", missing=["-999", "run"]
    )
    assert np.isnan(made.signal[0, 2]) and made.words["label"] == [*WORDS[:2], None]


@pytest.mark.parametrize("separator", [",", ";", "\t", " ", "  ", " \t "])
def test_without_a_header(tmp_path, separator):
    content = plain(separator, missing="NaN", header=False).replace("walk fast", "walk")
    made = table(tmp_path, content, ["1", "2", "3", "4", "5"])
    np.testing.assert_array_equal(made.signal.T, VALUES)
    assert [word.strip() for word in made.words["4"]] == ["walk", "walk", "run"]
    assert "row 1 is '0.5" in error(tmp_path, content) and "say column_names" in error(tmp_path, content)


def test_rows_that_end_in_empty_fields_have_them_all(tmp_path):
    """Of tabs at the end of a row only those that are too many may go."""
    file = tmp_path / "a.csv"
    file.write_text("1\t2\t\n3\t4\t\n5\t6\t7\n")
    assert read_csv(file, "a", ["1", "3"], []).signal[1, 2] == 7
    file.write_text("\tx\ty\n\t1\t\n\t2\t\n")
    assert read_csv(file, "a", ["x"], []).signal.tolist() == [[1, 2]]


def test_columns_that_the_header_counts_are_called_as_it_says(tmp_path):
    """Pandas counts columns from 0: read without a header, each would be the one before."""
    for rows in ("0,1,2\n5,6,7\n", "1,2,3\n6,7,8\n"):
        (tmp_path / "a.csv").write_text(rows)
        assert read_csv(tmp_path / "a.csv", "a", ["1", "2"], []).signal.tolist() == [[6], [7]]


def test_a_long_head_is_passed_over_where_that_is_said(tmp_path):
    content = "a,line\n" * 1000 + plain()
    assert "the header has" in error(tmp_path, content)
    np.testing.assert_array_equal(table(tmp_path, content, skip_rows=1000).signal.T, VALUES)


def test_a_line_of_the_head_that_names_the_column_is_no_header(tmp_path):
    (tmp_path / "a.csv").write_text("device,x\nrate,50 Hz,of,samples\n\nt,x,y\n" + "0,1,2\n" * 40)
    made = read_csv(tmp_path / "a.csv", "a", ["x"], [])
    assert made.signal.tolist() == [[1] * 40] and made.found == ("header in row 4",)


def test_one_column_alone(tmp_path):
    """Every separator fits a single column; a decimal comma is none."""
    for text, found in (("x\n0,5\n-1,25\n", ("decimal ','",)), ("x\n0.5\n-1.25\n", ())):
        (tmp_path / "a.csv").write_text(text)
        made = read_csv(tmp_path / "a.csv", "a", ["x"], [], FileKeys())
        assert made.signal.tolist() == [[0.5, -1.25]] and made.found == found


def test_first_rows_that_are_all_missing_say_nothing_of_the_rest(tmp_path):
    content = plain(";", ",").replace("who\n", "who\n" + "NA;NA;NA;sit;01\n" * 700)
    made = table(tmp_path, content)
    np.testing.assert_array_equal(made.signal[:, 700:].T, VALUES)
    assert np.isnan(made.signal[:, :700]).all()


def test_a_hash_in_a_header_or_a_word_is_no_comment(tmp_path):
    rows = "x,y,z,#label,who\n1,2,3,#1,01\n1,2,3,a # b,01\n"
    assert table(tmp_path, rows, ["x", "y", "z", "#label", "who"]).words["#label"] == ["#1", "a # b"]
    rows = "#who,x,y,z,label\n#1,1,2,3,a\n#2,1,2,3,a\n"
    assert table(tmp_path, rows, ["x", "y", "z", "label", "#who"]).words["#who"] == ["#1", "#2"]


def test_the_start_and_the_rate_above_the_samples(tmp_path):
    """Empatica's E4: without them two rows of noise, and no time to join its sensors on."""
    samples = "".join(f"{i},{-i},64\n" for i in range(40))
    rows = "1544027337.0, 1544027337.0, 1544027337.0\n32.0, 32.0, 32.0\n" + samples
    (tmp_path / "ACC.csv").write_text(rows)
    made = read_csv(tmp_path / "ACC.csv", "ACC.csv", ["1", "2", "3"], [], FileKeys())
    assert made.signal.shape == (3, 40) and made.start_s == 1544027337.0
    np.testing.assert_allclose(made.times, np.arange(40) / 32)
    assert made.found == ("the first two rows hold the start and the rate, 32 Hz",)
    (tmp_path / "b.csv").write_text("32,7,7\n" + samples)
    keys = FileKeys(first_rows=["rate"])
    assert read_csv(tmp_path / "b.csv", "b", ["1"], [], keys).times[32] == 1
    (tmp_path / "c.csv").write_text(samples)  # nothing of the kind: all rows are samples
    assert read_csv(tmp_path / "c.csv", "c", ["1"], [], FileKeys()).times is None


@pytest.mark.parametrize(
    ("content", "left_out"),
    [
        (plain()[:-1], 0),  # whole, without a line end
        (plain()[:-2], 1),  # "0" would be a new person
        (plain()[:-6], 1),
        (plain()[:-12], 1),
        (plain() + '1,2,3,"wal', 1),
        (plain().replace("01\n", "01;\n")[:-3], 1),
    ],
)
def test_a_last_row_that_is_cut_off_is_left_out_and_told(tmp_path, content, left_out):
    """A row cut inside its subject makes a new person, who is tested on."""
    made = table(tmp_path, content)
    assert set(made.words["who"]) == {"01"} and set(made.words["label"]) <= {*WORDS}
    assert made.left_out == ("the last row is cut off and left out",) * left_out


def test_a_zip_of_one_table(tmp_path):
    file = tmp_path / "a.csv"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("__MACOSX/._a.csv", "x")
        packed.writestr("inner/a.csv", plain())
    made = read_csv(file, "a", COLUMNS[:3], COLUMNS[3:])
    np.testing.assert_array_equal(made.signal.T, VALUES)
    with zipfile.ZipFile(file, "a") as packed:
        packed.writestr("b.csv", plain())
    assert "2 files" in error(tmp_path, file.read_bytes())


@pytest.mark.parametrize(
    ("content", "keys", "message"),
    [
        (plain().replace("label", "labl"), {}, "no column 'label'; the header has Acc X"),
        (
            HEAD + plain(";").replace("who", "w"),
            {},
            "label, w (row 5",
        ),
        (plain(), {"skip_rows": 1}, "there is no column 'Acc X (m/s²)'"),
        (plain(), {"separator": ";"}, "there is no column 'Acc X (m/s²)'"),
        (",".join(COLUMNS) + '\n"1,234",9,"2,500",a,b\n', {}, '"1,234"'),
        (
            plain(),
            {"decimal": ","},
            "row 2, column 'Acc X (m/s²)': '0.5'",
        ),
        (plain().replace("0.5", "0,5"), {}, "row 2: 6 fields"),
        (
            plain() + "Total: 3\n",
            {},
            'row 5: 1 fields, the header has 5; if it is no row, say comment = "Total:"',
        ),
        (
            plain().replace("0.5", "bad"),
            {},
            "row 2, column 'Acc X (m/s²)': 'bad'",
        ),
        (
            plain().replace("0.5", "inf"),
            {},
            'infinite; leave a missing sample empty, or say missing = ["inf"]',
        ),
        (plain().encode("utf-16-le"), {}, 'say encoding = "utf-16-le"'),
        (plain(), {"encoding": "utf-16"}, "utf-16"),
        (gzip.compress(plain().encode(), mtime=0)[:-9], {}, "packed file"),
        (b"PK\x03\x04" + b"x" * 50, {}, "packed file"),
        ("", {}, "the file is empty"),
        ("\n\n", {}, "there is no row"),
    ],
)
def test_what_cannot_be_read_is_one_line_with_a_way_out(tmp_path, content, keys, message):
    assert message in error(tmp_path, content, **keys)


def test_a_row_of_nothing_with_too_few_fields_is_no_fault(tmp_path):
    text = plain()
    made = table(tmp_path, text + ",,\n,\n")
    np.testing.assert_array_equal(made.signal, table(tmp_path, text).signal)


def test_long_files_of_another_form_are_read_in_blocks(tmp_path, monkeypatch):
    """Fast and slow ways give the same numbers, to the last digit."""
    from vqtext.data.text import row_reader

    monkeypatch.setattr(row_reader, "_BLOCK", 7)
    values = np.random.default_rng(0).normal(size=(100, 3))
    for separator, decimal, quote in ((";", ",", ""), ("\t", ".", ""), (",", ",", '"'), ("  ", ".", "")):
        rows = [[repr(v).replace(".", decimal) for v in row] + ["a", "b"] for row in values.tolist()]
        text = "\n".join(
            separator.join(f"{quote}{f}{quote}" for f in row) for row in [["x", "y", "z", "l", "s"], *rows]
        )
        made = table(tmp_path, text, ["x", "y", "z", "l", "s"])
        assert np.array_equal(made.signal.T, values)
