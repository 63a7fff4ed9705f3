"""A user would lose: what words find, seconds after they were written, and nothing of it from test people."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from test_unseen import prepared, study  # noqa: F401  a fixture

from vqtext.errors import ArtifactError, ConfigError, WordsError
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.preview import lines, preview
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings


@pytest.fixture
def felt(prepared: Any, heard: Any) -> Callable[..., Settings]:  # noqa: F811
    """Everything up to ``dedup``, of words that say what the wrist feels."""

    def make(windows: Any, **train: Any) -> Settings:
        settings: Settings = prepared(windows, **train)
        file = settings.cache / "subactions.json"
        words = json.loads(file.read_text())
        for label in words["labels"]:
            for step, motion in zip(label["subactions"], ("strong", "still") * 9, strict=False):
                step["signature"] = {"right wrist": {"motion": motion}}
        file.write_text(json.dumps(words))
        run(Embed(settings, heard))
        run(Dedup(settings, heard))
        return settings

    return make


def test_nothing_of_a_test_subject_is_looked_at(felt: Any) -> None:
    """Words mended by what test people do would be scored on what they were mended by."""
    found = [preview(felt(study(garbage), test_subjects=["3"])) for garbage in ((), (3,))]
    assert found[0] == found[1] and found[0]["split"] == "subjects"


def test_the_time_of_a_label_is_shared_by_its_steps_and_a_page_shows_them(felt: Any) -> None:
    settings = felt(study(), test_subjects=["3"])
    before = {file.name: file.stat().st_mtime_ns for file in settings.cache.rglob("*")}
    answer = preview(settings)
    page = Path(answer["report"])
    after = {file.name: file.stat().st_mtime_ns for file in settings.cache.rglob("*") if file != page}
    assert after == before
    html = page.read_text(encoding="utf-8")
    assert html.count('<article class="card') >= 2
    assert all(step["phrase"] in html for step in answer["steps"])
    assert not any(said in html for said in ("truth unknown", "Codebook atlas", "holds no windows"))
    time: dict[str, float] = defaultdict(float)
    for step in answer["steps"]:
        time[step["label"]] += step["time"]
        assert step["sure"] is None or 0 <= step["sure"] <= 1
    assert time and all(0.5 < share <= 1 + 1e-6 for share in time.values())
    told = "\n".join(lines(answer))
    assert all(step["phrase"][:20] in told for step in answer["steps"])


def test_without_a_split_people_are_warned_that_these_windows_are_no_test_later(felt: Any) -> None:
    chosen = felt(study(), split="random")
    assert "--test-subjects" in lines(preview(chosen))[-2]


def test_a_place_without_a_sensor_is_told_before_anything_is_trained(felt: Any, heard: Any) -> None:
    """A mistyped place says nothing of any sensor, and its step would be found by the rest alone."""
    settings = felt(study(), test_subjects=["3"])
    file = settings.cache / "subactions.json"
    words = json.loads(file.read_text())
    words["labels"][0]["subactions"][0]["signature"] = {"rihgt wrist": {"motion": "strong"}}
    file.write_text(json.dumps(words))
    run(Embed(settings, heard))
    run(Dedup(settings, heard))
    assert "warning: no sensor at rihgt wrist" in "\n".join(lines(preview(settings)))


def test_what_is_missing_is_named(prepared: Any) -> None:  # noqa: F811
    silent = prepared(study(), test_subjects=["3"], grounding="label")
    with pytest.raises(ConfigError):
        preview(silent)
    settings = prepared(study(), test_subjects=["3"])
    with pytest.raises(WordsError):
        preview(settings)
    (settings.cache / "anchors.h5").unlink()
    with pytest.raises(ArtifactError, match="vqtext dedup"):
        preview(settings)
