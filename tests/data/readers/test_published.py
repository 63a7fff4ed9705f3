"""PAMAP2, UCI-HAR and Opportunity, on small files in exactly the published formats.

A user who brings the real folder would lose channels, seconds or whole subjects if the layout were misread.
"""

from __future__ import annotations

import numpy as np
import pytest
from cutting import cut, label_counts

from vqtext.data.locations import canonical
from vqtext.data.readers import opportunity, pamap2, uci_har
from vqtext.data.readers.base import open_reader
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError
from vqtext.prompts import lexicon as lexicon_module
from vqtext.schema import Subject


def reader(name, path):
    return open_reader(name, path, None, warn=lambda text: pytest.fail(f"unexpected warning: {text}"))


def error_of(name, path):
    with pytest.raises(DataError) as error:
        list(reader(name, path).recordings())
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("data", [pamap2, uci_har, opportunity])
def test_labels_and_places_are_words_the_package_knows(data):
    name = data.__name__.rpartition(".")[2]
    assert set(data.LABELS.values()) == set(lexicon_module._label_files()[name])
    for channel in data.CHANNELS:
        assert canonical(channel.location) == channel.location
    assert len({channel.name for channel in data.CHANNELS}) == len(data.CHANNELS)


# --- PAMAP2


def pamap2_table(rows=1200, activity=4):
    """Every number says its column; the heart rate comes every eleventh row."""
    table = np.tile(np.arange(1.0, 55.0), (rows, 1))
    table[:, 0] = 8.38 + 0.01 * np.arange(rows)
    table[:, 1] = activity
    table[np.arange(rows) % 11 != 0, 2] = np.nan
    table[::11, 2] = 100 + np.arange(len(table[::11]))
    return table


def write(file, table, form="%.10g"):
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(" ".join("NaN" if np.isnan(v) else form % v for v in row) for row in table)
    file.write_text(text + "\n")
    return file


def test_pamap2_takes_the_right_columns(tmp_path):
    write(tmp_path / "Protocol/subject101.dat", pamap2_table())
    (made,) = reader("pamap2", tmp_path).recordings()
    first = {channel.name: made.signal[i, 0] for i, channel in enumerate(made.channels)}
    assert len(first) == 28
    assert [first[f"hand_{m}_x"] for m in ("acc", "gyro", "mag")] == [5, 11, 14]
    assert [first[f"chest_{m}_x"] for m in ("acc", "gyro", "mag")] == [22, 28, 31]
    assert [first[f"ankle_{m}_z"] for m in ("acc", "gyro", "mag")] == [41, 47, 50]
    assert made.subject == Subject("101", 27, 182, 83, "male", "right")
    assert [made.channels[i].location for i in (0, 9, 18, 27)] == [
        "dominant wrist",
        "chest",
        "dominant ankle",
        "chest",
    ]


def test_pamap2_heart_rate_and_lost_samples(tmp_path):
    table = pamap2_table(2200)
    table[50:55, 4] = np.nan
    table[100:130, 4] = np.nan
    table[330:660, 2] = np.nan
    write(tmp_path / "Protocol/subject108.dat", table)
    (made,) = reader("pamap2", tmp_path).recordings()
    heart = made.signal[-1]
    np.testing.assert_allclose(heart[:12], 100 + np.arange(12) / 11, rtol=1e-6)
    assert np.isnan(heart[330:660]).all() and not np.isnan(heart[:320]).any()
    assert np.flatnonzero(np.isnan(made.signal[0])).tolist() == [*range(50, 55), *range(100, 130)]
    assert made.subject.hand == "left"


def test_pamap2_transient_activity_and_time_jumps_are_in_no_window(tmp_path):
    table = pamap2_table(3000)
    table[:600, 1] = 0
    table[1800:, 0] += 5
    write(tmp_path / "Protocol/subject102.dat", table)
    write(tmp_path / "Optional/subject102.dat", pamap2_table(activity=20))
    opened = reader("pamap2", tmp_path)
    made = list(opened.recordings())
    assert [r.name for r in made] == ["Protocol/subject102", "Optional/subject102"]
    assert made[0].breaks == (1800,) and (made[0].label.codes[:600] == -1).all()
    windows = cut(made, Cut(opened.window_s, opened.stride_s), "pamap2")
    assert windows.T == 512 and label_counts(windows) == {"walking": 6, "playing soccer": 3}
    assert windows.start_s[:3].tolist() == pytest.approx([6, 8.56, 11.12])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: "", "subject101.dat"),
        (lambda text: text[:-9], "subject101.dat, row 1200: 5"),
        (
            lambda text: text.replace(" 22 ", " x ", 1),
            "row 1, column 22: 'x'",
        ),
        (lambda text: text.replace(" 4 ", " 8 ", 1), "row 1, column 2: 8"),
        (lambda text: text.replace(" 22 ", " inf ", 1), "'chest_acc_x'"),
    ],
)
def test_pamap2_bad_files(tmp_path, change, message):
    file = write(tmp_path / "Protocol/subject101.dat", pamap2_table())
    file.write_text(change(file.read_text()))
    assert message in error_of("pamap2", tmp_path)


@pytest.mark.parametrize(("encoding", "looks"), [("utf-16", "UTF-16"), ("latin-1", "Latin-1")])
def test_a_text_of_another_encoding(tmp_path, encoding, looks):
    file = write(tmp_path / "Protocol/subject101.dat", pamap2_table(20))
    file.write_bytes(file.read_text().replace("NaN", "größer", 1).encode(encoding))
    assert looks in error_of("pamap2", tmp_path)


# --- UCI-HAR


def uci_har_split(root, split, stream, labels, subjects):
    """Windows of 128 that overlap by half, each signal of every channel a constant more."""
    folder = root / split / "Inertial Signals"
    folder.mkdir(parents=True, exist_ok=True)
    windows = np.stack([stream[64 * i : 64 * i + 128] for i in range(len(labels))])
    for i, kind in enumerate(("body_acc", "body_gyro", "total_acc")):
        for j, axis in enumerate("xyz"):
            lines = ["".join(f" {v: .7e}" for v in window + 10 * i + j) for window in windows]
            (folder / f"{kind}_{axis}_{split}.txt").write_text("\n".join(lines) + "\n")
    (root / split / f"y_{split}.txt").write_text("".join(f"{label}\n" for label in labels))
    (root / split / f"subject_{split}.txt").write_text("".join(f"{subject}\n" for subject in subjects))


@pytest.fixture
def uci_har_folder(tmp_path):
    root = tmp_path / "UCI HAR Dataset"
    stream = np.random.default_rng(0).normal(size=64 * 9)
    uci_har_split(root, "train", stream, [5, 5, 5, 4, 4, 4], [1, 1, 1, 1, 3, 3])
    uci_har_split(root, "test", stream, [6, 6], [2, 2])
    return root, stream


def test_uci_har_overlap_is_stitched_and_the_published_windows_come_back(uci_har_folder):
    root, stream = uci_har_folder
    opened = reader("uci_har", root.parent)
    made = list(opened.recordings())
    assert [(r.name, r.signal.shape[1], r.breaks) for r in made] == [
        ("train/1", 128 + 64 + 64 + 128, (256,)),
        ("train/3", 128 + 64, ()),
        ("test/2", 128 + 64, ()),
    ]
    np.testing.assert_allclose(made[0].signal[0, :256], 9.80665 * (stream[:256] + 20), rtol=1e-5)
    np.testing.assert_allclose(made[0].signal[5, :256], stream[:256] + 12, rtol=1e-5)
    windows = cut(made, Cut(opened.window_s, opened.stride_s), "uci_har")
    assert windows.n == 8 and windows.T == 128 and windows.split.tolist() == [0] * 6 + [1] * 2
    assert label_counts(windows) == {"STANDING": 3, "SITTING": 3, "LAYING": 2}
    np.testing.assert_allclose(windows.signal[3, 5], stream[192:320] + 12, rtol=1e-4, atol=1e-4)


def test_uci_har_windows_that_do_not_overlap_exactly_are_not_joined(uci_har_folder):
    root, _ = uci_har_folder
    file = root / "test/Inertial Signals/body_gyro_z_test.txt"
    first, second = file.read_text().splitlines()
    file.write_text(first + "\n" + second.replace("e+01", "e+00", 1) + "\n")
    assert list(reader("uci_har", root).recordings())[2].breaks == (128,)


def test_uci_har_bad_files(uci_har_folder):
    root, _ = uci_har_folder
    file = root / "train/Inertial Signals/total_acc_y_train.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join(lines[:-1]) + "\n")
    assert "total_acc_y_train.txt: 5 rows, y_train.txt" in error_of("uci_har", root)
    file.write_text("\n".join([*lines[:-1], lines[-1][:-17]]) + "\n")
    assert "total_acc_y_train.txt, row 6: 127 " in error_of("uci_har", root)
    file.unlink()
    assert "total_acc_y_train.txt" in error_of("uci_har", root)


def test_uci_har_wrong_codes_name_their_row(uci_har_folder):
    root, _ = uci_har_folder
    (root / "test/y_test.txt").write_text("6\n7\n")
    assert "y_test.txt, row 2, column 1: 7 " in error_of("uci_har", root)


# --- Opportunity


def opportunity_table(rows=90):
    table = np.tile(np.arange(1.0, 251.0), (rows, 1))
    table[:, 0] = np.round(1000 * np.arange(rows) / 30)
    table[:, 243] = 2
    table[:, 249] = 0
    table[10:20, 249] = 406516
    return table


def test_opportunity_columns_units_labels_and_truth(tmp_path):
    table = opportunity_table()
    table[:15, 243] = 0
    table[40:, 243] = 5
    table[50:, 0] += 1100
    table[20:23, 37] = np.nan
    table[30:37, 37] = np.nan
    write(tmp_path / "dataset/S2-ADL3.dat", table, "%.0f")
    write(tmp_path / "dataset/S2-Drill.dat", opportunity_table(), "%.0f")
    write(tmp_path / "dataset/S2-ADL3-copy.dat", opportunity_table(), "%.0f")
    made, drill = reader("opportunity", tmp_path).recordings()
    assert (made.name, drill.name, made.subject) == ("S2-ADL3", "S2-Drill", Subject("2"))
    first = {channel.name: made.signal[i, 0] for i, channel in enumerate(made.channels)}
    wanted = {
        "hip_acc_x": 5,
        "back_acc_x": 38,
        "rua_acc_x": 51,
        "rla_acc_x": 64,
        "lua_acc_x": 77,
        "lla_acc_x": 90,
        "l_shoe_acc_x": 109,
        "r_shoe_acc_z": 127,
    }
    assert {name: round(float(first[name]) / 9.80665 * 1000) for name in wanted} == wanted
    assert first["lla_gyro_z"] == pytest.approx(0.095) and first["l_shoe_gyro_x"] == pytest.approx(0.112)
    back = made.signal[3]
    assert np.flatnonzero(np.isnan(back)).tolist() == [20, 21, 22, *range(30, 37)]
    words = np.array([*made.label.words, None])[made.label.codes]
    assert set(words[:15]) == {None} and set(words[15:40]) == {"walk"} and set(words[40:]) == {"lie"}
    truth = np.array([*made.truth.words, None])[made.truth.codes]
    assert set(truth[10:20]) == {"open door 1"} and set(truth[20:]) == {None}
    assert made.breaks == (50,)


def test_opportunity_bad_files(tmp_path):
    file = write(tmp_path / "S1-ADL1.dat", opportunity_table()[:, :-1], "%.0f")
    assert "S1-ADL1.dat, row 1: 249 " in error_of("opportunity", tmp_path)
    table = opportunity_table()
    table[7, 243] = 3
    write(file, table, "%.0f")
    assert "S1-ADL1.dat, row 8, column 244: 3 " in error_of("opportunity", tmp_path)
    file.write_bytes(b"")
    assert "empty" in error_of("opportunity", tmp_path)
    file.unlink()
    assert str(tmp_path) in error_of("opportunity", tmp_path)
