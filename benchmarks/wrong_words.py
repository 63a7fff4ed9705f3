"""What wrong words cost: levels of signature cells replaced at random, as a careless author might."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import corruption
import numpy as np
from first_names import FirstNames, truth_word_of

from vqtext import load
from vqtext.console.progress import Progress
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.evaluation.controls import Control
from vqtext.pipeline.evaluation.frame_metrics import at_samples, named_recall
from vqtext.pipeline.evaluation.retraining import retrain
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.trained_run import TrainedRun
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.schema import LabelWords, SubActions
from vqtext.settings.schema import Settings

SHARES = (0.10, 0.25)


def wrong_words(first: FirstNames, draws: int) -> None:
    """Print what is lost with random levels in 10 % and 25 % of the cells that say one."""
    right = first.recall()
    for share in SHARES:
        losses = [right - first.recall(corrupted(first.words, share, draw)) for draw in range(draws)]
        print(
            f"{share:.0%} of the cells wrong, {draws} draws: mean loss {np.mean(losses):.3f}, median "
            f"{np.median(losses):.3f}, worst {np.max(losses):.3f}",
            flush=True,
        )


def corrupted(words: Words, share: float, draw: int) -> Words:
    """The same words with another level in a share of the cells, drawn at random."""
    labels = [
        LabelWords(label=str(i), subactions=[step for _, step in uses]) for i, uses in enumerate(words.uses)
    ]
    wrong = corruption.corrupted(SubActions(labels=labels), share, draw).labels
    uses = [
        [(anchor, step) for (anchor, _), step in zip(own, label.subactions, strict=True)]
        for own, label in zip(words.uses, wrong, strict=True)
    ]
    return replace(words, uses=uses)


def trained_on_wrong_words(settings: Settings, draws: int, folder: Path) -> None:
    """Train a run again with wrong words, and print what is lost on its test windows.

    Args:
        settings: of a run that is there; of its folds and seeds the first is trained again.
        folder: models go there.
    """
    trained = TrainedRun.read(settings)
    run, windows, run_folder = trained.run, trained.windows, trained.folder
    fold, seed = trained.folds[0], settings.train.seeds[0]
    words = trained.words(fold)
    word = truth_word_of(windows, words)
    test = fold.split.test
    right = _recall(run_folder / fold.models[seed], windows, test, word)
    for share in SHARES:
        found = []
        for draw in range(draws):
            name = f"{share:.0%} of the cells wrong, draw {draw}"
            control = Control(name, words=partial(_wrong, share, draw))
            train = Train(settings, Progress(quiet=True))
            retrain(control, run, windows, fold.split, words, seed, folder / name, train)
            found.append(right - _recall(folder / name, windows, test, word))
        told = ", ".join(f"{loss:.3f}" for loss in found)
        print(f"{share:.0%} of the cells wrong, trained: {right:.3f} loses {told}", flush=True)


def _wrong(share: float, draw: int, words: Words, _: object) -> Words:
    return corrupted(words, share, draw)


def _recall(folder: Path, windows: Windows, test: np.ndarray, word: np.ndarray) -> float:
    anchors = load(folder).decode(windows.signal, test).anchor
    return named_recall(word[at_samples(anchors, windows.T)], np.asarray(windows.truth[test]))
