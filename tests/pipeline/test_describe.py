from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from cutting import cut

from vqtext.cache.hdf5 import open_artifact
from vqtext.data.readers.base import open_reader
from vqtext.data.windows.windowing import Cut
from vqtext.pipeline.artifacts import read_windows, write_windows
from vqtext.pipeline.describe import Describe
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings

REAL = Path(os.environ.get("VQTEXT_DATA") or Path(__file__).parents[3] / "shared" / "data")
SMALL_WORDS = {"a", "an", "and", "around", "at", "back", "by", "in", "left", "on", "right", "the", "to"}


@pytest.fixture
def settings(tmp_path, heard):
    """The default data, prepared."""
    pytest.importorskip("aeon", reason="BasicMotions comes inside aeon's wheel")
    made = Settings(cache=tmp_path)
    run(Prepare(made, heard))
    return made


def texts_of(settings):
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        return [file["text"][i] for i in file["index"]]


def all_texts(settings):
    """Of windows and of segments."""
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        return [*file["text"], *file["segment/text"]]


def label_words(labels):
    """The words of labels, but those that stand in any English sentence or in the name of a place."""
    return set(re.findall(r"\w+", " ".join(labels).casefold())) - SMALL_WORDS


def test_each_window_has_its_words_and_facts(settings, heard):
    answer = run(Describe(settings, heard))
    assert answer["windows"] == 80 and answer["segments"] == 5 and answer["locations"] == ["wrist"]
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        assert len(file["text"]) == answer["texts"] == len(set(file["text"]))
        assert file["index"].shape == (80,) and file["index"].max() == answer["texts"] - 1
        assert file["border_s"].tolist() == pytest.approx([0, 2, 4, 6, 8, 10])
        assert file["level"].shape == (80, 5, 1) and set(np.unique(file["level"])) <= {-1, 0, 1, 2, 3}
        assert (np.clip(np.floor(file["height"]), 0, 3) == file["level"]).all()
        assert file["turn_deg"].shape == (80, 5)
        for name in ("peak_rad_s", "peak_m_s2", "cadence_hz"):
            assert file[name].shape == (80, 1)
        assert 0 < np.nanmedian(file["peak_rad_s"]) < 30 and 0.3 < np.nanmedian(file["cadence_hz"]) < 5
        said, of_segment = file["segment/text"], file["segment/index"]
        assert of_segment.shape == (80, 5) and len(set(said)) == len(said) == of_segment.max() + 1 < 20
        strong = [i for i, text in enumerate(said) if "strongly" in text]
        assert (np.isin(of_segment, strong) == (file["level"] == 3)[..., 0]).all()
        assert (file["source"] == 0).all() and file.attrs["sources"] == ["template", "llm"]
    for text in texts_of(settings):
        assert re.match(r"Rotation up to [\d.]+ rad/s and acceleration up to [\d.]+ m/s2 at the wrist", text)
        assert re.search(r"0\.0–[\d.]+ s: the wrist (is still|moves (slightly|moderately|strongly))", text)
        assert text.endswith(".") and "\n" not in text


def test_descriptions_do_not_depend_on_where_they_are_made(settings, heard, monkeypatch):
    monkeypatch.setattr("vqtext.pipeline.describe.BLOCK", 30)
    contents = []
    for executor in ("serial", "processes"):
        there = settings.model_copy(update={"executor": executor, "workers": 2})
        run(Describe(there, heard), force=True)
        with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
            contents.append(file.content)
    assert contents[0] == contents[1]


def test_what_moves_more_reads_so(settings, heard):
    run(Describe(settings, heard))
    windows, texts = read_windows(settings.cache / "windows.h5"), texts_of(settings)
    share = {
        label: np.mean(
            ["strongly" in text for text, code in zip(texts, windows.label, strict=True) if code == i]
        )
        for i, label in enumerate(windows.labels)
    }
    assert share["running"] > 0.9 and share["badminton"] > 0.9 and share["standing"] < 0.3


def test_no_description_comes_from_the_label(settings, heard):
    run(Describe(settings, heard))
    with open_artifact(settings.cache / "descriptions.h5", "descriptions") as file:
        before = file["text"], file["index"].tolist()
    windows = read_windows(settings.cache / "windows.h5").take(slice(None))
    windows.labels = ["clapping", "<script>", "🏃", "slightly"]
    windows.label = windows.label[::-1].copy()
    write_windows(settings.cache / "windows.h5", windows, "another recipe")
    describe = Describe(settings, heard)
    describe.make(settings.cache / "again.h5")
    with open_artifact(settings.cache / "again.h5", "descriptions") as file:
        assert (file["text"], file["index"].tolist()) == before


def test_no_label_word_is_in_a_description(settings, heard):
    run(Describe(settings, heard))
    words = label_words(read_windows(settings.cache / "windows.h5").labels)
    assert words == {"standing", "running", "walking", "badminton"}
    for text in all_texts(settings):
        assert not words & set(re.findall(r"\w+", text.casefold()))


@pytest.mark.parametrize("name", ["dsads", "gait"])
def test_no_label_word_is_in_a_description_of_real_data(name, tmp_path, heard):
    if not (REAL / name).is_dir():
        pytest.skip(f"no {name} recordings: set VQTEXT_DATA to the folder that holds them")
    reader = open_reader(name, REAL / name, None, print)
    some = (recording for i, recording in enumerate(reader.recordings()) if i % 8 == 0)
    windows = cut(some, Cut(reader.window_s, reader.stride_s, reader.borders), name)
    write_windows(tmp_path / "windows.h5", windows, "recipe")
    Describe(Settings(cache=tmp_path), heard).make(tmp_path / "descriptions.h5")
    words = label_words(windows.labels)
    assert "walk" in words or "walking" in words
    for text in all_texts(Settings(cache=tmp_path)):
        assert not words & set(re.findall(r"\w+", text.casefold()))


def test_number_of_segments(settings, heard):
    settings.describe.segments = 2
    assert run(Describe(settings, heard))["segments"] == 2


def test_up_to_date_and_stale(settings, heard):
    answer = run(Describe(settings, heard))
    before = (settings.cache / "descriptions.h5").read_bytes()
    assert run(Describe(settings, heard)) == answer
    assert (settings.cache / "descriptions.h5").read_bytes() == before
    settings.data.window_s = 5.0
    run(Prepare(settings, heard))
    assert run(Describe(settings, heard))["windows"] == 160
