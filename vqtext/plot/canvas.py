"""What all plots share: axes of their own, the look of a name, and texts that come from files."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vqtext.errors import UsageError
from vqtext.reason import UNKNOWN_NAME
from vqtext.report import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 3.3  # inches: one column of a journal
SIZE = 8.0  # points, of all texts
LINE = 0.15  # inches that a line of such a text takes
COLUMN = 43  # characters of such a text in a column
GREY = "#8c8c8c"
DARK = "#333333"
DASHES = ("-", (0, (4, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1)))
DASHED = ("solid", "dashed", "dash-dotted", "dotted")
MARKERS = "os^DvP"
_HATCHES = {"plain": "", "rising": "///", "dots": "...", "falling": "\\\\\\", "level": "---", "cross": "xx"}


def figure(height: float, width: float = WIDTH) -> Figure:
    """An empty figure of that size in inches, which is none of pyplot's.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("matplotlib is not installed: pip install 'vqtext[plot]'") from None
    return Figure((width, height), layout="constrained")


def axes(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """The axes that were given, or new ones in a figure of their own, of that size in inches."""
    return small(figure(height, width).add_subplot()) if ax is None else ax


def small(ax: Axes) -> Axes:
    """Empty axes whose texts are of `SIZE`, and lines as thin as suits them."""
    ax.tick_params(labelsize=SIZE, width=0.6, length=2.5)
    for text in (ax.xaxis.label, ax.yaxis.label, ax.title):
        text.set_fontsize(SIZE)
    for spine in ax.spines.values():
        spine.set_linewidth(0.6)
    return ax


def size(ax: Axes) -> float:
    """Points of the texts of axes: as large as the label of their x axis."""
    return float(ax.xaxis.label.get_fontsize())


def plain(text: str) -> str:
    """A text of a file or of a language model as one line of characters that can be drawn."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def wrapped(text: str, width: int = COLUMN, lines: int = 3) -> str:
    """The same in lines of at most so many characters; what has no room in them is cut off."""
    return textwrap.fill(plain(text), width, max_lines=lines, placeholder=" …", break_on_hyphens=False) or "–"


def short(text: str, width: int) -> str:
    """The same in one line of so many characters, cut in its middle: names differ at either end."""
    text = plain(text)
    return text if len(text) <= width else f"{text[: width // 2]}…{text[-(width - width // 2 - 1) :]}"


def height(text: str) -> float:
    """Inches that a wrapped text of `SIZE` takes."""
    return LINE * (text.count("\n") + 1)


def free(ax: Axes) -> None:
    """Take every frame line but the left and the lower one away."""
    ax.spines[["top", "right"]].set_visible(False)


def title(ax: Axes, text: str, above: float = 0.4) -> None:
    """A title, so many of its own heights above the axes."""
    ax.set_title(text, fontsize=size(ax), pad=above * size(ax), parse_math=False)


def legend(on: Any, entries: Sequence[tuple[Any, str]], size: float, **how: Any) -> None:
    """A legend of artists with their texts on axes or on a figure, whatever the texts hold: matplotlib would
    leave out what begins with an underscore, and take what stands between dollars for a formula."""
    drawn = on.legend([one for one, _ in entries], ["·"] * len(entries), fontsize=size, **how)
    for shown, (_, text) in zip(drawn.get_texts(), entries, strict=True):
        shown.set_parse_math(False)
        shown.set_text(text)


def below(ax: Axes, entries: Sequence[tuple[Any, str]], own: bool) -> None:
    """The same under the axes, one text a line.

    Args:
        own: the figure is ours, so that its lower edge is free.
    """
    from matplotlib.transforms import ScaledTranslation

    how = {"frameon": False, "handlelength": 1.6, "labelspacing": 0.25, "borderaxespad": 0.2}
    if own:
        legend(ax.figure, entries, size(ax), loc="outside lower left", **how)
        return
    under = ax.transAxes + ScaledTranslation(0, -3.8 * size(ax) / 72, ax.figure.dpi_scale_trans)
    place = {"bbox_to_anchor": (0.5, 0), "bbox_transform": under}
    legend(ax, entries, size(ax), loc="upper center", **place, **how)


def line_styles(axes: Sequence[str]) -> str:
    """Which line is which axis of a sensor: "x solid, y dashed"."""
    return ", ".join(f"{plain(axis)} {dash}" for axis, dash in zip(axes, DASHED, strict=False))


def tick_labels(axis: Any, places: Sequence[float], texts: Sequence[str], **how: Any) -> None:
    """Texts at ticks, drawn as they are."""
    axis.set_ticks(places, labels=texts, parse_math=False, **how)


def numbered(names: Sequence[str], looks: Mapping[str, int] | None) -> dict[str, int]:
    """The number of each name's look, as ``looks`` has it; of others in their order, after those."""
    number = dict(looks or {})
    for name in names:
        if name != UNKNOWN_NAME:
            number.setdefault(name, max(number.values(), default=-1) + 1)
    return number


def fill(number: int | None) -> dict[str, Any]:
    """How a band of that look is filled; None is the unknown."""
    if number is None:
        return {"facecolor": "white", "edgecolor": GREY, "hatch": "", "linewidth": 0}
    colour = palette.colour(number)
    return {
        "facecolor": (colour, 0.4),
        "edgecolor": (colour, 0.9),
        "hatch": _HATCHES[palette.hatch(number)] * 2,
        "linewidth": 0,
    }


def patch(number: int | None) -> Any:
    """The same as a mark for a legend."""
    from matplotlib.patches import Patch

    return Patch(**{**fill(number), "linewidth": 0.4})


def entries(
    texts: Mapping[str, str], look_of: Mapping[str, int], number: Mapping[str, Any], unknown: bool
) -> list[tuple[Any, str]]:
    """A mark and a numbered text for each name, and one for the unknown where it is drawn."""
    marks = [(patch(look_of[name]), f"{number[name]}  {text}") for name, text in texts.items()]
    return [*marks, (patch(None), f"?  {UNKNOWN_NAME}")] if unknown else marks
