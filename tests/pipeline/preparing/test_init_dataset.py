"""`vqtext prepare --init`: a first dataset.toml that holds what was found, and is read as it stands.

Without it the first study costs an evening: a section for each column, units and rates looked up by hand.
"""

from __future__ import annotations

import json
import re
import tomllib

import numpy as np
import pytest

from vqtext.data.own.contents import read_contents
from vqtext.data.readers.base import open_reader
from vqtext.errors import DataError, UsageError
from vqtext.pipeline.preparing.init_dataset import init_dataset

N = 400


def signal(seed=0, gravity=9.81):
    values = np.random.default_rng(seed).normal(0, 0.2 * gravity / 9.81, size=(N, 3))
    values[:, 2] += gravity
    return values


def write(folder, name, header, rows, separator=","):
    folder.mkdir(parents=True, exist_ok=True)
    lines = [separator.join(map(str, row)) for row in ([header] if header else []) + list(rows)]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def made(folder):
    answer = init_dataset(folder)
    read_contents(folder / "dataset.toml")
    return tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8")), answer


def rows(gravity=9.81, subject="01", time=None):
    for i, values in enumerate(signal(gravity=gravity)):
        stamp = [] if time is None else [time(i)]
        yield [*stamp, *(f"{v:.4f}" for v in values), "walk" if i < N / 2 else "run", subject]


def test_a_study_is_prepared_as_it_was_found(tmp_path, call):
    folder = tmp_path / "my study"
    for subject in ("01", "02"):
        header = ["x", "y", "z", "label", "subject"]
        write(folder, f"S{subject}.csv", header, rows(subject=subject))
    code, said, _ = call("prepare", "--init", str(folder))
    assert code == 0 and f"vqtext prepare --data csv --path '{folder}'" in said
    assert "check: rate_hz = 50" in said
    assert len((folder / "dataset.toml").read_text().splitlines()) <= 12
    code, said, err = call("prepare", "--data", "csv", "--path", str(folder), "--window-s", "2", "--json")
    assert code == 0 and json.loads(said)["subjects"] == {"01": 4, "02": 4}, err
    before = (folder / "dataset.toml").read_bytes()
    code, _, err = call("prepare", "--init", str(folder), "--force")
    assert code == 2 and "dataset.toml" in err and (folder / "dataset.toml").read_bytes() == before


def test_names_and_sizes_say_what_the_columns_are(tmp_path):
    header = ["timestamp", "lf_acc_x", "lf_acc_y", "lf_acc_z"]
    header += ["wrist right Gyr_X (deg/s)", "wrist right Gyr_Y (deg/s)", "wrist right Gyr_Z (deg/s)"]
    header += ["heart rate", "battery", "activity", "participant"]
    values = np.column_stack([signal(gravity=1.0), signal(1) * 10])
    table = [
        [1698055200000 + 20 * i, *v, 70, 99, "walk", "P1"] for i, v in enumerate(values.round(3).tolist())
    ]
    write(tmp_path / "a/b", "P1.csv", header, table, ";")
    said, answer = made(tmp_path)
    assert said["recordings"] == "a/b/*.csv" and said["rate_hz"] == 50
    assert (said["time_column"], said["time_unit"]) == ("timestamp", "ms")
    assert (said["label_column"], said["subject_column"]) == ("activity", "participant")
    assert said["channels"] == [
        {"columns": header[1:4], "location": "left foot", "modality": "acc", "unit": "g"},
        {"columns": header[4:7], "location": "right wrist", "modality": "gyro", "unit": "deg/s"},
        {
            "column": "heart rate",
            "location": "unknown",
            "modality": "hr",
            "axis": "heart rate",
            "unit": "bpm",
        },
    ]
    assert any("separator ';'" in line for line in answer["found"])


def test_one_letter_says_the_kind_of_sensor(tmp_path):
    """As most people call them; what is left out is told."""
    header = ["Zeit", "ax", "ay", "az", "gx", "gy", "gz", "label", "note"]
    both = np.column_stack([signal(gravity=1.0), signal(1) * 10]).round(3).tolist()
    write(tmp_path, "a.csv", header, [[20 * i, *v, "walk", f"n{i}"] for i, v in enumerate(both)])
    said, answer = made(tmp_path)
    assert said["time_column"] == "Zeit" and "columns left out: note" in answer["found"]
    assert [(one["columns"], one["modality"]) for one in said["channels"]] == [
        (["ax", "ay", "az"], "acc"),
        (["gx", "gy", "gz"], "gyro"),
    ]


@pytest.mark.parametrize(
    ("time", "unit", "rate_hz"),
    [
        (lambda i: f"{i / 100:.2f}", "s", 100),
        (lambda i: i * 10**7 + 49105962326000, "ns", 100),
        (lambda i: f"2023-10-23 10:00:{i / 20:06.3f}", None, 20),
        (lambda i: 1500000000 + i // 25, "s", 25),
    ],
)
def test_time_stamps_say_the_rate(tmp_path, time, unit, rate_hz):
    write(tmp_path, "a.csv", ["time", "x", "y", "z", "label", "subject"], rows(time=time))
    said, _ = made(tmp_path)
    assert (said["time_column"], said.get("time_unit"), said["rate_hz"]) == ("time", unit, rate_hz)


def test_a_file_without_a_header(tmp_path):
    """As WISDM writes it: user, activity, nanoseconds, three axes and a semicolon."""
    table = [[33, label, 10**9 + i * 50_000_000, x, y, f"{z};"]
             for i, (x, y, z, label, _) in enumerate(rows())]  # fmt: skip
    write(tmp_path, "raw.txt", None, table)
    said, _ = made(tmp_path)
    assert (said["label_column"], said["subject_column"], said["time_column"]) == ("2", "1", "3")
    assert said["rate_hz"] == 20 and said["channels"][0]["columns"] == ["4", "5", "6"]


def test_subjects_in_the_names_of_files_and_other_tables_beside(tmp_path):
    for i in (1, 2):
        write(tmp_path, f"walk_P{i:02}_chest.csv", ["acc_x", "acc_y", "acc_z", "label"],
              (row[:4] for row in rows(gravity=1000)))  # fmt: skip
    write(tmp_path, "subjects.csv", ["id", "age"], [[1, 20], [2, 30]])
    said, answer = made(tmp_path)
    contents = read_contents(tmp_path / "dataset.toml")
    assert "subject_pattern" in said and contents.subject_pattern.startswith(".*?")
    assert re.fullmatch(contents.subject_pattern, "walk_P01_chest.csv")[1] == "P01"
    assert said["channels"][0]["location"] == "chest"
    assert any("subjects.csv" in line for line in answer["check"])


@pytest.mark.parametrize(
    ("names", "label", "subject"),
    [
        (["acc_walking_chest.csv", "acc_climbing_chest.csv"], "walking", None),
        (["P1-walk-1.csv", "P1-walk-2.csv", "P2-run-1.csv", "P2-run-2.csv"], "walk", "P1"),
        (["walk/S01.csv", "walk/S02.csv", "run/S01.csv"], "walk", "S01"),
        (["subject7/sit.csv", "subject7/run.csv", "subject8/run.csv"], "sit", "subject7"),
        (["left wrist.csv", "right wrist.csv"], None, None),
        (["a_b.csv", "c_d.csv"], None, None),
    ],
)
def test_names_of_files_say_label_and_subject(tmp_path, names, label, subject):
    for name in names:
        file = tmp_path / name
        write(file.parent, file.name, ["acc_x", "acc_y", "acc_z"], signal().tolist())
    said, _ = made(tmp_path)
    for key, word in (("label_pattern", label), ("subject_pattern", subject)):
        assert (re.fullmatch(said[key], names[0])[1] if key in said else None) == word
    if label:
        list(open_reader("csv", tmp_path, None, lambda _: None).part(0))


def test_counts_of_which_gravity_is_a_power_of_two(tmp_path):
    """As Empatica writes them, below a start and a rate: in m/s2 everybody would be hit by a train."""
    counts = (signal() / 9.80665 * 64).round().astype(int).tolist()
    write(tmp_path, "ACC.csv", None, [[1544027337.0] * 3, [32.0] * 3, *counts])
    said, _ = made(tmp_path)
    assert said["rate_hz"] == 32
    assert said["channels"] == [
        {"columns": ["1", "2", "3"], "location": "unknown", "modality": "acc", "unit": "g", "scale": 1 / 64}
    ]


def test_each_guess_is_marked(tmp_path):
    """ "back" was written down as the upper back, and nobody was told to look: every level of motion of a
    belt sensor would be held against the wrong place."""
    header = [
        "Zeit",
        "back_acc_x",
        "back_acc_y",
        "back_acc_z",
        "left_wrist_gyro",
        "watch_hr",
        "rot_z",
        "what",
    ]
    values = np.column_stack([signal(), signal(1) * 100]).round(3).tolist()
    table = [[20 * i, *v, "walk" if i < N / 2 else "run"] for i, v in enumerate(values)]
    write(tmp_path, "a.csv", header, table)
    made(tmp_path)
    lines = (tmp_path / "dataset.toml").read_text(encoding="utf-8").splitlines()
    marked = {line.split("  # check")[0] for line in lines if "# check" in line}
    assert marked >= {
        'time_unit = "ms"',
        'label_column = "what"',
        'location = "upper back"',
        'location = "wrist"',
        'unit = "bpm"',
        'modality = "gyro"',
    }
    assert 'location = "left wrist"' in lines and 'modality = "acc"' in lines and 'modality = "gyro"' in lines


def test_labels_that_begin_late_and_rows_without_one(tmp_path):
    """As WEAR writes them: a column that is empty at first was one of numbers, and ended in an error."""
    labels = [""] * 600 + ["jogging"] * 600
    values = [[0, 0, 1, label, i // 1200] for i, label in enumerate(labels)]
    write(tmp_path, "sbj_0.csv", ["acc_x", "acc_y", "acc_z", "label", "sbj_id"], values)
    said, _ = made(tmp_path)
    assert (said["label_column"], said["ignore_labels"], said["subject_column"]) == ("label", [""], "sbj_id")
    list(open_reader("csv", tmp_path, None, lambda _: None).part(0))


def test_units_in_brackets_say_what_is_measured(tmp_path):
    """Of a robot nothing else does; its time stamps became a channel."""
    header = ["t[s]", "tcp_x[mm]", "tcp_y[mm]", "tcp_z[mm]", "vx[mm/s]", "vy[mm/s]", "vz[mm/s]", "grip[N]"]
    write(tmp_path, "a.tsv", header, [[i / 100, *range(i, i + 7)] for i in range(N)], "\t")
    said, _ = made(tmp_path)
    assert (said["time_column"], said["rate_hz"]) == ("t[s]", 100)
    assert [(one["modality"], one["unit"]) for one in said["channels"]] == [
        ("position", "mm"),
        ("velocity", "mm/s"),
        ("force", "N"),
    ]


def test_a_header_whose_names_hold_blanks(tmp_path):
    """As PhysioNet's tools print it: four words over three columns were no header."""
    rows = [f"{i / 1000:12.3f}{np.sin(i):12.3f}{np.cos(i):12.3f}" for i in range(N)]
    head = ["Elapsed time      flexor    extensor", "(seconds)        (mV)        (mV)"]
    (tmp_path / "S1_fist.txt").write_text("\n".join([*head, *rows, ""]))
    said, _ = made(tmp_path)
    assert (said["time_column"], said["rate_hz"]) == ("Elapsed time", 1000)
    assert said["channels"][0]["columns"] == ["flexor", "extensor"]


def test_sensors_that_write_a_file_each_are_told(tmp_path):
    """As Empatica does: axes are taken sooner than a pulse, and what is left to do is said."""
    for person in ("P1", "P2"):
        for name, width, rate in (("ACC", 3, 32.0), ("BVP", 1, 64.0)):
            samples = np.full((1000, width), 37).tolist()
            write(tmp_path / person, f"{name}.csv", None, [[1544027337.0] * width, [rate] * width, *samples])
    said, answer = made(tmp_path)
    assert (said["rate_hz"], len(said["channels"][0]["columns"])) == (32, 3) and "time_column" not in said
    assert any("ACC.csv and BVP.csv" in line for line in answer["check"])


def test_where_nothing_can_be_found(tmp_path):
    with pytest.raises(UsageError):
        init_dataset(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("nothing\nto see\n")
    with pytest.raises(DataError):
        init_dataset(tmp_path)
    assert not (tmp_path / "dataset.toml").exists()
    write(tmp_path, "a.csv", ["x", "y", "z"], signal().tolist())
    _, answer = made(tmp_path)
    assert any("labels" in line for line in answer["check"])
