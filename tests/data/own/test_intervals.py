"""A user would lose: labels that stand in lists of a start, a stop and a word, on whatever clock."""

from __future__ import annotations

import json

import pytest
from own_study import error_of, read, rows, runs, write

from vqtext.data.readers.base import open_reader


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
    assert "a, b, c: say label =" in error_of(folder)


def test_encodings_of_intervals(study):
    folder = marked(study, "")
    (folder / "a.labels.csv").write_bytes("start;end;label\n1;3;größer\n".encode("utf-16"))
    assert runs(read(folder)[0]["a.csv"]) == [("größer", 10, 30)]
    (folder / "a.labels.csv").write_bytes("start;end;label\n1;3;größer\n".encode("cp1252"))
    assert error_of(folder).startswith("a.labels.csv")
    study('encoding = "cp1252"', '[intervals]\nfiles = "{stem}.labels.csv"')
    assert runs(read(folder)[0]["a.csv"]) == [("größer", 10, 30)]


def test_a_label_of_two_lines_is_one_label(study):
    made, _ = read(marked(study, 'start,end,label\n1,3,"walk\nfast"\n'))
    assert runs(made["a.csv"]) == [("walk\nfast", 10, 30)]


def test_numbers_of_another_unit_are_told(study):
    """Label Studio exports the numbers of the time column, whatever their unit."""
    _, told = read(marked(study, "start,end,label\n1000,3500,walk\n5000,8000,run\n"))
    assert "[intervals]" in told[0]


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
    assert "labels.csv, row 2" in error_of(folder)


def test_two_recordings_of_one_name_do_not_share_intervals(study):
    labels = "file,start,end,label\na.csv,1,3,walk\n"
    folder = study("", '[intervals]\nfiles = "labels.csv"', p1__a=None, p2__a=None)
    (folder / "labels.csv").write_text(labels)
    assert "p1/a.csv or of p2/a.csv" in error_of(folder)
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
    assert "B-1.csv or of B-2.csv" in error_of(folder)


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
    assert "a.csv started: say its time_column" in message


def test_overlapping_intervals_of_two_labels(study):
    labels = "start,end,label\n1,6,walk\n5,8,run\n5.5,6,run\n"
    message = error_of(marked(study, labels))
    assert "a.labels.csv, row 3: 'run'" in message and "a.csv overlaps 'walk'" in message
    entry = 'files = "{stem}.labels.csv"\noverlap = "later"'
    assert runs(read(marked(study, labels, entry))[0]["a.csv"]) == [("walk", 10, 50), ("run", 50, 80)]
    folder = marked(study, labels, keys='ignore_labels = ["walk"]')
    assert runs(read(folder)[0]["a.csv"]) == [("run", 50, 80)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "8,20,walk",
            "'walk' is from 8 s to 20 s",
        ),
        ("-20,-10,walk", "1 of 2 intervals reach outside"),
        ("3,3,walk", "a.labels.csv, row 3"),
    ],
)
def test_intervals_that_say_little_are_told(study, row, message):
    _, told = read(marked(study, f"start,end,label\n1,2,run\n{row}\n"))
    assert len(told) == 1 and message in told[0]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("start,end,label\n3,2,walk\n", "a.labels.csv, row 2: an interval"),
        ("start,end,label\nsoon,2,walk\n", "row 2: 'soon'"),
        ("start,end,label\n1,,walk\n", "row 2: a start"),
        ("start,end,label\n1,nan,walk\n", "row 2: 'nan'"),
        ("start,end,label\n1,2\n", "row 2: 2 fields"),
        ("start,end,label\n1,2, \n", "row 2: an empty label"),
        ("begin,label\n1,walk\n", "the duration"),
    ],
)
def test_wrong_intervals(study, labels, message):
    assert message in error_of(marked(study, labels))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "brackets within"),
        ('[{"annotations": [{"result": [null]}], "start": 1}]', "the label"),
        ("3", "no list of intervals"),
        ("[3]", "entry 1: '3' is no interval"),
    ],
)
def test_wrong_json(study, text, message):
    assert message in error_of(marked(study, text, 'files = "labels.json"', name="labels.json"))


def test_files_of_intervals_that_are_missing(study):
    folder = study("", '[intervals]\nfiles = "{stem}.txt"', a=None, b=None)
    assert "'{stem}.txt'" in error_of(folder)
    (folder / "a.txt").write_text("start,end,label\n1,2,walk\n")
    made, told = read(folder)
    assert runs(made["b.csv"]) == [] and told == ["b.csv: no interval is of it: it is in no window"]
    study("", '[intervals]\nfiles = "../{stem}.txt"')
    assert "folder" in error_of(folder)


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


def test_ms_that_are_taken_for_seconds_are_asked_about(study):
    """The first of them lasts longer than the recording, which would have one label throughout."""
    _, told = read(marked(study, "start,end,label\n0,5000,walk\n5000,10000,run\n"))
    assert "10 s" in told[0] and told[0].endswith("[intervals]")
