"""Who is taken for whom: classes, or steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.errors import ShapeError
from vqtext.plot import canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WRITTEN = 16  # columns up to which shares are written into their cells
MAX_NAMED = 10  # columns up to which each bears its name; of more each bears its number
TICKS = 30  # of them are drawn
MAX_INCHES = 6.9  # inches of a figure at most: two columns of a journal
TWO_LINES = 0.3  # inches


def confusion(
    counts: np.ndarray,
    names: Sequence[str],
    columns: Sequence[str] | None = None,
    ax: Axes | None = None,
    *,
    of: str = "class",
) -> Axes:
    """Counts as shares of their row, in percent: a row for each true one, a column for each predicted one.

    A row that never occurred is grey. Shares that round to 0 are not written, and of a large table none is: a
    bar says what its colours mean. More than `MAX_NAMED` columns bear the numbers of their rows.

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
    row_texts, column_texts = _tick_texts(names, columns, cell)
    if ax is None:
        left, under = (0.07 * max(map(_longest, side), default=1) for side in (row_texts, column_texts))
        width = float(np.clip(0.35 + left + cell * m + 0.6 * (m > WRITTEN), canvas.WIDTH, MAX_INCHES))
        ax = canvas.axes(None, min(0.75 + cell * n + under, 8.5), width)
    ax.set_facecolor("#d9d9d9")
    image = ax.imshow(share, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    canvas.tick_labels(ax.xaxis, range(m), column_texts, rotation=90)
    canvas.tick_labels(ax.yaxis, range(n), row_texts)
    ax.tick_params(length=0)
    ax.set_xlabel(f"{of} predicted")
    ax.set_ylabel(f"true {of}")
    meaning = f"share of the true {of} (%)"
    if m <= WRITTEN:
        canvas.title(ax, meaning)
        _write_shares(ax, share)
    else:
        _colour_bar(ax, image, meaning)
    return ax


def _tick_texts(names: Sequence[str], columns: Sequence[str], cell: float) -> tuple[list[str], list[str]]:
    """Texts of rows and columns whose cells are ``cell`` inches wide; of many columns numbers of the rows."""
    fitted = partial(canvas.wrapped, width=20) if cell >= TWO_LINES else partial(canvas.short, width=28)
    row_texts, column_texts = ([fitted(name) for name in side] for side in (names, columns))
    if len(columns) <= MAX_NAMED:
        return row_texts, column_texts
    step = -(-len(columns) // TICKS)
    numbers = [str(j) if (j - 1) % step == 0 else "" for j in range(1, len(names) + 1)]
    row_texts = [f"{text}  {i}" for i, text in enumerate(row_texts, start=1)]
    return row_texts, numbers[: len(columns)] + column_texts[len(names) :]


def _write_shares(ax: Axes, share: np.ndarray) -> None:
    """Each share that does not round to 0, in its cell."""
    points = canvas.size(ax) * (1 if share.shape[1] <= MAX_NAMED else 0.8)
    for i, j in np.argwhere(np.nan_to_num(share).round() > 0):
        colour = "white" if share[i, j] > 55 else "black"
        ax.text(j, i, f"{share[i, j]:.0f}", ha="center", va="center", color=colour, fontsize=points)


def _colour_bar(ax: Axes, image: Any, text: str) -> None:
    bar = ax.figure.colorbar(image, ax=ax, fraction=0.05, pad=0.02)
    bar.set_label(text, fontsize=canvas.size(ax))
    bar.ax.tick_params(labelsize=canvas.size(ax), width=0.6, length=2.5)
    bar.outline.set_linewidth(0.6)


def _longest(text: str) -> int:
    """Characters of the longest line."""
    return max(map(len, text.split("\n")))
