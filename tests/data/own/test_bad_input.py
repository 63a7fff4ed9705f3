"""Everything that can be wrong with a folder of own data, in the order of a user's mistakes.

Each ends in exit code 1 and one line that says what is wrong and where; the windows of before stay. A user
would else stand before a traceback, or train on half a file. What splits say of a label that only test
subjects have, and of a subject with a single window, stands in test_splits.py.
"""

from __future__ import annotations

import numpy as np
import pytest

CONTENTS = """
name = "study"
rate_hz = 10
recordings = "*.csv"
label_column = "label"
subject_column = "subject"
time_column = "time"
[[channels]]
column = "ax"
location = "left ankle"
modality = "acc"
axis = "x"
unit = "m/s2"
[subjects.1]
age = 27
"""
HEADER = "time,ax,label,subject"
TOML, CSV = "dataset.toml", "a.csv"


@pytest.fixture
def study(tmp_path):
    """A good study, whose windows are in the cache when a test begins to spoil it."""
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / TOML).write_text(CONTENTS)
    values = np.random.default_rng(0).normal(size=100)
    rows = [f"{i / 10:g},{value:.3f},walking,1" for i, value in enumerate(values)]
    (folder / CSV).write_text("\n".join([HEADER, *rows]) + "\n")
    return folder


def replaced(file, old, new):
    def spoil(folder):
        text = (folder / file).read_text()
        assert old in text
        (folder / file).write_text(text.replace(old, new, 1))

    return spoil


def row(number, text):
    """Row ``number`` of the file, as an editor counts."""

    def spoil(folder):
        lines = (folder / CSV).read_text().splitlines()
        lines[number - 1] = text
        (folder / CSV).write_text("\n".join(lines) + "\n")

    return spoil


def holds(file, content):
    return lambda folder: (folder / file).write_bytes(content)


def encoded(file, encoding):
    """With a letter that is not ASCII."""
    return lambda folder: (folder / file).write_bytes(
        (folder / file).read_text().replace("walking", "größer").replace("study", "größer").encode(encoding)
    )


def linked(folder):
    outside = folder.parent / "secret.csv"
    (folder / CSV).rename(outside)
    (folder / CSV).symlink_to(outside)


BAD = {
    "an unknown key": (
        replaced(TOML, "rate_hz", "rate_hertz"),
        "unknown key 'rate_hertz': did you mean 'rate_hz'?",
    ),
    "an unknown key of a channel": (
        replaced(TOML, "location", "loction"),
        "unknown key 'channels.0.loction': did you mean 'location'?",
    ),
    "an unknown key of a subject": (
        replaced(TOML, "age", "ages"),
        "unknown key 'subjects.1.ages': did you mean 'age'?",
    ),
    "no dataset.toml": (lambda folder: (folder / TOML).unlink(), "dataset.toml is missing"),
    "a broken dataset.toml": (replaced(TOML, '"study"', '"study'), "dataset.toml is not TOML"),
    "an empty dataset.toml": (holds(TOML, b""), "'name' is missing"),
    "no channels": (holds(TOML, CONTENTS.partition("[[")[0].encode()), "'channels' is missing"),
    "an empty list of channels": (
        holds(TOML, (CONTENTS.partition("[[")[0] + "channels = []\n").encode()),
        "'channels' is empty",
    ),
    "a rate of zero": (
        replaced(TOML, "rate_hz = 10", "rate_hz = 0"),
        "'rate_hz': Input should be greater than 0",
    ),
    "a rate that is not a number": (replaced(TOML, "rate_hz = 10", "rate_hz = nan"), "'rate_hz'"),
    "a row with too many fields": (row(5, "0.3,1,walking,1,1"), "a.csv, row 5: 5 fields, the header has 4"),
    "a row with too few fields": (row(5, "0.3,1,walking"), "a.csv, row 5: 3 fields, the header has 4"),
    "an infinite value": (row(5, "0.3,inf,walking,1"), "a.csv, row 5, column 'ax': infinite"),
    "a missing column": (row(1, "time,ay,label,subject"), "a.csv: there is no column 'ax'"),
    "text in a number column": (
        row(5, "0.3,fast,walking,1"),
        "a.csv, row 5, column 'ax': 'fast' is not a number",
    ),
    "an empty label": (row(5, "0.3,1,,1"), "a.csv, row 5, column 'label': an empty label"),
    "an open quote": (
        row(5, '0.3,1,"walking,1'),
        "a.csv, row 5: unexpected end of data; is a quote missing?",
    ),
    "mixed rates": (
        holds("b.csv", f"{HEADER}\n0,1,walking,1\n0.05,1,walking,1\n0.1,1,walking,1\n".encode()),
        "b.csv: rows are 0.05 s apart (20 Hz), but rate_hz is 10",
    ),
    "an unknown unit": (replaced(TOML, "m/s2", "furlong"), "channel 'ax': unknown unit 'furlong' for acc"),
    "a file of zero bytes": (holds(CSV, b""), "a.csv: the file is empty"),
    "a header without rows": (holds(CSV, HEADER.encode()), "a.csv: there is a header but no row"),
    "a folder without recordings": (
        lambda folder: (folder / CSV).unlink(),
        "no file matches recordings '*.csv'",
    ),
    "8-bit text": (encoded(CSV, "latin-1"), "a.csv: not UTF-8 text, it looks like Latin-1"),
    "an 8-bit dataset.toml": (
        encoded(TOML, "latin-1"),
        "dataset.toml: not UTF-8 text, it looks like Latin-1",
    ),
    "a UTF-16 dataset.toml": (encoded(TOML, "utf-16"), "dataset.toml: not UTF-8 text, it looks like UTF-16"),
    "binary data": (holds(CSV, HEADER.encode() + b"\n0,1,\xff\x00\x01\xfe,1\n"), "NUL characters, as in"),
    "a path that leaves through ..": (
        replaced(TOML, '"*.csv"', '"../*/*.csv"'),
        "recordings '../*/*.csv' leaves the folder",
    ),
    "a path that leaves through a link": (linked, "a.csv is a link that leaves the folder"),
}


@pytest.mark.parametrize("mistake", BAD)
def test_one_line_and_the_old_windows_stay(study, call, mistake):
    prepare = ("prepare", "--data", "csv", "--path", "study", "--quiet")
    code, _, said = call(*prepare)
    assert (code, said) == (0, "")
    windows = (study.parent / "cache/windows.h5").read_bytes()
    spoil, message = BAD[mistake]
    spoil(study)
    code, out, said = call(*prepare)
    assert code == 1 and out == ""
    assert said.startswith("error: ") and said.count("\n") == 1 and message in said
    assert (study.parent / "cache/windows.h5").read_bytes() == windows
    assert not [path for path in (study.parent / "cache").iterdir() if ".tmp" in path.name]
