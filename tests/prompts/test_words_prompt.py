"""What a model is told and how its reply becomes words: what the prompt leaves out, no reply can know."""

from __future__ import annotations

from typing import Any

import pytest
from jinja2 import UndefinedError

from vqtext.prompts.render import render, templates_digest
from vqtext.prompts.replies import LabelReply

ASKED: dict[str, Any] = {
    "label": "walking",
    "labels": ["walking", 'moon\n"walk"'],
    "dataset": "mine",
    "sensors": {"left ankle": ["acc", "gyro"], "wrist": ["hr"]},
    "rate_hz": "52.5",
    "window_s": "2.5",
    "feels": {"left ankle": ["up", "down", "posture"]},
    "places": 1,
    "least_s": "0.1",
    "few": 4,
    "many": 12,
    "language": "en",
    "translate": False,
}


def test_sensors_rate_window_labels_and_range_are_told() -> None:
    text = render("words", **ASKED)
    for fact in (
        '"left ankle": acc, gyro; feels up, down, posture\n',
        '"wrist": hr; feels no direction, no posture\n',
        "52.5 samples",
        "2.5 s",
        "4 to 12",
        "at 1 place and this rate",
        "0.1 s",
        '"mine"',
        'one of "left ankle", "wrist"',
    ):
        assert fact in text
    assert '- "walking"\n  - "moon\\n\\"walk\\""\n' in text, "a name stays a name, on its line"
    assert "windows of" not in render("words", **ASKED | {"window_s": None})


def test_display_is_asked_for_in_the_user_s_language() -> None:
    korean = render("words", **ASKED | {"language": "ko", "translate": True})
    assert korean.count('in the language "ko"') == 1
    assert "language" not in render("words", **ASKED)
    assert '"display", here and of the label: null' in render("words", **ASKED)


def test_a_prompt_with_a_hole_is_never_sent() -> None:
    with pytest.raises(UndefinedError):
        render("words", label="walking")


def test_another_prompt_is_another_recipe() -> None:
    assert templates_digest("words", "words_system") != templates_digest("words")


def test_a_reply_becomes_words() -> None:
    reply = LabelReply.model_validate_json(
        """
        {"keyword": "walking", "sentence": "A person  walks.", "paraphrases": ["a", "b", "c"],
        "cyclic": true, "is_guess": false, "display": "걷기", "subactions": [
        {"phrase": " lift the\\nfoot\\u0000 ", "display": "발을 든다", "opposite": "", "paraphrases": ["d"],
        "body_part": null, "side": "left", "direction": "up", "lasts": "brief", "signature": [
        {"location": "LeftAnkle", "motion": "strong", "direction": "up"},
        {"location": "nose", "motion": "still"}]}]}"""
    )
    words = reply.words("walk", {"LeftAnkle": "left ankle"}.get)
    assert words.model_dump(exclude_none=True) == {
        "label": "walk",
        "display": "걷기",
        "keyword": "walking",
        "sentence": "A person walks.",
        "paraphrases": ["a", "b", "c"],
        "cyclic": True,
        "subactions": [
            {
                "phrase": "lift the foot",
                "display": "발을 든다",
                "paraphrases": ["d"],
                "side": "left",
                "direction": "up",
                "lasts": "brief",
                "signature": {"left ankle": {"motion": "strong", "direction": "up"}},
            }
        ],
    }


def test_keys_that_may_be_null_may_be_missing() -> None:
    """Servers that do not hold a model to the schema have models that leave out what is null."""
    step = {"phrase": "lift the foot", "paraphrases": [], "signature": []}
    reply = {"keyword": "w", "sentence": "s", "paraphrases": [], "cyclic": False, "subactions": [step]}
    assert LabelReply.model_validate(reply).words("walk", lambda _: None).subactions[0].side is None
