"""A user would lose: figures that say what the reason says, where it says it, and leave matplotlib alone."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from vqtext import plot
from vqtext.errors import DataError, ShapeError, UsageError
from vqtext.plot.sensors import ROOM, rows
from vqtext.reason import UNKNOWN_NAME, Reason, Step
from vqtext.report import palette
from vqtext.report.content import Code, ThresholdCurve
from vqtext.schema import Channel

WATCH = tuple(
    Channel(f"{modality} {axis}", "wrist", modality, axis, unit)
    for modality, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
    for axis in "xyz"
)
SIGNAL = np.sin(np.arange(6)[:, None] + np.arange(40) / 3) * np.arange(1, 7)[:, None]
STEPS = (Step("lift", 0.0, 1.5, 0.9), Step("plant", 1.5, 2.0, 0.8), Step("lift", 2.0, 4.0, 0.2))
REASON = Reason("walking", 0.97, STEPS)


def texts(ax: Axes) -> list[str]:
    """All that stands anywhere in the figure."""
    ax.figure.draw_without_rendering()
    return [t.get_text() for t in ax.figure.findobj(matplotlib.text.Text) if t.get_text() and t.get_visible()]


def test_a_reason_has_its_steps_where_they_are_and_names_them() -> None:
    ax = plot.reason(REASON, SIGNAL, WATCH, 10.0)
    bands = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in ax.patches]
    assert np.allclose(bands, [(step.start_s, step.end_s) for step in STEPS])
    colours = [to_hex(patch.get_facecolor()) for patch in ax.patches]
    assert colours[:2] == [*palette.COLOURS[:2]] and colours[2] == "#ffffff", "a guess has no name's colour"
    above = [(t.get_text(), t.get_position()[0]) for t in ax.texts if t.get_text() in "12?"]
    assert sorted(above) == [("1", 0.75), ("2", 1.75), ("?", 3.0)]
    said = texts(ax)
    assert "walking (0.97)" in said and {"1  lift", "2  plant", f"?  {UNKNOWN_NAME}"} <= {*said}
    assert ax.get_xlim() == (0, 4) and ax.get_xlabel().startswith("time (s)")
    assert {"wrist\nacceleration", "wrist rotation"} <= {*said}
    assert any(t.endswith("m/s²") for t in said) and any(t.endswith("rad/s") for t in said)


def test_steps_on_one_sensor_have_an_axis_with_its_unit() -> None:
    ax = plot.reason(REASON, SIGNAL[:3], WATCH[:3], 10.0)
    assert ax.get_ylabel() == "wrist acceleration (m/s²)" and "x solid, y dashed" in ax.get_xlabel()
    drawn = ax.get_lines()[len(STEPS)].get_ydata()
    assert np.allclose(drawn, SIGNAL[0]), "in its own unit, not about its mean"


def test_a_piece_of_a_recording_stands_at_its_own_time() -> None:
    steps = tuple(replace(step, start_s=step.start_s + 60, end_s=step.end_s + 60) for step in STEPS)
    ax = plot.reason(Reason("walking", 1, steps), SIGNAL[:3], WATCH[:3], 10.0, start_s=60)
    assert ax.get_xlim() == (60, 64) and ax.get_lines()[len(STEPS)].get_xdata()[0] == pytest.approx(60.05)


def test_numbers_of_short_steps_do_not_overlap() -> None:
    steps = tuple(Step(f"step {i % 12}", i / 5, (i + 1) / 5, 0.9) for i in range(20))
    ax = plot.reason(Reason("walking", 1, steps), SIGNAL, WATCH, 10.0)
    ax.figure.draw_without_rendering()
    numbers = [t for t in ax.texts if t.get_text().isdecimal()]
    assert {"1", "2", "11"} <= {t.get_text() for t in numbers}
    boxes = sorted((t.get_window_extent() for t in numbers), key=lambda box: box.x0)
    assert all(a.x1 < b.x0 for a, b in pairwise(boxes))
    title = ax.title.get_window_extent()
    assert not any(title.overlaps(box) for box in boxes)


def test_nothing_written_reaches_beyond_the_figure() -> None:
    """Cut names would be lost in print. The names are as long as joined ones are."""
    long = "arm swings forward, hand rises to the chest or arm swings back and 2 more"
    steps = tuple(replace(step, name=f"{long} {i}", confidence=0.9) for i, step in enumerate(STEPS))
    codes = [Code(i, f"{long} {i}", SIGNAL[:, :16], 0.3, WATCH) for i in range(3)]
    counts = np.eye(12, dtype=int)
    drawn = [
        plot.reason(Reason("walking", 1, steps), SIGNAL, WATCH, 10.0),
        plot.codes(codes),
        plot.durations({f"{long} {i}": [0.1 * i, 0.5, 0.7] for i in range(5)}),
        plot.confusion(counts, [f"{long} {i}" for i in range(12)], of="step"),
        plot.confusion(counts[:4, :4], [f"walking {i}" for i in range(4)]),
        plot.code_map(np.eye(6), [f"{long} {i}" for i in range(6)]),
    ]
    for ax in drawn:
        figure = ax.figure
        figure.draw_without_rendering()
        whole = figure.get_tightbbox()
        width, height = figure.get_size_inches()
        assert whole.x0 > -0.02 and whole.y0 > -0.02 and whole.x1 < width + 0.02 and whole.y1 < height + 0.02
        assert ax.get_position().height > 0.2, "the legend leaves room for what it explains"


def test_a_signal_with_gaps_or_without_anything_is_drawn_and_a_wrong_one_is_not() -> None:
    holes = SIGNAL.copy()
    holes[:, 10:20] = np.nan
    plot.reason(REASON, holes, WATCH, 10.0).figure.draw_without_rendering()
    plot.reason(Reason("?", 0.1), np.full((6, 40), np.nan), WATCH, 10.0).figure.draw_without_rendering()
    with pytest.raises(ShapeError, match=r"\(5, 40\).* 6 channels"):
        plot.reason(REASON, SIGNAL[:5], WATCH, 10.0)


def test_sensors_of_one_kind_share_a_scale_and_the_liveliest_are_kept() -> None:
    body = tuple(
        replace(WATCH[0], name=f"acc {place}", location=place) for place in ("still", "calm", "wild")
    )
    signal = np.array([0.1, 1, 4])[:, None] * np.sin(np.arange(50)) + 9.8
    found = rows(signal, body, most=2)
    assert [row.name for row in found] == ["calm acceleration", "wild acceleration"]
    assert np.abs(found[1].placed).max() == pytest.approx(ROOM)
    assert np.abs(found[0].placed).max() == pytest.approx(ROOM / 4)
    ax = plot.reason(Reason("calm", 1), signal, body, 10.0, sensors=2)
    assert ax.get_xlabel() == "time (s)\n2 of 3 sensors", "nothing is left out in silence"
    emg = [Channel(f"emg {i}", "forearm", "emg", "", "uV") for i in range(5)]
    assert [row.name for row in rows(SIGNAL[:5], emg)] == ["forearm emg 0 – emg 3", "forearm emg 4 – emg 4"]


def test_codes_are_the_most_used_with_bands_for_their_sub_steps() -> None:
    shape = SIGNAL[:, :16]
    codes = [
        Code(7, "lift", shape, 0.2, WATCH, ("lift", "lift", "plant", UNKNOWN_NAME)),
        Code(3, "plant", shape, 0.5, WATCH, ("plant",)),
        Code(1, "sit", shape, 0.0, WATCH),
    ]
    ax = plot.codes(codes, displays={"lift": "Fuß heben"})
    said = texts(ax)
    assert "3: 50.0 %" in said and "7: 20.0 %" in said and not any("sit" in t for t in said)
    assert {"1  plant", "2  Fuß heben", f"?  {UNKNOWN_NAME}"} <= {*said}
    spans = [band.get_paths()[0].get_extents().width for band in ax.collections]
    assert spans == pytest.approx([1, 0.5, 0.25, 0.25]), "as wide as their share of the sub-steps"
    with pytest.raises(DataError):
        plot.codes(codes[2:])


def test_durations_show_quartiles_and_how_many() -> None:
    ax = plot.durations({"lift": [0.2, 0.4, 0.6], "never": [], "plant": [1.0]})
    said = texts(ax)
    assert "lift" in said and "3" in said and "never" not in said and ax.get_xlabel() == "duration (s)"
    medians = [line.get_xdata()[0] for line in ax.get_lines() if line.get_linewidth() == 1.2]
    assert medians == [0.4, 1.0]
    many = plot.durations({f"step {i}": [1.0] * (i + 1) for i in range(42)})
    assert "step 1" not in texts(many) and many.get_xlabel().endswith("2 rarer steps are not shown")
    with pytest.raises(DataError):
        plot.durations({"never": []})


def test_confusion_gives_each_row_in_percent() -> None:
    ax = plot.confusion(np.array([[3, 1, 0], [0, 0, 0]]), ["walk", "run"], ["walk", "run", "none"], of="step")
    assert [t.get_text() for t in ax.texts] == ["75", "25"] and ax.get_ylabel() == "true step"
    image = ax.images[0].get_array()
    assert np.isnan(np.ma.filled(image[1], np.nan)).all(), "a step that never was has no shares"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["walk", "run", "none"]
    many = plot.confusion(np.eye(20), [f"class {i}" for i in range(20)])
    assert not many.texts and [t.get_text() for t in many.get_xticklabels()][:2] == ["1", "2"]
    assert [t.get_text() for t in many.get_yticklabels()][1] == "class 1  2"
    with pytest.raises(ShapeError, match=r"\(2, 2\).* 3 rows"):
        plot.confusion(np.eye(2), ["a", "b", "c"])


def test_curves() -> None:
    ax = plot.threshold_curve(ThresholdCurve(np.array([0.9, 0.5]), np.array([30, 20]), 0.9, 30))
    assert ax.get_title() == "30 anchors at 0.9" and ax.get_lines()[0].get_xdata().tolist() == [0.5, 0.9]
    nan = float("nan")
    history = {"step": [1, 2, 3], "train/class": [1.0, 0.5, 0.0], "validation/nll": [nan, 0.7, nan]}
    ax = plot.training_curves(history, joined=2.5)
    solid, dashed, joined = ax.get_lines()
    assert dashed.get_xdata().tolist() == [2] and dashed.get_linestyle() == "--"
    assert dashed.get_color() == solid.get_color(), "one measure, one colour"
    assert "class, validation" in texts(ax) and joined.get_xdata() == [2.5, 2.5]
    with pytest.raises(DataError):
        plot.training_curves({"step": [1], "train/accuracy": [nan]}, names={"train/accuracy": "x"})


def test_maps_before_and_after_lie_in_one_plane() -> None:
    rng = np.random.default_rng(0)
    names = ["lift"] * 10 + ["plant"] * 10 + [UNKNOWN_NAME] * 2
    after = rng.normal(size=(22, 5)) + np.array([0] * 10 + [8] * 12)[:, None]
    before = rng.normal(size=(22, 5))
    first, second = plot.code_maps(before, after, names, anchors={"lift": after[0]})
    assert first.get_xlabel() == second.get_xlabel() and first.get_xlim() == second.get_xlim()
    grey, lift, anchor, plant = second.collections[:4]
    assert [len(dots.get_offsets()) for dots in (grey, lift, plant)] == [2, 10, 10]
    assert np.allclose(anchor.get_offsets()[0], lift.get_offsets()[0])
    own = plot.code_map(after, names).collections[1].get_offsets()
    assert np.allclose(own, lift.get_offsets())
    with pytest.raises(ShapeError, match=r"22 vectors.* 1 names"):
        plot.code_map(after, ["lift"])
    with pytest.raises(ShapeError):
        plot.code_map(after[:1], ["lift"])


def test_texts_from_files_are_drawn_as_they_are() -> None:
    """matplotlib leaves out what begins with "_", and fails at what it takes for a formula."""
    steps = (Step("_swing $x^{$", 0, 2, 0.9), Step("a\nb\x00\ud800", 2, 4, 0.9))
    ax = plot.reason(Reason("cost $5_{$", 0.5, steps), SIGNAL, WATCH, 10.0)
    assert {"cost $5_{$ (0.50)", "1  _swing $x^{$", "2  a b"} <= {*texts(ax)}
    plot.confusion(np.eye(2), ["$a^{$", "_b"]).figure.draw_without_rendering()
    plot.durations({"$a^{$": [1.0]}).figure.draw_without_rendering()


def test_the_users_matplotlib_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib import pyplot

    before = dict(matplotlib.rcParams)
    ours = plot.reason(REASON, SIGNAL, WATCH, 10.0)
    assert pyplot.get_fignums() == [] and dict(matplotlib.rcParams) == before
    assert ours.figure.get_size_inches()[0] == pytest.approx(3.3)
    assert {t.get_fontsize() for t in ours.findobj(matplotlib.text.Text) if t.get_text()} == {8.0}
    theirs = Figure().add_subplot()
    theirs.xaxis.label.set_fontsize(13)
    assert plot.reason(REASON, SIGNAL, WATCH, 10.0, ax=theirs) is theirs
    assert theirs.title.get_fontsize() == 13 and theirs.get_legend() is not None
    theirs.figure.draw_without_rendering()


def test_without_matplotlib_people_are_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UsageError, match=r"vqtext\[plot\]"):
        plot.threshold_curve(ThresholdCurve(np.ones(1), np.ones(1), 1.0, 1))
