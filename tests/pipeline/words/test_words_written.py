"""What a model writes: guesses left out, one name for one movement, and the language people read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from llm.server import LLMServer, Response
from test_gen_subactions import first_phrases, write_windows
from toy_author import STEPS, Toy, words_of

from vqtext.prompts.subactions import read_subactions


def test_a_drafts_guesses_are_left_out_and_counted(
    make: Any, toy: Toy, path: Path, llm_server: LLMServer
) -> None:
    def change(label: str, temperature: float, reply: dict[str, Any]) -> None:
        if label == "walking" and temperature == 1.0:
            reply["subactions"][1]["signature"][0]["motion"] = "still"
        if label == "running" and temperature == 0.6:
            reply["subactions"][0]["signature"] = []

    toy.change = change
    summary = make(drafts=3)
    assert len(toy.asked) == 10
    assert {request["temperature"] for request in llm_server.requests} == {0.2, 0.6, 1.0}
    assert (summary["drafts"], summary["disagreed"]) == (3, 1)
    words = read_subactions(path)
    cells = {label.label: [{*(s.signature or {})} for s in label.subactions] for label in words.labels}
    assert cells["walking"] == [{"wrist"}, set(), {"wrist"}, {"wrist"}]
    assert cells["running"] == [{"wrist"}] * 4, "one silent draft of three is outvoted"
    toy.change = lambda *_: None
    assert make("walking", drafts=3)["disagreed"] == 0, "what is no longer there is no longer counted"
    assert toy.asked.count("walking") == 3


def test_a_lost_draft_is_no_lost_label(make: Any, toy: Toy, heard: Any) -> None:
    toy.says["walking"] = [Response(status=400, body={"error": {"message": "too long"}})]
    assert make(drafts=2)["labels"]["walking"] == 4
    assert any("label 'walking': a draft" in text for text in heard.warned)


def test_the_same_movement_gets_the_same_words(make: Any, toy: Toy, path: Path) -> None:
    toy.alike = json.dumps(
        {"replacements": [{"phrase": STEPS[0] + " as in running", "instead": STEPS[0] + " as in walking"}]}
    )
    make()
    assert first_phrases(path)["running"] == first_phrases(path)["walking"] == STEPS[0] + " as in walking"


def test_harmonising_can_be_switched_off(make: Any, toy: Toy, windows: Path) -> None:
    make(harmonise=False)
    assert "*" not in toy.asked
    write_windows(windows.parent, ["walking"])
    make()
    assert toy.asked == ["walking"], "one label has nobody to agree with"


@pytest.mark.parametrize("bad", ["nonsense", '{"replacements": [{"phrase": "fly", "instead": "swim"}]}'])
def test_words_stay_as_they_were_where_harmonising_fails(
    make: Any, toy: Toy, path: Path, heard: Any, bad: str
) -> None:
    toy.alike = bad
    assert len(make()["labels"]) == 3 and toy.asked.count("*") == 2
    assert len(heard.warned) == 1
    assert first_phrases(path)["running"] == STEPS[0] + " as in running"


def test_korean(make: Any, toy: Toy, path: Path, windows: Path, llm_server: LLMServer) -> None:
    """Labels and display texts in Korean, phrases in English, from the prompt to the file."""
    write_windows(windows.parent, ["walking", "스쿼트"])
    english = words_of("스쿼트", True)
    for step in english["subactions"]:
        step["phrase"] = step["phrase"].replace("스쿼트", "a squat")
    korean_only = words_of("스쿼트", True)
    toy.says["스쿼트"] = [
        json.dumps(korean_only, ensure_ascii=False),
        json.dumps(english, ensure_ascii=False),
    ]
    make(language="ko")
    text = path.read_text(encoding="utf-8")
    assert '"language": "ko"' in text and '"display": "걷기"' in text and '"label": "스쿼트"' in text
    words = read_subactions(path)
    assert all(step.display and step.phrase.isascii() for label in words.labels for step in label.subactions)
    asked = [r["messages"][-1]["content"] for r in llm_server.requests]
    assert any('- "스쿼트"' in text for text in asked)
    assert any("is not English; other languages belong into display" in text for text in asked)


def test_a_code_is_asked_for_and_said_to_be_a_guess(make: Any, toy: Toy, windows: Path, heard: Any) -> None:
    write_windows(windows.parent, ["1.0", "A12", 'say "hi"\n'])
    toy.change = lambda label, _, reply: reply.update(is_guess=label == "A12")
    assert [*make()["labels"]] == ["1.0", "A12", 'say "hi"\n']
    assert [text for text in heard.warned if "guess" in text] == [
        "label 'A12': the model could only guess what it means: read its words"
    ]
