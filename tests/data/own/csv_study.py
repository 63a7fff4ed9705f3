"""A study of one CSV file, and what reading it gives."""

from __future__ import annotations

import pytest

from vqtext.data.readers.base import open_reader
from vqtext.errors import DataError

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
