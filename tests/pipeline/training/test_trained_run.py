"""A user would get a traceback in place of an answer on a window that a later fold tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqtext.data.splits.splits import Split
from vqtext.pipeline.training import trained_run
from vqtext.pipeline.training.run_record import Fold
from vqtext.pipeline.training.trained_run import TrainedRun


def test_the_words_of_any_fold_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    splits = [Split(np.arange(4, 8), np.arange(8, 10), np.arange(i, i + 2), "folds") for i in (0, 2)]
    folds = [Fold(split, {0: "m"}, "m") for split in splits]
    windows: Any = None
    trained = TrainedRun(Path("run"), {}, Path("cache/windows.h5"), windows, folds)
    monkeypatch.setattr(trained_run, "words_of_fold", lambda cache, run, number, *_: (cache, number))
    assert [trained.words(fold) for fold in folds] == [(Path("cache"), 0), (Path("cache"), 1)]
