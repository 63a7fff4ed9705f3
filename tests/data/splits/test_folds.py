"""A user would lose: cross-validation in which every person is tested once, by models that never saw them."""

from __future__ import annotations

import numpy as np
import pytest

from vqtext.data.splits.folds import fold_windows, splits_for
from vqtext.errors import DataError, UsageError
from vqtext.settings.schema import TrainSettings


@pytest.fixture
def people(windows):
    """Seven subjects, two labels, three windows of each."""
    rows = [(label, subject) for subject in range(7) for label in range(2) for _ in range(3)]
    return windows([label for label, _ in rows], [s for _, s in rows], [i // 3 for i in range(len(rows))])


@pytest.mark.parametrize("folds", [2, 3, 7, "loso"])
def test_every_subject_is_tested_once_and_never_seen_by_its_models(people, folds):
    splits = fold_windows(people, folds, seed=1)
    assert len(splits) == (7 if folds == "loso" else folds)
    tested = np.concatenate([split.test for split in splits])
    assert sorted(tested.tolist()) == list(range(people.n))
    for split in splits:
        assert split.how == "folds" and split.validation.size
        sets = [set(people.subject[part].tolist()) for part in (split.train, split.validation, split.test)]
        assert not sets[2] & (sets[0] | sets[1]) and not sets[0] & sets[1]
        assert {people.subjects[code].id for code in sets[2]} == set(split.test_subjects)
    sizes = [len(split.test_subjects) for split in splits]
    assert max(sizes) - min(sizes) <= 1


def test_the_seed_draws_the_folds(people):
    def drawn(seed):
        return [split.test_subjects for split in fold_windows(people, 3, seed=seed)]

    assert drawn(1) == drawn(1) and len({str(drawn(seed)) for seed in range(5)}) > 1


def test_a_label_of_two_people_is_not_kept_from_all_folds_that_need_it(windows):
    subject = [i for i in range(8) for _ in range(4)]
    label = [2 if s in (2, 5) and i % 4 == 3 else i % 2 for i, s in enumerate(subject)]
    data = windows(label, subject)
    for seed in range(10):
        for split in fold_windows(data, 2, seed=seed):
            assert 2 in data.label[np.concatenate([split.train, split.validation])]


def test_a_fold_that_cannot_learn_a_label_says_which_and_whose(windows):
    data = windows([0, 1, 0, 1, 0, 1, 2], subject=[0, 0, 1, 1, 2, 2, 2])
    warned = [line for split in fold_windows(data, "loso") for line in split.warnings if "label 2" in line]
    assert (
        "label 'label 2': only the test windows of subject 3 have it, so no model can learn it; its test "
        "windows count as mistakes" in warned
    )


def test_windows_of_unknown_subjects_take_no_part(people):
    people.subject[:6] = -1
    for split in fold_windows(people, 3):
        assert min(split.test.min(), split.learn.min()) >= 6
        assert any("6 windows" in line for line in split.warnings)


def test_too_few_subjects_are_said(people, windows):
    with pytest.raises(UsageError, match=r"--folds 8\b.*\b7 subjects.*loso"):
        fold_windows(people, 8)
    with pytest.raises(UsageError, match=r"--folds loso\b"):
        fold_windows(windows([0, 1]), "loso")
    with pytest.raises(UsageError, match=r"--folds 2\b.*subject 1\b"):
        fold_windows(windows([0, 1], subject=[0, 0]), 2)


def test_a_fold_with_one_label_left_is_said_before_any_is_trained(windows):
    data = windows([0, 0, 0, 0, 0, 1], subject=[0, 0, 1, 1, 2, 2])
    with pytest.raises(DataError, match=r"'label 0'.* 3 "):
        splits_for(data, TrainSettings(folds="loso"))


def test_settings_choose_the_way(people):
    assert [s.how for s in splits_for(people, TrainSettings(test_subjects=["1"]))] == ["subjects"]
    assert [s.how for s in splits_for(people, TrainSettings(split="random"))] == ["random"]
    assert len(splits_for(people, TrainSettings(folds="loso"))) == 7
    with pytest.raises(ValueError, match=r"test_subjects.*folds"):
        TrainSettings(test_subjects=["1"], folds=2)
