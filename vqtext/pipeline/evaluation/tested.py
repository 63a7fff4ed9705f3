"""A run and the windows that its models are tested on, fold by fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Self

import numpy as np

from vqtext.data.splits.splits import Split, unlearned
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError
from vqtext.pipeline.evaluation.predictions import Predictions, predict
from vqtext.pipeline.executing.executor import Executor
from vqtext.pipeline.training.trained_run import TrainedRun
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.settings.schema import Settings


@dataclass(frozen=True)
class TestedModel:
    """A model, and what it is asked: the arguments of `predict`, but for the windows."""

    folder: Path
    split: Split
    seed: int
    few: np.ndarray

    def __str__(self) -> str:
        return f"the test of {self.folder}"


class Tested(TrainedRun):
    """A run that is tested."""

    @classmethod
    def read(cls, settings: Settings) -> Self:
        """Raises DataError where the run kept no window to test on."""
        tested = super().read(settings)
        if not len(tested.test):
            raise DataError("the run kept no window to test on: train with --test-subjects, or --split time")
        return tested

    @cached_property
    def words_of_folds(self) -> list[Words]:
        """Those that the models of each fold were given."""
        return [self.words(fold) for fold in self.folds]

    @property
    def splits(self) -> list[Split]:
        return [fold.split for fold in self.folds]

    @property
    def tests(self) -> list[np.ndarray]:
        """Test windows of each fold."""
        return [split.test for split in self.splits]

    @cached_property
    def test(self) -> np.ndarray:
        """Test windows of all folds, ``(n,)``."""
        return np.concatenate(self.tests)

    @property
    def label(self) -> np.ndarray:
        """Of each test window, ``(n,)``."""
        return self.windows.label[self.test]

    @cached_property
    def places(self) -> list[np.ndarray]:
        """`anchor_places` of the words of each fold."""
        return anchor_places(self.words_of_folds)

    def predict(
        self, folders: Sequence[Sequence[Path]], few: np.ndarray, executor: Executor
    ) -> Iterator[list[Predictions]]:
        """What the models of each seed, one a fold, say of their test windows.

        Args:
            folders: of the models of each seed.
            few: windows of which faithfulness and drawn codes are measured.
        """
        models = [
            TestedModel(folder, split, seed, np.intersect1d(few, split.test))
            for seed, own in zip(self.run["seeds"], folders, strict=True)
            for folder, split in zip(own, self.splits, strict=True)
        ]
        with closing(executor.map(partial(_predict, self.windows), models)) as done:
            for _ in folders:
                yield [_among_all(next(done), place) for place in self.places]

    def unlearned(self) -> dict[str, int]:
        """Label → test windows of it whose model was trained on none."""
        counts: Counter[str] = Counter()
        for split in self.splits:
            for label in unlearned(self.windows, split):
                counts[self.windows.labels[label]] += int((self.windows.label[split.test] == label).sum())
        return dict(counts)


def anchor_places(words: Sequence[Words]) -> list[np.ndarray]:
    """Where the anchors of each fold stand among those of all, ``(K,)`` each: rounds that were read of other
    people may have asked for other steps to be joined."""
    place: dict[str, int] = {}
    return [np.array([place.setdefault(p, len(place)) for p in own.phrases]) for own in words]


def _predict(windows: Windows, model: TestedModel) -> Predictions:
    return predict(model.folder, windows, model.split, model.seed, model.few)


def _among_all(predictions: Predictions, place: np.ndarray) -> Predictions:
    """Predictions whose frames are named by the anchors of all folds."""
    return replace(predictions, anchor=np.append(place, -1)[predictions.anchor])
