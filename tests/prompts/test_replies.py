"""Replies become words, whichever of today's and yesterday's forms they have."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from vqtext.pipeline.llm.client import _strict_schema
from vqtext.pipeline.llm.replies import read
from vqtext.prompts.checks import Wanted, label_problems
from vqtext.prompts.replies import Harmonised, LabelReply
from vqtext.prompts.subactions import dump_subactions, read_subactions
from vqtext.prompts.weaknesses import label_weaknesses
from vqtext.schema import SubAction

WORDS = Path(os.environ.get("VQTEXT_WORDS", "../shared/words"))
REPLIES = sorted(path for path in WORDS.glob("*/*.json") if path.stem not in ("truth", "subactions"))
FINISHED = sorted(WORDS.glob("*/subactions.json"))
needs_words = pytest.mark.skipif(not REPLIES, reason=f"no words of models in {WORDS} (VQTEXT_WORDS)")


def a_step(*cells: dict[str, Any], **more: Any) -> SubAction:
    step = {"phrase": "turn the trunk", "paraphrases": [], "signature": list(cells), **more}
    label = {"keyword": "k", "sentence": "s", "paraphrases": [], "cyclic": False, "subactions": [step]}
    return LabelReply.model_validate(label).words("x", str).subactions[0]


def cell(
    location: str, motion: str, direction: str | None = None, posture: str | None = None
) -> dict[str, Any]:
    return {"location": location, "motion": motion, "direction": direction, "posture": posture}


def said(step: SubAction) -> dict[str, tuple[str | None, ...]]:
    return {place: (c.motion, c.direction, c.posture) for place, c in (step.signature or {}).items()}


@pytest.mark.parametrize("reply", [LabelReply, Harmonised])
def test_the_schema_in_the_prompt_is_the_one_for_the_server(reply: Any) -> None:
    """Two that differ in what is required leave a model to choose."""
    schema = reply.model_json_schema()
    assert schema == _strict_schema(reply)
    assert '"none"' not in json.dumps(schema), "null says the same"
    assert "lying face up" in json.dumps(schema) or reply is Harmonised


def test_a_posture_goes_from_the_reply_to_the_file() -> None:
    held = a_step(cell("chest", "still", None, "Lying  face up"))
    assert said(held) == {"chest": ("still", None, "lying face up")}


def test_of_either_side_nothing_is_claimed_that_one_side_has() -> None:
    """A turn either way, read as one to the left, would be found in half of the turns alone."""
    step = a_step(
        cell("chest", "strong", "turn left", "leaning right"),
        cell("hip", "moderate", "up"),
        cell("left wrist", "strong", "in", "upright"),
        cell("right wrist", "strong", "out", "upright"),
        cell("left ankle", "strong"),
        cell("right ankle", "still", "left"),
        cell("dominant hand", "slight"),
        cell("non-dominant hand", "slight"),
        cell("left knee", "slight"),
        side="either",
        direction="turn left",
    )
    assert said(step) == {
        "chest": ("strong", None, None),
        "hip": ("moderate", "up", None),
        "left wrist": ("strong", None, "upright"),
        "right wrist": ("strong", None, "upright"),
        "dominant hand": ("slight", None, None),
        "non-dominant hand": ("slight", None, None),
    }
    assert (step.side, step.direction) == ("none", None)
    assert a_step(side="either", direction="up").direction == "up"
    assert said(a_step(cell("left wrist", "strong"), side="left")) == {"left wrist": ("strong", None, None)}


@needs_words
@pytest.mark.parametrize("path", REPLIES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_replies_of_the_earlier_form_go_in_unchanged(path: Path) -> None:
    """What was paid for is not asked for again because prompts ask for more now."""
    text = path.read_text(encoding="utf-8")
    raw = json.loads(text)
    reply = read(text, LabelReply).value
    assert reply is not None
    places = sorted({c["location"] for step in raw["subactions"] for c in step["signature"]})
    wanted = Wanted(path.stem, 4, 12, "en", places, {place: place for place in places}.get)
    assert label_problems(reply, wanted) == []
    assert all(isinstance(weak, str) for weak in label_weaknesses(reply, wanted))
    words = reply.words(path.stem, str)
    for step, was in zip(words.subactions, raw["subactions"], strict=True):
        for key in ("phrase", "opposite", "side", "direction", "lasts", "body_part", "paraphrases"):
            assert getattr(step, key) == was.get(key)
        cells = {c["location"]: (c["motion"], c.get("direction"), None) for c in was["signature"]}
        assert said(step) == cells


@needs_words
@pytest.mark.parametrize("path", FINISHED, ids=lambda path: path.parent.name)
def test_files_of_the_earlier_form_go_in_and_out_unchanged(path: Path) -> None:
    words = read_subactions(path)
    assert json.loads(dump_subactions(words)) == json.loads(path.read_text(encoding="utf-8"))
