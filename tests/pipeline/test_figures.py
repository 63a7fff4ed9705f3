"""A user would lose: figures of a paper that can be made again, and what else is in its folder."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.errors import ArtifactError, UsageError
from vqtext.pipeline.evaluate import Evaluate
from vqtext.pipeline.evaluation.scores import step_confusion
from vqtext.pipeline.explain import Explain
from vqtext.pipeline.figures.command import figures, lines
from vqtext.pipeline.figures.drawings import Drawings, whole_steps
from vqtext.pipeline.figures.files import FORMATS, LIST, drawn, write
from vqtext.pipeline.stage import run
from vqtext.pipeline.train import Train
from vqtext.plot import threshold_curve
from vqtext.report.content import ThresholdCurve
from vqtext.settings.schema import EvaluateSettings, ExplainSettings, Settings

TABLE = '[truth]\n"calm" = ["leg up", "arm out"]\n"wild" = ["foot down", "arm back"]\n'


def test_a_run_is_drawn_as_far_as_it_got(
    prepared: Any,  # noqa: F811
    heard: Any,
    tmp_path: Path,
) -> None:
    windows = study()
    windows.truth = np.tile(np.repeat([0, 1], 20), (windows.n, 1)).astype(np.int16)
    settings = prepared(windows, test_subjects=["3"], epochs=2)
    (settings.cache / "truth.toml").write_text(TABLE)
    how = {
        "explain": ExplainSettings(samples=1),
        "evaluate": EvaluateSettings(truth=settings.cache / "truth.toml"),
    }
    settings, out = settings.model_copy(update=how), tmp_path / "paper"
    early = figures(settings, out)
    assert [*early["figures"]] == ["threshold curve"]
    assert any("codes skipped" in line and "`vqtext train`" in line for line in lines(early))
    for stage in (Train, Explain, Evaluate):
        run(stage(settings, heard))
    (out / "main.tex").write_text("mine")
    whole = figures(settings, out)
    assert whole["skipped"] == {} and whole["older"] == [] and whole["notes"] == []
    files = {file for own in whole["figures"].values() for file in own}
    assert len(files) == 2 * 10 and {path.name for path in out.iterdir()} == {*files, LIST, "main.tex"}
    again, _ = drawn(next(Drawings(settings).all["durations"]())[1])
    assert again == {kind: (out / f"durations.{kind}").read_bytes() for kind in FORMATS}, "the same bytes"
    (settings.run_folder / "seed-0/start.safetensors").unlink()
    with pytest.raises(ArtifactError, match=r"start\.safetensors.*vqtext train --force"):
        next(Drawings(settings).all["code maps"]())
    for path in out.glob("*.*"):
        content = path.read_bytes()
        if path.suffix == ".svg":
            assert ElementTree.fromstring(content).tag.endswith("svg") and b"<dc:date>" not in content
        elif path.suffix == ".pdf":
            assert content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
            assert b"/FontFile2" in content and b"/CreationDate" not in content
    scored = json.loads((settings.run_folder / "evaluate.json").read_text())
    samples = np.array(scored["grounding_details"]["confusion"]["samples"])
    assert samples.shape == (2, 3) and samples.sum() == 6 * 40, "six test windows, each sample once"
    assert np.trace(samples) / samples.sum() == pytest.approx(scored["grounding"]["named_accuracy"]["mean"])


def test_nothing_to_draw_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="run `vqtext"):
        figures(Settings(cache=tmp_path / "cache"), tmp_path / "paper")
    assert not (tmp_path / "paper").exists()
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UsageError):
        figures(Settings(cache=tmp_path / "cache"), tmp_path / "file")


def test_only_files_of_its_own_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "b.svg").write_text("mine")
    with pytest.raises(UsageError, match=r"b\.svg"):
        write(tmp_path, {"a.svg": b"1", "b.svg": b"2"}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["b.svg"], "and nothing was written"
    (tmp_path / "b.svg").unlink()
    assert write(tmp_path, {"a.svg": b"1", "b.svg": b"2"}, {}) == []
    assert write(tmp_path, {"a.svg": b"3"}, {}) == ["b.svg"] and (tmp_path / "a.svg").read_bytes() == b"3"
    (tmp_path / "b.svg").write_bytes(b"2, edited")
    with pytest.raises(UsageError):
        write(tmp_path, {"b.svg": b"4"}, {})
    (tmp_path / LIST).write_text('{"figures": 3}')
    with pytest.raises(UsageError, match=LIST):
        write(tmp_path, {"a.svg": b"5"}, {})


def test_what_a_killed_command_left_is_still_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.svg": b"1", "b.svg": b"1"}, {})
    real = Path.write_bytes

    def killed(path: Path, content: bytes) -> int:
        if "b.svg" in path.name:
            raise KeyboardInterrupt
        return real(path, content)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "write_bytes", killed)
        write(tmp_path, {"a.svg": b"2", "b.svg": b"2"}, {})
    assert [(tmp_path / name).read_bytes() for name in ("a.svg", "b.svg")] == [b"2", b"1"]
    write(tmp_path, {"a.svg": b"3", "b.svg": b"3"}, {})


def test_steps_that_a_window_cuts_have_no_duration() -> None:
    anchor = np.array([[0, 0, 1, 1, 1, 0, 0, -2], [1, 0, -1, -1, 0, 0, 1, 1]])
    assert whole_steps(anchor, 0.5) == {1: [1.5], 0: [0.5, 1.0]}


def test_confusion_counts_samples_with_a_truth_and_names_that_stand_for_none() -> None:
    true = np.array([[0, 0, 1, -1]])
    seeds = [np.array([[0, 1, -1, 0]]), np.array([[0, 0, 1, 1]])]
    assert step_confusion(true, seeds, 2) == [[3, 1, 0], [0, 1, 1]]


def test_characters_that_no_font_has_are_counted() -> None:
    curve = ThresholdCurve(np.array([0.5, 0.9]), np.array([3, 5]), 0.9, 5)
    ax = threshold_curve(curve)
    assert drawn(ax)[1] == []
    ax = threshold_curve(curve)
    ax.set_xlabel("\U000f0001")  # of private use
    (told,) = drawn(ax)[1]
    assert told.startswith("1 characters are in no font")
