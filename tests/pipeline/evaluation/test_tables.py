"""A user would not learn that the words, and not the signal, are what fails."""

from __future__ import annotations

from typing import Any

import pytest

from vqtext.pipeline.evaluation.tables import _behind_head


def scores(decoding: float, head: float) -> Any:
    return {"decoding": {"accuracy": {"mean": decoding}}, "head": {"accuracy": {"mean": head}}}


@pytest.mark.parametrize(("decoding", "head", "said"), [(0.67, 1.0, 1), (0.93, 0.97, 0), (0.97, 0.9, 0)])
def test_steps_far_behind_the_head_are_remarked(decoding: float, head: float, said: int) -> None:
    assert len([*_behind_head(scores(decoding, head))]) == said
