"""``vqtext search --window``: a piece of signal → its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.console.text import printable
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError, UsageError
from vqtext.pipeline.training.trained_run import open_trained
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.config import ModelConfig

MAX_WORDS = 5


def words_at(
    settings: Settings, window: int, from_s: float | None = None, to_s: float | None = None
) -> dict[str, Any]:
    """What a piece of one window is called; no text model is needed.

    Args:
        window: row of windows.h5.
        from_s, to_s: seconds from the window's start; None: its start, its end.

    Returns:
        The whole ``--json`` answer: ``words``, each anchor with the share of the time under which the network
        names it (``named``), and for which the decoding has it (``decoded``), most named first.

    Raises:
        UsageError: there is no such window, or no frame of it in that time.
        DataError: nothing was measured then.
        ArtifactError: there is no run, or it is stale or damaged.
    """
    trained = open_trained(settings)
    fold, windows = trained.fold_of(window), trained.windows
    begin_s, end_s = _piece(windows, window, from_s, to_s)
    signal = windows.signal[[window]]
    if not np.isfinite(signal).any():
        raise DataError(f"window {window} holds nothing but lost samples: there is nothing to name")
    model = trained.model(fold)
    decoded, tokens = model.decode(signal), model.tokenize(signal)
    inside = _frames(model.config, begin_s, end_s) & decoded.keep[0]
    if not inside.any():
        raise DataError(f"nothing was measured in window {window} from {begin_s:g} to {end_s:g} s")
    anchors = model.vocabulary.anchors
    named = tokens.names[0, inside].mean(0)
    share = np.bincount(decoded.anchor[0, inside] + 1, minlength=len(anchors) + 1) / inside.sum()
    order = np.argsort(-named, kind="stable")
    return {
        "run": trained.run["run"],
        "model": fold.best,
        "window": window,
        "recording": windows.recordings[windows.recording[window]],
        "from_s": round(begin_s, 3),
        "to_s": round(end_s, 3),
        "label": model.config.labels[decoded.label[0]],
        "unknown": round(float(share[0]), 4),
        "words": [
            {"step": anchors[k], "named": round(float(named[k]), 4), "decoded": round(float(share[k + 1]), 4)}
            for k in order.tolist()
        ],
    }


def _piece(windows: Windows, window: int, from_s: float | None, to_s: float | None) -> tuple[float, float]:
    """Begin and end of a piece in seconds; raises UsageError where it is no part of the window."""
    length_s = float(windows.length[window]) / windows.rate_hz
    begin_s, end_s = 0.0 if from_s is None else from_s, length_s if to_s is None else to_s
    if not 0 <= begin_s < end_s <= length_s + 1e-6:
        raise UsageError(
            f"from {begin_s:g} to {end_s:g} s is no part of window {window}, which lasts {length_s:g} s: "
            "give --from and --to in seconds from its start"
        )
    return begin_s, end_s


def _frames(config: ModelConfig, begin_s: float, end_s: float) -> np.ndarray:
    """Frames whose middle lies in that time, ``(F,) bool``; of less than a frame, the one it lies in."""
    frames, window_s = config.frames, config.window_s
    middle = (np.arange(frames) + 0.5) * window_s / frames
    inside = (middle >= begin_s) & (middle < end_s)
    if not inside.any():
        inside[min(int((begin_s + end_s) / 2 / window_s * frames), frames - 1)] = True
    return inside


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `words_at` for people."""
    lines = [
        f"window {answer['window']}, {answer['recording']}, {answer['from_s']:.2f}–{answer['to_s']:.2f} s "
        f"({answer['label']}) is called"
    ]
    shown = [word for word in answer["words"] if word["decoded"] > 0 or word["named"] >= 0.05][:MAX_WORDS]
    lines += [f"  {printable(w['step'])}: named {w['named']:.2f}, decoded {w['decoded']:.2f}" for w in shown]
    if answer["unknown"]:
        lines.append(f"  unknown: decoded {answer['unknown']:.2f}")
    lines.append("named by the network; decoded with the order of steps; as shares of the time")
    return lines
