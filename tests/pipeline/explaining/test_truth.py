"""A user would not see beside a reason what truly happened, or a wrong share of it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vqtext.pipeline.explaining.truth import TrueStep, truth_of_window, words_meant
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.schema import SubAction

WORDS = ["swing the left leg forward", "plant the left foot"]


def windows(dataset: str, true: list[int], words: list[str] = WORDS, samples: int | None = None) -> Any:
    length = np.array([len(true) if samples is None else samples])
    return SimpleNamespace(
        dataset=dataset, truth=np.array([true]), truth_words=words, length=length, rate_hz=2.0
    )


def reason(*steps: tuple[str, float, float]) -> Any:
    return SimpleNamespace(steps=[SimpleNamespace(name=n, start_s=a, end_s=b) for n, a, b in steps])


def test_the_truth_of_a_window_is_told_in_order_with_the_share_that_the_reason_has() -> None:
    meant = {"swing": {0}, "plant": {1}, "both": {0, 1}}
    truth = truth_of_window(
        windows("any", [0, 0, -1, 1, 1, 0], samples=5), 0, reason(("swing", 0, 2), ("both", 2, 2.5)), meant
    )
    assert truth is not None
    assert truth.steps == (TrueStep(WORDS[0], 0.0, 1.0), TrueStep(WORDS[1], 1.5, 2.5))
    assert truth.named_right == pytest.approx(3 / 4), "two of swing, one of the two of plant"
    assert "75 %" in str(truth)


def test_no_share_is_told_where_nobody_wrote_what_phrases_stand_for() -> None:
    words = Words(["wave"], np.ones((1, 2)), [[(0, SubAction(phrase="wave"))]], [False], [None])
    planted = windows("planted", [0], WORDS)
    assert words_meant(planted, words) is None
    truth = truth_of_window(planted, 0, reason(("wave", 0, 1)), None)
    assert truth is not None and truth.named_right is None and "%" not in str(truth)


def test_data_without_truth_have_none() -> None:
    assert truth_of_window(SimpleNamespace(truth=None), 0, reason(), None) is None  # type: ignore[arg-type]
    assert truth_of_window(windows("any", [-1, -1]), 0, reason(), {}) is None
