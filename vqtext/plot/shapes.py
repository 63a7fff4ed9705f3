"""The codebook: what each code looks like, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.errors import DataError
from vqtext.plot import canvas
from vqtext.reason import UNKNOWN_NAME
from vqtext.report.content import Code
from vqtext.report.figures import MODALITIES, sensors

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CODES = 12  # codes that are drawn
ACROSS = 4  # codes side by side
GAP = 0.12  # between two of them, as a share of their width
DOWN = 1.45  # from one row to the next, in heights of a shape


def codes(
    codes: Sequence[Code],
    ax: Axes | None = None,
    *,
    most: int = MAX_CODES,
    displays: Mapping[str, str] | None = None,
    looks: Mapping[str, int] | None = None,
) -> Axes:
    """The codes that are used most: the shape of each over the bands of its sub-steps, numbered by name.

    Above each stands its number in the codebook, and the share of all tokens that it is. Of many sensors the
    one whose shapes move most is drawn, and named under the plot. All codes are on one scale, without a unit:
    a token gives its code height and length.

    Args:
        codes: as `vqtext.pipeline.codes.describe_codes` gives them.
        ax: drawn into; None makes a figure of its own.
        most: codes at most.
        displays: what people are shown instead of a name.
        looks: number of each name's colour and hatch; None numbers them as they come.

    Raises:
        DataError: no code was ever used.
        UsageError: matplotlib is not installed.
    """
    used = [code for code in codes if code.usage > 0 and len(code.shape)]
    if not used:
        raise DataError("no code that was used has a shape: there is nothing to draw")
    drawn, shown = sorted(used, key=lambda code: -code.usage)[:most], displays or {}
    names = [*dict.fromkeys(name for code in drawn for name in _sequence(code))]
    look_of = canvas.numbered(names, looks)
    known = [name for name in names if name != UNKNOWN_NAME]
    texts = {name: canvas.wrapped(shown.get(name, name)) for name in known}
    tall = sum(map(canvas.height, texts.values())) + canvas.LINE * (UNKNOWN_NAME in names)
    own, ax = ax is None, canvas.axes(ax, 0.6 + 0.75 * -(-len(drawn) // ACROSS) + tall)
    number = {name: str(i) for i, name in enumerate(known, start=1)} | {UNKNOWN_NAME: "?"}
    group = _liveliest(drawn)
    _draw_shapes(ax, drawn, group, look_of, number)
    ax.set_xlabel(f"code: share of all tokens\n{_sensor(drawn[0], group)}", parse_math=False)
    canvas.below(ax, canvas.entries(texts, look_of, number, UNKNOWN_NAME in names), own)
    return ax


def _draw_shapes(
    ax: Axes,
    codes: Sequence[Code],
    group: Sequence[int],
    look_of: Mapping[str, int],
    number: Mapping[str, str],
) -> None:
    """The codes side by side on axes without a frame, the rows ``group`` of each shape on one scale."""
    shapes = [code.shape[group] - code.shape[group].mean(1, keepdims=True) for code in codes]
    scale = max(float(np.abs(shape).max(initial=0)) for shape in shapes) or 1.0
    for place, (code, shape) in enumerate(zip(codes, shapes, strict=True)):
        left, middle = (1 + GAP) * (place % ACROSS), -DOWN * (place // ACROSS)
        _bands(ax, code, left, middle, look_of, number)
        x = left + (np.arange(shape.shape[1]) + 0.5) / shape.shape[1]
        for row, dash in zip(shape, canvas.DASHES, strict=False):
            ax.plot(x, middle + 0.46 * row / scale, color="black", linewidth=0.7, linestyle=dash)
        title = f"{code.index}: {100 * code.usage:.1f} %"
        ax.text(left + 0.5, middle + 0.54, title, ha="center", va="bottom", fontsize=canvas.size(ax))
    ax.set_xlim(-0.02, ACROSS * (1 + GAP) - GAP + 0.02)
    ax.set_ylim(middle - 0.52, 0.8)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def _bands(
    ax: Axes, code: Code, left: float, middle: float, look_of: Mapping[str, int], number: Mapping[str, str]
) -> None:
    """A band for each run of one name, with its number at the lower edge."""
    sequence, begin = _sequence(code), 0
    for name, run in groupby(sequence):
        width = len([*run])
        span = left + np.array([begin, begin + width]) / len(sequence)
        look = canvas.fill(None if name == UNKNOWN_NAME else look_of[name])
        ax.fill_between(span, middle - 0.5, middle + 0.5, zorder=0, **look)
        how: dict[str, Any] = {"ha": "center", "va": "bottom", "color": canvas.DARK}
        ax.text(span.mean(), middle - 0.5, number[name], fontsize=canvas.size(ax), **how)
        begin += width


def _sequence(code: Code) -> tuple[str, ...]:
    return code.sequence or (code.name,)


def _liveliest(codes: Sequence[Code]) -> list[int]:
    """Rows of the sensor that moves most in these codes."""
    if not codes[0].channels:
        return [0]
    spread = np.mean([code.shape.std(1) for code in codes], axis=0)
    return max(sensors(codes[0].channels), key=lambda group: float(spread[group].mean()))


def _sensor(code: Code, group: Sequence[int]) -> str:
    if not code.channels:
        return "any one channel"
    first = code.channels[group[0]]
    kind = MODALITIES.get(first.modality, first.modality)
    axes = canvas.line_styles([code.channels[i].axis or code.channels[i].name for i in group])
    return canvas.wrapped(f"{first.location} {kind}: {axes}", 50)
