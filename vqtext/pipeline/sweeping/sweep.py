"""``vqtext sweep``: every cell of a grid trained and evaluated as a run of its own, and all in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.console.text import table
from vqtext.errors import TrainingError
from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.evaluation.frame_metrics import Measure, over
from vqtext.pipeline.evaluation.tables import with_spread
from vqtext.pipeline.stage import run
from vqtext.pipeline.sweeping.grid import Cell
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import read_run

CHOSEN_BY = "nll"
"""What tells the best cell: the lower, the better; as in a run of several seeds."""

TEST_WARNING = (
    "test scores are shown: whoever chooses a cell by them has no test left; choose by validation, and "
    "report the test of that cell alone"
)


def sweep(cells: Sequence[Cell], progress: Progress, with_test: bool = False) -> dict[str, Any]:
    """Train and evaluate each cell, unless its run is up to date; a half-trained one goes on where it was
    stopped.

    A cell whose training fails is reported, and the others go on.

    Args:
        cells: of `vqtext.pipeline.sweeping.grid.cells`.
        with_test: return scores on test windows too.

    Returns:
        ``seeds``, ``chosen_by``, ``best``, a run or None, and ``cells``: of each its ``run``, ``settings``,
        ``failed``, None or why, ``validation``, and ``test`` where it was asked for.

    Raises:
        VQTextError: as `vqtext.pipeline.stage.run`; before anything is trained where any cell lacks an
            artifact that it reads, or the VQShape that it starts from.
    """
    from vqtext.model.training.init_from_vqshape import sizes_of

    for cell in cells:
        sizes_of(cell.settings.model)
        Train(cell.settings, progress).inputs()
    if with_test:
        progress.warn(TEST_WARNING)
    entries = []
    for number, cell in enumerate(cells, start=1):
        progress.say(f"cell {number} of {len(cells)}: {cell}: run {cell.run}")
        entries.append(_run_cell(cell, progress, with_test))
    scores = {
        entry["run"]: entry["validation"][CHOSEN_BY]["mean"]
        for entry in entries
        if CHOSEN_BY in entry["validation"]
    }
    ranked = [name for name, score in scores.items() if np.isfinite(score)]
    return {
        "seeds": [*dict.fromkeys(cells[0].settings.train.seeds)],
        "chosen_by": f"validation {CHOSEN_BY}",
        "best": min(ranked, key=lambda name: scores[name], default=None),
        "cells": entries,
    }


def _run_cell(cell: Cell, progress: Progress, with_test: bool) -> dict[str, Any]:
    """The entry of a cell, trained and evaluated."""
    entry: dict[str, Any] = {"run": cell.run, "settings": cell.values, "failed": None}
    try:
        run(Train(cell.settings, progress))
        scores = run(Evaluate(cell.settings, progress))
    except TrainingError as error:
        progress.warn(f"{cell}: {error}")
        return entry | {"failed": str(error), "validation": {}}
    entry["validation"] = _validation(read_run(cell.settings.run_folder)["validation"])
    if with_test:
        entry["test"] = _test(scores)
    return entry


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The grid for people."""
    entries = answer["cells"]
    with_test = any("test" in entry for entry in entries)
    names = list(entries[0]["settings"])
    test = list(dict.fromkeys(name for entry in entries for name in entry.get("test", {})))
    shown = ["accuracy", CHOSEN_BY]
    rows = [[*names, *(f"validation {name}" for name in shown), *(f"test {name}" for name in test), "run"]]
    for entry in entries:
        scores = [entry["validation"].get(name) for name in shown] + [
            entry.get("test", {}).get(name) for name in test
        ]
        texts = [with_spread(score) if score else "" for score in scores]
        if entry["failed"]:
            texts[0] = "failed"
        rows.append([*map(str, entry["settings"].values()), *texts, entry["run"]])
    seeds = len(answer["seeds"])
    unseen = "" if with_test else "; the test has no say: --test shows it"
    lines = [f"validation windows, {seeds} seed(s){unseen}", *table(rows)]
    if answer["best"] is None:
        return [*lines, "no validation score tells which is best"]
    lines.append(f"best by {answer['chosen_by']}: {answer['best']}")
    if seeds == 1:
        lines.append("one seed shows no spread, by which cells differ too: --seeds 0,1,2")
    return lines


def _validation(scores: Mapping[str, Mapping[str, float]]) -> dict[str, Measure]:
    """Scores of the models of a run, over seeds; in a run of folds of each seed their mean."""
    by_seed: dict[str, list[Mapping[str, float]]] = {}
    for model, own in scores.items():
        by_seed.setdefault(model.rpartition("seed-")[2], []).append(own)
    return {
        name: over([float(np.mean([own[name] for own in folds])) for folds in by_seed.values()])
        for name in ("accuracy", CHOSEN_BY)
        if all(name in own for own in scores.values())
    }


def _test(scores: Mapping[str, Any]) -> dict[str, Measure]:
    found = dict(scores["classification"]["decoding"])
    if scores["grounding"] is not None:
        found["named_recall"] = scores["grounding"]["named_recall"]
    return found
