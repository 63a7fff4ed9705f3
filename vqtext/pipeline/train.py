"""``vqtext train``: cached artifacts → a run of trained models. No network, no text model."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache.fingerprint import file_fingerprint
from vqtext.cache.hdf5 import open_artifact
from vqtext.cache.publish import copy
from vqtext.console.text import as_text, cut_short
from vqtext.data.splits.folds import splits_for
from vqtext.data.splits.splits import PARTS, Split
from vqtext.data.windows.windows import Windows
from vqtext.errors import TrainingError
from vqtext.model.training.loggers import check_installed
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.correcting.corrections import NAME as CORRECTIONS
from vqtext.pipeline.correcting.corrections import read_corrections
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Record, Stage
from vqtext.pipeline.training import lint_run as lint
from vqtext.pipeline.training.run_record import RUN, SCORES, model_folder, read_run

if TYPE_CHECKING:
    from vqtext.model.training.training_data import TrainingData

FALLS = 0.5  # a sound network's loss on a few batches falls below this share of what it was
RECORDED = ("vqtext", "torch", "lightning", "numpy", "scikit-learn", "h5py", "safetensors")
# How many tasks a launcher started: torchrun, srun, mpirun (Open MPI, MPICH), jsrun
TASKS = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "JSM_NAMESPACE_SIZE")
_HOW = {
    "subjects": "split by subject",
    "folds": "folds over subjects, each tested once by models that never saw it",
    "own": "the data set's own split",
    "random": "a random split",
    "time": "a split in time: tested on what comes last of each label in each recording",
}


class Train(Stage):
    """Train one model a fold and seed.

    Validation windows choose all that is fitted once the network is done. Then nothing is left
    for them to choose, and training goes on with them among its windows. The run names the best
    seed by its validation score. A run of folds has no best model: each was kept from other people, and a
    score on some says nothing about a score on others.
    """

    command = "train"
    version = 30
    folder = True
    reads = (Prepare, Embed, Dedup)

    @property
    def target(self) -> Path:
        checked = "-overfit" if self.settings.train.overfit is not None else ""  # no run of a model's name
        folder = self.settings.run_folder
        return folder.with_name(f"{folder.name}{checked}")

    def options(self) -> Any:
        chosen = self.settings.model_dump(mode="json", include={"model", "guidance", "train"})
        for where in ("accelerator", "devices", "workers", "logger", "logger_online"):
            # where it runs, and is watched, is not what it is
            chosen["train"].pop(where)
        chosen["train"].pop("preset")  # what it set is there
        if self.settings.model.init is not None:  # what lies there counts, not where it lies
            weights = self.settings.model.init / "model.safetensors"
            chosen["model"]["init"] = file_fingerprint(weights) if weights.exists() else None
        corrections = read_corrections(self.settings.cache)
        if corrections.corrections:
            chosen["corrections"] = corrections.fingerprint()
        return chosen

    def stale_because(self, record: Record) -> str | None:
        """Later corrections are in no model."""
        reason = super().stale_because(record)
        if reason is None and record.provenance is not None:
            options = record.provenance.options
            trained_with = options.get("corrections") if isinstance(options, Mapping) else None
            if trained_with != self.options().get("corrections"):
                reason = f"{self.settings.cache / CORRECTIONS} changed since"
        return reason

    def ensure_inputs(self) -> None:
        """Tasks of a launcher may each train a run of their own; they never share one. Packages that are
        missed at the end of a training are missed at once."""
        check_installed(self.settings.train)
        tasks = {name: os.environ.get(name, "") for name in TASKS}
        name, count = max(tasks.items(), key=lambda one: int(one[1]) if one[1].isdecimal() else 0)
        if count.isdecimal() and int(count) > 1:
            self.progress.warn(
                f"one of {count} tasks ({name}): each trains by itself, and of those with the same --run the "
                "first one alone; for several devices run the command once, with --devices"
            )

    def splits(self, windows: Windows) -> list[Split]:
        """Which windows train, one split a fold."""
        return splits_for(windows, self.settings.train)

    def make(self, target: Path) -> None:
        from vqtext.pipeline.training.assemble import training_data
        from vqtext.pipeline.training.train_model import train_model

        started = time.monotonic()
        windows = read_windows(self.settings.cache / "windows.h5")
        seeds = list(dict.fromkeys(self.settings.train.seeds))
        splits = self.splits(windows)
        for warning in dict.fromkeys(warning for split in splits for warning in split.warnings):
            self.progress.warn(warning)
        for warning in lint.warnings_of_words(self.settings, windows):
            self.progress.warn(warning)
        staging = self.staging()  # what a training that was stopped had done
        scores: dict[str, dict[str, float]] = {}
        described = []
        shown: set[str] = set()
        for fold, split in enumerate(splits):
            names = {seed: model_folder(split, fold, seed) for seed in seeds}
            missing = {s: name for s, name in names.items() if not (staging / name / SCORES).exists()}
            if missing:
                config, data = training_data(windows, split, self.settings)
                self._lint(windows, split, data, shown)
            for seed, name in missing.items():
                train_model(self.settings, seed, config, data, staging / name, name, self.progress)
            for name in names.values():
                found = json.loads((staging / name / SCORES).read_text())
                scores[name] = found["validation"]
                copy(staging / name, target / name)
            best = max(
                names.values(), key=lambda name: -scores[name].get("nll", 0) - scores[name].get("rebuild", 0)
            )
            described.append(
                {**split.describe(), "best": best, "sizes": sizes(windows, split), **found["words"]}
            )
        with open_artifact(self.settings.cache / "texts.h5", "texts") as texts:
            encoder = texts.attrs["encoder"]
        run = {
            **self.provenance().to_dict(),
            "dataset": windows.dataset,
            "run": self.target.name,
            "best": None if splits[0].how == "folds" else described[0]["best"],
            "seeds": seeds,
            "validation": scores,
            "splits": described,
            "encoder": encoder,
            "settings": self.settings.model_dump(mode="json"),
            **_made_by(target),
            "seconds": round(time.monotonic() - started, 1),
        }
        (target / RUN).write_text(json.dumps(run, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _lint(self, windows: Windows, split: Split, data: TrainingData, shown: set[str]) -> None:
        """Say what became of the words for these windows, without the lines that were shown before."""
        changed = [*lint.unread_windows(data), *lint.changes_of_words(self.settings, windows, split, data)]
        contradicted = lint.warnings_of_windows(self.settings, windows, data)
        for lines, tell in ((changed, self.progress.say), (contradicted, self.progress.warn)):
            for line in lines:
                if line not in shown:
                    tell(line)
                shown.add(line)

    def finish(self) -> None:
        """A check that was not passed is a failure.

        Raises:
            TrainingError: a loss that did not fall.
        """
        if self.settings.train.overfit is None:
            return
        for name, scores in read_run(self.target)["validation"].items():
            first, last = scores["first_loss"], scores["last_loss"]
            if not last < FALLS * first:
                raise TrainingError(
                    f"{name}: {self.settings.train.overfit} batches were not memorised in "
                    f"{scores['epochs']:g} epochs: the loss went from {first:.3g} to {last:.3g}; raise "
                    "train.steps, or look at train.learning_rate"
                )

    def summary(self) -> dict[str, Any]:
        run = read_run(self.target)
        return {
            "run": run["run"],
            "folder": str(self.target),
            "dataset": run["dataset"],
            "seeds": run["seeds"],
            "best": run["best"],
            "split": run["splits"][0]["how"],
            "splits": [
                {key: entry[key] for key in ("test_subjects", "validation_subjects", "best", "sizes")}
                for entry in run["splits"]
            ],
            "calibrated_on": "validation windows cut from training",
            "validation": run["validation"],
            "seconds": run["seconds"],
        }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        if self.settings.train.overfit is not None:
            return [_check_line(name, scores) for name, scores in summary["validation"].items()] + [
                f"{summary['folder']}: the model of this check is no run to use"
            ]
        lines = [f"{summary['folder']}: {_HOW[summary['split']]}"]
        then = ", then trained on them too" if self.settings.train.refit else ""
        for fold, entry in enumerate(summary["splits"]):
            train, validation, test = (_size_text(entry["sizes"][part]) for part in PARTS)
            begin = f"fold {fold}: " if summary["split"] == "folds" else ""
            watched = entry["sizes"]["validation"]["windows"]
            chosen = f"{validation}{then}" if watched else "nothing"
            lines.append(f"  {begin}trained on {train}; calibrated on: {chosen}; kept for the test: {test}")
        best = {entry["best"] for entry in summary["splits"]} if len(summary["seeds"]) > 1 else set()
        for name, scores in summary["validation"].items():
            values = ", ".join(f"{_OF_HEAD.get(key, key)} {value:.3g}" for key, value in scores.items())
            lines.append(f"  {name}{' (best)' if name in best else ''}: {values}")
        return lines


def _made_by(folder: Path) -> dict[str, Any]:
    """What made the models of a folder, and what the folder holds."""
    return {
        "versions": {name: version(name) for name in RECORDED} | {"python": platform.python_version()},
        "command": ["vqtext", *sys.argv[1:]],
        "files": {
            file.relative_to(folder).as_posix(): file_fingerprint(file)
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        },
    }


def sizes(windows: Windows, split: Split) -> dict[str, Any]:
    """How many windows each part of a split has, and of whom."""
    ids = [subject.id for subject in windows.subjects]
    found = {}
    for part in PARTS:
        index = getattr(split, part)
        codes, counts = np.unique(windows.subject[index], return_counts=True)
        subjects = {ids[code]: int(n) for code, n in zip(codes, counts, strict=True) if code >= 0}
        found[part] = {"windows": len(index), "subjects": subjects}
    return found


_OF_HEAD = {"nll": "nll of the class head", "accuracy": "its accuracy"}
"""Scores on validation windows that a reader would take for those of the class, which the steps decide."""


def _check_line(name: str, scores: Mapping[str, float]) -> str:
    first, last = scores["first_loss"], scores["last_loss"]
    return (
        f"{name}: memorised, as a sound model does: the loss fell from {first:.3g} to {last:.3g} "
        f"in {scores['epochs']:g} epochs"
    )


def _size_text(part: Mapping[str, Any]) -> str:
    subjects = f" (subject {cut_short(as_text(part['subjects']))})" if part["subjects"] else ""
    return f"{part['windows']} windows{subjects}"
