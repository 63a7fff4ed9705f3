"""``vqtext search --window``: a piece of signal → its words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.console.text import printable
from vqtext.errors import DataError, UsageError
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import folds_of, read_run
from vqtext.settings.schema import Settings

SHOWN = 5


def words_at(
    settings: Settings, window: int, from_s: float | None = None, to_s: float | None = None
) -> dict[str, Any]:
    """What a piece of one window is called; no text model is needed.

    Args:
        window: row of windows.h5.
        from_s, to_s: seconds from the window's start; None: its start, its end.

    Returns:
        The whole ``--json`` answer: ``words``, each anchor with the share of the time under which the network
        names it (``named``), and under which the decoding tells it (``told``), most named first.

    Raises:
        UsageError: there is no such window, or no frame of it in that time.
        DataError: nothing was measured then.
        ArtifactError: there is no run, or it is stale or damaged.
    """
    from vqtext.model.load import VQText

    train = Train(settings, Progress(quiet=True))
    train.check()
    run = read_run(train.target)
    where = settings.cache / "windows.h5"
    windows = read_windows(where)
    if not 0 <= window < windows.n:
        raise UsageError(f"there is no window {window}: {where} has 0 to {windows.n - 1}")
    folds = folds_of(train.target, run, windows)
    fold = next((fold for fold in folds if window in fold.split.test), folds[0])
    model = VQText.from_pretrained(train.target / fold.best)
    frames, window_s = model.config.frames, model.config.window_s
    length_s = float(windows.length[window]) / windows.rate_hz
    begin_s, end_s = 0.0 if from_s is None else from_s, length_s if to_s is None else to_s
    if not 0 <= begin_s < end_s <= length_s + 1e-6:
        raise UsageError(
            f"from {begin_s:g} to {end_s:g} s is no part of window {window}, which lasts {length_s:g} s: "
            "give --from and --to in seconds from its start"
        )
    middle = (np.arange(frames) + 0.5) * window_s / frames
    inside = (middle >= begin_s) & (middle < end_s)
    if not inside.any():  # shorter than a frame: the one it lies in
        inside[min(int((begin_s + end_s) / 2 / window_s * frames), frames - 1)] = True
    index = np.array([window])
    if not np.isfinite(windows.signal[index]).any():
        raise DataError(f"window {window} holds nothing but lost samples: there is nothing to name")
    said, tokens = model.decode(windows.signal, index), model.tokenize(windows.signal, index)
    inside &= said.keep[0]
    if not inside.any():
        raise DataError(f"nothing was measured in window {window} from {begin_s:g} to {end_s:g} s")
    anchors = model.vocabulary.anchors
    named = tokens.names[0, inside].mean(0)
    told = np.bincount(said.anchor[0, inside] + 1, minlength=len(anchors) + 1) / inside.sum()
    order = np.argsort(-named, kind="stable")
    return {
        "run": run["run"],
        "model": fold.best,
        "window": window,
        "recording": windows.recordings[windows.recording[window]],
        "from_s": round(begin_s, 3),
        "to_s": round(end_s, 3),
        "label": model.config.labels[said.label[0]],
        "unknown": round(float(told[0]), 4),
        "words": [
            {
                "step": anchors[k],
                "named": round(float(named[k]), 4),
                "told": round(float(told[k + 1]), 4),
            }
            for k in order.tolist()
        ],
    }


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `words_at` for people."""
    said = [
        f"window {answer['window']}, {answer['recording']}, {answer['from_s']:.2f}–{answer['to_s']:.2f} s "
        f"({answer['label']}) is called"
    ]
    shown = [word for word in answer["words"] if word["told"] > 0 or word["named"] >= 0.05][:SHOWN]
    said += [f"  {printable(w['step'])}: named {w['named']:.2f}, told {w['told']:.2f}" for w in shown]
    if answer["unknown"]:
        said.append(f"  unknown: told {answer['unknown']:.2f}")
    said.append(
        "named: by the network, told: by the decoding, which knows the order of steps; as shares of the time"
    )
    return said
