"""What corrupted test windows cost: the class by the steps and names, beside MiniRocket's class."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from vqtext.console.text import table
from vqtext.data.features.motion import SAMPLE
from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import BLOCK, Windows
from vqtext.pipeline.evaluation.frame_metrics import Measure, named_recall, over
from vqtext.pipeline.evaluation.robustness import minirocket
from vqtext.pipeline.evaluation.robustness.corruptions import UNITS, Corruption, Level, corruptions
from vqtext.pipeline.evaluation.scores import macro_f1
from vqtext.pipeline.evaluation.truth_map import Truth

CLEAN = "clean"

Answers: TypeAlias = dict[tuple[str, Level], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Kind and level → class ``(n,)``, name of each frame ``(n, F)`` and MiniRocket's class ``(n,)``, each of the
test windows; −1 none. MiniRocket's is empty without aeon."""

_NAMES = {
    CLEAN: "as it is",
    "noise": "noise of {:g} deviations",
    "place": "without {}",
    "lost": "{:.0%} of the samples lost",
    "rate": "recorded at {:.4g} Hz",
    "turned": "sensors turned by {:g}°",
}


def robust_answers(
    folder: Path, windows: Windows, split: Split, seed: int, place: np.ndarray, track: Callable[..., Any]
) -> Answers:
    """Ask a model, and MiniRocket trained on the windows that it learned from, about corrupted test windows.

    A window of which nothing is left has no class and no names.

    Args:
        folder: the model's.
        windows, split: only what is tested is corrupted.
        seed: of MiniRocket and of the corruptions.
        place: where the model's anchors stand among those of all folds, ``(K,)``.
        track: shows how many corruptions are done.
    """
    from vqtext.model.load import VQText

    model = VQText.from_pretrained(folder)
    peer = minirocket.MiniRocket(windows, split.learn, seed) if minirocket.is_there() else None
    fitting = corruptions(windows.channels, windows.rate_hz, _spread(windows, split.learn), seed)
    ways: dict[tuple[str, Level], Corruption] = {(CLEAN, 0.0): lambda signal, recording, rng: signal}
    ways |= {(kind, level): way for kind, levels in fitting.items() for level, way in levels.items()}
    answers = {}
    for key, way in track(ways.items(), total=len(ways), text=f"seed {seed}: corruptions"):
        label = np.full(len(split.test), -1)
        other = label.copy() if peer is not None else label[:0]
        anchor = np.full((len(split.test), model.config.frames), -1)
        for at, signal in _corrupted(windows, split.test, way, seed):
            decoded = model.decode(signal)
            label[at], anchor[at] = decoded.label, np.append(place, -1)[decoded.anchor]
            if peer is not None:
                other[at] = peer.predict(signal)
        answers[key] = label, anchor, other
    return answers


def robust_scores(
    true: np.ndarray, seeds: Sequence[Sequence[Answers]], truth: Truth | None
) -> dict[str, Any]:
    """Scores for ``evaluate.json``, over seeds.

    Args:
        true: labels of all test windows, ``(n,)``.
        seeds: answers of each seed, one a fold.
        truth: where names can be held against any.

    Returns:
        ``note``, why MiniRocket is missing; ``clean``, scores without corruption; and ``corrupted``: kind →
        ``unit`` and ``levels``, a list of ``{"level", **scores}``. Of places there are ``mean`` and ``worst``
        too, the lowest for each score on its own. Scores are ``accuracy`` and ``macro_f1`` of the class by
        the steps, ``named_recall``, and ``minirocket``, None or an accuracy and macro-F1 again.
    """

    def of(key: tuple[str, Level]) -> dict[str, Any]:
        whole = [
            [np.concatenate(part) for part in zip(*(fold[key] for fold in folds), strict=True)]
            for folds in seeds
        ]
        names = [truth.named(anchor) for _, anchor, _ in whole] if truth is not None else []
        recalls = [named_recall(name_row, np.concatenate(truth.folds)) for name_row in names] if truth else []
        return {
            **_of_class(true, [label for label, _, _ in whole]),
            "named_recall": over(recalls) if recalls else None,
            "minirocket": _of_class(true, [row for *_, row in whole]) if len(whole[0][2]) else None,
        }

    found: dict[str, Any] = {kind: {"unit": unit, "levels": []} for kind, unit in UNITS.items()}
    for kind, level in seeds[0][0]:
        if kind != CLEAN:
            found[kind]["levels"].append({"level": level, **of((kind, level))})
    if each := found["place"]["levels"]:
        found["place"] |= {"mean": _over_places(each, _mean), "worst": _over_places(each, _lowest)}
    return {
        "note": None if minirocket.is_there() else minirocket.MISSING,
        "clean": of((CLEAN, 0.0)),
        "corrupted": {kind: own for kind, own in found.items() if own["levels"]},
    }


def robust_lines(result: Mapping[str, Any], text_of: Callable[[Mapping[str, Any]], str]) -> Iterator[str]:
    """The scores for people.

    Args:
        result: of `robust_scores`.
        text_of: a measure in words.
    """
    clean = result["clean"]
    named, beside = clean["named_recall"] is not None, clean["minirocket"] is not None
    yield "robustness: the same models on corrupted test windows, class by the steps (decoding)"
    head = ["  test windows", "accuracy", "macro-F1"]
    rows = [head + ["named recall"] * named + ["MiniRocket: accuracy", "macro-F1"] * beside]

    def row(what: str, scores: Mapping[str, Any]) -> None:
        shown = [scores["accuracy"], scores["macro_f1"]]
        shown += [scores["named_recall"]] * named
        if beside:
            shown += [scores["minirocket"]["accuracy"], scores["minirocket"]["macro_f1"]]
        rows.append([f"  {what}", *map(text_of, shown)])

    row(_NAMES[CLEAN], clean)
    for kind, own in result["corrupted"].items():
        for scores in own["levels"]:
            row(_NAMES[kind].format(scores["level"]), scores)
        if "mean" in own:
            row("without one place, mean", own["mean"])
            row("without one place, lowest", own["worst"])
    yield from table(rows)
    if result["note"]:
        yield f"  {result['note']}"


def _corrupted(
    windows: Windows, test: np.ndarray, way: Corruption, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places among the test windows, and those windows corrupted, `BLOCK` at a time; without windows of which
    nothing is left."""
    rng = np.random.default_rng(seed)
    for start in range(0, len(test), BLOCK):
        index = test[start : start + BLOCK]
        signal = way(np.asarray(windows.signal[index]), windows.recording[index], rng).astype(np.float32)
        left = np.isfinite(signal).any((1, 2))
        if left.any():
            yield start + np.flatnonzero(left), signal[left]


def _spread(windows: Windows, learn: np.ndarray) -> np.ndarray:
    """Deviation of each channel in the training windows, ``(C,)``: `SAMPLE` of them, spread over all."""
    some = learn[np.linspace(0, len(learn) - 1, min(SAMPLE, len(learn))).round().astype(int)]
    signal = np.asarray(windows.signal[some], dtype=np.float64)
    seen = np.isfinite(signal)
    count = np.maximum(seen.sum((0, 2)), 1)
    mean = np.where(seen, signal, 0).sum((0, 2)) / count
    away = np.where(seen, signal - mean[:, None], 0)
    return np.asarray(np.sqrt(np.square(away).sum((0, 2)) / count))


def _of_class(true: np.ndarray, rows: Sequence[np.ndarray]) -> dict[str, Measure]:
    return {
        "accuracy": over([float((row == true).mean()) for row in rows]),
        "macro_f1": over([macro_f1(true, row) for row in rows]),
    }


def _over_places(each: Sequence[Any], pick: Callable[[Sequence[Measure]], Measure]) -> Any:
    """One measure out of those of all places, for each score."""
    if each[0] is None:
        return None
    if "values" in each[0]:
        return pick(each)
    return {key: _over_places([own[key] for own in each], pick) for key in each[0] if key != "level"}


def _mean(each: Sequence[Measure]) -> Measure:
    return over(np.mean([own["values"] for own in each], axis=0))


def _lowest(each: Sequence[Measure]) -> Measure:
    return min(each, key=lambda own: own["mean"])
