"""``vqtext evaluate``: how well a run classifies people and recordings it has never seen, by signal alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.data.splits import Split, unlearned
from vqtext.data.windows import Windows
from vqtext.errors import DataError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.classify import fit_linear, histogram
from vqtext.pipeline.lines import cut_short, table
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.runs import folds_of, read_run
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.train import Train

CLASSIFIERS = ("tokens", "histogram", "decoding")


class Evaluate(Stage):
    """Score every seed of a run on the run's own test windows; in a run of folds, a seed's predictions of all
    folds are scored together, each made by the model that has not seen that subject."""

    command = "evaluate"
    version = 2

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
        folds = folds_of(self.run_folder, run, windows)
        test = np.concatenate([fold.split.test for fold in folds])
        if not len(test):
            raise DataError("the run kept no window to test on: train with --test-subjects")
        predicted: dict[str, list[np.ndarray]] = {name: [] for name in CLASSIFIERS}
        chosen: dict[str, list[float]] = {"tokens": [], "histogram": []}
        for seed in self.progress.track(run["seeds"], len(run["seeds"]), "seeds"):
            parts: dict[str, list[np.ndarray]] = {name: [] for name in CLASSIFIERS}
            for fold in folds:
                said, strength = _predict(self.run_folder / fold.models[seed], windows, fold.split, seed)
                for name in CLASSIFIERS:
                    parts[name].append(said[name])
                for name, value in strength.items():
                    chosen[name].append(value)
            for name in CLASSIFIERS:
                predicted[name].append(np.concatenate(parts[name]))
        true, subject = windows.label[test], windows.subject[test]
        ids = [known.id for known in windows.subjects]
        result = {
            **self.provenance().to_dict(),
            "dataset": windows.dataset,
            "split": folds[0].split.how,
            "folds": len(folds) if folds[0].split.how == "folds" else None,
            "test_subjects": [name for fold in folds for name in fold.split.test_subjects],
            "seeds": run["seeds"],
            "labels": windows.labels,
            "test_windows": len(true),
            "unlearned": _unlearned(windows, [fold.split for fold in folds]),
            "classification": {name: _scores(true, rows) for name, rows in predicted.items()},
            "subjects": {name: _by_subject(true, rows, subject, ids) for name, rows in predicted.items()},
            "confusion": {
                name: _confusion(true, rows, len(windows.labels)) for name, rows in predicted.items()
            },
            "strength": chosen,
            "selection": "strength by cross-validation, epoch by validation windows; both inside training",
        }
        target.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def summary(self) -> dict[str, Any]:
        result = json.loads(self.target.read_text(encoding="utf-8"))
        told = ("dataset", "split", "folds", "test_subjects", "test_windows", "seeds", "unlearned")
        return {key: result[key] for key in (*told, "classification", "subjects")}

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        def told(m: Mapping[str, Any]) -> str:
            spread = f" ± {m['std']:.3f}" if len(m["values"]) > 1 else ""
            return f"{m['mean']:.3f}{spread}"

        several = any(len(found["windows"]) > 1 for found in summary["subjects"].values())
        rows = [["classifier", "accuracy", "macro-F1", *(["accuracy by subject"] if several else [])]]
        for name, scores in summary["classification"].items():
            rows.append([name, told(scores["accuracy"]), told(scores["macro_f1"])])
            if several:
                rows[-1].append(_told_spread(summary["subjects"][name]["accuracy"]))
        who = ", ".join(summary["test_subjects"])
        tested = f"test subjects {cut_short(who)}" if who else f"{summary['split']} split"
        if summary["folds"]:
            tested += f" in {summary['folds']} folds, each tested once"
        lines = [
            f"{summary['dataset']}, {tested}, {summary['test_windows']} windows, signal alone, "
            f"{len(summary['seeds'])} seed(s)",
            *table(rows),
        ]
        lost = sum(summary["unlearned"].values())
        if lost:
            names = ", ".join(map(repr, summary["unlearned"]))
            lines.append(
                f"{lost} of {summary['test_windows']} test windows have a label that no training window had "
                f"({cut_short(names)}): they count as mistakes"
            )
        return lines


def _told_spread(measure: Mapping[str, Any]) -> str:
    values = measure["values"]
    worst = min(values, key=values.get)
    return f"{measure['mean']:.3f} ± {measure['std']:.3f}, lowest {values[worst]:.3f} (subject {worst})"


def _predict(
    folder: Path, windows: Windows, split: Split, seed: int
) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Test predictions of one seed by every classifier, and the strengths that were chosen."""
    from vqtext.model.load import load

    model = load(folder)
    learn = split.learn
    label, group = windows.label[learn], windows.subject[learn]
    seen, new = model.tokenize(windows.signal, learn), model.tokenize(windows.signal, split.test)
    codes = model.config.settings.codes
    views = {
        "tokens": (seen.features.reshape(len(learn), -1), new.features.reshape(len(split.test), -1)),
        "histogram": (histogram(seen.code, codes), histogram(new.code, codes)),
    }
    said, strength = {}, {}
    for name, (a, b) in views.items():
        classifier, strength[name] = fit_linear(a, label, group, seed)
        said[name] = classifier.predict(b)
    said["decoding"] = model.predict_proba(windows.signal, split.test).argmax(1)
    return said, strength


def _scores(true: np.ndarray, predicted: list[np.ndarray]) -> dict[str, dict[str, Any]]:
    return {
        "accuracy": _over_seeds([float((row == true).mean()) for row in predicted]),
        "macro_f1": _over_seeds([_macro_f1(true, row) for row in predicted]),
    }


def _macro_f1(true: np.ndarray, row: np.ndarray) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(true, row, average="macro", zero_division=0))


def _by_subject(
    true: np.ndarray, predicted: list[np.ndarray], subject: np.ndarray, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Each test subject's own scores, the mean of all seeds, and how far people lie apart.

    Args:
        true, subject: ``(n,)``; subject −1 is unknown and left out.
        predicted: of each seed, ``(n,)``.
    """
    windows: dict[str, int] = {}
    accuracy: dict[str, float] = {}
    macro_f1: dict[str, float] = {}
    for code in np.unique(subject[subject >= 0]):
        own = subject == code
        windows[ids[code]] = int(own.sum())
        accuracy[ids[code]] = float(np.mean([(row[own] == true[own]).mean() for row in predicted]))
        macro_f1[ids[code]] = float(np.mean([_macro_f1(true[own], row[own]) for row in predicted]))

    def spread(values: dict[str, float]) -> dict[str, Any]:
        return {**_over_seeds(list(values.values())), "values": values} if values else {"values": {}}

    return {"windows": windows, "accuracy": spread(accuracy), "macro_f1": spread(macro_f1)}


def _unlearned(windows: Windows, splits: Sequence[Split]) -> dict[str, int]:
    """Label → test windows of it whose model was trained on none."""
    found: Counter[str] = Counter()
    for split in splits:
        for label in unlearned(windows, split):
            found[windows.labels[label]] += int((windows.label[split.test] == label).sum())
    return dict(found)


def _over_seeds(values: list[float]) -> dict[str, Any]:
    std = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {"mean": float(np.mean(values)), "std": std, "values": values}


def _confusion(true: np.ndarray, predicted: list[np.ndarray], labels: int) -> list[list[int]]:
    """Counts over all seeds, rows true, columns predicted."""
    counts = np.zeros((labels, labels), dtype=int)
    for row in predicted:
        np.add.at(counts, (true, row), 1)
    return counts.tolist()
