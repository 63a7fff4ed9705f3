"""What a run says of itself: its splits, and which models belong to each.

A run has one split, or one a fold, and for each split a model a seed: ``seed-0``, or ``fold-0/seed-0``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache.reading import cannot_read
from vqtext.cache.remake import how_to_remake
from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.errors import ArtifactError

SCORES = "scores.json"  # written last: a model that has it is whole
RUN = "run.json"


@dataclass(frozen=True)
class Fold:
    """One split of a run and its models; a run without folds has one.

    Attributes:
        split: who trained them, who chose their epoch, and whom they have never seen.
        models: seed → folder of the model inside the run's.
        best: the model with the best score on the validation windows of the split.
        number: its place among the splits.
    """

    split: Split
    models: dict[int, str]
    best: str
    number: int = 0


def model_folder(split: Split, fold: int, seed: int) -> str:
    """Where a model lies inside its run's folder."""
    return f"fold-{fold}/seed-{seed}" if split.how == "folds" else f"seed-{seed}"


def read_run(folder: Path | str) -> dict[str, Any]:
    """What a run wrote down.

    Raises:
        ArtifactError: there is no run, or it cannot be read.
    """
    folder = Path(folder)
    path = folder / RUN
    if not path.exists():
        raise ArtifactError(f"{folder} holds no run: run `vqtext train --run {folder.name}`")
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        run["splits"], run["seeds"], run["best"], run["inputs"]
    except OSError as error:
        raise cannot_read(path, error) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(f"{path} cannot be read ({type(error).__name__}): {_again(folder)}") from error
    return run


def folds_of(folder: Path | str, run: dict[str, Any], windows: Windows) -> list[Fold]:
    """The splits of a run with their models.

    Args:
        folder: the run's.
        run: as `read_run` gives it.
        windows: what it was trained on.

    Raises:
        ArtifactError: what the run wrote down is not what it may have been: a test window that its models
            have seen, or whose subject they have, though it was split by subject.
    """
    try:
        folds = []
        for number, entry in enumerate(run["splits"]):
            split = Split.from_description(entry)
            models = {seed: model_folder(split, number, seed) for seed in run["seeds"]}
            _check_words(entry, len(windows.labels))
            folds.append(Fold(split, models, entry["best"], number))
        wrong = _seen_before([fold.split for fold in folds], windows)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        wrong = f"its splits are damaged ({type(error).__name__})"
    if wrong:
        raise ArtifactError(f"{Path(folder) / RUN}: {wrong}: {_again(Path(folder))}")
    return folds


def _again(folder: Path) -> str:
    return how_to_remake(folder, f"train --run {folder.name}")


def _check_words(entry: Mapping[str, Any], labels: int) -> None:
    """Of the words that a split's models were given (`run_words`), raise what a broken record
    raises."""
    round_s = [s is None or float(s) for s in entry["round_s"]]
    absent = [[int(place) for place in own] for own in entry["absent"]]
    if len(round_s) != labels or len(absent) not in (0, labels):
        raise ValueError


def _seen_before(splits: Sequence[Split], windows: Windows) -> str | None:
    """Why no score may be made of these splits; None where all is well."""
    tested = np.concatenate([split.test for split in splits])
    if len(np.unique(tested)) < len(tested):
        return "a window is tested twice"
    for split in splits:
        if np.intersect1d(split.test, split.learn).size:
            return "it was trained on windows that it tests"
        if split.how in ("subjects", "folds"):
            both = np.intersect1d(windows.subject[split.test], windows.subject[split.learn])
            if both.size:
                ids = ", ".join(windows.subjects[code].id for code in both)
                return f"subjects that it tests were in training ({ids})"
    return None
