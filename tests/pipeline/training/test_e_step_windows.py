"""A user with more recordings than memory would lose: a training at all, or what some people say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from test_preview import felt  # noqa: F401  a fixture
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.data.splits.folds import splits_for
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.correcting.corrections import Correction, Corrections
from vqtext.pipeline.preview import preview
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.assemble import training_data
from vqtext.pipeline.training.sampling import evenly

FEW = 6  # of 18 windows of three people who do two things each


@pytest.mark.parametrize(("most", "left"), [(100, [5, 3, 1]), (7, [3, 3, 1]), (6, [2, 2, 1]), (2, [1, 1, 1])])
def test_a_limit_is_shared_evenly_and_leaves_nobody_out(most: int, left: list[int]) -> None:
    group = np.array([4, 4, 7, 4, 7, 4, 4, 2, 7])
    places = evenly(group, most)
    assert [int((group[places] == one).sum()) for one in (4, 7, 2)] == left
    assert (np.diff(places) > 0).all()


def test_all_people_and_labels_are_read_and_every_corrected_moment(felt: Any) -> None:  # noqa: F811
    settings = felt(study(), test_subjects=["3"], e_step_windows=FEW)
    windows = read_windows(settings.cache / "windows.h5")
    split = splits_for(windows, settings.train)[0]
    pool = np.concatenate([split.train, split.validation])
    _, data = training_data(windows, split, settings)
    read = pool[data.measured.numpy()]
    assert len(read) == len(data.evidence.label) == FEW and len(data.label) == 18
    assert len({(windows.subject[i], windows.label[i]) for i in read}) == FEW
    assert (data.evidence.label.numpy() == windows.label[read]).all()
    missed = next(i for i in pool if i not in read)
    phrase = data.vocabulary.anchors[data.vocabulary.transcripts[windows.label[missed]].uses[0].anchor]
    correction = Correction(
        id="1",
        recording=windows.recordings[windows.recording[missed]],
        start_s=float(windows.start_s[missed]) + 1,
        end_s=float(windows.start_s[missed]) + 2,
        label=windows.labels[windows.label[missed]],
        phrase=phrase,
        kind="is",
    )
    _, data = training_data(windows, split, settings, corrections=Corrections(corrections=(correction,)))
    assert missed in pool[data.measured.numpy()]
    assert data.evidence.corrected is not None and (data.evidence.corrected >= 0).any()


def test_a_corrected_moment_has_the_label_that_was_given_to_it(felt: Any) -> None:  # noqa: F811
    """An annotated border that is late would rule out the step that somebody saw there."""
    windows = study()
    labels = np.repeat(windows.label[:, None], 40, 1).astype(np.int16)
    labels[0, 30:] = 1 - labels[0, 0]
    windows = replace(windows, sample_label=labels)
    settings = felt(windows, test_subjects=["3"])
    split = splits_for(windows, settings.train)[0]
    _, data = training_data(windows, split, settings)
    activity = data.evidence.activity
    assert activity is not None and activity[0].unique().tolist() == [0, 1]
    correction = Correction(
        id="1", recording="r0", start_s=0.0, end_s=4.0, label="waving", phrase="arm out", kind="is"
    )
    _, data = training_data(windows, split, settings, corrections=Corrections(corrections=(correction,)))
    assert data.evidence.activity is not None
    assert (data.evidence.activity[0] == windows.labels.index("waving")).all()


@pytest.mark.parametrize(
    "how",
    [{"test_subjects": ["3"]}, {"split": "random"}, {"split": "random", "overfit": 1, "epochs": 90}],
    ids=str,
)
def test_a_model_is_trained_however_few_are_read(felt: Any, heard: Any, how: Any) -> None:  # noqa: F811
    settings = felt(study(), e_step_windows=1, **how)
    assert preview(settings)["windows"] < 9
    run(Train(settings, heard))
    assert any("the E-step reads" in line for line in heard.said)
