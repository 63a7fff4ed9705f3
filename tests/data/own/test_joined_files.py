"""Several files a recording: what belongs together, on one clock, at one rate, with nothing made up."""

from __future__ import annotations

import numpy as np
import pytest
from cutting import cut, label_counts

from vqtext.data.own.contents import read_contents
from vqtext.data.own.csv_folder import unlabelled_recordings
from vqtext.data.own.joined import rate_of
from vqtext.data.own.own_rows import ReadLog, read_table, rows_of
from vqtext.data.readers.base import open_reader
from vqtext.data.windows.windowing import Cut
from vqtext.errors import DataError

CHANNEL = """
[[channels]]
file = "{file}"
column = "{column}"
location = "chest"
modality = "{modality}"
axis = "x"
unit = "{unit}"
"""
ACC = CHANNEL.format(file="acc*.csv", column="x", modality="acc", unit="m/s2")
GYRO = CHANNEL.format(file="gyro*.csv", column="x", modality="gyro", unit="rad/s")
NOON = 1_698_055_200.0


@pytest.fixture
def study(tmp_path):
    def make(keys, channels, rate_hz=50):
        (tmp_path / "dataset.toml").write_text(
            f'name = "study"\nrate_hz = {rate_hz}\nrecordings = "**/*.csv"\n{keys}\n{channels}'
        )
        return tmp_path

    return make


def wave(times, hz=1.0):
    return np.sin(2 * np.pi * hz * np.asarray(times))


def write(folder, name, times, values=None, label=None, header="time,x"):
    """A file of samples at ``times``, a sine of 1 Hz where no values are given."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    values = wave(times) if values is None else values
    end = "" if label is None else f",{label}"
    lines = [
        f"{time!r},{value!r}{end}" for time, value in zip(map(float, times), map(float, values), strict=True)
    ]
    file.write_text("\n".join([header + (",label" if label else ""), *lines, ""]))


def at(rate_hz, seconds=10.0, first=0.0):
    return first + np.arange(round(rate_hz * seconds)) / rate_hz


def read(folder):
    told: list[str] = []
    reader = open_reader("csv", folder, None, told.append)
    return {recording.name: recording for recording in reader.recordings()}, told + reader.remarks([])


def notes(folder):
    reader = open_reader("csv", folder, None, print)
    assert list(reader.recordings())
    return [line for line in reader.log.notes.lines() if "1970" not in line]


def error_of(folder):
    with pytest.raises(DataError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


STAMPED = 'time_column = "time"\nlabel_pattern = "([a-z]*)/.*"'


def test_two_rates_are_joined_on_their_stamps(study):
    """A gyroscope at 100 Hz that starts 0.203 s later: a join by rows would turn its phase by a quarter."""
    folder = study(STAMPED, ACC + GYRO)
    write(folder, "walk/acc.csv", at(50, first=NOON), wave(at(50)))
    write(folder, "walk/gyro.csv", at(100, first=NOON + 0.203), wave(0.203 + at(100)))
    made, told = read(folder)
    (walk,) = made.values()
    assert walk.name == "walk" and walk.rate_hz == 50 and walk.label.words == ("walk",)
    assert walk.signal.shape[1] == 510, "from the first sample that any has to the last"
    np.testing.assert_allclose(walk.signal[0, :500], wave(at(50)), atol=1e-6)
    inside = slice(20, 500)  # the filter rings at the ends
    np.testing.assert_allclose(walk.signal[1, inside], wave(np.arange(510) / 50)[inside], atol=0.01)
    assert np.isnan(walk.signal[0, 500:]).all() and np.isnan(walk.signal[1, :11]).all()
    assert np.isfinite(walk.signal[1, 11:510]).all()
    assert told == []
    assert notes(folder) == ["walk/gyro.csv: 100 Hz, brought to 50 Hz"]


def test_what_is_too_fast_for_the_study_is_filtered_out(study):
    """20 Hz at 20 samples a second looks like standing still, or like any slow movement."""
    folder = study(STAMPED, ACC + GYRO, rate_hz=20)
    write(folder, "walk/acc.csv", at(20))
    write(folder, "walk/gyro.csv", at(100), wave(at(100), 19))
    signal = read(folder)[0]["walk"].signal
    assert np.abs(signal[1, 20:180]).max() < 0.1


def test_the_rate_of_a_file_is_that_of_its_rows(study):
    """Bluetooth brings ten rows at once with one stamp: 50 Hz are not 5."""
    folder = study(STAMPED, ACC + GYRO)
    write(folder, "walk/acc.csv", at(50))
    write(folder, "walk/gyro.csv", np.arange(500) // 10 / 5 + np.arange(500) % 10 / 1e4)
    contents = read_contents(folder / "dataset.toml")
    own = contents.model_copy(update={"channels": contents.channels[1:]})
    table = read_table(folder / "walk/gyro.csv", "gyro", own, ReadLog(print))
    assert rate_of(rows_of(table, "gyro", own), own) == 50


@pytest.mark.parametrize("first", [0, 20])
def test_stamps_of_full_seconds_tell_the_rate(study, first):
    """The rows of the last second take no time in them: 50 Hz would be 52, and 30 s of signal 29."""
    folder = study(STAMPED, ACC)
    write(folder, "walk/acc.csv", np.arange(first, 1500) // 50)
    contents = read_contents(folder / "dataset.toml")
    table = read_table(folder / "walk/acc.csv", "acc", contents, ReadLog(print))
    assert rate_of(rows_of(table, "acc", contents), contents) == 50


def test_a_single_row_after_a_gap_is_a_sample(study):
    folder = study(STAMPED, ACC + GYRO)
    write(folder, "walk/acc.csv", at(50))
    write(folder, "walk/gyro.csv", [*at(25, 3), 6.0], [1.0] * 76)
    gyro = read(folder)[0]["walk"].signal[1]
    assert gyro[300] == 1 and np.isnan(gyro[160:300]).all() and np.isnan(gyro[301:]).all()


def test_a_silent_sensor_is_missing_and_nothing_is_drawn_across(study):
    folder = study(STAMPED, ACC + GYRO)
    write(folder, "walk/acc.csv", at(50))
    times = np.concatenate([at(25, 3), at(25, 3, first=6.0)])
    write(folder, "walk/gyro.csv", times)
    made, _ = read(folder)
    gyro = made["walk"].signal[1]
    assert (
        np.isnan(gyro[155:295]).all() and np.isfinite(gyro[:145]).all() and np.isfinite(gyro[305:440]).all()
    )
    np.testing.assert_allclose(gyro[310:430], wave(np.arange(310, 430) / 50), atol=0.02)
    assert made["walk"].breaks == () and np.isfinite(made["walk"].signal[0]).all()


def test_a_pause_of_all_sensors_is_a_break(study):
    """A night between two stretches is no signal, and would not fit into memory."""
    folder = study(STAMPED + '\ntime_unit = "s"', ACC + GYRO)
    write(folder, "walk/acc.csv", [*at(50, 3), *at(50, 3, first=1e9)], np.ones(300))
    write(folder, "walk/gyro.csv", [*at(25, 3), *at(25, 3, first=1e9 + 1)], np.ones(150))
    walk = read(folder)[0]["walk"]
    assert walk.signal.shape == (2, 349) and walk.breaks == (150,)
    np.testing.assert_allclose(walk.lost_s, [1e9 - 3], rtol=1e-9)
    assert np.isfinite(walk.signal[0, :300]).all() and np.isnan(walk.signal[0, 300:]).all()
    assert np.isnan(walk.signal[1, 150:200]).all() and np.isfinite(walk.signal[1, 200:348]).all()


def test_a_recording_without_one_of_the_files_has_empty_channels(study):
    folder = study(STAMPED, ACC + GYRO)
    write(folder, "run/acc.csv", at(50))
    write(folder, "walk/acc.csv", at(50))
    write(folder, "walk/gyro.csv", at(50))
    made, told = read(folder)
    assert np.isnan(made["run"].signal[1]).all() and np.isfinite(made["walk"].signal).all()
    assert any("1 of 2 recordings have no file 'gyro*.csv', run" in line for line in told)
    assert label_counts(cut(made.values(), Cut(window_s=2), "d")) == {"run": 5, "walk": 5}


def test_files_without_a_clock_start_together_and_it_is_told(study):
    keys = 'label_pattern = "([a-z]*)/.*"'
    folder = study(keys, ACC + "rate_hz = 50" + GYRO + "rate_hz = 25")
    write(folder, "walk/acc.csv", at(50))
    write(folder, "walk/gyro.csv", at(25))
    made, told = read(folder)
    np.testing.assert_allclose(made["walk"].signal[:, 40:460], [wave(np.arange(40, 460) / 50)] * 2, atol=0.01)
    assert any("walk/acc.csv starts" in one for one in told)


def test_the_start_and_the_rate_stand_above_the_samples(study):
    """As Empatica's E4 writes them: a file a sensor, the slower one started later."""
    folder = study('label_pattern = "([a-z]*)/.*"', (ACC + GYRO).replace('"x"\nloc', '"1"\nloc'), rate_hz=32)
    (folder / "walk").mkdir()
    for name, start, rate_hz in (("acc", 1544027337.0, 32), ("gyro", 1544027340.0, 4)):
        values = [repr(value) for value in wave(at(rate_hz), 0.5).tolist()]
        (folder / f"walk/{name}.csv").write_text("\n".join([f"{start:f}", f"{rate_hz:f}", *values, ""]))
    made, _ = read(folder)
    (walk,) = made.values()
    assert np.isfinite(walk.signal[1, 96:409]).all(), "up to its last sample, 9.75 s after its first"
    assert np.isnan(walk.signal[1, :96]).all() and np.isnan(walk.signal[1, 410:]).all()
    np.testing.assert_allclose(walk.signal[0, :320], wave(at(32), 0.5), atol=1e-6)
    np.testing.assert_allclose(walk.signal[1, 160:350], wave(np.arange(64, 254) / 32, 0.5), atol=0.02)


def test_clocks_an_hour_apart_are_refused(study):
    """A time zone that only one logger knows would join walking with running."""
    folder = study(STAMPED, ACC + GYRO)
    write(folder, "walk/acc.csv", at(50, first=NOON))
    write(folder, "walk/gyro.csv", at(50, first=NOON + 3600))
    message = error_of(folder)
    assert "walk/acc.csv ends 3590 s before walk/gyro.csv" in message


def test_two_files_of_one_channel_are_no_recording(study):
    folder = study(STAMPED, ACC + GYRO)
    write(folder, "walk/acc_1.csv", at(50))
    write(folder, "walk/acc_2.csv", at(50))
    assert "walk/acc_1.csv and walk/acc_2.csv both hold channel 'x'" in error_of(folder)
    write(folder, "walk/gyro_1.csv", at(50))
    write(folder, "walk/gyro_2.csv", at(50))
    study(STAMPED + "\nrecording_pattern = '[a-z]+_([0-9]).csv'", ACC + GYRO)
    made, _ = read(folder)
    assert list(made) == ["walk/1", "walk/2"]


def test_names_of_files_join_within_their_folder(study):
    """Else the second recordings of two people would be one."""
    keys = STAMPED + "\nsubject_pattern = '([a-z]+)/.*'\nrecording_pattern = '[a-z]+_([0-9]).csv'"
    folder = study(keys, ACC + GYRO)
    for name in ("ann", "bob"):
        write(folder, f"{name}/acc_2.csv", at(50))
        write(folder, f"{name}/gyro_2.csv", at(50))
    assert [(made.name, made.subject.id) for made in read(folder)[0].values()] == [
        ("ann/2", "ann"),
        ("bob/2", "bob"),
    ]


def test_labels_stand_in_one_of_the_files(study):
    folder = study('time_column = "time"\nlabel_column = "label"', ACC + GYRO)
    write(folder, "s1/acc.csv", at(50, first=NOON))
    write(folder, "s1/gyro.csv", at(25, 4, first=NOON + 2), label="walk")
    codes = read(folder)[0]["s1"].label.codes
    assert (codes[101:299] == 0).all() and (codes[:98] == -1).all() and (codes[302:] == -1).all()
    write(folder, "s1/gyro.csv", at(25, 4, first=NOON + 2))
    assert error_of(folder).startswith("s1: ") and "'label'" in error_of(folder)


def test_words_in_several_of_the_files(study):
    """The last file would have the say: no label where it is silent, and two people would be one."""
    keys = 'time_column = "time"\nlabel_column = "label"\nsubject_column = "subject"'
    folder = study(keys, ACC + GYRO)

    def files(acc, gyro):
        write(folder, "s1/acc.csv", at(50, first=NOON), label=acc, header="time,x")
        write(folder, "s1/gyro.csv", at(25, 4, first=NOON + 2), label=gyro, header="time,x")
        for file in folder.glob("s1/*.csv"):
            file.write_text(file.read_text().replace(",label", ",label,subject"))

    files("walk,P1", "walk,p01")
    made, told = read(folder)
    assert made["s1"].subject.id == "P1" and (made["s1"].label.codes == 0).all()
    assert "s1: subjects 'P1', 'p01'" in told[0]
    files("walk,P1", "run,P1")
    made, told = read(folder)
    assert made["s1"].label.words == ("walk",)
    assert told[0] == (
        "s1: s1/gyro.csv has other labels than s1/acc.csv for 40% of the samples: those of s1/acc.csv are "
        "taken"
    )
    files("walk,P1", "walk,P2")
    assert "'P1' and 'P2'" in error_of(folder)


def test_files_of_no_channel_are_counted(study):
    folder = study(STAMPED, ACC)
    write(folder, "walk/acc.csv", at(50))
    write(folder, "walk/tags.csv", at(1))
    assert read(folder)[1] == [
        "1 files of recordings match the file of no channel, walk/tags.csv first: not read"
    ]
    study(STAMPED, ACC.replace("acc*", "acceleration"))
    assert error_of(folder)


def test_intervals_are_on_the_clock_of_the_first_file(study):
    folder = study('time_column = "time"\n', ACC + GYRO + '[intervals]\nfiles = "labels.txt"')
    write(folder, "s1/acc.csv", at(50, first=NOON + 1))
    write(folder, "s1/gyro.csv", at(50, first=NOON))
    (folder / "s1/labels.txt").write_text("start,end,label\n2023-10-23 10:00:04,2023-10-23 10:00:06,walk\n")
    codes = read(folder)[0]["s1"].label.codes
    assert np.flatnonzero(codes == 0).tolist() == list(range(200, 300))


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (ACC + GYRO.replace('file = "gyro*.csv"\n', ""), "channel 'x' lacks a file"),
        (ACC + ACC, "two channels are column 'x'"),
        (GYRO.replace('file = "gyro*.csv"', 'time_column = "t"'), "a time_column of its own needs a file"),
        (ACC + "rate_hz = 50" + ACC.replace('"x"', '"y"'), "another rate_hz"),
        (GYRO.replace('file = "gyro*.csv"\n', ""), "recording_pattern"),
    ],
)
def test_wrong_channels(study, channels, message):
    folder = study(STAMPED + "\nrecording_pattern = '(.*)'", channels)
    write(folder, "walk/acc.csv", at(50))
    assert message in error_of(folder)


def test_an_unlabelled_recording_of_several_files(study):
    folder = study(STAMPED + "\nrecording_pattern = '([a-z]+)/.*_.*'", ACC + GYRO)
    for name in ("walk/acc_1.csv", "walk/gyro_1.csv", "run/acc_1.csv"):
        write(folder, name, at(50))
    contents = read_contents(folder / "dataset.toml")
    write(folder.parent, f"{folder.name} new/walk/acc_1.csv", at(50))
    write(folder.parent, f"{folder.name} new/walk/gyro_1.csv", at(50))
    outside = folder.parent / f"{folder.name} new/walk"
    for file in (folder / "walk", folder / "walk/gyro_1.csv", outside, outside / "acc_1.csv"):
        (made,) = unlabelled_recordings(file, contents, folder)
        assert np.isfinite(made.signal).all() and made.label.words == ()
