"""``vqtext evaluate``: how well a run reads and names people it has never seen, by the signal alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache.fingerprint import file_fingerprint
from vqtext.pipeline.correcting.corrections import read_corrections
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.evaluation import motion_check
from vqtext.pipeline.evaluation import scores as scoring
from vqtext.pipeline.evaluation.deletion_test import WINDOWS
from vqtext.pipeline.evaluation.frame_metrics import over
from vqtext.pipeline.evaluation.predictions import CLASSIFIERS, Predictions, of_all
from vqtext.pipeline.evaluation.robustness import minirocket
from vqtext.pipeline.evaluation.robustness.scores import robust_answers, robust_scores
from vqtext.pipeline.evaluation.run_truth import truth_of
from vqtext.pipeline.evaluation.scores import Seeds
from vqtext.pipeline.evaluation.tables import summary_lines
from vqtext.pipeline.evaluation.tested import Tested
from vqtext.pipeline.evaluation.text_leak import text_only_accuracy
from vqtext.pipeline.evaluation.truth_map import Truth, tables_digest
from vqtext.pipeline.executing.choice import choose_for_torch
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.train import Train
from vqtext.settings.schema import GuidanceSettings

CONTROLS = (
    "permuted_names",
    "random_words",
    "random_phrases",
    "shuffled_order",
    "shuffled_guidance",
    "no_text",
)
"""Controls in the ``--json`` answer; people are shown those of `controls.ALL_CONTROLS`."""


class Evaluate(Stage):
    """Score every seed of a run on the run's own test windows; in a run of folds, a seed's predictions of all
    folds are scored together, each made by the model that has not seen that subject."""

    command = "evaluate"
    version = 10
    reads = (Prepare, Embed, Dedup, Train)

    @property
    def target(self) -> Path:
        return self.settings.run_folder / "evaluate.json"

    def options(self) -> Any:
        truth = self.settings.evaluate.truth
        return {
            "truth": file_fingerprint(truth) if truth is not None else tables_digest(),
            "controls": self.settings.evaluate.controls,
            "robustness": self.settings.evaluate.robustness and minirocket.with_what(),
        }

    def make(self, target: Path) -> None:
        tested = Tested.read(self.settings)
        truth, note = truth_of(
            tested, self.settings.evaluate.truth, read_corrections(self.settings.cache), self.progress.warn
        )
        seeds = self._predicted(tested)
        result = {
            **self.provenance().to_dict(),
            **_tested_on(tested),
            **_scores(tested.label, seeds, truth),
            "grounding_mode": tested.run["settings"]["train"]["grounding"],
            "grounding_note": note,
            "grounding_details": scoring.grounding_details(seeds, truth) if truth is not None else None,
            "controls": None,
            "robustness": None,
            **self._beside_scores(tested, seeds),
        }
        if self.settings.evaluate.controls:
            result["controls"] = self._controls(tested, truth)
        if self.settings.evaluate.robustness:
            result["robustness"] = self._robustness(tested, truth)
        target.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def summary(self) -> dict[str, Any]:
        result = self._result()
        controls = result["controls"]
        return {
            **{key: result[key] for key in ("dataset", "test_subjects", "seeds")},
            **_answer(result),
            "controls": controls and {name: controls[name] and _answer(controls[name]) for name in CONTROLS},
            **{key: result[key] for key in ("faithfulness", "leak")},
            **({"robustness": result["robustness"]} if result["robustness"] else {}),
        }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        return summary_lines(self._result())

    def _result(self) -> dict[str, Any]:
        result: dict[str, Any] = json.loads(self.target.read_text(encoding="utf-8"))
        return result

    def _predicted(self, tested: Tested) -> list[list[Predictions]]:
        """Of each seed, one a fold."""
        test, seeds = tested.test, tested.run["seeds"]
        few = test[np.linspace(0, len(test) - 1, min(WINDOWS, len(test))).astype(int)]
        folders = [[self.settings.run_folder / fold.models[seed] for fold in tested.folds] for seed in seeds]
        predicted = tested.predict(folders, few, choose_for_torch(self.settings))
        return list(self.progress.track(predicted, len(seeds), "seeds"))

    def _beside_scores(self, tested: Tested, seeds: Seeds) -> dict[str, Any]:
        """What is measured without a truth of steps, and the scores of each person and class."""
        run, windows, true = tested.run, tested.windows, tested.label
        ids = [subject.id for subject in windows.subjects]
        rows = {name: scoring.labels(seeds, name) for name in CLASSIFIERS}
        leak, shuffled = text_only_accuracy(
            self.settings.cache / "texts.h5",
            windows,
            tested.splits,
            GuidanceSettings(**run["settings"]["guidance"]),
            run["seeds"],
        )
        return {
            "faithfulness": scoring.faithfulness(seeds),
            "missed": scoring.reconstruction_error(seeds),
            "chosen_by_head": over([float(of_all(parts, "tied").mean()) for parts in seeds]),
            "unlike": over([float((of_all(parts, "familiar") < 1).mean()) for parts in seeds]),
            "leak": {"text_only_accuracy": leak},
            "leak_shuffled": shuffled,
            "sureness": scoring.confidence(seeds),
            "proxies": {
                "seed_agreement": scoring.seed_agreement(seeds),
                **scoring.label_purity([windows.label[own] for own in tested.tests], seeds),
                "moves_more": motion_check.over_seeds(tested, seeds),
            },
            "subjects": {
                name: scoring.by_subject(true, row, windows.subject[tested.test], ids)
                for name, row in rows.items()
            },
            "confusion": {
                name: scoring.confusion(true, row, len(windows.labels)) for name, row in rows.items()
            },
            "strength": {
                name: [part.strength[name] for parts in seeds for part in parts]
                for name in seeds[0][0].strength
            },
            "selection": "strength by cross-validation, calibration by validation people; both in training",
        }

    def _controls(self, tested: Tested, truth: Truth | None) -> dict[str, Any]:
        """Scores of the run trained again under each control; None for one that would change nothing."""
        from vqtext.pipeline.evaluation.controls import ALL_CONTROLS
        from vqtext.pipeline.evaluation.retraining import retrain

        run, windows = tested.run, tested.windows
        staging = self.staging()  # models that an evaluation which was stopped had finished
        answer: dict[str, Any] = {}
        for name, control in ALL_CONTROLS.items():
            if name == "shuffled_guidance" and run["settings"]["guidance"]["source"] == "none":
                answer[name] = None
                continue
            of_seeds = []
            for seed in run["seeds"]:
                folders = [staging / name / f"{number}-{seed}" for number in range(len(tested.folds))]
                for folder, split, words in zip(folders, tested.splits, tested.words_of_folds, strict=True):
                    retrain(control, run, windows, split, words, seed, folder, self)
                of_seeds.append(folders)
            seeds = list(tested.predict(of_seeds, tested.test[:0], choose_for_torch(self.settings)))
            answer[name] = _scores(tested.label, seeds, truth)
        return answer

    def _robustness(self, tested: Tested, truth: Truth | None) -> dict[str, Any]:
        seeds = [
            [
                robust_answers(
                    self.settings.run_folder / fold.models[seed],
                    tested.windows,
                    fold.split,
                    seed,
                    place,
                    self.progress.track,
                )
                for fold, place in zip(tested.folds, tested.places, strict=True)
            ]
            for seed in tested.run["seeds"]
        ]
        return robust_scores(tested.label, seeds, truth)


def _tested_on(tested: Tested) -> dict[str, Any]:
    windows, how = tested.windows, tested.splits[0].how
    return {
        "dataset": windows.dataset,
        "split": how,
        "folds": len(tested.folds) if how == "folds" else None,
        "test_subjects": [name for split in tested.splits for name in split.test_subjects],
        "seeds": tested.run["seeds"],
        "labels": windows.labels,
        "test_windows": len(tested.test),
        "unlearned": tested.unlearned(),
    }


def _scores(true: np.ndarray, seeds: Seeds, truth: Truth | None) -> dict[str, Any]:
    return {
        "classification": scoring.classification(true, seeds),
        "ece": scoring.ece(true, seeds),
        "grounding": scoring.grounding(seeds, truth) if truth is not None else None,
    }


def _answer(scores: Mapping[str, Any]) -> dict[str, Any]:
    """Scores as ``--json`` gives them, of the run or of a control."""
    classification = {**scores["classification"], "ece": scores["ece"]}
    return {"classification": classification, "grounding": scores["grounding"]}
