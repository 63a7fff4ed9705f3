"""A user would lose: scores that mean something for people the model has never seen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from vqtext.data.splits.splits import Split, split_windows
from vqtext.errors import DataError, UsageError


def parts(split):
    return [set(part.tolist()) for part in (split.train, split.validation, split.test)]


def assert_apart(split, n):
    train, validation, test = parts(split)
    assert not train & validation and not train & test and not validation & test
    assert train | validation | test <= set(range(n))


def subjects_of(windows, indices):
    return set(windows.subject[indices].tolist())


@pytest.fixture
def people(windows):
    """Five subjects, three labels, four windows of each in one recording each."""
    rows = [(label, subject) for subject in range(5) for label in range(3) for _ in range(4)]
    recordings = [i // 4 for i in range(len(rows))]
    return windows([label for label, _ in rows], [s for _, s in rows], recordings)


def test_by_test_subjects(people):
    split = split_windows(people, ["2", "5"])
    assert split.how == "subjects" and split.test_subjects == ("2", "5")
    assert subjects_of(people, split.test) == {1, 4}
    assert subjects_of(people, split.train).isdisjoint(subjects_of(people, split.validation) | {1, 4})
    assert len(split.validation_subjects) == 1 and not split.warnings
    assert split.train.size + split.validation.size + split.test.size == people.n


def test_an_unknown_subject_lists_those_there_are(people, windows):
    with pytest.raises(UsageError, match=r"'9', '10'.* 1, 2, 3, 4, 5"):
        split_windows(people, ["9", "10"])
    with pytest.raises(UsageError):
        split_windows(windows([0, 1]), ["1"])
    with pytest.raises(UsageError):
        split_windows(people, ["1", "2", "3", "4", "5"])


def test_windows_of_unknown_subjects_are_left_out_beside_test_subjects(people):
    people.subject[:4] = -1
    split = split_windows(people, ["2"])
    assert_apart(split, people.n)
    assert not any({0, 1, 2, 3} & part for part in parts(split))
    assert any("4 windows" in line for line in split.warnings)


def test_own_split(windows):
    data = windows([0, 1] * 20, split=[0, 0, 1, 1] * 10)
    split = split_windows(data)
    assert split.how == "own" and not split.warnings
    assert set(split.test.tolist()) == set(np.flatnonzero(data.split == 1).tolist())
    counts = np.bincount(data.label[split.validation])
    assert counts.tolist() == [2, 2]  # a fifth of the ten of each label
    with pytest.raises(DataError, match="test"):
        split_windows(windows([0, 1], split=[1, 1]))


def test_random_split_is_stratified_seeded_and_says_what_it_is(people):
    split = split_windows(people, seed=3)
    assert split.how == "random"
    assert any("random split" in line and "--test-subjects" in line for line in split.warnings)
    assert_apart(split, people.n)
    assert (np.bincount(people.label[split.test]) == 4).all()  # one of five recordings of each label
    again, other = split_windows(people, seed=3), split_windows(people, seed=4)
    assert (again.test == split.test).all() and (again.train == split.train).all()
    assert (other.test.tolist(), other.validation.tolist()) != (
        split.test.tolist(),
        split.validation.tolist(),
    )


def test_without_subjects_there_is_no_warning_about_them(windows):
    assert split_windows(windows([0, 1] * 10)).warnings == ()


@pytest.mark.parametrize("seed", range(5))
def test_windows_of_one_recording_never_straddle(people, seed):
    people.subject[:] = -1
    people.subjects = []
    split = split_windows(people, seed=seed)
    recordings = [
        set(people.recording[part].tolist()) for part in (split.train, split.validation, split.test)
    ]
    assert not recordings[0] & recordings[1] and not recordings[0] & recordings[2]
    assert not recordings[1] & recordings[2]


def test_a_label_in_a_single_recording_is_split_between_windows_that_do_not_overlap(windows):
    # One file: 20 windows of 2 s, label 0 every 2 s (apart), label 1 every second (all overlap).
    starts = [2.0 * i for i in range(10)] + [20.0 + i for i in range(10)]
    data = windows([0] * 10 + [1] * 10, recording=[0] * 20, start_s=starts)
    split = split_windows(data)
    assert_apart(split, data.n)
    assert np.bincount(data.label[split.test], minlength=2).tolist() == [2, 0]
    assert set(range(10, 20)) <= parts(split)[0]


def test_a_label_with_one_window_stays_in_training(windows):
    for seed in range(5):
        split = split_windows(windows([0] * 8 + [1] + [2] * 8), seed=seed)
        assert 8 in split.train
        assert any("'label 1'" in line for line in split.warnings)


def test_validation_keeps_labels_that_one_subject_alone_has(windows):
    # Only subject 3 does label 1: taking that subject for validation would leave nothing to learn it from.
    data = windows([0, 0, 0, 1, 0], subject=[0, 1, 2, 2, 3])
    for seed in range(10):
        split = split_windows(data, ["4"], seed=seed)
        assert split.validation_subjects != ("3",)


def test_one_training_subject_is_validated_by_recording(windows):
    data = windows([0, 1] * 10, subject=[0] * 16 + [1] * 4)
    split = split_windows(data, ["2"])
    assert split.validation.size and split.validation_subjects == ()
    assert subjects_of(data, split.validation) == {0}


def test_a_label_of_test_subjects_only_is_said(windows):
    data = windows([0, 0, 0, 0, 1], subject=[0, 0, 1, 1, 2])
    split = split_windows(data, ["3"])
    assert any("'label 1'" in x and "subject 3" in x for x in split.warnings)


def test_description_is_json_and_gives_the_split_back(people):
    split = split_windows(people, ["1"], validation=0.4, seed=7)
    back = Split.from_description(json.loads(json.dumps(split.describe())))
    assert back.describe() == split.describe()
    assert back.train.dtype == np.int64 and len(back.validation_subjects) == 2


def test_a_single_window(windows):
    split = split_windows(windows([0]))
    assert split.train.tolist() == [0] and not split.test.size and not split.validation.size


def test_a_long_split_is_written_down_in_few_words(windows):
    data = windows([0, 1] * 500, subject=[i // 100 for i in range(1000)])
    said = split_windows(data, ["1", "3"]).describe()
    assert said["test"] == "0-99,200-299"
    assert Split.from_description(said | {"test": "", "train": "7"}).train.tolist() == [7]


def test_a_random_split_where_there_is_an_own_one(windows):
    data = windows([0, 1] * 20, split=[0, 0, 1, 1] * 10)
    assert split_windows(data, how="random").how == "random"
    assert split_windows(data, how="own").how == "own"
    with pytest.raises(UsageError):
        split_windows(windows([0, 1]), how="own")


def test_an_own_split_with_one_person_in_both_parts_says_so(windows):
    data = windows([0, 1] * 4, subject=[0, 0, 1, 1, 1, 1, 2, 2], split=[0, 0, 0, 0, 1, 1, 1, 1])
    assert any("subject 2" in line for line in split_windows(data).warnings)


def test_a_subject_without_windows_cannot_be_tested_on(people):
    people.subject[people.subject == 4] = 3
    with pytest.raises(UsageError, match=r"'5'.* 1, 2, 3, 4$"):
        split_windows(people, ["5"])
    with pytest.raises(UsageError):
        split_windows(people, [])


def test_a_subject_with_one_window_chooses_no_epoch_alone(windows):
    data = windows([0, 1] * 20 + [0], subject=[i // 10 for i in range(40)] + [4])
    for seed in range(10):
        split = split_windows(data, ["1"], seed=seed)
        assert split.validation_subjects != ("5",) and 40 in split.train
        assert "subjects with a single window: '5'" in split.warnings
    assert split_windows(data, ["5"]).test.tolist() == [40]


def test_overlapping_windows_of_several_labels_never_straddle(windows):
    """Two labels alternate within each recording, and every window overlaps the next by half."""
    for seed in range(5):
        for recordings in (1, 3):
            n = 24
            recording = [i * recordings // n for i in range(n)]
            starts = [float(i) + 10 * (i // 4) for i in range(n)]  # 2 s windows each second; a gap after four
            data = windows([i % 2 for i in range(n)], recording=recording, start_s=starts)
            split = split_windows(data, seed=seed)
            assert split.test.size and split.validation.size
            part_of = np.zeros(n)
            part_of[split.validation], part_of[split.test] = 1, 2
            for i in range(n - 1):
                overlaps = recording[i] == recording[i + 1] and starts[i + 1] - starts[i] < 2
                assert not overlaps or part_of[i] == part_of[i + 1]


def test_what_test_subjects_hold_decides_nothing_about_validation(people):
    for ids in (["2"], ["1", "2", "3", "4"]):
        split = split_windows(people, ids)
        codes = [int(name) - 1 for name in ids]
        tested = np.isin(people.subject, codes)
        others = people.label.copy()
        people.label[tested] = 0
        again = split_windows(people, ids)
        people.label[:] = others
        assert again.validation.tolist() == split.validation.tolist()
        assert again.train.tolist() == split.train.tolist()


@pytest.mark.parametrize("seed", [0, 1])
def test_one_long_recording_is_split_in_time_and_no_sample_is_on_two_sides(windows, seed):
    """Twenty windows of each of two labels, half overlapping, by one person in one recording."""
    made = windows([0] * 20 + [1] * 20, [0] * 40, [0] * 40)
    made.start_s = np.arange(40) * made.T / made.rate_hz / 2
    split = split_windows(made, seed=seed, how="time")
    assert_apart(split, 40)
    assert split.how == "time" and split.test.tolist() == [*range(15, 20), *range(35, 40)]
    train, validation, test = (made.start_s[part] for part in (split.train, split.validation, split.test))
    length = made.T / made.rate_hz
    for one, other in ((train, validation), (train, test), (validation, test)):
        assert (np.abs(one[:, None] - other) > length - 1e-6).all()
    assert {0, 1} == set(made.label[split.train]) == set(made.label[split.test])
    assert any(
        "a split in time has windows of subject 1 in train and test" in line for line in split.warnings
    )
    made.subject[:] = -1  # nobody knows whose they are, and still they are the same person's
    assert (
        "a split in time has windows of r0 in train and test" in split_windows(made, how="time").warnings[0]
    )


def test_a_split_in_time_trains_on_something(windows):
    """Otherwise a training on nothing would end in a traceback, or in a model of nothing."""
    made = windows([0] * 3, [0] * 3, [0] * 3, start_s=[0.0, 1.0, 4.0])
    split = split_windows(made, how="time")
    assert (split.train.tolist(), split.validation.tolist(), split.test.tolist()) == ([0, 1], [], [2])
    made = windows([0] * 3, [0] * 3, [0] * 3, start_s=[0.0, 0.5, 1.0])
    with pytest.raises(UsageError, match="--stride-s"):
        split_windows(made, how="time")


@pytest.mark.parametrize(("said", "meant"), [("01", "1"), ("1.0", "1"), ("1", "1")])
def test_a_test_subject_is_known_however_it_is_spelled(people, said, meant):
    assert split_windows(people, [said]).test_subjects == (meant,)
    assert split_windows(people, [said, "1"]).test_subjects == (meant,)
