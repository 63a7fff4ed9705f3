"""``vqtext explain --window N``: all that a run says of one window, whichever part of the data it is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.console.text import printable
from vqtext.errors import DataError, UsageError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.codes import token_names
from vqtext.pipeline.explaining.asked import why_not
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import Fold, folds_of, read_run
from vqtext.reason import Step
from vqtext.settings.schema import Settings
from vqtext.steps import passages


def explain_window(settings: Settings, number: int, other: str | None = None) -> dict[str, Any]:
    """Explain one row of windows.h5, by the best model that has not seen it where there is one.

    Args:
        other: a class of which it is asked why the window is not one.

    Returns:
        The whole ``--json`` answer: as a sample of ``vqtext explain``, and beside it ``part`` ("test", or
        what the window was to the model), the recording, and each sub-step of each token with its code's own
        name and what the decoding says there; ``why_not``, None where nothing was asked:
        `vqtext.reason.WhyNot`, its ``text``, and ``drawn``, a `vqtext.reason.Redrawn` without its signal.

    Raises:
        UsageError: there is no such window, or no such class, or it is the window's own.
        DataError: no sample of it was measured.
        ArtifactError: there is no run, or it is stale or damaged.
    """
    from vqtext.model.load import VQText

    train = Train(settings, Progress(quiet=True))
    train.check()
    run = read_run(train.target)
    windows = read_windows(settings.cache / "windows.h5")
    if not 0 <= number < windows.n:
        where = settings.cache / "windows.h5"
        raise UsageError(f"there is no window {number}: {where} has 0 to {windows.n - 1}")
    index = np.array([number])
    if not np.isfinite(windows.signal[index]).any():
        raise DataError(f"window {number} holds nothing but lost samples: there is nothing to explain")
    fold, part = _who_says(folds_of(train.target, run, windows), number)
    model = VQText.from_pretrained(train.target / fold.best)
    signal = windows.signal[index][0]
    reason = model.highlight(signal, model.explain(signal)[0])
    asked = None
    if other is not None:
        try:
            why, drawn = why_not(model, windows, fold.split.learn, signal, reason, other)
        except DataError as error:
            raise UsageError(f"--why-not {other!r}: {error}") from error
        asked = {
            **why.to_dict(),
            "text": str(why),
            "drawn": drawn and drawn.to_dict(),
            "drawn_text": drawn and str(drawn),
        }
    tokens = token_names(model, windows.signal, index, settings.explain.code_confidence)
    agreeing = [token["name"] == token["decoded"] for token in tokens]
    true = windows.labels[windows.label[number]]
    displays = {t.label: t.display for t in model.vocabulary.transcripts}
    return {
        "run": run["run"],
        "window": number,
        "model": fold.best,
        "part": part,
        "recording": windows.recordings[windows.recording[number]],
        "start_s": float(windows.start_s[number]),
        "true": true,
        "true_display": displays.get(true),
        "text": str(reason),
        **reason.to_dict(),
        "tokens": tokens,
        "agreement": sum(agreeing) / len(agreeing) if agreeing else None,
        "why_not": asked,
    }


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `explain_window` for people."""
    seen = f"; its model has seen it ({answer['part']})" if answer["part"] in ("train", "validation") else ""
    told = [
        f"window {answer['window']}: {answer['recording']} from {answer['start_s']:.1f} s, "
        f"truly {answer['true_display'] or answer['true']}{seen}",
        f"{answer['display'] or answer['label']} ({answer['confidence']:.2f}), because",
        *_steps(answer),
    ]
    if (other := answer["runner_up"]) is not None:
        told += [f"also possible: {other['display'] or other['label']} ({other['confidence']:.2f}), because"]
        told += _steps(other)
    if (asked := answer["why_not"]) is not None:
        told.append(printable(asked["text"]))
        if asked["drawn"] is not None:
            told.append(f"  {printable(asked['drawn_text'])}")
        elif asked["steps"]:
            told.append("  nothing was drawn: the model reads none of that class's training windows as it")
    if answer["agreement"] is not None:
        told.append(
            f"of the codes' own {len(answer['tokens'])} names, {100 * answer['agreement']:.0f} % are what "
            "the decoding says there"
        )
    return told


def _who_says(folds: list[Fold], number: int) -> tuple[Fold, str]:
    """The split whose model has not seen the window; else the first, and what the window was to it."""
    for fold in folds:
        if number in fold.split.test:
            return fold, "test"
    for part in ("train", "validation"):
        if number in getattr(folds[0].split, part):
            return folds[0], part
    return folds[0], "left out"


def _steps(reason: Mapping[str, Any]) -> list[str]:
    steps = [Step.of(step) for step in reason["steps"]]
    return [f"  {printable(passage)}" for passage in passages(steps, reason["cycle"])]
