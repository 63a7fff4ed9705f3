"""The E-step by itself: what words and sensors say of every window, before any network is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from vqtext.data.splits.folds import splits_for
from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.model.grounding.e_step import e_step
from vqtext.model.grounding.emissions import Evidence
from vqtext.model.training.training_data import TrainingData
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.pipeline.evaluation.frame_metrics import at_samples, named_accuracy, named_recall
from vqtext.pipeline.evaluation.truth_map import map_of, own_table
from vqtext.pipeline.training.assemble import training_data
from vqtext.pipeline.training.run_words import resolved_words
from vqtext.pipeline.training.sensor_evidence import SensorEvidence
from vqtext.pipeline.vocabulary.anchor_words import Words, read_words
from vqtext.settings.schema import Settings


class FirstNames:
    """Of all windows of a cache.

    Attributes:
        windows, words, data: as the training would see them if no window were kept for a test.
    """

    windows: Windows
    words: Words
    data: TrainingData

    def __init__(self, settings: Settings) -> None:
        self.windows = windows = read_windows(settings.cache / "windows.h5")
        split = splits_for(windows, settings.train)[0]
        nobody = split.test[:0]
        self.settings = settings
        self.everyone = replace(split, train=np.arange(windows.n), validation=nobody, test=nobody)
        _, self.data = training_data(windows, self.everyone, settings)
        self.words = words_given(settings, windows, self.everyone, self.data)
        self.word = truth_word_of(windows, self.words)
        self.truth = np.asarray(windows.truth[:])

    def named(self, words: Words | None = None) -> np.ndarray:
        """Truth words by sample, ``(N, T)``, −1 none; ``words``: other signatures for the same anchors."""
        return self.word[at_samples(self.anchors(words), self.windows.T)]

    def anchors(self, words: Words | None = None) -> np.ndarray:
        """Anchors by frame, ``(N, F)``."""
        evidence = self.data.evidence if words is None else self.evidence(words)
        return e_step(evidence, self.data.grammar, frozenset({"order", "signal"})).anchors().numpy()

    def recall(self, words: Words | None = None) -> float:
        return named_recall(self.named(words), self.truth)

    def accuracy(self, words: Words | None = None) -> float:
        return named_accuracy(self.named(words), self.truth)

    def evidence(self, words: Words) -> Evidence:
        """What training would see with these signatures."""
        measured = SensorEvidence(self.windows, self.everyone.train, self.data.evidence)
        return measured.with_words(words, Corrections()).evidence


def words_given(settings: Settings, windows: Windows, split: Split, data: TrainingData) -> Words:
    """The words that a training on a split is given: what cannot be told apart is joined."""
    read = read_words(settings.cache / "anchors.h5", windows.labels)
    return resolved_words(read, windows, split.learn, settings.train, data.round_s).words


def truth_word_of(windows: Windows, words: Words) -> np.ndarray:
    """The truth word that each anchor stands for by the reader's own table, ``(K,)``; −1 none."""
    return map_of(own_table(windows.dataset, windows.truth_words), windows.truth_words, words).word
