"""The geometry behind the figures."""

import re

import numpy as np
import pytest
from watch_report import BODY, PHRASES, WATCH, make_code, make_reason, make_sample, make_signal

from vqtext.errors import ShapeError
from vqtext.reason import Reason, Step
from vqtext.report import palette
from vqtext.report.content import Confusion, Report, Sample, ThresholdCurve
from vqtext.report.figures import (
    CODE_PANELS,
    COLUMNS,
    Panel,
    code_figures,
    curve_figure,
    nice,
    sensors,
    signal_figure,
    thin,
    trace_path,
)
from vqtext.schema import Channel

NAMES = palette.numbered(PHRASES)


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](-?[\d.e-]+) (-?[\d.e-]+)", path)]


def test_names_are_told_apart_without_colour() -> None:
    looks = {(palette.colour(n), palette.hatch(n)) for n in range(42)}
    assert len(looks) == 42
    assert palette.numbered(["b", "a", "b"]) == {"b": 0, "a": 1}


def test_thin_keeps_extremes_and_order() -> None:
    values = np.random.default_rng(0).normal(size=50_000)
    values[31_234], values[7] = 99, -99
    index, kept = thin(values, COLUMNS)
    assert len(index) <= 2 * COLUMNS
    assert (np.diff(index) > 0).all()
    assert {kept.max(), kept.min()} == {99, -99}
    np.testing.assert_array_equal(kept, values[index])


def test_thin_keeps_gaps_and_short_signals() -> None:
    values = np.ones(10_000)
    values[3_000:6_000] = np.nan
    index, kept = thin(values, 100)
    assert np.isnan(kept).any()
    assert not np.isnan(kept[index < 2_900]).any()
    np.testing.assert_array_equal(thin(np.arange(5.0), 100)[1], np.arange(5.0))


def test_a_gap_lifts_the_pen_and_a_lonely_sample_is_a_dot() -> None:
    path = trace_path(np.array([0, 1, np.nan, 0.5, np.nan, 1, 0]), 0, 1)
    assert path.count("M") == 3
    assert path.count("h0") == 1
    assert trace_path(np.full(5, np.nan), 0, 1) == ""
    assert "inf" not in trace_path(np.array([0, np.inf, 1]), 0, 1)


def test_bands_cover_their_samples() -> None:
    figure = signal_figure(make_sample(reason=make_reason(steps=10)), NAMES)
    assert [band.step for band in figure.bands] == list(range(1, 11))
    assert (figure.bands[3].left, figure.bands[3].width) == (30.0, 10.0)
    x, _ = points(figure.panels[0].traces[0].path)[30]
    assert 0.30 * COLUMNS < x < 0.31 * COLUMNS


def test_steps_outside_the_window_are_cut() -> None:
    steps = (Step("a", -1, 2, 1), Step("b", 9, 12, 1), Step("c", 11, 12, 1), Step("d", 5, 5, 1))
    figure = signal_figure(make_sample(reason=Reason("walking", 1, steps)), palette.numbered("abcd"))
    assert [(band.text, band.left, band.width) for band in figure.bands] == [("a", 0, 20), ("b", 90, 10)]


def test_sensors_of_one_modality_share_their_scale() -> None:
    channels = tuple(Channel(place, place, "acc", "x", "m/s2") for place in ("left ankle", "right ankle"))
    signal = np.array([np.linspace(-10, 10, 50), np.linspace(-1, 1, 50)])
    strong, weak = signal_figure(Sample(0, signal, 10, channels, make_reason()), NAMES).panels
    assert strong.ticks == weak.ticks

    def extent(panel: Panel) -> float:
        y = [b for _, b in points(panel.traces[0].path)]
        return max(y) - min(y)

    assert extent(strong) == pytest.approx(10 * extent(weak), rel=0.02)


def test_channels_are_grouped_by_place_and_modality() -> None:
    assert sensors(WATCH) == [[0, 1, 2], [3, 4, 5]]
    assert len(sensors(BODY)) == 15
    nameless = tuple(Channel(f"c{i}", "", "", "", "") for i in range(9))
    assert [len(group) for group in sensors(nameless)] == [4, 4, 1]


def test_what_lies_beyond_the_window_is_cut_off() -> None:
    signal = make_signal()
    signal[:, 60:] = np.nan
    figure = signal_figure(make_sample(signal=signal), NAMES)
    assert figure.duration_s == 6.0
    assert figure.missing == 0


@pytest.mark.parametrize("value", [np.nan, 0.0, 5.0, 1e12, -3e-9])
def test_flat_and_empty_channels(value: float) -> None:
    signal = np.full((6, 100), value)
    for panel in signal_figure(make_sample(signal=signal), NAMES).panels:
        for trace in panel.traces:
            assert all(0 <= y <= 100 for _, y in points(trace.path))
            assert bool(trace.path) == np.isfinite(value)


def test_no_channels_and_no_samples() -> None:
    signal_figure(Sample(0, np.zeros((0, 10)), 10, (), make_reason()), NAMES)
    signal_figure(make_sample(signal=np.zeros((6, 0))), NAMES)


def test_a_code_shows_each_of_its_names_once_in_a_row() -> None:
    (figure,) = code_figures([make_code(sequence=("a", "a", "b", "a"))], palette.numbered("ab"))
    bands = [(band.text, band.left, band.width) for band in figure.bands]
    assert bands == [("a", 0, 50), ("b", 50, 25), ("a", 75, 25)]


def test_many_sensors_show_the_liveliest_everywhere() -> None:
    shapes = np.random.default_rng(0).normal(size=(5, 45, 16)) * 0.1
    shapes[:, 30:33] *= 50
    codes = [make_code(i, shape=shape, channels=BODY) for i, shape in enumerate(shapes)]
    figures = code_figures(codes, NAMES)
    assert {figure.sensors for figure in figures} == {15}
    assert {len(figure.panels) for figure in figures} == {CODE_PANELS}
    assert len({tuple(panel.title for panel in figure.panels) for figure in figures}) == 1
    assert "right leg · rotation" in [panel.title for panel in figures[0].panels]


def test_codes_of_any_channel_and_codes_without_shape() -> None:
    one = make_code(shape=np.zeros((1, 8)), channels=())
    none = make_code(shape=np.zeros((0, 0)))
    flat = make_code(shape=np.zeros((6, 0)))
    assert [len(figure.panels) for figure in code_figures([one, none, flat], NAMES)] == [1, 0, 2]
    hidden = make_code(shape=np.zeros((0, 0)), channels=BODY)
    assert code_figures([hidden], NAMES)[0].panels == ()


@pytest.mark.parametrize(
    ("low", "high", "most"), [(0, 10, 6), (-27, 13, 4), (0, 0.3, 3), (1e6, 3e6, 5), (0, 7, 1)]
)
def test_nice_numbers(low: float, high: float, most: int) -> None:
    ticks = nice(low, high, most)
    assert 1 <= len(ticks) <= most
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)


def test_nice_numbers_of_nothing() -> None:
    assert nice(1, 1, 5) == nice(2, 1, 5) == nice(0, np.inf, 5) == nice(np.nan, 1, 5) == []


def test_curve() -> None:
    figure = curve_figure(ThresholdCurve(np.array([1.0, 0.5]), np.array([30, 10]), 0.75, 20))
    assert figure.left == 50
    assert points(figure.path)[0][1] > points(figure.path)[1][1]
    curve_figure(ThresholdCurve(np.array([0.85]), np.array([0]), 0.85, 0))


def test_wrong_shapes_are_named() -> None:
    with pytest.raises(ShapeError, match="window 4"):
        make_sample(4, signal=np.zeros((2, 10)))
    with pytest.raises(ShapeError, match="code 2"):
        make_code(2, shape=np.zeros((2, 10)))
    with pytest.raises(ShapeError, match="3 labels"):
        Report("t", "d", "r", "c", "e", ("a", "b", "c"), confusion=Confusion("tokens", np.eye(2)))
