"""Predictions of all seeds and folds → scores of a run: of its classes, of its names and of its codes.

In a run of folds the predictions of a seed are scored together, each made by the model that has not seen that
subject. Codes are another model's in each fold, so what is measured of them is a mean over the folds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any, TypeAlias

import numpy as np

from vqtext.pipeline.evaluation import frame_metrics, segment_metrics
from vqtext.pipeline.evaluation.codebook_metrics import SHUFFLES, code_words, nmi, purity, shuffled
from vqtext.pipeline.evaluation.frame_metrics import Measure, over, over_each
from vqtext.pipeline.evaluation.predictions import CLASSIFIERS, Predictions, of_all
from vqtext.pipeline.evaluation.truth_map import Truth, first_word

BORDER_S = 0.05
"""What ``named_recall@50ms`` forgives."""

SURE = 0.5
"""A confidence from which on a name should rather be right than wrong."""

OVERLAPS = (0.10, 0.25, 0.50)

Seeds: TypeAlias = Sequence[Sequence[Predictions]]
"""Of each seed, one a fold."""


def classification(true: np.ndarray, seeds: Seeds) -> dict[str, dict[str, Measure]]:
    """Accuracy and macro-F1 of each classifier. ``true``: labels of all test windows, ``(n,)``."""
    return {
        name: over_each(
            [
                {"accuracy": float((row == true).mean()), "macro_f1": macro_f1(true, row)}
                for row in labels(seeds, name)
            ]
        )
        for name in CLASSIFIERS
    }


def labels(seeds: Seeds, classifier: str) -> list[np.ndarray]:
    """What each seed's models say of all test windows, ``(n,)`` each."""
    return [np.concatenate([part.label[classifier] for part in parts]) for parts in seeds]


def macro_f1(true: np.ndarray, row: np.ndarray) -> float:
    """Mean F1 over the labels that occur; −1 is none."""
    from sklearn.metrics import f1_score

    labels = np.setdiff1d(np.union1d(true, row), [-1])
    return float(f1_score(true, row, labels=labels, average="macro", zero_division=0))


def by_subject(
    true: np.ndarray, predicted: list[np.ndarray], subject: np.ndarray, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Each test subject's own scores, the mean of all seeds, and how far people lie apart.

    Args:
        true, subject: ``(n,)``; subject −1 is unknown and left out.
        predicted: of each seed, ``(n,)``.
    """
    windows: dict[str, int] = {}
    accuracy: dict[str, float] = {}
    f1: dict[str, float] = {}
    for code in np.unique(subject[subject >= 0]):
        own = subject == code
        windows[ids[code]] = int(own.sum())
        accuracy[ids[code]] = float(np.mean([(row[own] == true[own]).mean() for row in predicted]))
        f1[ids[code]] = float(np.mean([macro_f1(true[own], row[own]) for row in predicted]))

    def spread(values: dict[str, float]) -> dict[str, Any]:
        return {**over(list(values.values())), "values": values} if values else {"values": {}}

    return {"windows": windows, "accuracy": spread(accuracy), "macro_f1": spread(f1)}


def confusion(true: np.ndarray, predicted: list[np.ndarray], labels: int) -> list[list[int]]:
    """Counts over all seeds, rows true, columns predicted."""
    counts = np.zeros((labels, labels), dtype=int)
    for row in predicted:
        np.add.at(counts, (true, row), 1)
    return counts.tolist()


def step_confusion(true: np.ndarray, named: list[np.ndarray], words: int) -> list[list[int]]:
    """Samples over all seeds: a row for each true word, a column for each word predicted, the last for none.

    Args:
        true: words, ``(n, T)``, −1 unknown; named: of each seed, ``(n, T)``, −1 none.
    """
    known = true >= 0
    predicted = [np.where(row < 0, words, row)[known] for row in named]
    return confusion(true[known], predicted, words + 1)[:-1]


def ece(true: np.ndarray, seeds: Seeds) -> Measure:
    """Calibration error of the decoding."""
    return over([frame_metrics.calibration_error(of_all(parts, "posterior"), true) for parts in seeds])


def grounding(seeds: Seeds, truth: Truth) -> dict[str, Measure]:
    """How well names hold against the truth: what ``--json`` gives, in its order."""
    rows = [_of_seed(parts, truth) for parts in seeds]
    return {**over_each(rows), "seed_agreement": seed_agreement(seeds)}


def seed_agreement(seeds: Seeds, named: Callable[[np.ndarray], np.ndarray] = lambda x: x) -> Measure:
    """Share of frames that two seeds name alike, over all pairs of seeds."""
    names = [named(of_all(parts, "anchor")) for parts in seeds]
    return over(frame_metrics.agreement(names, of_all(seeds[0], "keep")))


def confidence(seeds: Seeds) -> dict[str, Measure]:
    """How sure names are: mean confidence of a frame, how much of the time it is `SURE` or more, and how
    often two seeds name alike what both are so sure of."""
    keep = of_all(seeds[0], "keep")
    named = [of_all(parts, "anchor") for parts in seeds]
    confidence = [of_all(parts, "confidence") for parts in seeds]
    agreed = [
        frame_metrics.agreement((a, b), both)[0]
        for (a, s), (b, t) in combinations(zip(named, confidence, strict=True), 2)
        if (both := keep & (np.minimum(s, t) >= SURE)).any()
    ]
    return {
        "confidence": over([s[keep].mean() for s in confidence]),
        "sure": over([(s[keep] >= SURE).mean() for s in confidence]),
        "sure_agreement": over(agreed),
    }


def grounding_details(seeds: Seeds, truth: Truth) -> dict[str, Any]:
    """What people are shown beside it: nulls, recall and confusion of words, kinder views of the rest."""
    true = np.concatenate(truth.folds)
    named = [truth.named(of_all(parts, "anchor")) for parts in seeds]
    recalls = [frame_metrics.recalls(row, true) for row in named]
    rng = np.random.default_rng(0)
    nulls = [
        {
            "code_purity": _over_folds(parts, truth, lambda t: purity(t.sum(1)), rng),
            "nmi": _over_folds(parts, truth, lambda t: nmi(t.sum(1)), rng),
        }
        for parts in seeds
    ]
    return {
        "recall": {truth.words[word]: over([row[word] for row in recalls]) for word in recalls[0]},
        "confusion": {"words": truth.words, "samples": step_confusion(true, named, len(truth.words))},
        "null": over_each(nulls),
        "substep_purity": over([_over_folds(parts, truth, lambda t: purity(_flat(t))) for parts in seeds]),
        "word_agreement": seed_agreement(
            seeds, lambda anchor: np.append(first_word(truth.right), -1)[anchor]
        ),
    }


def faithfulness(seeds: Seeds) -> dict[str, Measure]:
    """Mean fall of the posterior of the class that was read, over the windows in which anything is named."""
    answer = {}
    for which, name in enumerate(("deletion_named", "deletion_random")):
        drops = [np.concatenate([part.drops[which] for part in parts]) for parts in seeds]
        answer[name] = over([float(row.mean()) for row in drops if len(row)])
    return answer


def reconstruction_error(seeds: Seeds) -> dict[str, Measure]:
    """What codes alone, and tokens together, miss of the signal, mean over folds."""
    answer = {}
    for which, name in enumerate(("codes_alone", "tokens_together")):
        rows = [[x for part in parts if np.isfinite(x := part.missed[which])] for parts in seeds]
        answer[name] = over([float(np.mean(row)) for row in rows if row])
    return answer


def label_purity(true: Sequence[np.ndarray], seeds: Seeds) -> dict[str, Measure]:
    """How far each code belongs to one label, which needs no truth of steps: by tokens, with its null.

    Args:
        true: labels of the test windows of each fold.
    """
    rng = np.random.default_rng(0)

    def of(part: Predictions, label: np.ndarray, code: np.ndarray) -> float:
        table = np.zeros((len(part.code_name), int(max(map(np.max, true))) + 1), dtype=np.int64)
        used = code >= 0
        np.add.at(table, (code[used], np.broadcast_to(label[:, None], code.shape)[used]), 1)
        return purity(table)

    rows = []
    for parts in seeds:
        pairs = [*zip(parts, true, strict=True)]
        weights = [len(label) for label in true]
        of_shuffled = [np.mean([of(p, y, shuffled(p.code, rng)) for _ in range(SHUFFLES)]) for p, y in pairs]
        own = [of(p, y, p.code) for p, y in pairs]
        rows.append(
            {
                "label_purity": np.average(own, weights=weights),
                "null": np.average(of_shuffled, weights=weights),
            }
        )
    return over_each(rows)


def _of_seed(parts: Sequence[Predictions], truth: Truth) -> dict[str, float]:
    true = np.concatenate(truth.folds)
    named = truth.named(of_all(parts, "anchor"))
    accuracy = frame_metrics.named_accuracy(named, true)
    best = frame_metrics.hungarian_accuracy(named, true, len(truth.words))
    within = int(BORDER_S * truth.rate_hz + 1e-9)
    straddling = truth.straddles(of_all(parts, "anchor")) & (true >= 0)
    clear = np.where(straddling, -1, true)
    return {
        "named_accuracy": accuracy,
        "named_recall": frame_metrics.named_recall(named, true),
        "straddling": float(straddling.sum() / (true >= 0).sum()),
        "named_recall_clear": frame_metrics.named_recall(named, clear) if (clear >= 0).any() else 0.0,
        "named_recall@50ms": frame_metrics.named_recall(named, true, within),
        "edit": segment_metrics.edit_score(named, true),
        **{f"f1@{share * 100:.0f}": segment_metrics.segment_f1(named, true, share) for share in OVERLAPS},
        "hungarian_accuracy": best,
        "naming_gap": best - accuracy,
        "code_purity": _over_folds(parts, truth, lambda t: purity(t.sum(1))),
        "nmi": _over_folds(parts, truth, lambda t: nmi(t.sum(1))),
    }


def _over_folds(
    parts: Sequence[Predictions],
    truth: Truth,
    measure: Callable[[np.ndarray], float],
    null: np.random.Generator | None = None,
) -> float:
    """A measure of the tables of codes, sub-steps and words, as a mean over folds weighted by what was
    counted; with ``null`` of shuffled codes, as a mean of `SHUFFLES`."""
    values, weights = [], []
    for part, true in zip(parts, truth.folds, strict=True):
        for _ in range(1 if null is None else SHUFFLES):
            code = part.code if null is None else shuffled(part.code, null)
            table = code_words(
                code, part.t, part.l, true, len(truth.words), len(part.code_name), part.substeps
            )
            values.append(measure(table))
            weights.append(table.sum())
    return float(np.average(values, weights=weights)) if sum(weights) else 0.0


def _flat(table: np.ndarray) -> np.ndarray:
    return table.reshape(-1, table.shape[-1])
