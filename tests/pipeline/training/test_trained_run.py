"""A user would get a traceback in place of an answer on a window that a later fold tests."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vqtext.data.splits.splits import Split
from vqtext.pipeline.training import trained_run
from vqtext.pipeline.training.run_record import Fold
from vqtext.pipeline.training.trained_run import TrainedRun
from vqtext.pipeline.vocabulary.resolve import Resolved


def test_the_words_of_any_fold_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = [Split(np.arange(4, 8), np.arange(8, 10), np.arange(i, i + 2), "folds") for i in (0, 2)]
    folds = [Fold(split, {0: "m"}, "m", number) for number, split in enumerate(splits)]
    windows: Any = SimpleNamespace(labels=["a"])
    run = {"settings": {"train": {}}, "splits": [{"round_s": [k], "absent": [[k]]} for k in (0.5, 1.5)]}
    trained = TrainedRun(Path("run"), run, Path("cache/windows.h5"), windows, folds)
    monkeypatch.setattr(trained_run, "read_words", lambda path, labels: path)
    monkeypatch.setattr(
        trained_run, "resolved_words", lambda words, _, learn, train, round_s: Resolved(round_s, [])
    )
    monkeypatch.setattr(trained_run, "without_steps", lambda words, absent: (words, absent))
    assert [trained.words(fold) for fold in folds] == [([0.5], [[0.5]]), ([1.5], [[1.5]])]
