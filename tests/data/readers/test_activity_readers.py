"""MHEALTH, USC-HAD and WISDM, on small files in exactly the published formats.

A user who brings the real folder would lose channels, people or hours if the layout were misread, and a whole
study if one bad row were enough to refuse it.
"""

from __future__ import annotations

import numpy as np
import pytest
from cutting import cut, label_counts
from scipy.io import savemat

from vqtext.data.features.motion import magnitudes
from vqtext.data.locations import canonical
from vqtext.data.readers import mhealth, usc_had, wisdm
from vqtext.data.readers.base import open_reader
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError, UsageError
from vqtext.prompts.lexicon import lexicon
from vqtext.schema import Subject


def read(name, path):
    """Its recordings by name, and what was warned of."""
    warned: list[str] = []
    reader = open_reader(name, path, None, warned.append)
    return {recording.name: recording for recording in reader.recordings()}, warned


def windows_of(name, path):
    reader = open_reader(name, path, None, lambda text: pytest.fail(f"unexpected warning: {text}"))
    return cut(reader.recordings(), Cut(reader.window_s, reader.stride_s, reader.borders), reader.dataset)


def error_of(name, path, kind=DataError):
    with pytest.raises(kind) as error:
        read(name, path)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("channels", [mhealth.CHANNELS, usc_had.CHANNELS])
def test_places_are_words_the_package_knows(channels):
    assert all(canonical(channel.location) == channel.location for channel in channels)
    assert len({channel.name for channel in channels}) == len(channels)


@pytest.mark.parametrize(
    ("dataset", "labels"), [("mhealth", mhealth.LABELS), ("usc_had", usc_had.LABELS), ("wisdm", wisdm.OLD)]
)
def test_the_lexicon_knows_their_labels(dataset, labels):
    told: dict[tuple[str, ...], list[str]] = {}
    for words in lexicon(dataset, list(labels.values())).labels:
        told.setdefault(tuple(step.phrase for step in words.subactions), []).append(words.label)
    assert [same for same in told.values() if len(same) > 1] in ([], [["jogging", "running"]])


# --- MHEALTH


def mhealth_table(rows=600, activity=4):
    """Every number says its column."""
    table = np.tile(np.arange(1.0, 25.0), (rows, 1))
    table[:, [8, 9, 10, 17, 18, 19]] *= 10  # deg/s
    table[:, 23] = activity
    return table


def write_mhealth(folder, subject, table):
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"mHealth_subject{subject}.log"
    file.write_text("".join("\t".join(f"{value:.5g}" for value in row) + "\n" for row in table))
    return file


def test_mhealth_takes_the_right_columns_in_our_units(tmp_path):
    for subject in (2, 10):
        write_mhealth(tmp_path / "MHEALTHDATASET", subject, mhealth_table())
    made, warned = read("mhealth", tmp_path)
    assert list(made) == ["subject2", "subject10"] and not warned
    one = made["subject10"]
    first = {channel.name: float(one.signal[i, 0]) for i, channel in enumerate(one.channels)}
    assert len(first) == 21 and one.rate_hz == 50 and one.subject == Subject("10")
    assert [first[f"{place}_acc_x"] for place in ("chest", "ankle", "wrist")] == [1, 6, 15]
    assert first["ankle_gyro_y"] == pytest.approx(np.radians(100))
    assert first["wrist_gyro_z"] == pytest.approx(np.radians(200))
    assert (first["ankle_mag_x"], first["wrist_mag_z"]) == (12, 23)
    assert {(c.modality, c.unit) for c in one.channels} == {("acc", "m/s2"), ("gyro", "rad/s"), ("mag", "1")}
    assert all(channel.gravity for channel in one.channels)


def test_mhealth_null_class_is_in_no_window(tmp_path):
    table = mhealth_table(1200)
    table[:400, 23] = 0
    table[800:, 23] = 12
    write_mhealth(tmp_path, 1, table)
    made = windows_of("mhealth", tmp_path)
    assert label_counts(made) == {"walking": 2, "jump front and back": 2} and made.T == 256


def test_mhealth_rotation_rates_that_cannot_be_deg_per_s_do_not_tell_of_motion(tmp_path):
    table = mhealth_table()
    table[:, [8, 9, 10, 17, 18, 19]] /= 100
    for subject in (1, 2):
        write_mhealth(tmp_path, subject, table)
    made, warned = read("mhealth", tmp_path)
    assert len(warned) == 1 and "mHealth_subject1.log" in warned[0]
    one = made["subject2"]
    first = {channel.name: float(one.signal[i, 0]) for i, channel in enumerate(one.channels)}
    assert first["wrist_gyro_z"] == pytest.approx(2)
    assert {(c.modality, c.unit) for c in one.channels} == {("acc", "m/s2"), ("unknown", "1"), ("mag", "1")}
    found = magnitudes(one.signal[None], one.channels, one.rate_hz)
    assert list(found) == ["chest", "left ankle", "right wrist"]
    assert all(list(kinds) == ["acc"] for kinds in found.values())


def test_mhealth_bad_files(tmp_path):
    file = write_mhealth(tmp_path, 1, mhealth_table())
    text = file.read_text()
    file.write_text(text[:-3])
    assert "mHealth_subject1.log, row 600: 23 " in error_of("mhealth", tmp_path)
    file.write_text(text.replace("\t4\n", "\t13\n", 1))
    assert "row 1, column 24: 13 " in error_of("mhealth", tmp_path)


# --- USC-HAD


def write_usc(root, subject=1, activity=3, trial=2, rows=600, key="activity_number", **changes):
    fields = {
        "title": "USC Human Motion Database",
        "subject": str(subject),
        "age": "25",
        "height": "170cm",
        "weight": "65.5kg",
        key: str(activity),
        "trial": str(trial),
        "sensor_location": "front-right-hip",
        "sensor_readings": np.tile([1.0, 0, -1, 180, 0, -90], (rows, 1)),
    }
    file = root / f"Subject{subject}" / f"a{activity}t{trial}.mat"
    file.parent.mkdir(parents=True, exist_ok=True)
    savemat(file, {name: value for name, value in (fields | changes).items() if value is not None})
    return file


def test_usc_had_units_subjects_and_order(tmp_path):
    for subject, activity, trial in ((10, 1, 1), (2, 10, 1), (2, 3, 2)):
        write_usc(tmp_path / "USC-HAD", subject, activity, trial)
    made, warned = read("usc_had", tmp_path)
    assert list(made) == ["Subject2/a3t2", "Subject2/a10t1", "Subject10/a1t1"] and not warned
    one = made["Subject2/a3t2"]
    np.testing.assert_allclose(one.signal[:, 5], [9.80665, 0, -9.80665, np.pi, 0, -np.pi / 2], rtol=1e-6)
    assert (one.label, one.rate_hz) == ("walking right", 100)
    assert one.subject == Subject("2", age=25, height_cm=170, weight_kg=65.5)
    assert {channel.location for channel in one.channels} == {"right hip"}
    assert label_counts(windows_of("usc_had", tmp_path)) == {
        "walking right": 1,
        "sleeping": 1,
        "walking forward": 1,
    }


def test_usc_had_activity_by_either_spelling_or_the_name(tmp_path):
    write_usc(tmp_path, activity=1, key="activity_numbr")
    write_usc(tmp_path, activity=2, activity_number=None)
    write_usc(tmp_path, activity=4, activity_number=np.array([[4]]))
    made, warned = read("usc_had", tmp_path)
    assert [r.label for r in made.values()] == ["walking forward", "walking left", "walking upstairs"]
    assert not warned
    write_usc(tmp_path, activity=5, activity_number="8")
    made, warned = read("usc_had", tmp_path)
    assert made["Subject1/a5t2"].label == "sitting"
    assert len(warned) == 1 and "activity_number is 8 (sitting)" in warned[0]


def test_usc_had_facts_that_differ_between_files_refuse_nothing(tmp_path):
    write_usc(tmp_path, activity=1)
    write_usc(tmp_path, activity=2, height="171cm", age=None)
    made, _ = read("usc_had", tmp_path)
    assert {r.subject for r in made.values()} == {Subject("1", 25, 170, 65.5)}


def test_usc_had_bad_files(tmp_path):
    file = write_usc(tmp_path)
    whole = file.read_bytes()
    for content in (b"", b"hello", whole[:300]):
        file.write_bytes(content)
        assert "a3t2.mat" in error_of("usc_had", tmp_path)
    write_usc(tmp_path, sensor_readings=np.zeros((600, 5)))
    assert "a3t2.mat: sensor_readings" in error_of("usc_had", tmp_path)
    write_usc(tmp_path, activity_number="13")
    assert "activity 13 " in error_of("usc_had", tmp_path)


# --- WISDM


def wisdm_rows(user, activity, samples=400, start_s=1000.0, rate_hz=20.0, value=0.0):
    """x counts twentieths of a second since the start."""
    return [
        f"{user},{activity},{round((start_s + i / rate_hz) * 1e9)},{20 * i / rate_hz:g},{value:g},9.8;"
        for i in range(samples)
    ]


def write_wisdm(file, rows):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(rows) + "\n")
    return file


def test_wisdm_v1_units_labels_subjects_and_windows(tmp_path):
    rows = [*wisdm_rows(33, "Jogging"), *wisdm_rows(5, "Sitting", start_s=3000)]
    file = write_wisdm(tmp_path / "WISDM_ar_v1.1/WISDM_ar_v1.1_raw.txt", rows)
    for path in (tmp_path, file):
        made = windows_of("wisdm", path)
        assert label_counts(made) == {"Jogging": 2, "Sitting": 2} and made.T == 200 and made.rate_hz == 20
        assert made.subjects == [Subject("33"), Subject("5")]
        assert made.signal[0, :, 7].tolist() == pytest.approx([7, 0, 9.8])
        assert [(c.name, c.location, c.unit) for c in made.channels] == [
            (f"phone_acc_{axis}", "pocket", "m/s2") for axis in "xyz"
        ]


def test_wisdm_v1_broken_rows_are_counted_and_cost_nothing_else(tmp_path):
    rows = wisdm_rows(33, "Jogging")
    whole, warned = read("wisdm", write_wisdm(tmp_path / "WISDM_ar_v1.1_raw.txt", rows))
    assert not warned
    rows[10] += rows.pop(11)  # two records on a line
    rows[20] = rows[20].replace(";", ",;")
    rows[30:30] = [
        "",
        "33,Jogging,1,2,;",
        "33,Jogging,0,0,0,0;",
        "33,Flying,1001000000000,1,1,1;",
        "33,Jogg",
        ";;",
    ]
    rows[50:50] = rows[40:50]  # written twice
    made, warned = read("wisdm", write_wisdm(tmp_path / "WISDM_ar_v1.1_raw.txt", rows))
    np.testing.assert_array_equal(made["33/Jogging"].signal, whole["33/Jogging"].signal)
    assert len(warned) == 2
    assert "4 of 414 rows" in warned[0] and "line 32 first: '33,Jogging,1,2'" in warned[0]
    assert "10 rows" in warned[1]


def test_wisdm_gaps_restarts_and_disorder(tmp_path):
    rows = wisdm_rows(1, "Walking", 100)
    rows[10], rows[11] = rows[11], rows[10]
    del rows[50]  # one lost row is a missing sample, ...
    rows += wisdm_rows(1, "Walking", 100, start_s=1010)  # ... a gap is a break, ...
    rows += wisdm_rows(1, "Walking", 100, start_s=1002)  # ... and this is another session
    made, warned = read("wisdm", write_wisdm(tmp_path / "WISDM_ar_v1.1_raw.txt", rows))
    one = made["1/Walking"]
    wanted = np.array([*range(100)] * 3, dtype=float)
    wanted[50] = np.nan
    np.testing.assert_allclose(one.signal[0], wanted, atol=1e-3)
    assert one.breaks == (100, 200) and not warned


def write_device(root, device="watch", user=1600, letters="AS"):
    for sensor, value in (("accel", 1.0), ("gyro", 2.0)):
        late = 0.01 if sensor == "gyro" else 0.0
        rows = [
            row
            for i, letter in enumerate(letters)
            for row in wisdm_rows(user, letter, start_s=1000 + 100 * i + late, value=value)
        ]
        write_wisdm(root / device / sensor / f"data_{user}_{sensor}_{device}.txt", rows)
    return root / device


def test_wisdm_2019_joins_accelerometer_and_gyroscope_of_a_device(tmp_path):
    for user in (1600, 1601):
        folder = write_device(tmp_path / "wisdm-dataset/raw", user=user)
    for path in (tmp_path, folder):
        made, warned = read("wisdm", path)
        assert list(made) == [f"{u}/{a}" for u in (1600, 1601) for a in ("walking", "folding clothes")]
        one = made["1601/folding clothes"]
        assert one.subject == Subject("1601") and one.signal.shape == (6, 400) and not warned
        assert {channel.location for channel in one.channels} == {"dominant wrist"}
        assert [channel.unit for channel in one.channels] == ["m/s2"] * 3 + ["rad/s"] * 3
        np.testing.assert_allclose(one.signal[[0, 1, 4], 9], [9, 1, 2], rtol=1e-4)
        assert one.signal[3, 9] == pytest.approx(9 - 0.2, abs=1e-3)  # the gyroscope is 10 ms late


def test_wisdm_2019_two_devices_are_two_data_sets(tmp_path):
    folders = [write_device(tmp_path, device) for device in ("phone", "watch")]
    text = error_of("wisdm", tmp_path, UsageError)
    assert all(str(folder) in text for folder in folders)
    made, _ = read("wisdm", folders[0])
    assert {channel.location for channel in made["1600/walking"].channels} == {"pocket"}


def test_wisdm_2019_a_lost_gyroscope_and_rows_of_others(tmp_path):
    folder = write_device(tmp_path)
    gyro = folder / "gyro/data_1600_gyro_watch.txt"
    gyro.write_text(
        "".join(line + "\n" for i, line in enumerate(gyro.read_text().split()) if not 100 <= i < 120)
    )
    accel = folder / "accel/data_1600_accel_watch.txt"
    accel.write_text(accel.read_text() + "1601,A,5000000000000,1,1,1;\n")
    made, warned = read("wisdm", folder)
    missing = np.flatnonzero(np.isnan(made["1600/walking"].signal[3]))
    assert missing.tolist() == [0, *range(100, 121)] and len(warned) == 1 and "1 of 801 rows" in warned[0]
    gyro.unlink()
    made, warned = read("wisdm", folder)
    assert np.isnan(made["1600/walking"].signal[3:]).all() and "gyro_watch.txt" in warned[1]


def test_wisdm_2019_faster_devices_and_milliseconds_come_to_20_hz(tmp_path):
    file = tmp_path / "phone/accel/data_1600_accel_phone.txt"
    write_wisdm(file, wisdm_rows(1600, "A", 2000, rate_hz=100))
    made, _ = read("wisdm", tmp_path)
    signal = made["1600/walking"].signal[0]
    assert len(signal) == 400 and np.allclose(np.diff(signal), 1, atol=1e-3)
    rows = [row.split(",") for row in wisdm_rows(1600, "A")]
    write_wisdm(file, [",".join([a, b, str(int(time) // 10**6), *xyz]) for a, b, time, *xyz in rows])
    made, _ = read("wisdm", tmp_path)
    np.testing.assert_allclose(made["1600/walking"].signal[0], np.arange(400), atol=1e-3)


def test_wisdm_bad_folders(tmp_path):
    file = write_wisdm(tmp_path / "WISDM_ar_v1.1_raw.txt", ["hello", "\0\1\2"])
    assert "user,activity,timestamp,x,y,z" in error_of("wisdm", file)
    assert set(wisdm.OLD) == {"Walking", "Jogging", "Upstairs", "Downstairs", "Sitting", "Standing"}
    assert "".join(wisdm.NEW) == "ABCDEFGHIJKLMOPQRS"
