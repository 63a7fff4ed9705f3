"""A user would lose: numbers that mean what they say. Small examples whose answers are known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from vqtext.pipeline.evaluation.codebook_metrics import code_words, nmi, purity, shuffled
from vqtext.pipeline.evaluation.frame_metrics import (
    agreement,
    at_samples,
    calibration_error,
    hungarian_accuracy,
    named_accuracy,
    named_recall,
    over,
    recalls,
)
from vqtext.pipeline.evaluation.segment_metrics import edit_score, segment_f1
from vqtext.pipeline.evaluation.truth_map import Truth

LEFT, RIGHT, BOTH = range(3)
TRUTH = np.array([[LEFT] * 4 + [BOTH] * 2 + [RIGHT] * 4 + [-1] * 2])


def test_swapped_legs_are_wrong_though_a_renaming_would_mend_them() -> None:
    swapped = np.array([RIGHT, LEFT, BOTH, -1])[TRUTH]
    assert recalls(swapped, TRUTH) == {LEFT: 0.0, RIGHT: 0.0, BOTH: 1.0}
    assert named_recall(swapped, TRUTH) == pytest.approx(1 / 3)
    assert named_accuracy(swapped, TRUTH) == pytest.approx(0.2)
    assert hungarian_accuracy(swapped, TRUTH, 3) == 1.0
    assert segment_f1(swapped, TRUTH, 0.5) == pytest.approx(1 / 3)


def test_recall_is_a_mean_over_words_and_only_over_those_that_occur() -> None:
    always_left = np.full_like(TRUTH, LEFT)
    assert named_accuracy(always_left, TRUTH) == 0.4
    assert named_recall(always_left, TRUTH) == pytest.approx(1 / 3), "a word that never occurs takes no part"
    assert hungarian_accuracy(always_left, TRUTH, 4) == 0.4


def test_a_name_that_stands_for_nothing_is_wrong_under_every_renaming() -> None:
    nothing = np.full_like(TRUTH, -1)
    assert named_recall(nothing, TRUTH, within=3) == 0
    assert hungarian_accuracy(nothing, TRUTH, 3) == 0
    assert edit_score(nothing, TRUTH) == 0 and segment_f1(nothing, TRUTH, 0.1) == 0


def test_a_border_may_be_off_by_as_much_as_is_forgiven_and_no_more() -> None:
    late = np.roll(TRUTH, 2)
    late[0, :2] = LEFT
    assert named_recall(late, TRUTH) == pytest.approx((1 + 0 + 0.5) / 3)
    assert named_recall(late, TRUTH, within=1) == pytest.approx((1 + 0.5 + 0.75) / 3)
    assert named_recall(late, TRUTH, within=2) == 1
    assert named_recall(late[:, :3], TRUTH[:, :3], within=99) == 1, "a tolerance longer than the window"
    two = np.array([[LEFT, LEFT], [RIGHT, RIGHT]])
    assert named_recall(two[::-1], two, within=2) == 0, "another window forgives nothing"


def test_names_of_frames_are_held_against_samples() -> None:
    assert at_samples(np.array([[7, 8, 9]]), 8).tolist() == [[7, 7, 8, 8, 8, 9, 9, 9]]
    assert at_samples(np.array([[7, 8]]), 2).tolist() == [[7, 8]]


def test_edit_score_counts_order_and_f1_counts_overlap() -> None:
    true = np.array([[0] * 10 + [1] * 10])
    assert edit_score(np.array([[0] + [1] * 19]), true) == 1, "how long a segment lasts does not matter"
    flickering = np.array([[0] * 4 + [1] + [0] * 5 + [1] * 10])
    assert edit_score(flickering, true) == 0.5
    # segments 0 (4 of 10), 1 (no overlap with its own), 0 (5 of 10), 1 (10 of 10)
    assert segment_f1(flickering, true, 0.1) == pytest.approx(2 * 2 / (4 + 2))
    assert segment_f1(flickering, true, 0.5) == pytest.approx(2 * 2 / (4 + 2))
    short = np.array([[0] * 10 + [2] * 7 + [1] * 3])
    assert [segment_f1(short, true, share) for share in (0.25, 0.5)] == pytest.approx([4 / 5, 2 / 5])
    both = np.concatenate([true, true]), np.concatenate([short, true])
    assert segment_f1(both[1], both[0], 0.5) == pytest.approx(2 * 3 / (5 + 4)), "pooled over windows"


def test_samples_without_truth_are_left_out_everywhere() -> None:
    named = TRUTH.copy()
    named[0, -2:] = RIGHT
    assert named_accuracy(named, TRUTH) == named_recall(named, TRUTH) == edit_score(named, TRUTH) == 1
    assert hungarian_accuracy(named, TRUTH, 3) == segment_f1(named, TRUTH, 0.5) == 1
    unknown = np.concatenate([TRUTH, np.full_like(TRUTH, -1)])
    assert edit_score(np.concatenate([named, named]), unknown) == 1


def test_codes_are_counted_under_their_tokens() -> None:
    truth = np.array([[0, 0, 0, 1, 1, 1, -1, -1]])
    code, t, l = np.array([[2, 0, 2, -1]]), np.array([[0, 0.5, 0.25, 0]]), np.array([[0.5, 0.5, 0.25, 1]])
    table = code_words(code, t, l, truth, words=2, codes=3, substeps=2)
    assert table[2].tolist() == [[2 + 1, 0], [1, 1 + 1]], "two tokens, each half a sub-step"
    assert table[0].tolist() == [[0, 2], [0, 0]] and not table[1].any()
    assert purity(table.sum(1)) == (4 + 2) / 8 and purity(table.reshape(-1, 2)) == (3 + 2 + 2) / 8


def test_purity_and_information_of_codes_with_and_without_meaning() -> None:
    rng = np.random.default_rng(0)
    code = rng.integers(4, size=(50, 8))
    truth = np.repeat(code % 2, 5, axis=1)
    t, l = np.tile(np.arange(8) / 8, (50, 1)), np.full((50, 8), 1 / 8)
    exact = code_words(code, t, l, truth, 2, 4, 1)[:, 0]
    dealt = code_words(shuffled(code, rng), t, l, truth, 2, 4, 1)[:, 0]
    assert purity(exact) == 1 and nmi(exact) == pytest.approx(
        2 * np.log(2) / (np.log(2) + np.log(4)), abs=0.01
    )
    assert purity(dealt) < 0.65 and nmi(dealt) < 0.05 and dealt.sum() == exact.sum()
    assert nmi(np.array([[3], [4]])) == 0, "one word only: nothing to know"


def test_agreement_of_seeds() -> None:
    keep = np.array([[True, True, True, False]])
    seeds = [np.array([[1, 2, 3, 4]]), np.array([[1, 2, 0, 0]]), np.array([[1, 2, 3, 0]])]
    assert agreement(seeds, keep) == pytest.approx([2 / 3, 1, 2 / 3])
    assert over(agreement(seeds[:1], keep)) == {"mean": None, "std": None, "values": []}


def test_calibration_error() -> None:
    sure = np.array([[0.8, 0.2]] * 10)
    assert calibration_error(sure, np.array([0] * 8 + [1] * 2)) == pytest.approx(0)
    assert calibration_error(sure, np.zeros(10, dtype=int)) == pytest.approx(0.2)
    certain = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert calibration_error(certain, np.array([1, 1])) == pytest.approx(0.5)


def test_a_frame_that_is_called_unknown_has_no_word() -> None:
    right = np.array([[1, 0, 0], [0, 0, 0], [0, 1, 0]], dtype=bool)
    truth = Truth([TRUTH], right=right, words=["l", "r", "b"], rate_hz=100)
    assert truth.named(np.array([[0, 1, 2, -1]])).tolist() == [[LEFT] * 3 + [-1] * 3 + [RIGHT] * 3 + [-1] * 3]


def test_an_anchor_that_straddles_a_border_is_right_on_both_sides_and_counted() -> None:
    true = np.array([[0, 0, 1, 1, 2, -1]])
    right = np.array([[1, 1, 0], [0, 0, 1]], dtype=bool)
    truth = Truth([true], right=right, words=["l", "r", "b"], rate_hz=100)
    assert truth.named(np.array([[0, 0, 0]])).tolist() == [[0, 0, 1, 1, 0, 0]]
    assert truth.straddles(np.array([[0, 1, -1]])).tolist() == [[True, True, False, False, False, False]]
