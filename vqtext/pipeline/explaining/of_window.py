"""``vqtext explain --window N``: all that a run says of one window, whichever part of the data it is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.console.text import printable
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError, UsageError
from vqtext.pipeline.codes import token_names
from vqtext.pipeline.explain import truth_lines
from vqtext.pipeline.explaining.truth import truth_of_window, words_meant
from vqtext.pipeline.explaining.why_not import why_not
from vqtext.pipeline.training.run_record import Fold
from vqtext.pipeline.training.trained_run import open_trained
from vqtext.reason import Reason, Step
from vqtext.settings.schema import Settings
from vqtext.steps import passages

if TYPE_CHECKING:
    from vqtext.model.load import VQText


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
    trained = open_trained(settings)
    fold, windows = trained.fold_of(number), trained.windows
    signal = windows.signal[[number]][0]
    if not np.isfinite(signal).any():
        raise DataError(f"window {number} holds nothing but lost samples: there is nothing to explain")
    model = trained.model(fold)
    reason = model.highlight(signal, model.explain(signal)[0])
    contrast = None if other is None else _why_not(model, windows, fold, signal, reason, other)
    tokens = token_names(model, windows.signal, np.array([number]), settings.explain.code_confidence)
    agreeing = [token["name"] == token["decoded"] for token in tokens]
    meant = None if windows.truth is None else words_meant(windows, trained.words(fold))
    truth = truth_of_window(windows, number, reason, meant)
    true = windows.labels[windows.label[number]]
    return {
        "run": trained.run["run"],
        "window": number,
        "model": fold.best,
        "part": _part(fold, number),
        "recording": windows.recordings[windows.recording[number]],
        "start_s": float(windows.start_s[number]),
        "true": true,
        "true_display": model.vocabulary.label_displays().get(true),
        "truth": truth and truth.to_dict(),
        "text": str(reason),
        **reason.to_dict(),
        "tokens": tokens,
        "agreement": sum(agreeing) / len(agreeing) if agreeing else None,
        "why_not": contrast,
    }


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `explain_window` for people."""
    seen = f"; its model has seen it ({answer['part']})" if answer["part"] in ("train", "validation") else ""
    lines = [
        f"window {answer['window']}: {answer['recording']} from {answer['start_s']:.1f} s, "
        f"truly {answer['true_display'] or answer['true']}{seen}",
        f"{answer['display'] or answer['label']} ({answer['confidence']:.2f}), because",
        *_steps(answer),
        *truth_lines(answer),
    ]
    if (other := answer["runner_up"]) is not None:
        lines += [f"also possible: {other['display'] or other['label']} ({other['confidence']:.2f}), because"]
        lines += _steps(other)
    if (contrast := answer["why_not"]) is not None:
        lines.append(printable(contrast["text"]))
        if contrast["drawn"] is not None:
            lines.append(f"  {printable(contrast['drawn_text'])}")
        elif contrast["steps"]:
            lines.append("  nothing was drawn: the model reads none of that class's training windows as it")
    if answer["agreement"] is not None:
        lines.append(
            f"of the codes' own {len(answer['tokens'])} names, {100 * answer['agreement']:.0f} % are what "
            "the decoding says there"
        )
    return lines


def _why_not(
    model: VQText, windows: Windows, fold: Fold, signal: np.ndarray, reason: Reason, other: str
) -> dict[str, Any]:
    try:
        why, drawn = why_not(model, windows, fold.split.learn, signal, reason, other)
    except DataError as error:
        raise UsageError(f"--why-not {other!r}: {error}") from error
    return {
        **why.to_dict(),
        "text": str(why),
        "drawn": drawn and drawn.to_dict(),
        "drawn_text": drawn and str(drawn),
    }


def _part(fold: Fold, window: int) -> str:
    """What a window was to the models of a split."""
    parts = ("test", "train", "validation")
    return next((part for part in parts if window in getattr(fold.split, part)), "left out")


def _steps(reason: Mapping[str, Any]) -> list[str]:
    steps = [Step.of(step) for step in reason["steps"]]
    return [f"  {printable(passage)}" for passage in passages(steps, reason["cycle"])]
