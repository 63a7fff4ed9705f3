"""Where labels come from: a column of words or codes, the names of files, lists of intervals.

What a user would lose is said in each name: a class that nobody meant, a person who is a torn line, intervals
that are read on another clock than they were written on.
"""

from __future__ import annotations

import pytest
from own_study import error_of, read, runs, write

from vqtext.data.own import csv_folder
from vqtext.data.own.contents import read_contents
from vqtext.data.own.csv_folder import unlabelled_recordings
from vqtext.data.own.own_rows import read_table
from vqtext.errors import DataError

# a column


def test_rows_to_ignore_are_in_no_window_and_an_empty_label_names_this_way_out(study):
    text = (
        "x,label\n"
        + "\n".join(f"{i},{label}" for i, label in enumerate([" walk ", "", "null", "Walk"]))
        + "\n"
    )
    folder = study('label_column = "label"', a=text)
    assert "a.csv, row 3, column 'label': an empty label" in error_of(folder)
    study('label_column = "label"\nignore_labels = ["null", ""]')
    made, _ = read(folder)
    assert runs(made["a.csv"]) == [("walk", 0, 1), ("Walk", 3, 4)], "case parts classes, spaces do not"


def test_codes_get_words_and_a_code_without_one_is_no_class_of_its_own(study):
    keys, names = 'label_column = "act"\nignore_labels = [0]', '[label_names]\n1 = "walking"\n5 = "sitting"'
    folder = study(keys, names, a="x,act\n1,0\n2,1\n3, 5\n")
    assert runs(read(folder)[0]["a.csv"]) == [("walking", 1, 2), ("sitting", 2, 3)]
    write(folder, "a.csv", "x,act\n1,1\n2,6\n")
    assert "a.csv, row 3, column 'act': label '6'" in error_of(folder)


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
    assert error_of(folder).startswith("walking.csv") and "label_pattern" in error_of(folder)


def test_a_study_without_labels_is_told_the_ways_to_them_and_the_way_without(study):
    message = error_of(study(a=None))
    for way in ("label_column", "label_pattern", "[intervals]", "vqtext explain --recording FILE"):
        assert way in message


def test_labels_come_from_one_place(study):
    folder = study('label_column = "x"\nlabel_pattern = "(.*).csv"', a=None)
    assert "label_column or label_pattern" in error_of(folder)


# no labels at all


def test_a_recording_whose_name_says_nobody_is_read_once(study, monkeypatch):
    """Hours of signal would be read twice to learn that nothing says who it is."""
    folder = study("label_column = 'label'\nsubject_pattern = '(p.)_.*'", a=None)
    files: list[str] = []
    monkeypatch.setattr(
        csv_folder, "read_table", lambda file, *more: files.append(file.name) or read_table(file, *more)
    )
    (made,) = unlabelled_recordings(folder / "a.csv", read_contents(folder / "dataset.toml"), folder)
    assert made.subject is None and files == ["a.csv"]


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
    with pytest.raises(DataError, match="row 3, column 'x': 'fast'"):
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
    with pytest.raises(DataError):
        list(unlabelled_recordings(folder / "no.csv", read_contents(folder / "dataset.toml"), folder))
