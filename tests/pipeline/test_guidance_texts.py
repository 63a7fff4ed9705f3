"""Which texts reach which training window: a user would lose the facts of the right person, or the label."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_embed import MORE, WORDS, put_windows

from vqtext.cache.hdf5 import open_artifact
from vqtext.config import GuidanceSettings
from vqtext.data.splits import Split
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run
from vqtext.pipeline.training_data import _guidance

FACTS = ["27 years old", "182 cm tall", "83 kg", "male", "right-handed"]


@pytest.mark.parametrize("source", ["label", "description", "both", "none"])
def test_texts_of_windows(source: str, write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS, **MORE)
    put_windows(settings.cache, ["standing", "walking"])
    run(Embed(settings, heard))
    windows = read_windows(settings.cache / "windows.h5")
    windows.subject[0] = -1  # nobody knows who it was
    split = Split(np.array([5, 0]), np.array([3]), np.array([1, 2, 4]), "own")
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        found = _guidance(texts, windows, split, GuidanceSettings(source=source))
        text, described = texts["text"], texts["window_text"]
    if source == "none":
        assert found is None
        return
    assert found is not None
    labels = [["stand"], ["walk", "someone walks", "goes on foot", "strolls"]]
    said = [[text[i] for i in places] for places in found.label_texts]
    assert said == (labels if source != "description" else [[], []])
    expected = [described[i] for i in (5, 0, 3)] if source != "label" else [-1] * 3
    assert found.descriptions == expected
    assert [[text[i] for i in places] for places in found.facts] == [FACTS, [], FACTS]
    assert found.dim == 64
