"""How long steps last, and where codes lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.errors import DataError, ShapeError
from vqtext.plot import canvas
from vqtext.reason import UNKNOWN_NAME
from vqtext.report import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

STEPS = 40  # rows of durations: as many as a page holds
NAMES = 14  # names that a map has a look of its own for


def durations(
    durations: Mapping[str, Sequence[float]],
    ax: Axes | None = None,
    *,
    looks: Mapping[str, int] | None = None,
) -> Axes:
    """How long each step lasts: quartiles as a box, 5 % and 95 % as whiskers, and how many there were.

    Args:
        durations: name → seconds of each time it was seen whole. Names that were never seen are left out, and
            so are the rarest where there are more than `STEPS`.
        ax: drawn into; None makes a figure of its own.
        looks: number of each name's colour; None numbers them as they come.

    Raises:
        DataError: no step was seen at all.
        UsageError: matplotlib is not installed.
    """
    seen = {name: np.asarray(s, dtype=float) for name, s in durations.items() if len(s)}
    if not seen:
        raise DataError("no step was seen whole: there is no duration to draw")
    most = sorted(seen, key=lambda name: -len(seen[name]))[:STEPS]
    names = [name for name in seen if name in most]
    texts = [canvas.wrapped(name, 26) for name in names]
    tall = np.array([canvas.height(text) + 0.06 for text in texts])
    ax = canvas.axes(ax, 0.65 + tall.sum())
    places = -np.cumsum(tall) + tall / 2  # inches below the top, in a figure of its own
    _boxes(ax, {name: seen[name] for name in names}, places, canvas.numbered(names, looks))
    counts = ["n", *(str(len(seen[name])) for name in names)]
    how: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "va": "center"}
    for place, count in zip([0.06, *places], counts, strict=True):
        ax.text(1.02, place, count, fontsize=canvas.size(ax), **how)
    canvas.tick_labels(ax.yaxis, places.tolist(), texts)
    ax.set_ylim(-tall.sum(), 0)
    ax.set_xlim(left=0)
    rarer = f"\n{len(seen) - len(names)} rarer steps are not shown" if len(seen) > len(names) else ""
    ax.set_xlabel(f"duration (s){rarer}")
    canvas.free(ax)
    return ax


def _boxes(
    ax: Axes, seconds: Mapping[str, np.ndarray], places: np.ndarray, look_of: Mapping[str, int]
) -> None:
    """A box a name at its place, filled by its look."""
    thin = {"linewidth": 0.6}
    boxes = ax.boxplot(
        list(seconds.values()),
        positions=places,
        orientation="horizontal",
        whis=(5, 95),
        showfliers=False,
        widths=0.12,
        patch_artist=True,
        medianprops={"color": "black", "linewidth": 1.2},
        boxprops=thin,
        whiskerprops=thin,
        capprops=thin,
    )
    for box, name in zip(boxes["boxes"], seconds, strict=True):
        box.set(**canvas.fill(None if name == UNKNOWN_NAME else look_of[name]) | thin)


def code_map(
    vectors: np.ndarray,
    names: Sequence[str],
    ax: Axes | None = None,
    *,
    anchors: Mapping[str, np.ndarray] | None = None,
    looks: Mapping[str, int] | None = None,
) -> Axes:
    """Vectors in the plane of their two principal components, each coloured by its name.

    The commonest `NAMES` names have a colour and a marker each, the others are grey.

    Args:
        vectors: ``(n, d)``, of codes or of their action vectors.
        names: of the n vectors.
        ax: drawn into; None makes a figure of its own.
        anchors: name → its own vector ``(d,)``, drawn as a cross.
        looks: number of each name's colour and marker; None numbers them as they come.

    Raises:
        ShapeError: not one name a vector, or fewer than two vectors or dimensions.
        UsageError: matplotlib is not installed.
    """
    own, ax = ax is None, canvas.axes(ax, 2.5 + canvas.LINE * _lines(names))
    canvas.below(ax, _map(ax, vectors, vectors, names, anchors, looks), own)
    return ax


def code_maps(
    before: np.ndarray,
    after: np.ndarray,
    names: Sequence[str],
    *,
    anchors: Mapping[str, np.ndarray] | None = None,
    looks: Mapping[str, int] | None = None,
) -> tuple[Axes, Axes]:
    """The same vectors before and after a training, both in the plane of those after it, in a figure of their
    own; arguments and errors as `code_map`, ``names`` of after the training."""
    figure = canvas.figure(2.1 + canvas.LINE * _lines(names))
    first, second = (canvas.small(ax) for ax in figure.subplots(1, 2, sharex=True, sharey=True))
    _map(first, before, after, names, anchors, looks)
    entries = _map(second, after, after, names, anchors, looks)
    canvas.title(first, "before training")
    canvas.title(second, "after training")
    second.set_ylabel("")
    canvas.below(second, entries, own=True)
    return first, second


def _shown(names: Sequence[str]) -> list[str]:
    known = Counter(name for name in names if name != UNKNOWN_NAME)
    return [name for name, _ in known.most_common(NAMES)]


def _lines(names: Sequence[str]) -> int:
    """Of the legend, at most."""
    return 2 + sum(canvas.wrapped(name).count("\n") + 1 for name in _shown(names))


def _map(
    ax: Axes,
    vectors: np.ndarray,
    space: np.ndarray,
    names: Sequence[str],
    anchors: Mapping[str, np.ndarray] | None,
    looks: Mapping[str, int] | None,
) -> list[tuple[Any, str]]:
    """Draw vectors in the plane of ``space``; the entries of a legend."""
    if len(vectors) != len(names):
        raise ShapeError(f"{len(vectors)} vectors have {len(names)} names; a map takes one for each")
    if space.ndim != 2 or min(space.shape) < 2:
        raise ShapeError(f"a map takes two vectors of two dimensions or more, not {space.shape}")
    from sklearn.decomposition import PCA

    shown, known = _shown(names), canvas.numbered(names, looks)
    called, plane = np.array(names), PCA(2, svd_solver="full").fit(space)
    x, y = plane.transform(vectors).T
    rest, entries = ~np.isin(called, shown), []
    edge: dict[str, Any] = {"edgecolors": canvas.DARK, "linewidths": 0.2}
    others = ax.scatter(x[rest], y[rest], s=6, color=canvas.GREY, marker=".", linewidths=0)
    for name in shown:
        marker = canvas.MARKERS[known[name] // len(palette.COLOURS) % len(canvas.MARKERS)]
        colour, own = palette.colour(known[name]), called == name
        dots = ax.scatter(x[own], y[own], s=10, color=colour, marker=marker, **edge)
        entries.append((dots, canvas.wrapped(name)))
        if anchors is not None and name in anchors:
            (a, b), strong = plane.transform(anchors[name][None])[0], {**edge, "linewidths": 0.8}
            ax.scatter(a, b, s=38, color=colour, marker="X", zorder=3, **strong)
    if anchors is not None:
        cross = ax.scatter([], [], s=38, color="white", marker="X", **{**edge, "linewidths": 0.8})
        entries.append((cross, "anchor of that colour"))
    share = 100 * plane.explained_variance_ratio_
    ax.set_xlabel(f"PC 1 ({share[0]:.0f} %)")
    ax.set_ylabel(f"PC 2 ({share[1]:.0f} %)")
    return [*entries, (others, "other names, and unknown")] if rest.any() else entries
