"""The readers: on small files in the published layouts, and on the real ones where they are at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from cutting import cut, label_counts

from vqtext.data.locations import canonical
from vqtext.data.readers.base import READERS, open_reader
from vqtext.data.readers.dsads import CHANNELS as DSADS_CHANNELS
from vqtext.data.readers.dsads import LABELS as DSADS_LABELS
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError, UsageError
from vqtext.schema import Subject

REAL = Path(os.environ.get("VQTEXT_DATA") or Path(__file__).parents[4] / "shared" / "data")


def real(name):
    if not (REAL / name).is_dir():
        pytest.skip(f"no {name} recordings: set VQTEXT_DATA to the folder that holds them")
    return REAL / name


def reader(name, path=None, rate_hz=None):
    return open_reader(name, path, rate_hz, warn=lambda text: pytest.fail(f"unexpected warning: {text}"))


def windows_of(opened):
    how = Cut(opened.window_s, opened.stride_s, opened.borders)
    return cut(opened.recordings(), how, opened.dataset)


# --- the registry


def test_an_unknown_name_gets_the_nearest_and_the_list():
    with pytest.raises(UsageError) as error:
        reader("basic-motion")
    assert "'basic_motions'" in str(error.value)
    assert all(name in str(error.value) for name in READERS)


@pytest.mark.parametrize("name", [name for name in READERS if name not in ("basic_motions", "planted")])
def test_a_path_is_needed_and_must_be_there(name, tmp_path):
    with pytest.raises(UsageError, match=f"vqtext prepare --data {name} --path FOLDER"):
        reader(name)
    with pytest.raises(UsageError):
        reader(name, tmp_path / "nowhere")


@pytest.mark.parametrize("name", [name for name in READERS if name != "basic_motions"])
def test_an_empty_folder_is_named(name, tmp_path):
    with pytest.raises((DataError, UsageError)) as error:
        reader(name, tmp_path)
    assert str(tmp_path) in str(error.value)


# --- BasicMotions and .ts files


def test_basic_motions():
    pytest.importorskip("aeon", reason="BasicMotions comes inside aeon's wheel")
    opened = reader("basic_motions")
    made = windows_of(opened)
    assert made.signal.shape == (80, 6, 100) and made.rate_hz == 10
    assert label_counts(made) == {"standing": 20, "running": 20, "walking": 20, "badminton": 20}
    assert made.subjects == [] and (made.subject == -1).all()
    assert np.bincount(made.split).tolist() == [40, 40]
    assert {(c.location, c.modality, c.unit) for c in made.channels} == {
        ("wrist", "acc", "m/s2"),
        ("wrist", "gyro", "rad/s"),
    }
    assert opened.fingerprint()[0] == "aeon"


WITHOUT_AEON = """
import sys
sys.modules["aeon"] = None
from vqtext.data.readers.base import open_reader
from vqtext.errors import DataError
for attempt in ("recordings", "both"):
    reader = open_reader("basic_motions", None, None, print)
    try:
        next(reader.recordings())
    except DataError as error:
        print(error)
"""


def test_without_aeon_one_line_says_what_to_do():
    done = subprocess.run([sys.executable, "-c", WITHOUT_AEON], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == second
    assert 'pip install "vqtext[demo]"' in first and "vqtext prepare --data csv --path FOLDER" in first


TS = """@problemName Toy
@timeStamps false
@missing {missing}
@univariate false
@equalLength {equal}
@classLabel true Left Banana
@data
"""


def toy_ts(folder, name, rows, equal=True, missing=False):
    header = TS.format(equal=str(equal).lower(), missing=str(missing).lower())
    (folder / name).write_text(header + "".join(row + "\n" for row in rows))


def test_uea_folder_has_its_own_split_and_different_lengths(tmp_path):
    toy_ts(tmp_path, "Toy_TRAIN.ts", ["1,2,3:4,5,6:Left", "1,2:3,4:Banana"], equal=False)
    toy_ts(tmp_path, "Toy_TEST.ts", ["7,8,?:4,5,6:Left"], missing=True)
    for path in (tmp_path, tmp_path / "Toy_TRAIN.ts"):
        made = windows_of(reader("uea", path, rate_hz=50.0))
        assert made.dataset == "Toy" and made.rate_hz == 50 and made.signal.shape == (3, 2, 3)
        assert made.labels == ["Left", "Banana"] and made.split.tolist() == [0, 0, 1]
        assert made.length.tolist() == [3, 2, 3] and np.isnan(made.signal[2, 0, 2])
        assert made.recordings == ["train/0", "train/1", "test/0"]
    assert (made.channels[1].location, made.channels[1].modality, made.channels[1].unit) == (
        "unknown",
        "unknown",
        "1",
    )


def test_a_single_ts_file_has_no_split_and_one_hertz(tmp_path):
    toy_ts(tmp_path, "own.ts", ["1,2,3:4,5,6:Left"])
    made = windows_of(reader("uea", tmp_path / "own.ts"))
    assert made.split.tolist() == [-1] and made.rate_hz == 1


def test_ts_folder_with_several_problems(tmp_path):
    for name in ("A", "B"):
        toy_ts(tmp_path, f"{name}.ts", ["1:2:Left"])
    with pytest.raises(UsageError, match="A, B"):
        reader("uea", tmp_path)


def test_broken_ts_files(tmp_path):
    for text in ("", "hello\n", "@data\n1,2:x,3:a\n"):
        (tmp_path / "x.ts").write_text(text)
        with pytest.raises(DataError, match=r"x\.ts"):
            list(reader("uea", tmp_path).recordings())


def test_japanese_vowels_inside_aeon():
    aeon = pytest.importorskip("aeon")
    made = windows_of(reader("uea", Path(aeon.__file__).parent / "datasets" / "data" / "JapaneseVowels"))
    assert made.signal.shape == (640, 12, 29) and made.length.min() == 7


@pytest.mark.parametrize(
    ("name", "shape"),
    [("GunPoint", (200, 1, 150)), ("BasicMotions", (80, 6, 100)), ("PickupGestureWiimoteZ", (100, 1, 361))],
)
def test_problems_inside_aeon_are_known_by_name(name, shape, tmp_path, monkeypatch):
    pytest.importorskip("aeon")
    monkeypatch.chdir(tmp_path)
    made = windows_of(reader("uea", Path(name)))
    assert made.dataset == name and made.signal.shape == shape and set(made.split) == {0, 1}
    with pytest.raises(UsageError):
        reader("uea", Path("NoSuchProblem"))


# --- DSADS


def dsads_segment(folder, activity, person, segment, rows=125, columns=45):
    file = folder / f"data/a{activity:02d}/p{person}/s{segment:02d}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savetxt(file, np.full((rows, columns), segment), fmt="%.5g", delimiter=",")
    return file


def test_dsads_segments_of_one_recording_follow_each_other(tmp_path):
    for segment in (1, 2, 5):
        dsads_segment(tmp_path, 3, 2, segment)
    made = windows_of(reader("dsads", tmp_path))
    assert made.labels == ["lying on back"] and made.recordings == ["a03/p2"]
    assert made.subjects == [Subject("2")]
    assert made.signal[:, 0, 0].tolist() == [1, 2, 5] and made.signal.shape == (3, 45, 125)
    opened = reader("dsads", tmp_path)
    assert cut(opened.recordings(), Cut(window_s=10), "dsads").signal[:, 0, 0].tolist() == [1]  # not 2 with 5


def test_dsads_layout_errors_name_the_file(tmp_path):
    file = dsads_segment(tmp_path, 1, 1, 1, rows=124)
    with pytest.raises(DataError, match=r"s01\.txt: 124 rows × 45 columns, not 125 × 45"):
        list(reader("dsads", tmp_path).recordings())
    file.write_text("1,2,three\n")
    with pytest.raises(DataError, match=r"s01\.txt"):
        list(reader("dsads", tmp_path).recordings())
    dsads_segment(tmp_path, 20, 1, 1)
    with pytest.raises(DataError, match="activity a20"):
        reader("dsads", tmp_path)


def test_dsads_fingerprint_changes_with_the_files(tmp_path):
    file = dsads_segment(tmp_path, 1, 1, 1)
    before = reader("dsads", tmp_path).fingerprint()
    assert before == reader("dsads", tmp_path).fingerprint()
    os.utime(file, (1, 1))
    assert reader("dsads", tmp_path).fingerprint() != before


def test_locations_are_canonical():
    for channel in DSADS_CHANNELS:
        assert canonical(channel.location) == channel.location


def test_real_dsads():
    folder = real("dsads")
    files = list(folder.glob("data/*/*/*.txt"))
    made = windows_of(reader("dsads", folder))
    assert made.n == len(files) and made.C == 45 and made.T == 125 and made.rate_hz == 25
    assert made.labels == list(DSADS_LABELS) and len(made.subjects) == 8
    chest = made.signal[made.label == 1][:, :3]  # standing: the chest feels nothing but gravity
    assert abs(np.linalg.norm(chest.mean(axis=2), axis=1).mean() - 9.81) < 0.3


# --- gait


def gait_trial(folder, name="3-1", rows=1000, lost=(), **changes):
    folder.mkdir(parents=True, exist_ok=True)
    counter = np.array([i for i in range(rows) if i not in lost])
    for place, sensor in enumerate(("lf", "rf", "lb")):
        table = np.column_stack([counter, counter, *[np.full(len(counter), place)] * 8])
        lines = ["\t".join(f"{value:g}" for value in row) for row in table]
        columns = ["PacketCounter", *(f"{kind}_{axis}" for kind in ("Acc", "Gyr", "Mag") for axis in "XYZ")]
        text = "\n".join(["Acquisition frequency: 100 Hz", "\t".join(columns), *lines])
        (folder / f"{name}_{sensor}.txt").write_text(text + "\n")
    facts = {
        "Subject": 3,
        "Age": 60,
        "Gender": "M",
        "Height": 180.0,
        "Weight": float("nan"),
        "TrialBoundaries": [200, 800],
        "UTurnBoundaries": [450, 600],
        "LeftFootEvents": [[50, 90], [200, 240], [300, 340]],
        "RightFootEvents": [[250, 290], [335, 370], [850, 900]],
    } | changes
    (folder / f"{name}.json").write_text(json.dumps(facts))


def test_gait_labels_truth_and_subject(tmp_path):
    gait_trial(tmp_path / "GaitData")
    (made,) = reader("gait", tmp_path).recordings()
    words = np.array([*made.label.words])[made.label.codes]
    assert set(words[:200]) == set(words[800:]) == {"stand"}
    assert set(words[200:450]) == set(words[600:800]) == {"walk"} and set(words[450:600]) == {"u-turn"}
    truth = np.array([*made.truth.words, "unknown"])[made.truth.codes]
    assert set(truth[:200]) == set(truth[800:]) == {"standing"}  # the swings at 50 and 850 are spurious
    assert set(truth[200:240]) == {"left leg swings"} and set(truth[250:290]) == {"right leg swings"}
    assert set(truth[240:250]) == {"both feet on the ground"}
    assert set(truth[335:340]) == {"unknown"}  # nobody swings both legs at once
    assert made.subject == Subject("3", age=60, height_cm=180, sex="male")
    assert [c.location for c in made.channels[::9]] == ["left foot", "right foot", "lower back"]


def test_gait_time_is_the_packet_counter_not_the_row(tmp_path):
    lost = [*range(100, 104), *range(500, 530)]
    gait_trial(tmp_path, lost=lost)
    (made,) = reader("gait", tmp_path).recordings()
    assert made.signal.shape == (27, 1000)
    assert made.signal[0, 700] == 700
    assert np.flatnonzero(np.isnan(made.signal).any(axis=0)).tolist() == lost


def test_gait_windows(tmp_path):
    gait_trial(tmp_path)
    made = windows_of(reader("gait", tmp_path))
    assert made.T == 200 and made.n == 9 and "u-turn" in made.labels
    assert made.truth.shape == (9, 200)


def test_gait_errors_name_the_file(tmp_path):
    gait_trial(tmp_path)
    (tmp_path / "3-1_lb.txt").unlink()
    with pytest.raises(DataError, match=r"3-1_lb\.txt"):
        list(reader("gait", tmp_path).recordings())
    gait_trial(tmp_path)
    (tmp_path / "3-1_rf.txt").write_text("Acquisition frequency: 50 Hz\nPacketCounter\n0\t1\n")
    with pytest.raises(DataError, match=r"3-1_rf\.txt.* 100 Hz"):
        list(reader("gait", tmp_path).recordings())
    for old, new, message in [
        ("1\t1\t0", "1\tx\t0", "row 4, column 2: 'x' is not a number"),
        ("1\t1\t0", "1\t0", "row 4: 9 columns, not 10"),
        ("2\t2\t", "0\t2\t", "row 5, column 1: the packet counter falls"),
        ("2\t2\t", "nan\t2\t", "row 5, column 1: no packet number"),
        ("2\t2\t", "1e18\t2\t", "row 5, column 1: no packet number"),
    ]:
        gait_trial(tmp_path, rows=5)
        file = tmp_path / "3-1_lf.txt"
        file.write_text(file.read_text().replace("\n" + old, "\n" + new))
        with pytest.raises(DataError, match=rf"3-1_lf\.txt, {message}"):
            list(reader("gait", tmp_path).recordings())
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(DataError, match=r"3-1_lf\.txt"):
        list(reader("gait", tmp_path).recordings())
    gait_trial(tmp_path)
    (tmp_path / "3-1.json").write_text('{"Subject": 3}')
    with pytest.raises(DataError, match=r"3-1\.json"):
        list(reader("gait", tmp_path).recordings())


def test_real_gait():
    made = windows_of(reader("gait", real("gait")))
    assert [subject.id for subject in made.subjects] == [str(i) for i in range(1, 13)]
    assert set(label_counts(made)) == {"stand", "walk", "u-turn"} and min(label_counts(made).values()) > 100
    assert set(made.truth_words) == {
        "standing",
        "left leg swings",
        "right leg swings",
        "both feet on the ground",
    }
    # A foot that swings turns faster than one on the ground: truth and signal are in step.
    left = np.linalg.norm(made.signal[:, 3:6], axis=1)
    swings = made.truth == made.truth_words.index("left leg swings")
    other = made.truth == made.truth_words.index("right leg swings")
    assert np.nanmedian(left[swings]) > 3 * np.nanmedian(left[other])
