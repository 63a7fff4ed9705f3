"""A user would lose: to see whether what is told surely is told alike by two seeds."""

from types import SimpleNamespace

import numpy as np

from vqtext.pipeline.evaluation.scores import confidence


def of_seed(anchor, confidence):
    keep = np.array([[True, True, True, False]])
    return [SimpleNamespace(anchor=np.array([anchor]), confidence=np.array([confidence]), keep=keep)]


def test_what_both_seeds_are_sure_of_is_compared_and_what_lies_outside_windows_is_not():
    a = of_seed([0, 1, 2, 3], [0.9, 0.6, 0.1, 0.9])
    b = of_seed([0, 2, 2, 4], [0.8, 0.5, 0.9, 0.9])
    found = confidence([a, b])
    assert found["sure_agreement"]["values"] == [0.5], "the first frame alike, the second not"
    assert np.allclose(found["confidence"]["values"], [1.6 / 3, 2.2 / 3])
    assert np.allclose(found["sure"]["values"], [2 / 3, 1])


def test_where_nobody_is_sure_or_there_is_one_seed_nothing_agrees():
    unsure = of_seed([0, 0, 0, 0], [0.1, 0.2, 0.3, 0.4])
    assert confidence([unsure, unsure])["sure_agreement"]["mean"] is None
    assert confidence([unsure])["sure_agreement"]["mean"] is None
