"""``vqtext train``: cached artifacts → a run of trained models. No network, no text model."""

from __future__ import annotations

import json
import platform
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.splits import Split, split_windows
from vqtext.errors import ArtifactError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage

RUN = "run.json"
SHOWN_TO_DECODER = 500  # windows of a label that are enough to know how its steps follow each other
RECORDED = ("vqtext", "torch", "lightning", "numpy", "scikit-learn", "h5py", "safetensors")


class Train(Stage):
    """Train one model a seed; the run folder names the best by its validation score."""

    command = "train"
    folder = True

    @property
    def target(self) -> Path:
        return self.settings.cache / "runs" / self.settings.train.run

    def sources(self) -> Sequence[Stage]:
        return [kind(self.settings, self.progress) for kind in (Prepare, Embed, Dedup)]

    def options(self) -> Any:
        chosen = self.settings.model_dump(mode="json", include={"model", "guidance", "train"})
        for where in ("accelerator", "workers"):  # where it runs is not what it is
            chosen["train"].pop(where)
        return chosen

    def make(self, target: Path) -> None:
        from vqtext.pipeline.training_data import gather

        started = time.monotonic()
        windows = read_windows(self.settings.cache / "windows.h5")
        train = self.settings.train
        split = split_windows(windows, train.test_subjects, train.validation, train.seeds[0])
        for warning in split.warnings:
            self.progress.warn(warning)
        config, data = gather(windows, split, self.settings)
        scores: dict[str, dict[str, float]] = {}
        for seed in dict.fromkeys(train.seeds):
            done = self.staging() / f"seed-{seed}"
            if not (done / "scores.json").exists():
                self._train_seed(seed, config, data, done)
            scores[f"seed-{seed}"] = json.loads((done / "scores.json").read_text())
            shutil.copytree(done, target / done.name)
        best = max(scores, key=lambda name: -scores[name].get("nll", 0) - scores[name].get("rebuild", 0))
        with open_artifact(self.settings.cache / "texts.h5", "texts") as texts:
            encoder = texts.attrs["encoder"]
        run = {
            **self.provenance().to_dict(),
            "dataset": windows.dataset,
            "run": train.run,
            "best": best,
            "seeds": list(dict.fromkeys(train.seeds)),
            "validation": scores,
            "split": split.describe(),
            "encoder": encoder,
            "settings": self.settings.model_dump(mode="json"),
            "versions": {name: version(name) for name in RECORDED} | {"python": platform.python_version()},
            "command": ["vqtext", *sys.argv[1:]],
            "seconds": round(time.monotonic() - started, 1),
        }
        (target / RUN).write_text(json.dumps(run, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def _train_seed(self, seed: int, config: Any, data: Any, folder: Path) -> None:
        """Train one seed beside ``folder`` and move it there when it is whole."""
        import torch

        from vqtext.model.decoding import Decoder
        from vqtext.model.load import VQText
        from vqtext.model.training import epochs_for, fit

        work = folder.with_name(f".{folder.name}.work")
        shutil.rmtree(work, ignore_errors=True)
        settings = self.settings
        epochs = epochs_for(len(data.train), settings.train)
        bar = self.progress.track(range(epochs), epochs, f"seed {seed}: epochs")
        network, scores = fit(
            config, data, settings.train, settings.guidance.drop, seed, work, lambda: next(bar, None)
        )
        next(bar, None)
        model = VQText(network, Decoder(config, data.vocabulary))
        for part, learn in ((data.train, model.decoder.fit), (data.validation, model.decoder.calibrate)):
            if len(part):
                few = few_of_each(data.label[part].numpy(), SHOWN_TO_DECODER)
                shown = part[torch.from_numpy(few)]
                names = model.tokenize(data.signal[data.rows[shown.numpy()]]).names
                learn(torch.from_numpy(names), data.label[shown], data.frame_keep[shown])
        model.save(work)
        shutil.rmtree(work / "checkpoints", ignore_errors=True)
        (work / "scores.json").write_text(json.dumps(scores) + "\n", encoding="utf-8")
        work.rename(folder)

    def summary(self) -> dict[str, Any]:
        run = read_run(self.target)
        split = Split.from_description(run["split"])
        return {
            "run": run["run"],
            "folder": str(self.target),
            "dataset": run["dataset"],
            "seeds": run["seeds"],
            "best": run["best"],
            "windows": {
                "train": len(split.train),
                "validation": len(split.validation),
                "test": len(split.test),
            },
            "split": split.how,
            "test_subjects": list(split.test_subjects),
            "epoch_chosen_on": "validation windows cut from training",
            "validation": run["validation"],
            "seconds": run["seconds"],
        }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        counts = summary["windows"]
        lines = [
            f"{summary['folder']}: trained on {counts['train']} windows, epoch chosen on "
            f"{counts['validation']} others, {counts['test']} kept for the test"
        ]
        for seed, scores in summary["validation"].items():
            best = " (best)" if seed == summary["best"] and len(summary["seeds"]) > 1 else ""
            told = ", ".join(f"{name} {value:.3g}" for name, value in scores.items())
            lines.append(f"  {seed}{best}: {told}")
        return lines


def few_of_each(label: np.ndarray, most: int) -> np.ndarray:
    """Places of at most ``most`` windows of each label, spread over its own, in order."""
    places = [np.flatnonzero(label == name) for name in np.unique(label)]
    spread = [np.linspace(0, len(own) - 1, min(most, len(own))).round().astype(int) for own in places]
    return np.sort(np.concatenate([own[few] for own, few in zip(places, spread, strict=True)]))


def read_run(folder: Path) -> dict[str, Any]:
    """What a run wrote down.

    Raises:
        ArtifactError: there is no run, or it cannot be read.
    """
    path = folder / RUN
    if not path.exists():
        raise ArtifactError(f"{folder} holds no run: run `vqtext train --run {folder.name}`")
    try:
        run = json.loads(path.read_text(encoding="utf-8"))
        run["split"], run["seeds"], run["best"], run["inputs"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"{path} cannot be read ({type(error).__name__}): run `vqtext train --run {folder.name} --force`"
        ) from error
    return run
