"""Who is taken for whom: classes, or steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vqtext.errors import ShapeError
from vqtext.plot import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WRITTEN = 16  # columns up to which shares are written into their cells
NAMED = 10  # columns up to which each bears its name; of more each bears its number
TICKS = 30  # of them are drawn
MOST = 6.9  # inches of a figure at most: two columns of a journal
TWO_LINES = 0.3  # inches


def confusion(
    counts: np.ndarray,
    names: Sequence[str],
    columns: Sequence[str] | None = None,
    ax: Axes | None = None,
    *,
    of: str = "class",
) -> Axes:
    """Counts as shares of their row, in percent: a row what is true, a column what is said.

    A row that never occurred is grey. Shares that round to 0 are not written, and of a large table none is: a
    bar says what its colours mean. More than `NAMED` columns bear the numbers of their rows.

    Args:
        counts: ``(n, m)``, of windows, or of samples.
        names: of the n rows; columns: of the m columns, None where they are the same.
        ax: drawn into; None makes a figure of its own.
        of: what is counted, for the axes: "class" or "step".

    Raises:
        ShapeError: the counts are not rows × columns.
        UsageError: matplotlib is not installed.
    """
    counts, columns = np.asarray(counts, dtype=float), names if columns is None else columns
    n, m = len(names), len(columns)
    if counts.shape != (n, m):
        raise ShapeError(f"confusion counts of shape {counts.shape} do not fit {n} rows and {m} columns")
    total = counts.sum(1, keepdims=True)
    share = np.divide(100 * counts, total, out=np.full_like(counts, np.nan), where=total > 0)
    cell = float(np.clip(2.1 / max(m, 1), 0.2, 0.45))
    fitted = partial(canvas.wrapped, width=20) if cell >= TWO_LINES else partial(canvas.short, width=28)
    rows_said, columns_said = ([fitted(name) for name in side] for side in (names, columns))
    if m > NAMED:
        rows_said = [f"{text}  {i}" for i, text in enumerate(rows_said, start=1)]
        apart = -(-m // TICKS)
        columns_said = [
            text if j >= n else str(j + 1) if j % apart == 0 else "" for j, text in enumerate(columns_said)
        ]
    if ax is None:
        left, under = (0.07 * max(map(_longest, side), default=1) for side in (rows_said, columns_said))
        width = float(np.clip(0.35 + left + cell * m + 0.6 * (m > WRITTEN), canvas.WIDTH, MOST))
        ax = canvas.axes(None, min(0.75 + cell * n + under, 8.5), width)
    size = canvas.size(ax)
    ax.set_facecolor("#d9d9d9")
    drawn = ax.imshow(share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    canvas.tick_labels(ax.xaxis, range(m), columns_said, rotation=90)
    canvas.tick_labels(ax.yaxis, range(n), rows_said)
    ax.tick_params(length=0)
    ax.set_xlabel(f"{of} said by the model")
    ax.set_ylabel(f"true {of}")
    meaning = f"share of the true {of} (%)"
    if m <= WRITTEN:
        canvas.title(ax, meaning)
        for i, j in np.argwhere(np.nan_to_num(share).round() > 0):
            colour, points = "white" if share[i, j] > 55 else "black", size if m <= NAMED else 0.8 * size
            ax.text(j, i, f"{share[i, j]:.0f}", ha="center", va="center", color=colour, fontsize=points)
    else:
        bar = ax.figure.colorbar(drawn, ax=ax, fraction=0.05, pad=0.02)
        bar.set_label(meaning, fontsize=size)
        bar.ax.tick_params(labelsize=size, width=0.6, length=2.5)
        bar.outline.set_linewidth(0.6)
    return ax


def _longest(text: str) -> int:
    """Characters of the longest line."""
    return max(map(len, text.split("\n")))
