"""What an author is told of the sensors: a direction that none of them feels is not worth asking for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vqtext.cache import hdf5
from vqtext.pipeline.authors.base import Data
from vqtext.pipeline.authors.questions import label_questions
from vqtext.settings.schema import WordsSettings


def channels(place: str, modality: str, axes: str = "xyz", **more: bool) -> list[dict[str, str | bool]]:
    return [
        {
            "name": f"{place} {modality} {axis}",
            "location": place,
            "modality": modality,
            "axis": axis,
            "unit": "1",
        }
        | more
        for axis in axes
    ]


def test_what_each_place_feels(tmp_path: Path) -> None:
    """Models wrote forward and backward for gyroscopes, and heart rates counted as places that move."""
    attrs = {
        "dataset": "mine",
        "rate_hz": 10.0,
        "labels": ["sawing"],
        "channels": [
            *channels("wrist", "acc"),
            *channels("wrist", "gyro"),
            *channels("hip", "acc"),
            *channels("chest", "acc", gravity=False),
            *channels("head", "gyro"),
            *channels("blade", "position"),
            *channels("ear", "hr", "x"),
        ],
        "subjects": [],
    }
    hdf5.write(tmp_path / "windows.h5", "windows", {"label": np.zeros(1, np.int32)}, attrs, "recipe")
    data = Data.read(tmp_path / "windows.h5")
    assert data.feels == {
        "wrist": ["up", "down", "turn left", "turn right", "posture"],
        "hip": ["up", "down", "posture"],
        "blade": ["travel"],
    }
    assert (len(data.locations), data.moving) == (6, 5)
    (question,) = label_questions(WordsSettings(), data, "sawing", [])
    assert '"head": gyroscope; feels no direction, no posture' in question.user
    assert "2 to 5 of them" in question.user and "at 5 places" in question.user, (
        "a tenth of a second at 10 Hz"
    )
    assert question.hint == "" and question.reply_tokens > 500
