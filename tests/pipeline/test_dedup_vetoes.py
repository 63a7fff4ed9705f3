"""Opposites, other sides and other signatures stay apart, however near their words are."""

from __future__ import annotations

from typing import Any

import pytest
from deduplicated import clusters, decide, dedup, read, settings_at

from vqtext.pipeline import embed
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run


def test_facets_of_all_uses_count(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {
        "a": [{"phrase": "turn that body around", "side": "none"}],
        "d": [{"phrase": "turn your body around"}],
        "b": [{"phrase": "turn that body around", "direction": "turn left"}],
        "c": [{"phrase": "turn your body around", "direction": "turn right"}],
    }
    answer = dedup(write_words(words), heard, 0.6)
    assert [pair["reason"] for pair in answer["vetoed"]] == ["facet"]
    del words["c"]
    assert dedup(write_words(words), heard, 0.6)["anchors"] == 1


def test_a_side_in_the_words_counts_before_what_is_said_of_it(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    words = {"a": ["swing that left leg"], "b": [{"phrase": "swing that right leg", "side": "left"}]}
    (pair,) = dedup(write_words(words), heard, 0.6)["vetoed"]
    assert pair["reason"] == "facet"


ONE_TAIL = "alpha beta gamma delta epsilon zeta eta theta"
OTHER_TAIL = "alpha beta gamma delta epsilon iota kappa lambda"


def test_an_opposite_that_is_another_labels_phrase(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words: dict[str, list] = {
        "a": [{"phrase": ONE_TAIL, "opposite": OTHER_TAIL.upper().replace(" ", "  ")}],
        "b": [OTHER_TAIL],
    }
    (pair,) = dedup(write_words(words), heard, 0.5)["vetoed"]
    assert pair["reason"] == "opposite"
    words["a"] = [ONE_TAIL]
    assert dedup(write_words(words), heard, 0.5)["vetoed"] == [], "without an opposite nothing is vetoed"


def test_two_steps_of_one_label_merge_by_hand_alone(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    """They are two movements by their author's word: a heel that is raised is no foot that is lifted."""
    settings = write_words({"a": [ONE_TAIL, OTHER_TAIL], "b": [ONE_TAIL + " iota"]})
    vetoed = dedup(settings, heard, 0.01)["vetoed"]
    assert read(settings)["anchor/phrase"] == sorted([ONE_TAIL, OTHER_TAIL])
    assert "label" in {pair["reason"] for pair in vetoed}
    assert decide(settings, heard, merge=[f"{ONE_TAIL}={OTHER_TAIL}"], threshold=0.9)["anchors"] == 2


def test_uses_whose_written_signatures_differ_stay_apart(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    def use(phrase: str, motion: str | None, direction: str | None = None) -> dict[str, Any]:
        return {"phrase": phrase, "signature": {"Left_Foot": {"motion": motion, "direction": direction}}}

    words = {"a": [use(ONE_TAIL, "strong", "up")], "b": [use(OTHER_TAIL, "strong")]}
    settings = settings_at(write_words(words), 0.5)
    run(Embed(settings, heard))
    stage = Dedup(settings, heard)
    merged = f"  {OTHER_TAIL} [b: Left_Foot strong] ← {ONE_TAIL} [a: Left_Foot strong up]"
    assert merged in stage.lines(run(stage)), "with both signatures"
    for one, other, reasons in (
        (("strong",), ("still",), ["signature"]),
        (("strong", "up"), ("strong", "down"), ["signature"]),
        (("strong",), ("strong", "up"), []),
        (("strong",), (None,), []),
    ):
        words = {"a": [use(ONE_TAIL, *one)], "b": [use(OTHER_TAIL, *other)]}
        assert [pair["reason"] for pair in dedup(write_words(words), heard, 0.5)["vetoed"]] == reasons


def test_a_phrase_that_is_its_own_opposite(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {"a": [{"phrase": "rest still", "opposite": " REST still"}], "b": ["rest"]}
    answer = dedup(write_words(words), heard, 0.6)
    assert answer["anchors"] == 1
    assert any("rest still" in warning.lower() for warning in heard.warned)


def test_real_words(write_words: Any, heard: Any, minilm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "choose", lambda *_: (minilm, ""))
    words = {
        "walking": [
            {"phrase": "lift the left leg", "opposite": "lower the left leg"},
            {"phrase": "lower the left leg", "opposite": "lift the left leg"},
            {"phrase": "lift the right leg", "opposite": "lower the right leg"},
        ],
        "stairs": [{"phrase": "raise the left leg", "opposite": "put the left leg down", "side": "left"}],
    }
    answer = dedup(write_words(words), heard, 0.85)
    assert clusters(answer) == {
        frozenset({"lift the left leg", "raise the left leg"}),
        frozenset({"lower the left leg"}),
        frozenset({"lift the right leg"}),
    }
    assert {pair["reason"] for pair in answer["vetoed"]} == {"opposite", "facet"}
