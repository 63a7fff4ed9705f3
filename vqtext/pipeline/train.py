"""``vqtext train``: cached artifacts → a run of trained models. No network, no text model."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache.fingerprint import file_fingerprint
from vqtext.cache.hdf5 import open_artifact
from vqtext.data.folds import splits_for
from vqtext.data.heading import ways
from vqtext.data.splits import PARTS, Split
from vqtext.data.windows import Windows
from vqtext.errors import TrainingError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.doubts import doubts
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.lines import cut_short, told
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.runs import RUN, model_folder, read_run
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.words import read_words

if TYPE_CHECKING:
    from vqtext.model.sifting import Cell
    from vqtext.model.training import TrainingData

CHOOSING = 0.5  # share of the epochs that a training takes which only chooses
LEAST = 0.8  # share of the epochs that the other takes at least: a few windows choose an early end by chance
FALLS = 0.5  # a sound network's loss on a few batches falls below this share of what it was
WHOLE = "whole"  # folder of what was logged once all windows trained
SCORES = "scores.json"  # written last: a model that has it is whole
RECORDED = ("vqtext", "torch", "lightning", "numpy", "scikit-learn", "h5py", "safetensors")
_HOW = {
    "subjects": "split by subject",
    "folds": "folds over subjects, each tested once by models that never saw it",
    "own": "the data set's own split",
    "random": "a random split",
    "time": "a split in time: of each label in each recording the last windows are tested",
}


class Train(Stage):
    """Train one model a fold and seed.

    Validation windows choose the epoch and all that is fitted once the network is done. Then nothing is left
    for them to choose: the model that is kept is trained anew, on them too. The first training only chooses
    and takes half of the epochs; the second ends at the same share of all, or later. The run names the best
    seed by its validation score. A run of folds has no best model: each was kept from other people, and a
    score on some says nothing about a score on others.
    """

    command = "train"
    version = 27
    folder = True

    @property
    def target(self) -> Path:
        checked = "-overfit" if self.settings.train.overfit is not None else ""  # no run of a model's name
        folder = self.settings.run_folder
        return folder.with_name(f"{folder.name}{checked}")

    def sources(self) -> Sequence[Stage]:
        return [kind(self.settings, self.progress) for kind in (Prepare, Embed, Dedup)]

    def options(self) -> Any:
        chosen = self.settings.model_dump(mode="json", include={"model", "guidance", "train"})
        for where in ("accelerator", "devices", "workers"):  # where it runs is not what it is
            chosen["train"].pop(where)
        chosen["train"].pop("preset")  # what it set is there
        if self.settings.model.init is not None:  # what lies there counts, not where it lies
            weights = self.settings.model.init / "model.safetensors"
            chosen["model"]["init"] = file_fingerprint(weights) if weights.exists() else None
        return chosen

    def make(self, target: Path) -> None:
        from vqtext.pipeline.training_data import gather

        started = time.monotonic()
        windows = read_windows(self.settings.cache / "windows.h5")
        seeds = list(dict.fromkeys(self.settings.train.seeds))
        splits = splits_for(windows, self.settings.train)
        for warning in dict.fromkeys(warning for split in splits for warning in split.warnings):
            self.progress.warn(warning)
        for warning in self._doubts(windows):
            self.progress.warn(warning)
        kept = self.staging()  # what a training that was stopped had done
        scores: dict[str, dict[str, float]] = {}
        refuted: dict[str, list[dict[str, Any]]] = {}
        described = []
        heard: list[str] = []  # labels of which people were told that they are too fast
        for fold, split in enumerate(splits):
            made = {seed: model_folder(split, fold, seed) for seed in seeds}
            missing = {s: name for s, name in made.items() if not (kept / name / SCORES).exists()}
            if missing:
                config, data = gather(windows, split, self.settings)
                spoken = data.vocabulary.transcripts
                fast = [t.label for t in spoken if t.too_fast and t.label not in heard]
                if fast:
                    self.progress.warn(
                        f"what people do in {told(fast)} comes round before each of its steps had two "
                        "samples: the steps are told, but marked with ~; write fewer, or record faster"
                    )
                heard += fast
            for seed, name in missing.items():
                self._train_seed(seed, config, data, kept / name, name)
            for name in made.values():
                found = json.loads((kept / name / SCORES).read_text())
                scores[name], refuted[name] = found["validation"], found["refuted"]
                shutil.copytree(kept / name, target / name)
            best = max(
                made.values(), key=lambda name: -scores[name].get("nll", 0) - scores[name].get("rebuild", 0)
            )
            described.append({**split.describe(), "best": best, "sizes": sizes(windows, split)})
        with open_artifact(self.settings.cache / "texts.h5", "texts") as texts:
            encoder = texts.attrs["encoder"]
        run = {
            **self.provenance().to_dict(),
            "dataset": windows.dataset,
            "run": self.target.name,
            "best": None if splits[0].how == "folds" else described[0]["best"],
            "seeds": seeds,
            "validation": scores,
            "refuted": refuted,
            "splits": described,
            "encoder": encoder,
            "settings": self.settings.model_dump(mode="json"),
            "versions": {name: version(name) for name in RECORDED} | {"python": platform.python_version()},
            "command": ["vqtext", *sys.argv[1:]],
            "files": {
                file.relative_to(target).as_posix(): file_fingerprint(file)
                for file in sorted(target.rglob("*"))
                if file.is_file()
            },
            "seconds": round(time.monotonic() - started, 1),
        }
        (target / RUN).write_text(json.dumps(run, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _doubts(self, windows: Windows) -> list[str]:
        words = read_words(self.settings.cache / "anchors.h5", windows.labels)
        locations = list(dict.fromkeys(channel.location for channel in windows.channels))
        hands = sorted({subject.hand for subject in windows.subjects}, key=str) or [None]
        return doubts(words, locations, hands, self.settings.train.grounding, ways(windows.channels))

    def _train_seed(self, seed: int, config: Any, data: Any, folder: Path, name: str) -> None:
        """Train one model beside ``folder`` and move it there when it is whole."""
        from vqtext.model import grounding
        from vqtext.model.decoding import Decoder
        from vqtext.model.load import VQText
        from vqtext.model.training import epochs_for, fit
        from vqtext.pipeline.finishing import choose, finish

        work = folder.with_name(f".{folder.name}.work")
        settings, drop = self.settings.train, self.settings.guidance.drop
        again = settings.refit and settings.overfit is None and len(data.validation) > 0
        epochs = epochs_for(len(data.train), settings)
        first = ceil(CHOOSING * epochs) if again else epochs
        if work.exists():
            self.progress.say(f"{name}: going on where it was stopped")
        with self.progress.bar(f"{name}: steps") as tell:
            how = settings.model_copy(update={"epochs": first})
            network, scores, names = fit(config, data, how, drop, seed, work, tell)
        model = VQText(network, Decoder(config, data.vocabulary))
        if settings.overfit is not None:
            data = replace(data, validation=data.validation[:0])  # a check by heart keeps nobody apart
        chosen = choose(model, data)
        if chosen is not None:
            scores |= {"nll": chosen.nll, "accuracy": chosen.accuracy}
        if again:
            data = data.whole()
            share = max(LEAST, (scores["epoch"] + 1) / first)
            scores["refit_epochs"] = float(round(epochs * share))
            how = settings.model_copy(update={"epochs": int(scores["refit_epochs"])})
            with self.progress.bar(f"{name}: steps of all windows") as tell:
                network, _, names = fit(config, data, how, drop, seed, work / WHOLE, tell)
            model = VQText(network, Decoder(config, data.vocabulary))
        evident = names
        if chosen is not None and not again:  # training had no use for the evidence of the validation windows
            evident = grounding.make(settings.grounding, data.grammar, len(data.anchors), data.evidence)
        finish(model, data, chosen, evident)
        model.save(work)
        for part in (work, work / WHOLE):
            shutil.rmtree(part / "checkpoints", ignore_errors=True)
        said = {"validation": scores, "refuted": [_in_words(cell, data) for cell in names.refuted]}
        (work / SCORES).write_text(json.dumps(said) + "\n", encoding="utf-8")
        work.rename(folder)

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
                    f"{name}: {self.settings.train.overfit} batches were not learnt by heart in "
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
            "epoch_chosen_on": "validation windows cut from training",
            "validation": run["validation"],
            "refuted": run["refuted"],
            "seconds": run["seconds"],
        }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        if self.settings.train.overfit is not None:
            return [_told_check(name, scores) for name, scores in summary["validation"].items()] + [
                f"{summary['folder']}: the model of this check is no run to use"
            ]
        lines = [f"{summary['folder']}: {_HOW[summary['split']]}"]
        then = ", then trained on them too" if self.settings.train.refit else ""
        for fold, entry in enumerate(summary["splits"]):
            train, validation, test = (_told_size(entry["sizes"][part]) for part in PARTS)
            begin = f"fold {fold}: " if summary["split"] == "folds" else ""
            watched = entry["sizes"]["validation"]["windows"]
            chosen = f"{validation}{then}" if watched else "nothing, the last was taken"
            lines.append(f"  {begin}trained on {train}; epoch chosen on: {chosen}; kept for the test: {test}")
        best = {entry["best"] for entry in summary["splits"]} if len(summary["seeds"]) > 1 else set()
        for name, scores in summary["validation"].items():
            said = ", ".join(f"{key} {value:.3g}" for key, value in scores.items())
            lines.append(f"  {name}{' (best)' if name in best else ''}: {said}")
            if refuted := summary["refuted"][name]:
                lines.append(
                    f"    left out, for windows are likelier without: {len(refuted)} written cells (see "
                    "vqtext codes --words)"
                )
        return lines


def sizes(windows: Windows, split: Split) -> dict[str, Any]:
    """How many windows each part of a split has, and of whom."""
    ids = [subject.id for subject in windows.subjects]
    found = {}
    for part in PARTS:
        index = getattr(split, part)
        codes, counts = np.unique(windows.subject[index], return_counts=True)
        whose = {ids[code]: int(n) for code, n in zip(codes, counts, strict=True) if code >= 0}
        found[part] = {"windows": len(index), "subjects": whose}
    return found


def _in_words(cell: Cell, data: TrainingData) -> dict[str, Any]:
    """A cell that was left out; ``location`` is null where it is the way that the step goes."""
    use = data.vocabulary.transcripts[cell.label].uses[cell.use]
    return {
        "label": data.vocabulary.transcripts[cell.label].label,
        "step": cell.use,
        "phrase": data.vocabulary.anchors[use.anchor],
        "location": None if cell.location is None else data.evidence.locations[cell.location],
    }


def _told_check(name: str, scores: Mapping[str, float]) -> str:
    first, last = scores["first_loss"], scores["last_loss"]
    return (
        f"{name}: learnt by heart, as a sound model does: the loss fell from {first:.3g} to {last:.3g} "
        f"in {scores['epochs']:g} epochs"
    )


def _told_size(part: Mapping[str, Any]) -> str:
    whose = f" (subject {cut_short(told(part['subjects']))})" if part["subjects"] else ""
    return f"{part['windows']} windows{whose}"
