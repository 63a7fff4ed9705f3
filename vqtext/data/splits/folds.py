"""Cross-validation over subjects: every subject is tested exactly once, by models that never saw it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from vqtext.data.splits.holdout import DRAWS
from vqtext.data.splits.splits import Split, known_subjects, split_subjects, split_windows
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError, UsageError
from vqtext.settings.schema import TrainSettings


def splits_for(windows: Windows, settings: TrainSettings) -> list[Split]:
    """The splits of a run: one, or one a fold. The first seed decides everything that is drawn.

    Raises:
        UsageError: subjects that the data does not have, or too few of them, or no own split.
        DataError: a split leaves fewer than two labels to train on.
    """
    seed = settings.seeds[0]
    share = settings.validation
    if settings.folds is not None:
        splits = fold_windows(windows, settings.folds, share, seed)
    else:
        splits = [split_windows(windows, settings.test_subjects, share, seed, settings.split)]
    for split in splits:
        trained = np.unique(windows.label[split.train])
        if len(trained) < 2:
            tested = (
                f" where {', '.join(split.test_subjects)} are kept for the test"
                if split.test_subjects
                else ""
            )
            label = f" ({windows.labels[trained[0]]!r})" if len(trained) else ""
            raise DataError(
                f"the training windows have {len(trained)} label{label}{tested}, two are the least that can "
                "be told apart: prepare data with more labels, or keep fewer subjects for the test"
            )
    return splits


def fold_windows(
    windows: Windows, folds: int | Literal["loso"], validation: float = 0.2, seed: int = 0
) -> list[Split]:
    """A split for each fold; its subjects are tested, the others train, and unknown ones take no part.

    Args:
        folds: how many, or "loso": leave one subject out, as many folds as subjects.
        validation: share of the training subjects of each fold that choose its epoch.
        seed: of every random choice.

    Raises:
        UsageError: fewer than two subjects, or more folds than subjects.
    """
    known = known_subjects(windows)
    if known.size < 2:
        there = f"has only subject {windows.subjects[known[0]].id}" if known.size else "names no subjects"
        raise UsageError(f"--folds {folds} needs two subjects at least, and {windows.dataset} {there}")
    if folds != "loso" and folds > known.size:
        raise UsageError(
            f"--folds {folds} is more than the {known.size} subjects of {windows.dataset}: at most "
            f"{known.size}, which is --folds loso"
        )
    members = known[:, None] if folds == "loso" else _draw(windows, known, folds, seed)
    return [
        split_subjects(windows, np.sort(tested).tolist(), validation, seed, "folds") for tested in members
    ]


def _draw(windows: Windows, known: np.ndarray, folds: int, seed: int) -> Sequence[np.ndarray]:
    """Subjects dealt to folds, as evenly as their number allows: the draw in which the fewest labels are
    those of a single fold, which no model could learn for it."""
    rng = np.random.default_rng(seed)
    does = np.zeros((len(windows.subjects), len(windows.labels)), dtype=bool)
    does[windows.subject[windows.subject >= 0], windows.label[windows.subject >= 0]] = True
    draws = [np.array_split(rng.permutation(known), folds) for _ in range(DRAWS)]
    return min(draws, key=lambda draw: _lost(does, draw))


def _lost(does: np.ndarray, draw: Sequence[np.ndarray]) -> int:
    """Labels that a single fold has."""
    folds_with = np.sum([does[subjects].any(axis=0) for subjects in draw], axis=0)
    return int(np.sum(folds_with == 1))
