"""A user would lose: days of a grid to a kill, a typing error or one cell, or a choice made on test data."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.errors import ConfigError, TrainingError, UsageError
from vqtext.pipeline.sweeping import sweep as sweeping
from vqtext.pipeline.sweeping.grid import MAX_NAME, cells
from vqtext.pipeline.sweeping.sweep import TEST_WARNING, lines, sweep
from vqtext.settings.loading import Loaded, load_settings

TOML = """
cache = "."
[model]
dim = 16
dim_code = 4
codes = 8
patches = 10
tokens = 5
layers = 1
heads = 2
[train]
epochs = 2
batch_size = 4
refit = false
accelerator = "cpu"
test_subjects = ["3"]
"""

KILLED = """
import os, signal, sys
from pathlib import Path
from vqtext.cli import main
from vqtext.model.training import checkpoint

def kill(self, trainer, module):
    if trainer.current_epoch == 1 and list(Path("runs").glob("*/evaluate.json")):
        os.kill(os.getpid(), signal.SIGKILL)

checkpoint.SAVE_EVERY_S = 0.0
checkpoint.Progress.on_train_epoch_start = kill
main()
"""


@pytest.fixture
def loaded(tmp_path: Any) -> Loaded:
    (tmp_path / "vqtext.toml").write_text(TOML)
    said = {"cache": tmp_path, "train.seeds": "0,1", "train.epochs": 2}
    return load_settings(said, tmp_path, {})


def test_a_sweep_that_was_killed_goes_on_and_trains_no_finished_cell_again(
    prepared: Any,  # noqa: F811
    python: Any,
    call: Any,
    tmp_path: Any,
) -> None:
    """Killed in the second of two cells. The test people are shown to those who ask alone."""
    prepared(study())
    (tmp_path / "vqtext.toml").write_text(TOML)
    grid = ["sweep", "train.learning_rate=0.002,0.004", "--seeds", "0"]
    process = python(KILLED, *grid)
    said, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL and said == ""
    (first,) = [path.parent for path in (tmp_path / "runs").glob("*/run.json")]
    before = (first / "run.json").read_bytes(), (first / "run.json").stat().st_mtime_ns

    code, said, wrong = call(*grid, "--json")
    assert code == 0 and "seed-0: going on where it was stopped" in wrong
    assert f"{first.relative_to(tmp_path)} is up to date" in wrong
    assert ((first / "run.json").read_bytes(), (first / "run.json").stat().st_mtime_ns) == before
    answer = json.loads(said)
    runs = [cell["run"] for cell in answer["cells"]]
    assert first.name == runs[0] and answer["best"] in runs
    assert {path.name for path in (tmp_path / "runs").iterdir() if path.is_dir()} == set(runs)
    for cell, rate in zip(answer["cells"], (0.002, 0.004), strict=True):
        assert cell["settings"] == {"train.learning_rate": rate} and "test" not in cell
        assert len(cell["validation"]["accuracy"]["values"]) == 1 and cell["validation"]["nll"]["mean"] > 0

    code, said, wrong = call(*grid, "--test")
    assert code == 0 and TEST_WARNING in wrong and "going on" not in wrong
    assert "test accuracy" in said and all(run in said for run in runs)


@pytest.mark.parametrize(
    ("swept", "message"),
    [
        (["train.learning_rate=0.1,0.2,fast"], "learning_rate=fast"),
        (["model.dim=32,64", "model.heads=4,5"], "model.dim=32, model.heads=5: .*no multiple of 5 heads"),
        (["train.learnig_rate=0.1"], "train.learnig_rate: did you mean train.learning_rate"),
    ],
)
def test_a_bad_value_of_the_last_cell_is_told_before_anything_is_trained(
    loaded: Loaded, swept: list[str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        cells(swept, loaded)


@pytest.mark.parametrize(
    ("swept", "message"),
    [
        (["model.dim"], "lists no values"),
        (["model.dim=16,,32"], "lists no values"),
        (["dedup.threshold=0.8,0.9"], "cache"),
        (["train.test_subjects=1,2"], "windows"),
        (["train.seeds=0,1"], "all of --seeds"),
        (["evaluate.controls=true,false"], "it changes no training"),
        (["model.dim=16", "model.dim=32"], "model.dim is there twice"),
        (["train.learning_rate=0.1,0.10"], "train.learning_rate 0.1"),
        (["train.epochs=1,2"], "would not be used"),
    ],
)
def test_what_makes_no_grid_is_refused(loaded: Loaded, swept: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        cells(swept, loaded)


def test_cells_are_runs_named_by_what_they_are_and_keep_all_other_settings(loaded: Loaded) -> None:
    swept = ["train.grounding=order+signal,label+signal", "model.dim=16,32"]
    grid = cells(swept, loaded)
    assert [cell.settings.model.dim for cell in grid] == [16, 32, 16, 32]
    assert {(cell.settings.train.epochs, *cell.settings.train.seeds) for cell in grid} == {(2, 0, 1)}
    names = [cell.run for cell in grid]
    assert len(set(names)) == 4 and names[1].startswith("sweep.grounding-order-signal_dim-32.")
    assert names == [cell.run for cell in cells(swept, loaded)], "the same command finds its runs again"
    other = load_settings({"train.run": "x" * 40}, loaded.settings.cache, {})
    assert {len(cell.run) <= MAX_NAME for cell in cells(swept, other)} == {True}


def test_a_cell_that_cannot_be_trained_is_told_and_the_others_go_on(
    loaded: Loaded, heard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the best is the best by validation, whatever the test says."""
    grid = cells(["train.learning_rate=0.1,0.2,0.3,9"], loaded)

    def run(stage: Any) -> Any:
        rate = stage.settings.train.learning_rate
        if rate == 0.1:
            raise TrainingError("no channel varies")
        measure = {"mean": rate, "std": 0.0, "values": [rate]}
        return {"classification": {"decoding": {"accuracy": measure}}, "grounding": None}

    def read_run(folder: Any) -> Any:
        rate = next(cell.settings.train.learning_rate for cell in grid if cell.run == folder.name)
        nll = rate if rate < 9 else float("nan")  # its weights are NaN
        folds = {f"fold-{i}/seed-{s}": {"nll": nll + i, "accuracy": s} for i in (0, 1) for s in (0, 1)}
        return {"validation": folds}

    monkeypatch.setattr(sweeping, "run", run)
    monkeypatch.setattr(sweeping, "read_run", read_run)
    monkeypatch.setattr("vqtext.pipeline.train.Train.inputs", lambda self: {})
    answer = sweep(grid, heard, with_test=True)
    assert [cell["failed"] for cell in answer["cells"]] == ["no channel varies", None, None, None]
    assert answer["best"] == grid[1].run
    assert answer["cells"][1]["validation"]["nll"]["values"] == pytest.approx([0.7, 0.7])
    assert heard.warned == [TEST_WARNING, "train.learning_rate 0.1: no channel varies"]
    told = lines(answer)
    assert (
        "failed" in told[2]
        and "0.700 ± 0.000" in told[3]
        and f"best by validation nll: {grid[1].run}" in told
    )
