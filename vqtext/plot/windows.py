"""A reason under its signal: each step a coloured band, with its number and its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.plot import canvas
from vqtext.plot.sensors import ROOM, Row, rows
from vqtext.reason import OUT_OF_DISTRIBUTION, UNKNOWN_NAME, Reason, Step
from vqtext.report.figures import sensors as groups
from vqtext.schema import Channel
from vqtext.steps import UNSURE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SENSORS = 6  # rows that can be told apart in one column
DIGIT, GAP = 0.036, 0.014  # of the numbers of steps, as shares of the time axis


def reason(
    reason: Reason,
    signal: np.ndarray,
    channels: Sequence[Channel],
    rate_hz: float,
    ax: Axes | None = None,
    *,
    start_s: float = 0.0,
    sensors: int = SENSORS,
    looks: Mapping[str, int] | None = None,
) -> Axes:
    """A window with the steps of its reason as bands, and class and probability above.

    One sensor has an axis in its own unit. Several have a row each, the axes of a sensor about their own
    means, and sensors of one kind one scale, which a bar shows. A step less sure than `UNSURE` is unknown, as
    in the reason's text: a white band with a question mark.

    Args:
        signal: ``(C, T)`` in the units of its channels, NaN where nothing was measured.
        channels: what the C rows are.
        rate_hz: samples a second.
        ax: drawn into; None makes a figure of its own.
        start_s: time of the first sample, as the steps of a recording's reason count it.
        sensors: rows at most; of more sensors those that move most are drawn.
        looks: number of each name's colour and hatch; None numbers them as they come.

    Raises:
        ShapeError: the signal has not one row for each channel.
        UsageError: matplotlib is not installed.
    """
    signal = np.asarray(signal, dtype=float)
    drawn = rows(signal, channels, sensors)
    names = {step.name: canvas.wrapped(step.shown_name) for step in reason.steps if _is_sure(step)}
    tall = sum(map(canvas.height, names.values())) + canvas.LINE * _has_unknown(reason)
    own, ax = ax is None, canvas.axes(ax, 1.1 + 0.42 * max(len(drawn), 2) + tall)
    look_of = canvas.numbered([*names], looks)
    number = {name: i for i, name in enumerate(names, start=1)}
    time = start_s + (np.arange(signal.shape[1]) + 0.5) / rate_hz  # the middle of each sample's interval
    last = max(start_s + signal.shape[1] / rate_hz, *(step.end_s for step in reason.steps), start_s + 1e-3)
    _bands(ax, reason, look_of, number, last - start_s)
    (_one if len(drawn) == 1 else _several)(ax, time, signal, drawn)
    ax.set_xlim(start_s, last)
    ax.set_xlabel(_time_label(drawn, len(groups(channels))), parse_math=False)
    canvas.title(ax, _title(reason), above=1.5)
    canvas.free(ax)
    if entries := canvas.entries(names, look_of, number, _has_unknown(reason)):
        canvas.below(ax, entries, own)
    return ax


def _is_sure(step: Step) -> bool:
    return step.confidence >= UNSURE and step.name != UNKNOWN_NAME


def _has_unknown(reason: Reason) -> bool:
    return not all(map(_is_sure, reason.steps))


def _time_label(drawn: Sequence[Row], sensors: int) -> str:
    """The x axis, how many of the sensors are drawn, and which line is which axis where all have the same."""
    axes = {row.axes for row in drawn if len(row.axes) > 1}
    notes = [f"{len(drawn)} of {sensors} sensors"] if len(drawn) < sensors else []
    notes += [canvas.line_styles(*axes)] if len(axes) == 1 else []
    return "\n".join(["time (s)", *filter(None, ["; ".join(notes)])])


def _title(reason: Reason) -> str:
    title = f"{canvas.wrapped(reason.display or reason.label)} ({reason.confidence:.2f})"
    return f"{title}, {OUT_OF_DISTRIBUTION}" if reason.familiar < 1 else title


def _bands(
    ax: Axes, reason: Reason, look_of: Mapping[str, int], number: Mapping[str, int], span: float
) -> None:
    """A band a step, with the number of its name above the plot: of each name the first, and all others that
    there is room for."""
    for step in reason.steps:
        look = canvas.fill(look_of[step.name] if _is_sure(step) else None)
        ax.axvspan(step.start_s, step.end_s, zorder=0, **look)
        ax.axvline(step.end_s, color="white", linewidth=0.8, zorder=0.5)
    texts = [str(number[step.name]) if _is_sure(step) else "?" for step in reason.steps]
    taken: list[tuple[float, str]] = []
    for i in sorted(range(len(texts)), key=lambda i: texts[i] in texts[:i]):
        middle = (reason.steps[i].start_s + reason.steps[i].end_s) / 2
        rooms = ((place, (len(other) + len(texts[i])) / 2) for place, other in taken)
        if all(abs(middle - place) > (GAP + DIGIT * digits) * span for place, digits in rooms):
            taken.append((middle, texts[i]))
            how: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "ha": "center", "va": "bottom"}
            ax.text(middle, 1.01, texts[i], fontsize=canvas.size(ax), **how)


def _one(ax: Axes, time: np.ndarray, signal: np.ndarray, drawn: Sequence[Row]) -> None:
    (row,) = drawn
    for values, dash in zip(signal, canvas.DASHES, strict=False):
        ax.plot(time, values, color="black", linewidth=0.8, linestyle=dash)
    ax.set_ylabel(canvas.wrapped(f"{row.name} ({row.unit})" if row.unit else row.name, 30), parse_math=False)


def _several(ax: Axes, time: np.ndarray, signal: np.ndarray, drawn: Sequence[Row]) -> None:
    size = canvas.size(ax)
    kinds: set[str] = set()  # whose scale has its text
    for place, row in enumerate(drawn):
        middle = len(drawn) - 1 - place
        for values, dash in zip(row.placed, canvas.DASHES, strict=False):
            ax.plot(time, middle + values, color="black", linewidth=0.6, linestyle=dash)
        half = row.bar * ROOM / row.scale / 2
        ax.plot([1.015] * 2, [middle - half, middle + half], color="black", linewidth=1.5, clip_on=False,
                transform=ax.get_yaxis_transform(), solid_capstyle="butt")  # fmt: skip
        if row.kind not in kinds:
            kinds.add(row.kind)
            text = f"{row.bar:g} {row.unit}".strip()
            ax.text(1.03, middle, text, transform=ax.get_yaxis_transform(), va="center", fontsize=size)
    ax.set_ylim(-0.5, len(drawn) - 0.5)
    names = [canvas.wrapped(row.name, 16) for row in drawn]
    canvas.tick_labels(ax.yaxis, range(len(drawn) - 1, -1, -1), names)
    ax.tick_params(axis="y", length=0)
