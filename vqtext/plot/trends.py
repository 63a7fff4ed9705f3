"""Curves: anchors over the merging threshold, and losses over a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.errors import DataError
from vqtext.plot import canvas
from vqtext.report import palette
from vqtext.report.content import ThresholdCurve

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LOSSES = {
    "train/class": "class",
    "train/name": "names",
    "train/steps": "steps",
    "train/rebuild": "signal rebuilt",
    "validation/nll": "class, validation",
    "validation/rebuild": "signal rebuilt, validation",
}
"""Losses in metrics.csv, and what a plot calls them."""

MIN_LOSS = 1e-3
"""The lower end of the axis of losses at least: a smaller one lies on it."""

ACCURACIES = {"train/accuracy": "training windows", "validation/accuracy": "validation windows"}
"""Shares in metrics.csv, and what a plot calls them."""


def threshold_curve(curve: ThresholdCurve, ax: Axes | None = None) -> Axes:
    """How many anchors are left at each merging threshold, and the one that was chosen.

    Args:
        curve: as `vqtext.pipeline.explain.threshold_curve` reads it from anchors.h5.
        ax: drawn into; None makes a figure of its own.

    Raises:
        UsageError: matplotlib is not installed.
    """
    ax = canvas.axes(ax, 2.1)
    from matplotlib.ticker import MaxNLocator  # there, as the axes are

    order = np.argsort(curve.thresholds)
    ax.plot(np.asarray(curve.thresholds)[order], np.asarray(curve.counts)[order], color=palette.COLOURS[0])
    ax.plot([curve.chosen], [curve.kept], "o", color=palette.COLOURS[4], markersize=5)
    ax.axvline(curve.chosen, color=palette.COLOURS[4], linewidth=0.8, linestyle="--", zorder=0)
    canvas.title(ax, f"{curve.kept} anchor{'s' * (curve.kept != 1)} at {curve.chosen:g}")
    ax.set_ylim(0, 1.1 * max(float(np.max(curve.counts)), curve.kept, 1))
    ax.yaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    ax.set_xlabel("least cosine of phrases that merge")
    ax.set_ylabel("anchors")
    canvas.free(ax)
    return ax


def training_curves(
    history: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    names: Mapping[str, str] | None = None,
    joined: float | None = None,
) -> Axes:
    """Numbers of a training over its steps: solid in training, dashed on validation windows.

    Losses have a logarithmic axis, which ends at `MIN_LOSS` or above.

    Args:
        history: columns of metrics.csv, ``step`` among them, NaN where a step has no such number.
        ax: drawn into; None makes a figure of its own.
        names: columns that are drawn, and what they are called; None takes `LOSSES`.
        joined: the step from which on the validation windows trained too.

    Raises:
        DataError: no column of these names, or none with a number.
        UsageError: matplotlib is not installed.
    """
    names = LOSSES if names is None else names
    columns = {name: np.asarray(history[name], dtype=float) for name in names if name in history}
    columns = {name: values for name, values in columns.items() if np.isfinite(values).any()}
    if not columns:
        raise DataError(f"a training has none of {', '.join(names)}: there is no curve to draw")
    own, ax = ax is None, canvas.axes(ax, 2.0 + canvas.LINE * len(columns))
    lines = _curves(ax, np.asarray(history["step"], dtype=float), columns)
    entries = [(line, names[name]) for name, line in lines.items()]
    if joined is not None:
        line = ax.axvline(joined, color=canvas.GREY, linewidth=0.8, linestyle=":", zorder=0)
        entries.append((line, "from here on all windows train"))
    ax.set_xlabel("training step")
    if all(name.endswith("/accuracy") for name in columns):
        ax.set_ylabel("accuracy")
        ax.set_ylim(0, 1.02)
    else:
        ax.set_ylabel("loss")
        ax.set_yscale("log", nonpositive="clip")
        ax.set_ylim(bottom=max(MIN_LOSS, ax.get_ylim()[0]))
    canvas.free(ax)
    canvas.below(ax, entries, own)
    return ax


def _curves(ax: Axes, step: np.ndarray, columns: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """A line a column; a loss has one colour in training and on validation windows."""
    looks: dict[str, int] = {}
    lines = {}
    for name, values in columns.items():
        part, _, kind = name.partition("/")
        number = looks.setdefault({"nll": "class"}.get(kind, kind), len(looks))
        dash, finite = "--" if part == "validation" else "-", np.isfinite(values)
        (lines[name],) = ax.plot(
            step[finite], values[finite], color=palette.colour(number), linestyle=dash, linewidth=0.8
        )
    return lines
