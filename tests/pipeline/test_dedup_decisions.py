"""What a person decides goes first: how many anchors, what is kept, dropped and merged."""

from __future__ import annotations

from typing import Any

import pytest
from deduplicated import AGAIN, DOWN, LEFT, RIGHT, UP, WORDS, clusters, decide, read

from vqtext.errors import UsageError
from vqtext.pipeline.dedup import Dedup
from vqtext.settings.schema import DedupSettings


def test_a_target_sets_the_threshold(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    for target, expected in ((6, 6), (5, 5)):
        answer = decide(settings, heard, target=target)
        assert answer["anchors"] == expected
        assert decide(settings, heard, threshold=answer["threshold"])["clusters"] == answer["clusters"]
    assert read(settings)["threshold"] == answer["threshold"]
    assert heard.warned == []
    decide(settings, heard, target=5, threshold=0.9)
    assert any("dedup.threshold" in said for said in heard.said)


def test_what_stands_in_the_way_of_a_target_is_named(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    answer = decide(settings, heard, target=2)
    assert answer["anchors"] == 5, "the nearest that vetoes allow"
    (warning,) = heard.warned
    assert warning.startswith(
        f"2 anchors were asked for, the nearest is 5 at threshold {answer['threshold']:g}"
    )
    assert "1 by facet, 1 by opposite" in warning
    assert "0.5, " in warning and "8 pairs" in warning
    assert f"  {DOWN['phrase']} | {UP['phrase']} (0.78, opposite)" in heard.said, "each pair is named"
    stage = Dedup(settings.model_copy(update={"dedup": DedupSettings(target=2)}), heard)
    assert "(2 " in stage.lines(answer)[0], "told again where nothing is made anew"


def test_a_target_that_equal_vectors_forbid(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words({"a": ["wave arm", "rest"], "b": ["arm wave"]})
    assert decide(settings, heard, target=3)["anchors"] == 2


def test_a_target_above_the_number_of_phrases(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    with pytest.raises(UsageError, match=r"\b7\b.*\b6\b"):
        decide(settings, heard, target=7)


def test_kept_phrases_are_anchors_and_never_share_one(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    settings = write_words(WORDS)
    answer = decide(settings, heard, threshold=0.6, keep=["  Rest STILL "])
    assert {"anchor": "rest still", "members": ["rest", "rest still"]} in answer["clusters"]
    answer = decide(settings, heard, threshold=0.6, keep=["rest still", "rest"])
    assert answer["anchors"] == 6
    assert {"a": "rest", "b": "rest still", "reason": "linkage"}.items() <= answer["vetoed"][-1].items()


def test_dropped_phrases_and_their_uses_are_gone(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    words = {**WORDS, "walking": [LEFT, RIGHT, AGAIN], "standing": ["rest", "rest still"]}
    settings = write_words(words)
    answer = decide(settings, heard, threshold=0.6, drop=["rest", "move the arm up now"])
    assert answer["phrases"] == 4 and "rest" not in str(answer["clusters"]).replace("rest still", "")
    made = read(settings)
    assert made["use/label"].tolist() == [0, 1, 1, 2], "every use of it, however it is written"
    assert [made["anchor/phrase"][i] for i in made["use/anchor"]] == [
        *(DOWN["phrase"], LEFT["phrase"], RIGHT["phrase"], "rest still")
    ]
    with pytest.raises(UsageError, match="'standing'"):
        decide(settings, heard, drop=["rest", "rest still"])


def test_merging_by_hand_goes_before_cosine_and_veto(write_words: Any, heard: Any, bag_of_words: Any) -> None:
    settings = write_words(WORDS)
    up, down = UP["phrase"], DOWN["phrase"]
    answer = decide(settings, heard, merge=[f"{up}={down}", f"{down} = rest"])
    assert {"anchor": "rest", "members": [down, up, "rest"]} in answer["clusters"], "chains are followed"
    assert (down, up) not in {(pair["a"], pair["b"]) for pair in answer["vetoed"]}
    made = read(settings)
    assert [made["anchor/phrase"][i] for i in made["use/anchor"]][:3] == ["rest"] * 3


def test_a_phrase_that_holds_an_equals_sign_or_a_comma(
    write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    settings = write_words({"a": ["x=1, go", "y=2", "stop"]})
    answer = decide(settings, heard, merge=["x=1, go=y=2"], keep=["y=2"])
    assert clusters(answer) == {frozenset({"x=1, go", "y=2"}), frozenset({"stop"})}


@pytest.mark.parametrize(
    ("decisions", "expected"),
    [
        ({"keep": ["rest stil"]}, "'rest stil'; the nearest is 'rest still'"),
        ({"drop": ["🙂"]}, "--drop: there is no phrase '🙂'"),
        ({"merge": ["rest=swing that left leg"]}, "'swing that left leg forward'"),
        ({"merge": ["rest"]}, "--merge 'rest': write \"a=b\""),
        ({"merge": ["rest=REST"]}, "both sides are one phrase"),
        ({"merge": ["rest=rest still", "rest still=rest"]}, "'rest' = 'rest still' = 'rest'"),
        (
            {"merge": ["rest=rest still", f"rest={UP['phrase']}"]},
            "'rest' both into 'rest still' and into 'Move",
        ),
        ({"keep": ["rest"], "drop": ["Rest"]}, "'rest' is in --keep and in --drop"),
        ({"keep": ["rest"], "merge": ["rest=rest still"]}, "'rest' is in --keep and in --merge"),
        ({"drop": ["rest still"], "merge": ["rest=rest still"]}, "'rest still' is in --drop and in --merge"),
    ],
)
def test_decisions_that_cannot_be_followed(
    decisions: dict[str, list[str]], expected: str, write_words: Any, heard: Any, bag_of_words: Any
) -> None:
    with pytest.raises(UsageError) as caught:
        decide(write_words(WORDS), heard, **decisions)
    assert expected in str(caught.value)
