"""``vqtext evaluate``: how well a run classifies people and recordings it has never seen, by signal alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.data.splits import Split
from vqtext.data.windows import Windows
from vqtext.errors import DataError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.classify import fit_linear, histogram
from vqtext.pipeline.lines import table
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.train import Train, read_run

CLASSIFIERS = ("tokens", "histogram", "decoding")


class Evaluate(Stage):
    """Score every seed of a run on the run's own test windows."""

    command = "evaluate"

    @property
    def run_folder(self) -> Path:
        return self.settings.cache / "runs" / self.settings.train.run

    @property
    def target(self) -> Path:
        return self.run_folder / "evaluate.json"

    def sources(self) -> Sequence[Stage]:
        return [kind(self.settings, self.progress) for kind in (Prepare, Train)]

    def make(self, target: Path) -> None:
        run = read_run(self.run_folder)
        windows = read_windows(self.settings.cache / "windows.h5")
        split = Split.from_description(run["split"])
        if not len(split.test):
            raise DataError("the run kept no window to test on: train with --test-subjects")
        predicted: dict[str, list[np.ndarray]] = {name: [] for name in CLASSIFIERS}
        chosen: dict[str, list[float]] = {"tokens": [], "histogram": []}
        for seed in self.progress.track(run["seeds"], len(run["seeds"]), "seeds"):
            said, strength = _predict(self.run_folder / f"seed-{seed}", windows, split, seed)
            for name in CLASSIFIERS:
                predicted[name].append(said[name])
            for name, value in strength.items():
                chosen[name].append(value)
        true = windows.label[split.test]
        result = {
            **self.provenance().to_dict(),
            "dataset": windows.dataset,
            "test_subjects": list(split.test_subjects),
            "seeds": run["seeds"],
            "labels": windows.labels,
            "test_windows": len(true),
            "classification": {name: _scores(true, rows) for name, rows in predicted.items()},
            "confusion": {
                name: _confusion(true, rows, len(windows.labels)) for name, rows in predicted.items()
            },
            "strength": chosen,
            "selection": "strength by cross-validation, epoch by validation windows; both inside training",
        }
        target.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def summary(self) -> dict[str, Any]:
        result = json.loads(self.target.read_text(encoding="utf-8"))
        return {key: result[key] for key in ("dataset", "test_subjects", "seeds", "classification")}

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        def told(m: Mapping[str, Any]) -> str:
            spread = f" ± {m['std']:.3f}" if len(m["values"]) > 1 else ""
            return f"{m['mean']:.3f}{spread}"

        rows = [["classifier", "accuracy", "macro-F1"]]
        rows += [
            [name, told(scores["accuracy"]), told(scores["macro_f1"])]
            for name, scores in summary["classification"].items()
        ]
        who = ", ".join(summary["test_subjects"])
        tested = f"test subjects {who}" if who else "the test windows of the run's split"
        return [
            f"{summary['dataset']}, {tested}, signal alone, {len(summary['seeds'])} seed(s)",
            *table(rows),
        ]


def _predict(
    folder: Path, windows: Windows, split: Split, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Test predictions of one seed by every classifier, and the strengths that were chosen."""
    from vqtext.model.load import load

    model = load(folder)
    learn = np.concatenate([split.train, split.validation])
    label, group = windows.label[learn], windows.subject[learn]
    seen, new = model.tokenize(windows.signal[learn]), model.tokenize(windows.signal[split.test])
    codes = model.config.settings.codes
    views = {
        "tokens": (seen.features.reshape(len(learn), -1), new.features.reshape(len(split.test), -1)),
        "histogram": (histogram(seen.code, codes), histogram(new.code, codes)),
    }
    said, strength = {}, {}
    for name, (a, b) in views.items():
        classifier, strength[name] = fit_linear(a, label, group, seed)
        said[name] = classifier.predict(b)
    said["decoding"] = model.predict_proba(windows.signal[split.test]).argmax(1)
    return said, strength


def _scores(true: np.ndarray, predicted: list[np.ndarray]) -> dict[str, dict[str, Any]]:
    from sklearn.metrics import f1_score

    return {
        "accuracy": _over_seeds([float((row == true).mean()) for row in predicted]),
        "macro_f1": _over_seeds(
            [float(f1_score(true, row, average="macro", zero_division=0)) for row in predicted]
        ),
    }


def _over_seeds(values: list[float]) -> dict[str, Any]:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": std, "values": values}


def _confusion(true: np.ndarray, predicted: list[np.ndarray], labels: int) -> list[list[int]]:
    """Counts over all seeds, rows true, columns predicted."""
    counts = np.zeros((labels, labels), dtype=int)
    for row in predicted:
        np.add.at(counts, (true, row), 1)
    return counts.tolist()
