"""The small study that `crash.py` stops stages over, and a language model that always says the same."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "pipeline"))
from llm.server import LLMServer

from vqtext.settings.schema import Settings

LABELS = ("walking", "sitting", "jumping", "standing", "running", "rowing")
TINY = {"dim": 16, "dim_code": 4, "codes": 8, "patches": 10, "tokens": 5, "layers": 1, "heads": 2}
PHRASES = ("lift the left arm", "lower the right arm", "bend both knees", "push off with the toes")
STEP = {"opposite": None, "body_part": "arm", "side": "none", "direction": "none", "signature": []}
REPLY = {
    "keyword": "moving",
    "sentence": "A person is moving about.",
    "paraphrases": ["Someone moves.", "Moving around.", "A body in motion."],
    "cyclic": True,
    "is_guess": False,
    "display": None,
    "subactions": [
        {**STEP, "phrase": phrase, "display": None, "paraphrases": [f"{phrase} {how}" for how in "abc"]}
        for phrase in PHRASES
    ],
}
HEAD = """
name = "crash"
rate_hz = 50
recordings = "*.csv"
label_column = "label"
subject_column = "subject"
"""
CHANNEL = """
[[channels]]
column = "g{0}"
location = "right wrist"
modality = "gyro"
axis = "{0}"
unit = "rad/s"
"""
DESCRIPTION = "The right wrist turns at up to {} rad/s, in one way at first and later on in another."


def reply(request: dict[str, Any]) -> str:
    """What the model says: a description where one is asked for, else words; always the same to one
    question."""
    asked = " ".join(message["content"] for message in request["messages"])
    if peak := re.search(r"Largest rotation: .*?([0-9.]+) rad/s", asked):
        return json.dumps({"description": DESCRIPTION.format(peak[1])})
    return json.dumps(REPLY if "Break this label" in asked else {"replacements": []})


def settings_of(folder: Path, server: LLMServer, more: dict[str, Any]) -> Settings:
    """Settings that read a small study of one's own, which is made if it is not there."""
    study = folder / "study"
    if not study.exists():
        make_study(study)
    return Settings.model_validate(
        {
            "cache": folder / "cache",
            "data": {"name": "csv", "path": study, "window_s": 2.0, "stride_s": 1.0},
            "llm": {**server.settings(), "retries": 0, "concurrency": 2},
            "model": TINY,
            "train": {"epochs": 2, "seeds": [0, 1], "test_subjects": ["1"], "accelerator": "cpu"},
            "embed": {"encoder": "minilm"},
            **more,
        }
    )


def make_study(folder: Path) -> None:
    folder.mkdir()
    (folder / "dataset.toml").write_text(HEAD + "".join(map(CHANNEL.format, "xyz")), encoding="utf-8")
    rng = np.random.default_rng(0)
    for subject in range(1, 5):
        for label in LABELS:
            rows = [
                ",".join([*(f"{v:.4f}" for v in row), label, str(subject)])
                for row in rng.normal(size=(1000, 3))
            ]
            (folder / f"{subject}-{label}.csv").write_text(
                "\n".join(["gx,gy,gz,label,subject", *rows]) + "\n"
            )


def replies_in(journal: Path) -> int:
    """Replies that a journal holds."""
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(journal)) as file:
        try:
            return int(file.execute("SELECT count(*) FROM replies").fetchone()[0])
        except sqlite3.OperationalError:  # killed before its table was made
            return 0
