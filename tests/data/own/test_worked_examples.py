"""The worked examples of the documents, on files as the data sets are published: at most ten lines of
``dataset.toml`` besides the channels, and the windows that are meant."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from vqtext.data.own.contents import read_contents
from vqtext.data.own.csv_folder import unlabelled_recordings
from vqtext.data.readers.base import open_reader

DOCS = Path(__file__).parents[3] / "docs/own-data.md"


def example(name):
    """The ``dataset.toml`` under a heading of the documents."""
    text = DOCS.read_text(encoding="utf-8")
    found = re.search(rf"^#+ {name}\n.*?```toml\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    assert found is not None, name
    head = re.sub(r"channels = \[\n(  .*\n)*\]\n", "", found[1])
    assert len([line for line in head.splitlines() if line.strip()]) <= 10
    return found[1]


def read(folder, name):
    (folder / "dataset.toml").write_text(example(name), encoding="utf-8")
    told: list[str] = []
    reader = open_reader("csv", folder, None, told.append)
    return {recording.name: recording for recording in reader.recordings()}, told + reader.remarks(["1", "2"])


def test_hugadb(tmp_path):
    """Counts of int16, codes of activities, a head of comments; the subject in the name of the file."""
    sensors = [
        f"{kind}_{side}{limb}_{axis}"
        for side in "rl"
        for limb in "fst"
        for kind in ("acc", "gyro")
        for axis in "xyz"
    ]
    columns = [*sensors, "EMG_r", "EMG_l", "act"]
    for number, codes in (("01", "1" * 30 + "8" * 30), ("02", "5" * 20)):
        rows = ["\t".join(["8192"] * 36 + ["128", "127", code]) for code in codes]
        head = [
            "#Activity\twalking\tstanding\t",
            "#ActivityID\t1\t8\t",
            "#Date\t09-30-10-59",
            "\t".join(columns),
        ]
        (tmp_path / f"HuGaDB_v2_various_{number}_00.txt").write_text("\n".join([*head, *rows, ""]))
    made, told = read(tmp_path, "HuGaDB")
    one, two = made.values()
    assert (one.subject.id, two.subject.id, told) == ("01", "02", [])
    assert one.label.words == ("walking", "standing") and two.label.words == ("sitting",)
    assert np.bincount(one.label.codes).tolist() == [30, 30]
    np.testing.assert_allclose(one.signal[0], 9.80665 / 2, rtol=1e-5)
    np.testing.assert_allclose(one.signal[3], np.radians(500), rtol=1e-5)


def test_realworld(tmp_path):
    """Each sensor and activity in a folder of its own: names say the activity, paths who it is."""
    first = 1_435_993_825_000
    for person in (1, 2):
        for activity in ("walking", "climbingup"):
            for sensor, folder in (("acc", "acc"), ("Gyroscope", "gyr")):
                for place in ("chest", "shin"):
                    start = first + (7 if sensor == "acc" else 0)
                    file = (
                        tmp_path
                        / f"proband{person}/data/{folder}_{activity}_csv/{sensor}_{activity}_{place}.csv"
                    )
                    file.parent.mkdir(parents=True, exist_ok=True)
                    rows = [f"{i + 1},{start + 20 * i},{i},0.5,9.8" for i in range(150)]
                    file.write_text("\n".join(["id,attr_time,attr_x,attr_y,attr_z", *rows, ""]))
    made, told = read(tmp_path, "RealWorld")
    assert {name: (one.subject.id, one.label.words) for name, one in made.items()} == {
        f"{person}/{activity}": (person, (activity,))
        for person in "12"
        for activity in ("climbingup", "walking")
    }
    assert told == []
    walk = made["1/walking"]
    assert walk.signal.shape == (12, 150) and len({channel.name for channel in walk.channels}) == 12
    np.testing.assert_allclose(walk.signal[6, :149], np.arange(149), atol=0.01)  # the gyroscope started first
    np.testing.assert_allclose(walk.signal[0, 1:149], np.arange(1, 149) - 0.35, atol=0.01)
    (alone,) = unlabelled_recordings(
        tmp_path / "proband1/data/acc_walking_csv/acc_walking_shin.csv",
        read_contents(tmp_path / "dataset.toml"),
        tmp_path,
    )
    np.testing.assert_array_equal(alone.signal, walk.signal)


def test_wear(tmp_path):
    """One table a person, labels empty between activities."""
    for person in (0, 1):
        rows = [f"{person},0.1,0.2,0.9,{'' if i < 10 else 'jogging'}" for i in range(60)]
        (tmp_path / f"sbj_{person}.csv").write_text(
            "\n".join(["sbj_id,right_arm_acc_x,right_arm_acc_y,right_arm_acc_z,label", *rows, ""])
        )
    made, told = read(tmp_path, "WEAR")
    assert [one.subject.id for one in made.values()] == ["0", "1"] and told == []
    assert np.bincount(made["sbj_0.csv"].label.codes + 1).tolist() == [10, 50]


def test_empatica(tmp_path):
    """A folder a session, a file a sensor, each with its own start and rate; marks in a list of one's own."""
    session = tmp_path / "P1/2018-12-05"
    session.mkdir(parents=True)
    t = 1544027337.0
    files = {
        "ACC.csv": [f"{t:f}, {t:f}, {t:f}", "32.000000, 32.000000, 32.000000", *["0,0,64"] * 640],
        "HR.csv": [f"{t + 10:f}", "1.000000", *["71.5"] * 10],
        "BVP.csv": [f"{t:f}", "64.000000", *["1.0"] * 1280],
        "labels.csv": ["start,end,label", "2018-12-05 16:28:59,2018-12-05 16:29:09,walking"],
    }
    for name, lines in files.items():
        (session / name).write_text("\n".join([*lines, ""]))
    made, told = read(tmp_path, "Empatica E4")
    (one,) = made.values()
    assert one.subject.id == "P1" and one.label.words == ("walking",)
    assert np.flatnonzero(one.label.codes == 0)[[0, -1]].tolist() == [64, 383]
    assert np.isnan(one.signal[3, :320]).all() and np.isfinite(one.signal[3, 320:609]).all()
    np.testing.assert_allclose(one.signal[2], 9.80665, rtol=1e-5)
    assert told == [
        "1 files of recordings match the file of no channel, P1/2018-12-05/BVP.csv first: not read"
    ]
