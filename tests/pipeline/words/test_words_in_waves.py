"""Labels in waves: later ones see the phrases of earlier ones, and nothing is paid for twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llm.server import LLMServer, Response
from test_gen_subactions import first_phrases, write_windows
from toy_author import STEPS, Toy, words_of

from vqtext.pipeline.authors.waves import STOCK, stock, waves
from vqtext.prompts.subactions import read_subactions
from vqtext.schema import LabelWords

LABELS = ["walking", "running", "standing", "hopping", "rowing", "cycling", "skating", "boxing", "diving"]
OFFER = "Phrases that other labels use already."


def prompts(server: LLMServer) -> dict[str, str]:
    """The prompt of each label that was asked for."""
    users = [request["messages"][1]["content"] for request in server.requests]
    asked = [text for text in users if text.startswith("Break this label")]
    return {json.loads(text.splitlines()[0].partition(": ")[2]): text for text in asked}


def offered(prompt: str) -> list[str]:
    return [json.loads(line[2:]) for line in prompt.partition(OFFER)[2].splitlines() if line.startswith("- ")]


def test_later_labels_are_offered_the_phrases_of_earlier_waves(
    make: Any, llm_server: LLMServer, windows: Path
) -> None:
    """No single call could see which words the other labels use, so each label had its own."""
    write_windows(windows.parent, LABELS)
    llm_server.latency_s = 0.2
    make(harmonise=False)
    asked = prompts(llm_server)
    assert waves(LABELS) == [LABELS[:1], LABELS[1:3], LABELS[3:7], LABELS[7:]]
    for i, label in enumerate(LABELS):
        done = (0, 1, 1, 3, 3, 3, 3, 7, 7)[i]
        assert offered(asked[label]) == [f"{x} as in {other}" for other in LABELS[:done] for x in STEPS]
    assert llm_server.most_at_once > 1, "inside a wave they are asked at once"


def test_the_stock_is_limited_and_has_what_most_labels_use_first() -> None:
    def label(name: str, *phrases: str) -> LabelWords:
        return LabelWords.model_validate({"label": name, "subactions": [{"phrase": x} for x in phrases]})

    many = label("a", *(f"move {i}" for i in range(STOCK + 5)))
    assert stock([label("b", "Lift it", "drop it"), label("c", "lift  it"), many])[:3] == [
        "Lift it",
        "drop it",
        "move 0",
    ]
    assert len(stock([many])) == STOCK


def test_a_killed_stage_goes_on_in_the_wave_where_it_was(
    kill_at: Any, make: Any, toy: Toy, windows: Path, llm_server: LLMServer
) -> None:
    """The same bytes are asked for again, and what had arrived is not."""
    write_windows(windows.parent, LABELS[:7])
    kill_at("rowing")
    before = prompts(llm_server)
    del toy.says["rowing"]
    llm_server.requests.clear()
    make()
    assert sorted(toy.asked) == ["*", "cycling", "rowing", "skating"]
    assert prompts(llm_server)["rowing"] == before["rowing"]


def test_a_label_that_comes_late_changes_the_offer_and_costs_no_other_call(
    make: Any, toy: Toy, windows: Path, path: Path
) -> None:
    """A label of the first wave failed; when its words are there, the others have theirs already."""
    toy.says["walking"] = ["nonsense", "nonsense"]
    try:
        make()
    except Exception as error:
        assert "'walking'" in str(error)
    assert make(force=True)["labels"] == {"walking": 4, "running": 4, "standing": 4}
    assert toy.asked == ["walking", "*"]


def test_standing_words_are_offered_too(make: Any, llm_server: LLMServer, windows: Path) -> None:
    make()
    write_windows(windows.parent, ["walking", "running", "standing", "hopping"])
    llm_server.requests.clear()
    make()
    assert len(offered(prompts(llm_server)["hopping"])) == 12


def test_weak_words_are_asked_for_once_more_and_then_taken(
    make: Any, toy: Toy, path: Path, heard: Any, llm_server: LLMServer
) -> None:
    weak = words_of("walking")
    for step in weak["subactions"][:2]:
        step["signature"][0] |= {"motion": "strong", "direction": "up"}
    toy.says["walking"] = [json.dumps(weak)] * 2
    assert make()["labels"]["walking"] == 4 and toy.asked.count("walking") == 2
    sent_back = next(r["messages"] for r in llm_server.requests if len(r["messages"]) > 2)[-1]["content"]
    pair = f"'{STEPS[0]} as in walking' and '{STEPS[1]} as in walking' have the same cells, as far"
    assert pair in sent_back
    (warned,) = heard.warned
    assert warned.startswith("label 'walking': ") and pair in warned
    assert make(force=True) and toy.asked == [], "the journal has both replies"


def test_a_weak_reply_stands_where_the_second_is_no_better(make: Any, toy: Toy, path: Path) -> None:
    """What passed before must never be lost because more is asked for."""
    weak = words_of("walking")
    weak["subactions"][0]["phrase"] = "flap both hands"
    weak["subactions"][0]["signature"] = weak["subactions"][1]["signature"]
    for second in ("nonsense", Response(status=503), Response("")):
        for file in (path, path.with_name("journal.sqlite")):
            file.unlink(missing_ok=True)
        toy.says["walking"] = [json.dumps(weak), second]
        make()
        assert first_phrases(path)["walking"] == "flap both hands"


def test_an_empty_draft_is_a_lost_draft(make: Any, toy: Toy, path: Path, heard: Any) -> None:
    """One of two drafts has no step at all: the other one writes the label."""

    def change(label: str, temperature: float, reply: dict[str, Any]) -> None:
        if label == "walking" and temperature == 1.0:
            reply["subactions"] = []

    toy.change = change
    make(drafts=2)
    assert any("label 'walking': a draft" in text for text in heard.warned)
    assert len(read_subactions(path).labels[0].subactions) == 4
