"""The geometry of the figures: where each band, trace and tick goes. The templates write the SVG.

A plot has no fixed width: positions along it are percentages, so that the words around it keep their size
from a telephone to a poster. Only the traces live in a box of ``COLUMNS × 100`` that the browser stretches.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np

from vqtext.reason import RecordingReasons, Step
from vqtext.report.carried import Shade, redrawn_of, shades_of
from vqtext.report.content import Code, Sample, ThresholdCurve
from vqtext.schema import Channel

COLUMNS = 720  # pixel columns of a plot on a wide screen
STYLES = 4  # line styles that stay apart in one plot; more channels of a sensor start another plot
CODE_PANELS = 4  # plots of a codebook thumbnail; more are too small to read
THUMBNAIL = 96  # pixels from the top to the bottom of a thumbnail

MODALITIES = {
    "acc": "acceleration",
    "gyro": "rotation",
    "mag": "magnetic field",
    "hr": "heart rate",
    "emg": "muscle activity",
}
UNITS = {"m/s2": "m/s²", "uT": "µT", "uV": "µV", "1": ""}


@dataclass(frozen=True)
class Tick:
    """A mark at ``at`` percent of an axis, from the left or from the top."""

    at: float
    text: str


@dataclass(frozen=True)
class Band:
    """A named stretch: ``left`` and ``width`` in percent, the number of its step and of its name; ``display``
    is what its step shows instead of the name."""

    step: int
    name: int
    text: str
    left: float
    width: float
    display: str | None = None


@dataclass(frozen=True)
class Trace:
    """One channel: SVG path data in the box of ``COLUMNS × 100``; empty where it has no sample."""

    label: str
    style: int
    path: str


@dataclass(frozen=True)
class Panel:
    """One sensor: its axes over one another, on one scale. ``redrawn``: the same where a stretch was drawn
    anew."""

    title: str
    unit: str
    traces: tuple[Trace, ...]
    ticks: tuple[Tick, ...]
    height: int
    shades: tuple[Shade, ...] = ()
    redrawn: tuple[Trace, ...] = ()


@dataclass(frozen=True)
class SignalFigure:
    """A window, ready to be drawn."""

    bands: tuple[Band, ...]
    panels: tuple[Panel, ...]
    ticks: tuple[Tick, ...]
    duration_s: float
    missing: float  # share of samples that are not there


@dataclass(frozen=True)
class RecordingFigure:
    """The classes of a whole recording, ready to be drawn."""

    bands: tuple[Band, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class CodeFigure:
    """A code, ready to be drawn: a band for each name it holds; ``sensors`` counts those drawn and not."""

    bands: tuple[Band, ...]
    panels: tuple[Panel, ...]
    sensors: int


@dataclass(frozen=True)
class CurveFigure:
    """The threshold curve; ``left`` and ``top`` are the chosen point in percent."""

    path: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    left: float
    top: float


def signal_figure(sample: Sample, names: Mapping[str, int]) -> SignalFigure:
    """Lay out a window: one panel a sensor, the steps of its reason as bands behind all of them.

    Sensors of one modality share their scale, so that a still ankle looks stiller than a swinging one. What
    lies behind the last sample of any channel is cut off: the window is shorter than the longest of its data.
    """
    finite = np.isfinite(sample.signal)
    sampled = np.flatnonzero(finite.any(axis=0))
    steps = int(sampled[-1]) + 1 if len(sampled) else sample.signal.shape[1]
    signal, finite = sample.signal[:, :steps], finite[:, :steps]
    duration = steps / sample.rate_hz
    groups = sensors(sample.channels)
    height = 124 if len(groups) <= 3 else 72 if len(groups) <= 6 else 48
    kinds = [_kind(channel) for channel in sample.channels]
    scales = {kind: _scale(signal[[other == kind for other in kinds]]) for kind in {*kinds}}
    drawn = redrawn_of(sample, steps)
    panels = []
    for group in groups:
        channels = [sample.channels[i] for i in group]
        scale = scales[_kind(channels[0])]
        panel = _panel(channels, signal[group], scale, height, nice(*scale, 4 if height > 60 else 3))
        shades = shades_of(sample.reason.steps, {channel.name for channel in channels}, duration, names)
        redrawn = () if drawn is None else _panel(channels, drawn[group], scale, height, []).traces
        panels.append(replace(panel, shades=shades, redrawn=redrawn))
    return SignalFigure(
        bands=_bands(sample.reason.steps, duration, names),
        panels=tuple(panels),
        ticks=tuple(Tick(_round(100 * t / duration), _number(t)) for t in nice(0, duration, 6)),
        duration_s=duration,
        missing=float(1 - finite.mean()) if finite.size else 1.0,
    )


def recording_figure(recording: RecordingReasons, labels: Mapping[str, int]) -> RecordingFigure:
    """Lay out the class stretches of a recording; ``labels`` gives each its look."""
    last = max(recording.duration_s, 1e-3)
    rows = [Step(s.label, s.start_s, s.end_s, s.confidence, display=s.display) for s in recording.stretches]
    ticks = tuple(Tick(_round(100 * t / last), _number(t)) for t in nice(0, last, 8))
    return RecordingFigure(_bands(rows, last, labels), ticks)


def code_figures(codes: Sequence[Code], names: Mapping[str, int]) -> list[CodeFigure]:
    """Lay out the thumbnails. Of many sensors, the same few are drawn in all: those that move most."""
    shapes: dict[tuple[Channel, ...], list[np.ndarray]] = {code.channels: [] for code in codes}
    for code in codes:
        if len(code.shape):
            shapes[code.channels].append(code.shape)
    drawn = {channels: _liveliest(found, channels) for channels, found in shapes.items()}
    return [_code_figure(code, drawn[code.channels], names) for code in codes]


def curve_figure(curve: ThresholdCurve) -> CurveFigure:
    """Lay out threshold → number of anchors, from 0 anchors up."""
    order = np.argsort(curve.thresholds)
    x, y = np.asarray(curve.thresholds, float)[order], np.asarray(curve.counts, float)[order]
    low, high = min(float(x[0]), curve.chosen), max(float(x[-1]), curve.chosen)
    span, top = (high - low) or 1.0, 1.08 * max(float(y.max()), curve.kept, 1)
    points = zip(COLUMNS * (x - low) / span, 100 * (1 - y / top), strict=True)
    return CurveFigure(
        path="M" + "L".join(_point(a, b) for a, b in points),
        x_ticks=tuple(Tick(_round(100 * (v - low) / span), _number(v)) for v in nice(low, high, 6)),
        y_ticks=tuple(Tick(_round(100 * (1 - v / top)), _number(v)) for v in nice(0, top, 4)),
        left=_round(100 * (curve.chosen - low) / span),
        top=_round(100 * (1 - curve.kept / top)),
    )


def sensors(channels: Sequence[Channel]) -> list[list[int]]:
    """Rows that belong into one plot: same place, modality and unit, at most ``STYLES`` of them."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for i, channel in enumerate(channels):
        groups.setdefault((channel.location, *_kind(channel)), []).append(i)
    return [rows[i : i + STYLES] for rows in groups.values() for i in range(0, len(rows), STYLES)]


def trace_path(values: np.ndarray, low: float, high: float) -> str:
    """SVG path of one channel ``(T,)``: a gap where there is no sample, at most two points a pixel column.

    Sample i stands in the middle of its own interval, so that a band from i to j covers samples i to j − 1.
    """
    index, shown = thin(values, COLUMNS)
    x = (index + 0.5) / max(len(values), 1) * COLUMNS
    y = 100 * (high - shown) / (high - low)
    parts: list[str] = []
    pen_up = True
    for at, (a, b) in enumerate(zip(x, y, strict=True)):
        if not math.isfinite(b):
            pen_up = True
            continue
        alone = pen_up and (at + 1 == len(y) or not math.isfinite(y[at + 1]))
        parts.append(f"{'M' if pen_up else 'L'}{_point(a, b)}{'h0' if alone else ''}")
        pen_up = False
    return "".join(parts)


def thin(values: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep the least and the greatest sample of each pixel column, in their order.

    Args:
        values: ``(T,)``, NaN = no sample.
        columns: how many pixel columns there are.

    Returns:
        Positions and values, both ``(M,)`` with M ≤ 2 · columns. A column without samples keeps one NaN.
    """
    values = np.where(np.isfinite(values), values, np.nan).astype(float)
    if len(values) <= 2 * columns:
        return np.arange(len(values)), values
    width = math.ceil(len(values) / columns)
    padded = np.full((math.ceil(len(values) / width), width), np.nan)
    padded.ravel()[: len(values)] = values
    ends = np.stack([np.where(np.isnan(padded), fill, padded) for fill in (np.inf, -np.inf)])
    positions = np.stack([ends[0].argmin(axis=1), ends[1].argmax(axis=1)])
    index = np.unique(np.sort(positions, axis=0) + width * np.arange(len(padded)))
    return index, values[index]


def nice(low: float, high: float, most: int) -> list[float]:
    """Round values inside ``[low, high]``, at most ``most`` of them, at steps of 1, 2 or 5 · 10ⁿ."""
    span = high - low
    if not (span > 0 and math.isfinite(span)):
        return []
    scale = 10.0 ** math.floor(math.log10(span / most))
    for step in (scale * m for m in (1, 2, 5, 10, 20, 50)):
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            return [i * step for i in range(first, last + 1)]
    return []


def _bands(steps: Sequence[Step], duration: float, names: Mapping[str, int]) -> tuple[Band, ...]:
    bands = []
    for number, step in enumerate(steps, start=1):
        start, end = max(step.start_s, 0.0), min(step.end_s, duration)
        if end > start:
            left, right = 100 * start / duration, 100 * end / duration
            place = _round(left), _round(right - left)
            bands.append(Band(number, names[step.name], step.name, *place, step.display))
    return tuple(bands)


def _code_figure(code: Code, groups: Sequence[Sequence[int]], names: Mapping[str, int]) -> CodeFigure:
    sequence = code.sequence or (code.name,)
    bands: list[Band] = []
    at = 0
    for name, run in groupby(sequence):
        width = len(list(run))
        place = _round(100 * at / len(sequence)), _round(100 * width / len(sequence))
        bands.append(Band(len(bands) + 1, names[name], name, *place))
        at += width
    if not len(code.shape):
        return CodeFigure(tuple(bands), (), 0)
    if not code.channels:  # a code of any one channel
        return CodeFigure(tuple(bands), (_panel([], code.shape, _scale(code.shape), THUMBNAIL, [0]),), 1)
    scale = _scale(code.shape[[i for group in groups for i in group]])
    height = THUMBNAIL // len(groups)
    panels = tuple(
        _panel([code.channels[i] for i in group], code.shape[group], scale, height, [0]) for group in groups
    )
    return CodeFigure(tuple(bands), panels, len(sensors(code.channels)))


def _liveliest(shapes: Sequence[np.ndarray], channels: Sequence[Channel]) -> list[list[int]]:
    groups = sensors(channels)
    if len(groups) <= CODE_PANELS or not shapes:
        return groups[:CODE_PANELS]
    spread = np.mean([_spread(shape) for shape in shapes], axis=0)
    best = sorted(range(len(groups)), key=lambda g: -spread[groups[g]].mean())[:CODE_PANELS]
    return [groups[g] for g in sorted(best)]


def _spread(shape: np.ndarray) -> np.ndarray:
    values = np.where(np.isfinite(shape), shape, 0.0)
    return values.std(axis=1) if values.shape[1] else np.zeros(len(values))


def _panel(
    channels: Sequence[Channel],
    values: np.ndarray,
    scale: tuple[float, float],
    height: int,
    marks: Sequence[float],
) -> Panel:
    low, high = scale
    labels = [channel.axis or channel.name for channel in channels] or [""] * len(values)
    traces = tuple(
        Trace(label, style, trace_path(row, low, high))
        for style, (label, row) in enumerate(zip(labels, values, strict=True))
    )
    marks = [v for v in marks if low <= v <= high]
    ticks = tuple(Tick(_round(100 * (high - v) / (high - low)), _number(v)) for v in marks)
    title, unit = "", ""
    if channels:
        kind = MODALITIES.get(channels[0].modality, channels[0].modality)
        title = " · ".join(part for part in (channels[0].location, kind) if part)
        unit = UNITS.get(channels[0].unit, channels[0].unit)
    return Panel(title, unit, traces, ticks, height)


def _kind(channel: Channel) -> tuple[str, str]:
    return channel.modality, channel.unit


def _scale(values: np.ndarray) -> tuple[float, float]:
    """Bottom and top of a plot with a little air; a constant or empty channel gets a scale around itself."""
    finite = values[np.isfinite(values)].astype(float)
    if not finite.size:
        return -1.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    air = 0.06 * (high - low) or max(abs(low), 1.0)
    return low - air, high + air


def _number(value: float) -> str:
    return f"{value:.6g}".replace("-", "−")


def _point(x: float, y: float) -> str:
    """A tenth of a pixel is finer than any screen."""
    return f"{round(float(x), 1):g} {round(float(y), 1):g}"


def _round(value: float) -> float:
    return round(float(value), 2)
