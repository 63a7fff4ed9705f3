"""``vqtext train``: cached artifacts → a run of trained models. No network, no text model."""

from __future__ import annotations

import json
import os
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
from vqtext.cache.publish import copy
from vqtext.console.text import cut_short, told
from vqtext.data.features.vertical_velocity import upright_places, ways
from vqtext.data.splits.folds import splits_for
from vqtext.data.splits.splits import PARTS, Split
from vqtext.data.windows.windows import Windows
from vqtext.errors import TrainingError
from vqtext.model.training.loggers import check_installed
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.training.lint_postures import posture_doubts
from vqtext.pipeline.training.lint_words import doubts
from vqtext.pipeline.training.run_record import RUN, model_folder, read_run
from vqtext.pipeline.training.run_words import resolved
from vqtext.pipeline.vocabulary.anchor_words import read_words

if TYPE_CHECKING:
    from vqtext.model.training.fit import TrainingData

CHOOSING = 0.6  # share of the epochs after which the validation windows have chosen, and train too
AGAIN = 0.5  # learning rate from then on, as a share of what it was
FALLS = 0.5  # a sound network's loss on a few batches falls below this share of what it was
WHOLE = "whole"  # folder of what was logged once all windows trained
SCORES = "scores.json"  # written last: a model that has it is whole
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

    @property
    def target(self) -> Path:
        checked = "-overfit" if self.settings.train.overfit is not None else ""  # no run of a model's name
        folder = self.settings.run_folder
        return folder.with_name(f"{folder.name}{checked}")

    def sources(self) -> Sequence[Stage]:
        return [kind(self.settings, self.progress) for kind in (Prepare, Embed, Dedup)]

    def options(self) -> Any:
        chosen = self.settings.model_dump(mode="json", include={"model", "guidance", "train"})
        for where in ("accelerator", "devices", "workers", "logger", "logger_online"):
            # where it runs, and is watched, is not what it is
            chosen["train"].pop(where)
        chosen["train"].pop("preset")  # what it set is there
        if self.settings.model.init is not None:  # what lies there counts, not where it lies
            weights = self.settings.model.init / "model.safetensors"
            chosen["model"]["init"] = file_fingerprint(weights) if weights.exists() else None
        return chosen

    def ensure_inputs(self) -> None:
        """Tasks of a launcher may each train a run of their own; they never share one. Packages that are
        missed at the end of a training are missed at once."""
        check_installed(self.settings.train)
        said = {name: os.environ.get(name, "") for name in TASKS}
        name, count = max(said.items(), key=lambda one: int(one[1]) if one[1].isdecimal() else 0)
        if count.isdecimal() and int(count) > 1:
            self.progress.warn(
                f"one of {count} tasks ({name}): each trains by itself, and of those with the same --run the "
                "first one alone; for several devices run the command once, with --devices"
            )

    def splits(self, windows: Windows) -> list[Split]:
        """Which windows train, one split a fold."""
        return splits_for(windows, self.settings.train)

    def make(self, target: Path) -> None:
        from vqtext.pipeline.training.assemble import gather, rounds_of

        started = time.monotonic()
        windows = read_windows(self.settings.cache / "windows.h5")
        seeds = list(dict.fromkeys(self.settings.train.seeds))
        splits = self.splits(windows)
        for warning in dict.fromkeys(warning for split in splits for warning in split.warnings):
            self.progress.warn(warning)
        for warning in (*self._doubts(windows), *self._unguided(windows)):
            self.progress.warn(warning)
        kept = self.staging()  # what a training that was stopped had done
        scores: dict[str, dict[str, float]] = {}
        described = []
        heard: set[str] = set()  # what people were told
        for fold, split in enumerate(splits):
            made = {seed: model_folder(split, fold, seed) for seed in seeds}
            missing = {s: name for s, name in made.items() if not (kept / name / SCORES).exists()}
            if missing:
                config, data = gather(windows, split, self.settings)
                rounds = rounds_of(data.evidence, len(windows.labels))
                for line in (
                    *self._too_fast(windows, split, rounds),
                    *self._not_found(windows, split, rounds, data.absent),
                ):
                    if line not in heard:
                        self.progress.say(line)
                    heard.add(line)
                for line in self._doubted(windows, data):
                    if line not in heard:
                        self.progress.warn(line)
                    heard.add(line)
            for seed, name in missing.items():
                self._train_seed(seed, config, data, kept / name, name)
            for name in made.values():
                found = json.loads((kept / name / SCORES).read_text())
                scores[name] = found["validation"]
                copy(kept / name, target / name)
            best = max(
                made.values(), key=lambda name: -scores[name].get("nll", 0) - scores[name].get("rebuild", 0)
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
        told, upright = ways(windows.channels), upright_places(windows.channels)
        return doubts(words, locations, hands, self.settings.train.grounding, told, upright)

    def _too_fast(self, windows: Windows, split: Split, round_s: Sequence[float | None]) -> list[str]:
        """What was joined besides, since rounds that were read of the training windows are so fast."""
        words = read_words(self.settings.cache / "anchors.h5", windows.labels)
        usual, read = (resolved(words, windows, split.learn, self.settings.train, s) for s in (None, round_s))
        known = {(join.label, join.name) for join in usual.joined}
        lines = []
        for i, label in enumerate(windows.labels):
            more = [j for j in read.joined if j.label == i and j.why == "rate" and (i, j.name) not in known]
            if more:
                names = ", ".join(f'"{cut_short(join.name)}"' for join in more)
                least = max(join.needed_hz or 0.0 for join in more)
                lines.append(
                    f"rounds of {label!r} last {round_s[i]:.2g} s, too fast at {windows.rate_hz:g} Hz for "
                    f"each of its steps: joined to {names}; {ceil(least)} Hz would separate them"
                )
        return lines

    def _not_found(
        self,
        windows: Windows,
        split: Split,
        round_s: Sequence[float | None],
        absent: Sequence[Sequence[int]],
    ) -> list[str]:
        """What to say of steps that were left out, since the training windows are likelier without."""
        read = read_words(self.settings.cache / "anchors.h5", windows.labels)
        words = resolved(read, windows, split.learn, self.settings.train, round_s).words
        lines = []
        for label, own, left in zip(windows.labels, words.uses, absent, strict=False):
            if left:
                names = ", ".join(f'"{cut_short(own[place][1].phrase)}"' for place in left)
                lines.append(
                    f"{label}: {names} not found in the training windows, and left out; "
                    "train.keep_absent keeps such steps"
                )
        return lines

    def _doubted(self, windows: Windows, data: TrainingData) -> list[str]:
        """What looks wrong in the words by the training windows."""
        from vqtext.model.grounding.absence import unsupported
        from vqtext.model.grounding.posture_reference import unread

        if "signal" not in self.settings.train.grounding.split("+"):
            return []
        seen, labels = data.evidence, windows.labels
        lines = posture_doubts(
            unread(seen.up, seen.written_up, seen.label, seen.group),
            upright_places(windows.channels),
            labels,
            [subject.id for subject in windows.subjects],
        )
        bare = unsupported(seen, data.vocabulary.transcripts, windows.rate_hz)
        if bare:
            names = told([repr(cut_short(labels[i], 30)) for i in bare])
            lines.append(
                f"no step of {cut_short(names, 120)} is found in the training windows: what is told there is "
                "a guess; mend the steps in subactions.json"
            )
        return lines

    def _unguided(self, windows: Windows) -> list[str]:
        """What to say of labels that no words of their own guide, where those are all that would."""
        if self.settings.guidance.source != "label":
            return []
        with open_artifact(self.settings.cache / "texts.h5", "texts") as texts:
            known, index = texts.attrs["labels"], texts["label_text"]
        bare = [x for x in windows.labels if x not in known or (index[known.index(x)] < 0).all()]
        if not bare:
            return []
        return [
            f"no text guides {told(bare)}: give them a keyword, a sentence or paraphrases in "
            "subactions.json, or say --guidance none"
        ]

    def _train_seed(self, seed: int, config: Any, data: Any, folder: Path, name: str) -> None:
        """Train one model beside ``folder`` and move it there when it is whole."""
        from vqtext.model.grounding import base as grounding
        from vqtext.model.load import VQText
        from vqtext.model.training.fit import epochs_for, fit
        from vqtext.model.training.lightning_module import weights
        from vqtext.pipeline.training.assemble import rounds_of
        from vqtext.pipeline.training.post_fit import choose, finish

        round_s = rounds_of(data.evidence, len(config.labels))
        work = folder.with_name(f".{folder.name}.work")
        settings, drop = self.settings.train, self.settings.guidance.drop
        epochs = epochs_for(len(data.train), settings)
        again = settings.refit and settings.overfit is None and len(data.validation) > 0 and epochs > 1
        first = min(ceil(CHOOSING * epochs), max(1, epochs - 1)) if again else epochs
        if work.exists():
            self.progress.say(f"{name}: going on where it was stopped")
        with self.progress.bar(f"{name}: steps") as tell:
            how = settings.model_copy(update={"epochs": first})
            network, decoder, scores, names = fit(config, data, how, drop, seed, work, tell)
        model = VQText(network, decoder)
        begin = weights(network, decoder)
        if settings.overfit is not None:
            data = replace(data, validation=data.validation[:0])  # a check by heart keeps nobody apart
        chosen = choose(model, data)
        if chosen is not None:
            scores |= {"nll": chosen.nll, "accuracy": chosen.accuracy}
        if again:
            data = data.whole()
            scores["refit_epochs"] = float(epochs - first)
            more = {"epochs": epochs - first, "learning_rate": AGAIN * settings.learning_rate}
            how = settings.model_copy(update=more)
            with self.progress.bar(f"{name}: steps of all windows") as tell:
                network, decoder, _, names = fit(config, data, how, drop, seed, work / WHOLE, tell, begin)
            model = VQText(network, decoder)
        evident = names
        if chosen is not None and not again:  # training had no use for the evidence of the validation windows
            evident = grounding.make(settings.grounding, data.grammar, data.evidence)
        finish(model, data, chosen, evident)
        model.save(work)
        for part in (work, work / WHOLE):
            shutil.rmtree(part / "checkpoints", ignore_errors=True)
        (work / SCORES).write_text(
            json.dumps({"validation": scores, "words": {"round_s": round_s, "absent": data.absent}}) + "\n",
            encoding="utf-8",
        )
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
            "calibrated_on": "validation windows cut from training",
            "validation": run["validation"],
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
            chosen = f"{validation}{then}" if watched else "nothing"
            lines.append(f"  {begin}trained on {train}; calibrated on: {chosen}; kept for the test: {test}")
        best = {entry["best"] for entry in summary["splits"]} if len(summary["seeds"]) > 1 else set()
        for name, scores in summary["validation"].items():
            said = ", ".join(f"{key} {value:.3g}" for key, value in scores.items())
            lines.append(f"  {name}{' (best)' if name in best else ''}: {said}")
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


def _told_check(name: str, scores: Mapping[str, float]) -> str:
    first, last = scores["first_loss"], scores["last_loss"]
    return (
        f"{name}: learnt by heart, as a sound model does: the loss fell from {first:.3g} to {last:.3g} "
        f"in {scores['epochs']:g} epochs"
    )


def _told_size(part: Mapping[str, Any]) -> str:
    whose = f" (subject {cut_short(told(part['subjects']))})" if part["subjects"] else ""
    return f"{part['windows']} windows{whose}"
