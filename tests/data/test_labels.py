"""Where labels come from: a column of words or codes, the names of files, lists of intervals.

What a user would lose is said in each name: a class that nobody meant, a person who is a torn line, intervals
that are read on another clock than they were written on.
"""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from vqtext.data.own.contents import read_contents
from vqtext.data.own.csv_folder import unlabelled_recordings
from vqtext.data.readers import open_reader
from vqtext.errors import DataError

CONTENTS = """
name = "study"
rate_hz = 10
recordings = "**/*.csv"
{keys}
[[channels]]
column = "x"
location = "left wrist"
modality = "acc"
axis = "x"
unit = "m/s2"
{sections}
"""


@pytest.fixture
def study(tmp_path):
    """Writes a study of recordings of 10 s, each of one column of samples."""

    def make(keys="", sections="", **files):
        (tmp_path / "dataset.toml").write_text(CONTENTS.format(keys=keys, sections=sections))
        for name, text in files.items():
            write(tmp_path, name.replace("__", "/") + ".csv", text)
        return tmp_path

    return make


def write(folder, name, text=None):
    """A file; 100 rows of samples where no text is given."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(rows() if text is None else text)


def rows(count=100, first=None):
    """Samples that count, with time stamps from ``first`` on."""
    lines = [f"{i}" if first is None else f"{i},{first + i / 10!r}" for i in range(count)]
    return "\n".join(["x" if first is None else "x,time", *lines, ""])


def read(folder):
    """The recordings by name, and what was told."""
    told: list[str] = []
    reader = open_reader("csv", folder, None, told.append)
    made = {recording.name: recording for recording in reader.recordings()}
    subjects = {recording.subject.id for recording in made.values() if recording.subject}
    return made, told + reader.log.remarks() + reader.remarks(subjects)


def error_of(folder):
    with pytest.raises(DataError) as error:
        read(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def runs(recording):
    """(word, first sample, sample after the last) of each labelled stretch."""
    track = recording.label
    edges = np.flatnonzero(np.diff(track.codes, prepend=-2, append=-2))
    return [(track.words[track.codes[a]], int(a), int(b)) for a, b in pairwise(edges) if track.codes[a] >= 0]


# a column


def test_rows_to_ignore_are_in_no_window_and_an_empty_label_names_this_way_out(study):
    text = (
        "x,label\n"
        + "\n".join(f"{i},{label}" for i, label in enumerate([" walk ", "", "null", "Walk"]))
        + "\n"
    )
    folder = study('label_column = "label"', a=text)
    assert "a.csv, row 3, column 'label': an empty label; ignore_labels = [\"\"]" in error_of(folder)
    study('label_column = "label"\nignore_labels = ["null", ""]')
    made, _ = read(folder)
    assert runs(made["a.csv"]) == [("walk", 0, 1), ("Walk", 3, 4)], "case parts classes, spaces do not"


def test_codes_get_words_and_a_code_without_one_is_no_class_of_its_own(study):
    keys, names = 'label_column = "act"\nignore_labels = [0]', '[label_names]\n1 = "walking"\n5 = "sitting"'
    folder = study(keys, names, a="x,act\n1,0\n2,1\n3, 5\n")
    assert runs(read(folder)[0]["a.csv"]) == [("walking", 1, 2), ("sitting", 2, 3)]
    write(folder, "a.csv", "x,act\n1,1\n2,6\n")
    assert "a.csv, row 3, column 'act': label '6' has no name: give it one in [label_names]" in error_of(
        folder
    )


def test_a_subject_cut_off_by_the_end_of_the_file_is_nobody(study):
    """The torn line "…,1" was a new person of one window."""
    keys = 'label_column = "label"\nsubject_column = "subject"'
    lines = "".join(f"{i},walk,13\n" for i in range(20))
    folder = study(keys, a="x,label,subject\n" + lines + "20,walk,1")
    made, told = read(folder)
    assert made["a.csv"].subject.id == "13" and made["a.csv"].signal.shape[1] == 20
    assert told == ["a.csv: the last row is cut off and left out"]
    for end in ("20,walk,1\n", "20,walk,13", "20,walk,14"):  # whole lines
        write(folder, "a.csv", "x,label,subject\n" + lines + end)
        assert read(folder)[1] == []
    write(folder, "a.csv", "x,subject,label\n" + "".join(f"{i},13,walking\n" for i in range(9)) + "9,13,wal")
    assert runs(read(folder)[0]["a.csv"]) == [("walking", 0, 9)]


# names of files


def test_labels_and_subjects_stand_in_names_and_paths(study):
    keys = "label_pattern = '.*_([a-z]+)\\.csv'\nsubject_pattern = '(p\\d+)/.*'"
    made, told = read(study(keys, p1__a_walk=None, p1__b_run=None, p2__a_walk=None))
    said = {name: (recording.subject.id, *recording.label.words) for name, recording in made.items()}
    assert said == {
        "p1/a_walk.csv": ("p1", "walk"),
        "p1/b_run.csv": ("p1", "run"),
        "p2/a_walk.csv": ("p2", "walk"),
    }
    assert told == []


def test_a_pattern_that_does_not_fit_names_the_file(study):
    folder = study("label_pattern = '(walk|run)'", walking=None)
    assert "walking.csv: the file name does not match label_pattern" in error_of(folder)


def test_a_study_without_labels_is_told_the_ways_to_them_and_the_way_without(study):
    message = error_of(study(a=None))
    for way in ("label_column", "label_pattern", "[intervals]", "vqtext explain --recording FILE"):
        assert way in message


def test_labels_come_from_one_place(study):
    folder = study('label_column = "x"\nlabel_pattern = "(.*).csv"', a=None)
    assert "label_column or label_pattern: labels come from one of them" in error_of(folder)


# intervals


def marked(study, labels, entry='files = "{stem}.labels.csv"', keys="", first=None, name="a.labels.csv"):
    """A study of one recording with intervals beside it."""
    folder = study(keys, f"[intervals]\n{entry}", a=rows(first=first))
    (folder / name).write_text(labels if isinstance(labels, str) else json.dumps(labels))
    return folder


TWO = [("walk", 10, 35), ("run", 50, 80)]


@pytest.mark.parametrize(
    "labels",
    [
        "START_TIME,STOP_TIME,LABEL_NAME\n1.0,3.5,walk\n5,8,run\n",
        "onset\tduration\ttrial_type\n1\t2.5\twalk\n5\t3\trun\n",
        "Start (s);Stop (s);Behavior\n1,0;3,5;walk\n5,0;8,0;run\n",
        "1.000\t3.500\twalk\n5.000\t8.000\trun\n",
        "label,start,end\nwalk,0:00:01,0:00:03.5\nrun,0:05,0:08\n",
        "start,end,label,annotator\n1,3.5,walk,me\n5,8,run,me\n",
    ],
)
def test_columns_of_intervals_are_known_by_their_names(study, labels):
    made, told = read(marked(study, labels))
    assert runs(made["a.csv"]) == TWO and told == [] and list(made) == ["a.csv"]


def test_columns_of_intervals_can_be_said(study):
    entry = 'files = "{stem}.labels.csv"\nstart = "a"\nstop = "b"\nlabel = "c"\nunit = "ms"'
    labels = "a,b,c\n1000,3500,walk\n5000,8000,run\n"
    assert runs(read(marked(study, labels, entry))[0]["a.csv"]) == TWO
    folder = marked(study, labels)
    assert "which column is the label of an interval? There are a, b, c: say label = …" in error_of(folder)


def test_encodings_of_intervals(study):
    folder = marked(study, "")
    (folder / "a.labels.csv").write_bytes("start;end;label\n1;3;größer\n".encode("utf-16"))
    assert runs(read(folder)[0]["a.csv"]) == [("größer", 10, 30)]
    (folder / "a.labels.csv").write_bytes("start;end;label\n1;3;größer\n".encode("cp1252"))
    assert "a.labels.csv: not UTF-8 text, it looks like Latin-1" in error_of(folder)
    study('encoding = "cp1252"', '[intervals]\nfiles = "{stem}.labels.csv"')
    assert runs(read(folder)[0]["a.csv"]) == [("größer", 10, 30)]


def test_a_label_of_two_lines_is_one_label(study):
    made, _ = read(marked(study, 'start,end,label\n1,3,"walk\nfast"\n'))
    assert runs(made["a.csv"]) == [("walk\nfast", 10, 30)]


def test_numbers_of_another_unit_are_told(study):
    """Label Studio exports the numbers of the time column, whatever their unit."""
    _, told = read(marked(study, "start,end,label\n1000,3500,walk\n5000,8000,run\n"))
    assert "what unit are they in? Say unit and clock in [intervals]" in told[0]


def test_samples_as_borders(study):
    entry = 'files = "{stem}.labels.csv"\nunit = "samples"'
    assert runs(read(marked(study, "start,end,label\n10,35,walk\n50,80,run\n", entry))[0]["a.csv"]) == TWO


WEAR = {
    "version": "v1",
    "database": {
        "a": {
            "subset": "Training",
            "annotations": [
                {"label": "walk", "segment": [1.0, 3.5], "segment (frames)": [60.0, 210.0], "label_id": 0},
                {"label": "run", "segment": [5.0, 8.0], "segment (frames)": [300.0, 480.0], "label_id": 1},
            ],
        },
        "b": {"annotations": [{"label": "jump", "segment": [0.0, 9.0]}]},
    },
}


def value(start, end, *labels):
    return {"start": start, "end": end, "instant": False, "timeserieslabels": list(labels)}


STUDIO = [
    {
        "id": 7,
        "data": {"csv": "/data/upload/1/0a1b2c3d-a.csv", "site": "Bern"},
        "annotations": [
            {"result": [{"value": value(1, 3.5, "walk"), "type": "timeserieslabels"}]},
            {"result": [{"value": value(5, 8, "run")}, {"value": {"choices": ["good"]}, "type": "choices"}]},
            {"was_cancelled": True, "result": [{"value": value(0, 9, "jump")}]},
        ],
        "predictions": [{"result": [{"value": value(0, 9, "jump")}]}],
    },
    {"id": 8, "data": {"csv": "/data/upload/1/0a1b2c3d-b.csv"}, "annotations": [{"result": []}]},
]
STUDIO_MIN = [
    {"id": 7, "csv": "/data/upload/1/0a1b2c3d-a.csv", "label": [value(1, 3.5, "walk"), value(5, 8, "run")]},
    {"id": 8, "csv": "/data/upload/1/0a1b2c3d-b.csv", "annotator": 1},
]
STUDIO_CSV = "annotator,csv,id,label\n" + "".join(
    f'1,/data/upload/1/0a1b2c3d-{name}.csv,{i},"{json.dumps(marks).replace(chr(34), chr(34) * 2)}"\n'
    for i, (name, marks) in enumerate([("a", STUDIO_MIN[0]["label"]), ("b", [value(0, 9, "jump")])])
)


@pytest.mark.parametrize(
    ("labels", "name"),
    [
        (WEAR, "labels.json"),
        (STUDIO, "labels.json"),
        (STUDIO_MIN, "labels.json"),
        (STUDIO_CSV, "labels.csv"),
        (
            [
                {"file": "a.csv", "start": 1, "end": 3.5, "labels": ["walk"]},
                {"file": "a.csv", "start": 5, "end": 8, "labels": ["run"]},
                {"file": "b.csv", "start": 0, "end": 9, "labels": ["jump"]},
            ],
            "labels.json",
        ),
        (
            {"a": [{"start": 1, "end": 3.5, "label": "walk"}, {"start": 5, "end": 8, "label": "run"}]},
            "labels.json",
        ),
        ("file,start,end,label\na.csv,1,3.5,walk\nb.csv,0,9,jump\na.csv,5,8,run\n", "labels.csv"),
    ],
)
def test_one_file_for_all_recordings(study, labels, name):
    folder = marked(study, labels, f'files = "{name}"', name=name)
    write(folder, "b.csv")
    made, _ = read(folder)
    assert list(made) == ["a.csv", "b.csv"] and runs(made["a.csv"]) == TWO
    assert runs(made["b.csv"]) in ([], [("jump", 0, 90)])


def test_a_file_for_all_that_names_no_recording_is_for_none(study):
    """Else everybody would have done what one person did."""
    folder = marked(study, "start,end,label\n1,3,walk\n", 'files = "labels.csv"', name="labels.csv")
    write(folder, "b.csv")
    assert "labels.csv, row 2: the intervals are for several recordings, but nothing says" in error_of(folder)


def test_two_recordings_of_one_name_do_not_share_intervals(study):
    labels = "file,start,end,label\na.csv,1,3,walk\n"
    folder = study("", '[intervals]\nfiles = "labels.csv"', p1__a=None, p2__a=None)
    (folder / "labels.csv").write_text(labels)
    assert "the interval may be of p1/a.csv or of p2/a.csv: name recordings by their path" in error_of(folder)
    (folder / "labels.csv").write_text(labels + "p2/a.csv,4,6,run\n")
    (folder / "labels.csv").write_text("file,start,end,label\np1/a.csv,1,3,walk\np2/a.csv,4,6,run\n")
    assert [runs(one) for one in read(folder)[0].values()] == [[("walk", 10, 30)], [("run", 40, 60)]]


def test_intervals_by_subject(study):
    labels = "subject,start,end,label\nA,1,3,walk\nB,4,6,run\n"
    folder = study(
        "subject_pattern = '(.*)-\\d.csv'", '[intervals]\nfiles = "labels.csv"', **{"A-1": None, "B-1": None}
    )
    (folder / "labels.csv").write_text(labels)
    assert [runs(one) for one in read(folder)[0].values()] == [[("walk", 10, 30)], [("run", 40, 60)]]
    (folder / "labels.csv").write_text(labels.replace("B", "b "))  # she is one person, however spelled
    made, told = read(folder)
    assert runs(made["B-1.csv"]) == [("run", 40, 60)] and told == []
    write(folder, "B-2.csv")
    assert "may be of B-1.csv or of B-2.csv" in error_of(folder)


NOON = 1_698_055_200.0  # 2023-10-23 10:00:00 UTC


@pytest.mark.parametrize(
    "labels",
    [
        f"start,end,label\n{NOON + 1},{NOON + 3.5},walk\n{NOON + 5},{NOON + 8},run\n",
        f"start,end,label\n{NOON * 1e3 + 1000:.0f},{NOON * 1e3 + 3500:.0f},walk\n"
        f"{NOON * 1e3 + 5e3},{NOON * 1e3 + 8e3},run\n",
        "start,end,label\n2023-10-23 10:00:01,2023-10-23 10:00:03.500,walk\n"
        "2023-10-23T12:00:05+02:00,2023-10-23T10:00:08Z,run\n",
        "start,end,label\n1,3.5,walk\n5,8,run\n",
    ],
)
def test_intervals_are_on_the_clock_of_the_stamps_or_count_from_the_start(study, labels):
    made, told = read(marked(study, labels, keys='time_column = "time"', first=NOON))
    assert runs(made["a.csv"]) == TWO and told == []


def test_a_clock_that_does_not_start_at_zero(study):
    """A logger's own clock: both readings may be possible, and then the one that is taken is told."""
    keys = 'time_column = "time"'
    made, told = read(marked(study, "start,end,label\n501,503.5,walk\n505,508,run\n", keys=keys, first=500.0))
    assert runs(made["a.csv"]) == TWO and told == []
    labels = "start,end,label\n3,5.5,walk\n7,10,run\n"
    made, told = read(marked(study, labels, keys=keys, first=2.0))
    assert runs(made["a.csv"]) == [("walk", 30, 55), ("run", 70, 100)]
    assert 'say clock = "stamps"' in told[0]
    entry = 'files = "{stem}.labels.csv"\nclock = "stamps"'
    made, told = read(marked(study, labels, entry, keys, first=2.0))
    assert runs(made["a.csv"]) == TWO and told == []


def test_intervals_of_a_day_need_a_recording_whose_day_is_known(study):
    message = error_of(marked(study, "start,end,label\n2023-10-23 10:00:01,2023-10-23 10:00:03,walk\n"))
    assert "nothing says at which a.csv started: say its time_column" in message


def test_overlapping_intervals_of_two_labels(study):
    labels = "start,end,label\n1,6,walk\n5,8,run\n5.5,6,run\n"
    message = error_of(marked(study, labels))
    assert "a.labels.csv, row 3: 'run' from 5 s to 8 s of a.csv overlaps 'walk' from 1 s to 6 s" in message
    entry = 'files = "{stem}.labels.csv"\noverlap = "later"'
    assert runs(read(marked(study, labels, entry))[0]["a.csv"]) == [("walk", 10, 50), ("run", 50, 80)]
    folder = marked(study, labels, keys='ignore_labels = ["walk"]')
    assert runs(read(folder)[0]["a.csv"]) == [("run", 50, 80)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "8,20,walk",
            "1 of 2 intervals reach outside a.csv: 'walk' is from 8 s to 20 s, it lasts 10 s",
        ),
        ("-20,-10,walk", "1 of 2 intervals reach outside"),
        ("3,3,walk", "a.labels.csv, row 3: the interval has no length, and is left out"),
    ],
)
def test_intervals_that_say_little_are_told(study, row, message):
    _, told = read(marked(study, f"start,end,label\n1,2,run\n{row}\n"))
    assert len(told) == 1 and message in told[0]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("start,end,label\n3,2,walk\n", "a.labels.csv, row 2: an interval stops before it starts, at 3"),
        ("start,end,label\nsoon,2,walk\n", "row 2: 'soon' is no time"),
        ("start,end,label\n1,,walk\n", "row 2: a start, stop or duration is empty"),
        ("start,end,label\n1,nan,walk\n", "row 2: 'nan' is no time"),
        ("start,end,label\n1,2\n", "row 2: 2 fields, the header has 3"),
        ("start,end,label\n1,2, \n", "row 2: an empty label"),
        ("begin,label\n1,walk\n", "which column is the duration of an interval?"),
    ],
)
def test_wrong_intervals(study, labels, message):
    assert message in error_of(marked(study, labels))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "brackets within"),
        ('[{"annotations": [{"result": [null]}], "start": 1}]', "which column is the label"),
        ("3", "no list of intervals"),
        ("[3]", "entry 1: '3' is no interval"),
    ],
)
def test_wrong_json(study, text, message):
    assert message in error_of(marked(study, text, 'files = "labels.json"', name="labels.json"))


def test_files_of_intervals_that_are_missing(study):
    folder = study("", '[intervals]\nfiles = "{stem}.txt"', a=None, b=None)
    assert "no file matches intervals '{stem}.txt'" in error_of(folder)
    (folder / "a.txt").write_text("start,end,label\n1,2,walk\n")
    made, told = read(folder)
    assert runs(made["b.csv"]) == [] and told == ["b.csv: no interval is of it: it is in no window"]
    study("", '[intervals]\nfiles = "../{stem}.txt"')
    assert "leaves the folder" in error_of(folder)


def test_intervals_of_recordings_that_are_not_there_are_told(study):
    folder = marked(
        study,
        "file,start,end,label\na.csv,1,3,walk\nz.csv,0,9,jump\n",
        'files = "labels.csv"',
        name="labels.csv",
    )
    assert read(folder)[1] == ["intervals are of 1 recordings that are not here, 'z.csv' first"]


def test_new_intervals_make_new_windows(study):
    folder = marked(study, "start,end,label\n1,3,walk\n")
    before = open_reader("csv", folder, None, print).fingerprint()
    (folder / "a.labels.csv").write_text("start,end,label\n1,33,walk\n")
    assert open_reader("csv", folder, None, print).fingerprint() != before


# no labels at all


def test_a_recording_without_labels_for_a_trained_model(study):
    keys = 'label_column = "label"\ntruth_column = "step"\nsubject_column = "who"'
    folder = study(keys, a=None)
    (made,) = unlabelled_recordings(folder / "a.csv", read_contents(folder / "dataset.toml"), folder)
    assert made.subject is None and made.label.words == () and (made.label.codes == -1).all()
    assert made.signal.shape == (1, 100)
    write(folder, "a.csv", "x,who\n1,13\n2,13\n")
    (made,) = unlabelled_recordings(folder / "a.csv", read_contents(folder / "dataset.toml"), folder)
    assert made.subject.id == "13"
    write(folder, "a.csv", "x,who\n1,13\nfast,13\n")
    with pytest.raises(DataError, match="row 3, column 'x': 'fast' is not a number"):
        list(unlabelled_recordings(folder / "a.csv", read_contents(folder / "dataset.toml"), folder))
    who = {"time_column": "t", "subject_column": None, "subject_pattern": "(p.)_.*"}  # does not match
    given = read_contents(folder / "dataset.toml")
    own = [channel.model_copy(update={"file": "a.csv"}) for channel in given.channels]
    timed = given.model_copy(update={**who, "channels": own})
    write(folder, "a.csv", "t,x\n0,1\n" + "".join(f"{i / 10},{i}\n" for i in range(50)))
    said: list[str] = []
    list(unlabelled_recordings(folder / "a.csv", timed, folder, said.append))
    assert [line for line in said if "stamp of another" in line] == said[:1]  # told once, not at each reading
    outside = folder.parent / f"{folder.name} elsewhere"
    write(outside, "new.csv")
    (made,) = unlabelled_recordings(outside / "new.csv", read_contents(folder / "dataset.toml"), folder)
    assert made.signal.shape == (1, 100)
    with pytest.raises(DataError, match="there is no such file"):
        list(unlabelled_recordings(folder / "no.csv", read_contents(folder / "dataset.toml"), folder))


def test_ms_that_are_taken_for_seconds_are_asked_about(study):
    """The first of them lasts longer than the recording, which would have one label throughout."""
    _, told = read(marked(study, "start,end,label\n0,5000,walk\n5000,10000,run\n"))
    assert told[0].endswith("it lasts 10 s; what unit are they in? Say unit and clock in [intervals]")
