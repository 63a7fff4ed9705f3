"""``vqtext explain``: what a run says of windows it has never seen, as text, JSON and one page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache.hdf5 import open_artifact
from vqtext.cache.publish import publish
from vqtext.console.text import printable
from vqtext.data.splits.splits import Split
from vqtext.pipeline.codes import describe_codes
from vqtext.pipeline.evaluation.tested import Tested
from vqtext.pipeline.explaining.sample import ExplainedWindow, samples_of
from vqtext.pipeline.explaining.truth import words_meant
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import Fold
from vqtext.reason import UNSURE
from vqtext.report.content import Confusion, Report, Score, Scores, ThresholdCurve
from vqtext.report.html import render

if TYPE_CHECKING:
    from vqtext.model.load import VQText

MAX_PRINTED = 3
"""Samples that a person is shown in the terminal; the report and ``--json`` have all."""


class Explain(Stage):
    """Explain test windows, one of each label in turn, and draw the report."""

    command = "explain"
    version = 9
    reads = (Prepare, Train)

    @property
    def target(self) -> Path:
        return self.settings.run_folder / "explain.json"

    @property
    def report(self) -> Path:
        return self.settings.run_folder / "report.html"

    def options(self) -> Any:
        # the scores on the page are those of evaluate, where it has run
        return {
            "samples": self.settings.explain.samples,
            "code_confidence": self.settings.explain.code_confidence,
            "scored": (self.settings.run_folder / "evaluate.json").exists(),
        }

    def is_current(self) -> bool:
        return self.report.exists() and super().is_current()

    def make(self, target: Path) -> None:
        tested = Tested.read(self.settings)
        samples, codebook_of = self._explained(tested)
        page = self._page(tested, samples, codebook_of)
        with publish(self.report) as beside:
            beside.write_text(render(page), encoding="utf-8")
        result = {
            **self.provenance().to_dict(),
            "run": tested.run["run"],
            "model": tested.run["best"],
            "split": tested.splits[0].how,
            "report": str(self.report),
            "samples": [sample.to_dict(tested.windows, page.shown_labels) for sample in samples],
        }
        target.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

    def summary(self) -> dict[str, Any]:
        result = json.loads(self.target.read_text(encoding="utf-8"))
        return {key: result[key] for key in ("run", "model", "report", "samples")}

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        shown = summary["samples"][:MAX_PRINTED]
        lines = []
        for sample in shown:
            truly = sample["true_display"] or sample["true"]
            lines += [f"window {sample['window']}, truly {truly}:", f"  {sample['text']}"]
            lines += truth_lines(sample)
        steps = [step for sample in shown for step in sample["steps"]]
        weak = sum(step["confidence"] < UNSURE for step in steps)
        if weak:
            lines.append(
                f"  {weak} of these {len(steps)} steps are guesses, less sure than {UNSURE}: they are shown "
                "as unknown"
            )
        return [*lines, f"report: {Path(summary['report']).resolve()}"]

    def _explained(self, tested: Tested) -> tuple[list[ExplainedWindow], tuple[Fold, VQText]]:
        """Samples of the test windows, each by the model that has not seen it, and one of these models, whose
        codebook is drawn."""
        windows, folds, test = tested.windows, tested.folds, tested.test
        fold_of = np.repeat(np.arange(len(folds)), [len(own) for own in tested.tests])
        chosen = one_of_each(windows.label[test], self.settings.explain.samples, fold_of)
        samples: dict[int, ExplainedWindow] = {}
        first: tuple[Fold, VQText] | None = None
        for k in np.unique(fold_of[chosen]).tolist():
            fold, own = folds[k], test[chosen[fold_of[chosen] == k]]
            model = tested.model(fold)
            first = first or (fold, model)
            meant = None if windows.truth is None else words_meant(windows, tested.words(fold))
            samples |= samples_of(model, windows, fold, meant, own)
        assert first is not None
        return [samples[i] for i in test[chosen].tolist()], first

    def _page(
        self, tested: Tested, samples: Sequence[ExplainedWindow], codebook_of: tuple[Fold, VQText]
    ) -> Report:
        run, windows, splits = tested.run, tested.windows, tested.splits
        scores = self.settings.run_folder / "evaluate.json"
        scored = json.loads(scores.read_text(encoding="utf-8")) if scores.exists() else {}
        fold, model = codebook_of
        notes = list(dict.fromkeys(warning for split in splits for warning in split.warnings))
        if len(splits) > 1:
            notes.append(
                f"Each window is explained by the model that has not seen its subject. Each model has a "
                f"codebook of its own; the one drawn here is that of {fold.best}."
            )
        return Report(
            title=f"What {windows.dataset.replace('_', ' ')} shows",
            dataset=windows.dataset,
            run=run["run"],
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            encoder=run["encoder"],
            labels=tuple(windows.labels),
            shown_labels=model.vocabulary.label_displays(),
            shown_names=model.vocabulary.displays(),
            scores={name: _score(entry) for name, entry in scored.get("classification", {}).items()},
            split=_how_split(splits),
            selection="The epoch was chosen on validation windows and every other setting by "
            "cross-validation, both inside the training windows.",
            seeds=tuple(run["seeds"]),
            confusion=(Confusion("decoding", np.array(scored["confusion"]["decoding"])) if scored else None),
            samples=tuple(sample.drawn(windows) for sample in samples),
            codebook=tuple(
                describe_codes(model, windows, fold.split.learn, self.settings.explain.code_confidence)
            ),
            threshold=threshold_curve(self.settings.cache / "anchors.h5"),
            settings=run["settings"],
            versions=run["versions"],
            notes=tuple(notes),
        )


def truth_lines(answer: Mapping[str, Any]) -> list[str]:
    """The truth of an explained window, where there is one."""
    return [f"  in truth: {printable(answer['truth']['text'])}"] if answer["truth"] else []


def one_of_each(label: np.ndarray, count: int, fold: np.ndarray) -> np.ndarray:
    """The first window of each label in the first fold, then in the next; then the second of each, until
    ``count``: nothing is hand-picked.

    Args:
        label, fold: of each window, ``(n,)``.
    """
    order = np.lexsort((label, fold))  # stable: windows of one label and fold stay in their order
    first = np.r_[True, (np.diff(label[order]) != 0) | (np.diff(fold[order]) != 0)]
    place = np.arange(len(label))
    turn = np.empty(len(label), dtype=np.int64)
    turn[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return np.lexsort((label, fold, turn))[:count]


def _score(entry: dict[str, Any]) -> Scores:
    return Scores(
        *(Score(m["mean"], m["std"], tuple(m["values"])) for m in (entry["accuracy"], entry["macro_f1"]))
    )


def _how_split(splits: Sequence[Split]) -> str:
    tested = ", ".join(name for split in splits for name in split.test_subjects)
    if splits[0].how == "folds":
        return f"Tested on subjects {tested} in {len(splits)} folds, by models that never saw them."
    if splits[0].how == "subjects":
        return f"Tested on subjects {tested}, whom training never saw."
    if splits[0].how == "own":
        return "The data set's own split into training and test windows."
    if splits[0].how == "time":
        return "A split in time: tested on what comes last of each label in each recording."
    return "A random split: people may be in both parts."


def threshold_curve(path: Path | str) -> ThresholdCurve | None:
    """How many anchors each threshold leaves, as anchors.h5 has it; None where nothing was counted."""
    with open_artifact(path, "anchors") as anchors:
        thresholds, counts = anchors["curve/threshold"], anchors["curve/count"]
        if not len(thresholds):
            return None
        return ThresholdCurve(thresholds, counts, anchors.attrs["threshold"], len(anchors["anchor/phrase"]))
