"""``vqtext evaluate``: how well a run reads and names people it has never seen, by the signal alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache.fingerprint import file_fingerprint
from vqtext.console.text import as_text, cut_short
from vqtext.data.features.motion import MotionScale
from vqtext.data.splits.splits import Split, unlearned
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.correcting.corrections import read_corrections
from vqtext.pipeline.correcting.moments import corrected_windows
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.evaluation import scores as scoring
from vqtext.pipeline.evaluation.deletion_test import WINDOWS
from vqtext.pipeline.evaluation.frame_metrics import over
from vqtext.pipeline.evaluation.motion_check import claims, moves_more, within_label
from vqtext.pipeline.evaluation.predictions import CLASSIFIERS, Predictions, of_all, predict
from vqtext.pipeline.evaluation.robustness import minirocket
from vqtext.pipeline.evaluation.robustness.scores import robust_answers, robust_scores
from vqtext.pipeline.evaluation.scores import Seeds, Truth
from vqtext.pipeline.evaluation.tables import summary_lines
from vqtext.pipeline.evaluation.text_leak import text_only_accuracy
from vqtext.pipeline.evaluation.truth_map import (
    check,
    map_of,
    own_table,
    read_table,
    tables_digest,
    unknown_phrase,
)
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import Fold, folds_of, read_run
from vqtext.pipeline.training.run_words import words_of_fold
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.settings.schema import GuidanceSettings

CONTROLS = (
    "permuted_names",
    "random_words",
    "random_phrases",
    "shuffled_order",
    "shuffled_guidance",
    "no_text",
)
"""Controls that ``--json`` tells; people are told those of `controls.ALL_CONTROLS`."""

NOWHERE = np.empty(0, dtype=np.int64)


class Evaluate(Stage):
    """Score every seed of a run on the run's own test windows; in a run of folds, a seed's predictions of all
    folds are scored together, each made by the model that has not seen that subject."""

    command = "evaluate"
    version = 10

    @property
    def target(self) -> Path:
        return self.settings.run_folder / "evaluate.json"

    def sources(self) -> Sequence[Stage]:
        return [kind(self.settings, self.progress) for kind in (Prepare, Embed, Dedup, Train)]

    def options(self) -> Any:
        truth = self.settings.evaluate.truth
        return {
            "truth": file_fingerprint(truth) if truth is not None else tables_digest(),
            "controls": self.settings.evaluate.controls,
            "robustness": self.settings.evaluate.robustness and minirocket.with_what(),
        }

    def make(self, target: Path) -> None:
        run = read_run(self.settings.run_folder)
        windows = read_windows(self.settings.cache / "windows.h5")
        folds = folds_of(self.settings.run_folder, run, windows)
        tests = [fold.split.test for fold in folds]
        test = np.concatenate(tests)
        if not len(test):
            raise DataError("the run kept no window to test on: train with --test-subjects, or --split time")
        given = [
            words_of_fold(self.settings.cache, run, number, windows, fold.split.learn)
            for number, fold in enumerate(folds)
        ]
        truth, note = self._truth(windows, tests, given)
        place = _places(given)
        few = test[np.linspace(0, len(test) - 1, min(WINDOWS, len(test))).astype(int)]
        seeds = [
            [
                _among_all(
                    predict(
                        self.settings.run_folder / fold.models[seed],
                        windows,
                        fold.split,
                        seed,
                        np.intersect1d(few, own),
                    ),
                    spoken,
                )
                for fold, own, spoken in zip(folds, tests, place, strict=True)
            ]
            for seed in self.progress.track(run["seeds"], len(run["seeds"]), "seeds")
        ]
        true, subject = windows.label[test], windows.subject[test]
        ids = [known.id for known in windows.subjects]
        rows = {name: scoring.labels(seeds, name) for name in CLASSIFIERS}
        leak, shuffled = text_only_accuracy(
            self.settings.cache / "texts.h5",
            windows,
            [fold.split for fold in folds],
            GuidanceSettings(**run["settings"]["guidance"]),
            run["seeds"],
        )
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
            **_scores(true, seeds, truth),
            "grounding_mode": run["settings"]["train"]["grounding"],
            "grounding_note": note,
            "grounding_details": scoring.grounding_details(seeds, truth) if truth is not None else None,
            "controls": None,
            "robustness": None,
            "faithfulness": _faithfulness(seeds),
            "missed": _missed(seeds),
            "chosen_by_head": over([float(of_all(parts, "tied").mean()) for parts in seeds]),
            "unlike": over([float((of_all(parts, "familiar") < 1).mean()) for parts in seeds]),
            "leak": {"text_only_accuracy": leak},
            "leak_shuffled": shuffled,
            "sureness": scoring.confidence(seeds),
            "proxies": {
                "seed_agreement": scoring.seed_agreement(seeds),
                **scoring.label_purity([windows.label[own] for own in tests], seeds),
                "moves_more": _moves_more(windows, folds, seeds, given),
            },
            "subjects": {name: scoring.by_subject(true, said, subject, ids) for name, said in rows.items()},
            "confusion": {
                name: scoring.confusion(true, said, len(windows.labels)) for name, said in rows.items()
            },
            "strength": {
                name: [part.strength[name] for parts in seeds for part in parts]
                for name in seeds[0][0].strength
            },
            "selection": "strength by cross-validation, calibration by validation people; both in training",
        }
        if self.settings.evaluate.controls:
            result["controls"] = self._controls(run, windows, folds, given, truth)
        if self.settings.evaluate.robustness:
            result["robustness"] = self._robustness(run, windows, folds, place, truth)
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

    def _truth(
        self, windows: Windows, tests: Sequence[np.ndarray], given: Sequence[Words]
    ) -> tuple[Truth | None, str | None]:
        """The truth of the test windows and what is to be said of it; None where names cannot be held against
        any.

        Args:
            given: the words of each fold.
        """
        file = self.settings.evaluate.truth
        if windows.truth is None:
            if file is not None:
                self.progress.warn(f"{file} is not used: the data have no truth")
            return None, None
        if file is not None:
            table = read_table(file)
            check(table, file, windows.truth_words, given[0])
        else:
            table = own_table(windows.dataset, windows.truth_words)
            lost = unknown_phrase(table, windows.truth_words, given[0])
            if lost is not None:
                note = (
                    f"names were not held against the truth: nobody said which truth word {lost!r} stands "
                    "for; write a truth.toml and give it with --truth"
                )
                self.progress.warn(note)
                return None, note
        maps = [map_of(table, windows.truth_words, words) for words in given]
        place = _places(given)
        right = np.zeros((max(map(max, place)) + 1, len(windows.truth_words)), dtype=bool)
        for own, found in zip(place, maps, strict=True):
            right[own] |= found.right
        torn = dict.fromkeys(phrase for found in maps for phrase in found.torn)
        truth = Truth.of(windows, tests, right)
        if not any((own >= 0).any() for own in truth.folds):
            return None, "names were not held against the truth: no test window has any"
        unseen, seen = self._of_unseen(truth, windows, tests)
        if seen is not None:
            self.progress.warn(seen)
        if unseen is None or not torn:
            return unseen, seen
        note = "stand for phrases of different truth words and are never right: " + ", ".join(map(repr, torn))
        return unseen, f"{seen}; {note}" if seen else note

    def _of_unseen(
        self, truth: Truth, windows: Windows, tests: Sequence[np.ndarray]
    ) -> tuple[Truth | None, str | None]:
        """The truth of the people of whom nobody said what a moment shows, and what to say of the others."""
        said = corrected_windows(read_corrections(self.settings.cache), windows)
        test = np.concatenate(tests)
        if not said[test].any():
            return truth, None
        whose = np.unique(windows.subject[test[said[test]]])
        people = as_text([windows.subjects[i].id if i >= 0 else "unknown" for i in whose])
        why = f"people whose moments were corrected are no test of names (subject {cut_short(people)})"
        folds = [np.where(said[own, None], -1, true) for own, true in zip(tests, truth.folds, strict=True)]
        if any((own >= 0).any() for own in folds):
            return replace(truth, folds=folds), f"{why}: names are held against the truth of the others alone"
        return None, f"names were not held against the truth: {why}; test other people with --test-subjects"

    def _controls(
        self,
        run: Mapping[str, Any],
        windows: Windows,
        folds: Sequence[Fold],
        given: Sequence[Words],
        truth: Truth | None,
    ) -> dict[str, Any]:
        """Scores of the run trained again under each control; None for one that would change nothing."""
        from vqtext.pipeline.evaluation.controls import ALL_CONTROLS
        from vqtext.pipeline.evaluation.retraining import retrain

        true = windows.label[np.concatenate([fold.split.test for fold in folds])]
        kept = self.staging()  # models that an evaluation which was stopped had finished
        found: dict[str, Any] = {}
        place = _places(given)
        for name, control in ALL_CONTROLS.items():
            if name == "shuffled_guidance" and run["settings"]["guidance"]["source"] == "none":
                found[name] = None
                continue
            seeds = []
            for seed in run["seeds"]:
                parts = []
                for number, fold in enumerate(folds):
                    folder = kept / name / f"{number}-{seed}"
                    retrain(control, run, windows, fold.split, given[number], seed, folder, self)
                    said = predict(folder, windows, fold.split, seed, NOWHERE)
                    parts.append(_among_all(said, place[number]))
                seeds.append(parts)
            found[name] = _scores(true, seeds, truth)
        return found

    def _robustness(
        self,
        run: Mapping[str, Any],
        windows: Windows,
        folds: Sequence[Fold],
        place: Sequence[np.ndarray],
        truth: Truth | None,
    ) -> dict[str, Any]:
        seeds = [
            [
                robust_answers(
                    self.settings.run_folder / fold.models[seed],
                    windows,
                    fold.split,
                    seed,
                    own,
                    self.progress.track,
                )
                for fold, own in zip(folds, place, strict=True)
            ]
            for seed in run["seeds"]
        ]
        true = windows.label[np.concatenate([fold.split.test for fold in folds])]
        return robust_scores(true, seeds, truth)


def _places(given: Sequence[Words]) -> list[np.ndarray]:
    """Where the anchors of each fold stand among those of all, ``(K,)`` each: rounds that were read of other
    people may have asked for other steps to be joined."""
    place: dict[str, int] = {}
    return [np.array([place.setdefault(p, len(place)) for p in words.phrases]) for words in given]


def _among_all(said: Predictions, place: np.ndarray) -> Predictions:
    """Predictions whose frames are named by the anchors of all folds."""
    return replace(said, anchor=np.append(place, -1)[said.anchor])


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


def _faithfulness(seeds: Seeds) -> dict[str, Any]:
    """Mean fall of the posterior of the class that was read, over the windows in which anything is named."""
    found = {}
    for which, name in enumerate(("deletion_named", "deletion_random")):
        drops = [np.concatenate([part.drops[which] for part in parts]) for parts in seeds]
        found[name] = over([float(row.mean()) for row in drops if len(row)])
    return found


def _missed(seeds: Seeds) -> dict[str, Any]:
    """What codes alone, and tokens together, miss of the signal, mean over folds."""
    found = {}
    for which, name in enumerate(("codes_alone", "tokens_together")):
        each = [[x for part in parts if np.isfinite(x := part.missed[which])] for parts in seeds]
        found[name] = over([float(np.mean(own)) for own in each if own])
    return found


def _moves_more(
    windows: Windows, folds: Sequence[Fold], seeds: Seeds, given: Sequence[Words]
) -> dict[str, dict[str, Any]]:
    """Each location's physical check, over seeds and folds."""
    values: dict[str, list[float]] = {}
    for number, fold in enumerate(folds):
        moving = MotionScale.of(windows.signal, fold.split.train, windows.channels, windows.rate_hz)
        frames = seeds[0][number].keep.shape[1]
        test = fold.split.test
        energy = within_label(
            moving.frames(windows.signal, test, frames), windows.subject[test], windows.label[test]
        )
        claimed = claims(given[number], moving.locations)
        for parts in seeds:
            shares = moves_more(parts[number], energy, claimed)
            for location, share in zip(moving.locations, shares, strict=True):
                values.setdefault(location, []).extend([float(share)] if np.isfinite(share) else [])
    return {location: over(found) for location, found in values.items()}


def _unlearned(windows: Windows, splits: Sequence[Split]) -> dict[str, int]:
    """Label → test windows of it whose model was trained on none."""
    found: Counter[str] = Counter()
    for split in splits:
        for label in unlearned(windows, split):
            found[windows.labels[label]] += int((windows.label[split.test] == label).sum())
    return dict(found)
