"""A user would lose: that a name is only ever right if someone wrote down beforehand what it means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vqtext.data.planted.world import MOVEMENTS, WORLDS
from vqtext.data.readers.gait import LABELS, TRUTH
from vqtext.errors import WordsError
from vqtext.pipeline.evaluation.truth_map import check, map_of, own_table, read_table, unknown_phrase
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import AFTER, join
from vqtext.prompts.lexicon import lexicon
from vqtext.schema import SubAction, same_text

WORDS = ["leg up", "both down"]


def spoken(labels: dict[str, list[str]], merged: dict[str, str] | None = None) -> Words:
    """Words whose phrases are anchors themselves, but for those that were merged into another."""
    joined = merged or {}
    used = dict.fromkeys(phrase for own in labels.values() for phrase in own)
    anchors = [phrase for phrase in used if phrase not in joined]
    uses = [
        [(anchors.index(joined.get(phrase, phrase)), SubAction(phrase=phrase)) for phrase in own]
        for own in labels.values()
    ]
    count = len(labels)
    return Words(anchors, np.eye(len(anchors)), uses, [True] * count, [None] * count)


def test_a_phrase_stands_for_the_anchor_it_was_merged_into() -> None:
    words = spoken(
        {"walk": ["lift", "plant"], "turn": ["Lift ", "raise", "wait"]}, {"raise": "lift", "Lift ": "lift"}
    )
    found = map_of({"leg up": ["raise"], "both down": ["PLANT"]}, WORDS, words)
    assert dict(zip(words.phrases, found.word, strict=True)) == {"lift": 0, "plant": 1, "wait": -1}
    assert found.torn == ()


def test_an_anchor_that_would_stand_for_two_words_stands_for_none() -> None:
    words = spoken({"walk": ["lift", "plant"], "turn": ["stamp"]}, {"stamp": "lift"})
    found = map_of({"leg up": ["lift"], "both down": ["plant", "stamp"]}, WORDS, words)
    assert dict(zip(words.phrases, found.word, strict=True)) == {"lift": -1, "plant": 1}
    assert found.torn == ("lift",)


def test_a_phrase_under_two_words_is_right_on_both_if_the_file_says_so() -> None:
    words = spoken({"walk": ["lift", "plant", "turn"], "go": ["push"]}, {"push": "plant"})
    table = {"leg up": ["lift", "turn", "push"], "both down": ["turn", "plant", "push"]}
    found = map_of(table, WORDS, words)
    meant = {k: np.flatnonzero(own).tolist() for k, own in zip(words.phrases, found.right, strict=True)}
    assert meant == {"lift": [0], "plant": [1], "turn": [0, 1]}, "merged phrases: what they have in common"
    assert found.torn == () and found.word.tolist() == [0, 1, 0]


def test_a_joined_step_counts_as_its_longest_part_alone() -> None:
    """Else a step that holds a brief push and a long swing would be right on both."""
    push, swing = SubAction(phrase="push", lasts="brief"), SubAction(phrase="swing")
    uses = [[(0, join([push, swing], AFTER)), (1, SubAction(phrase="plant"))], [(2, push)]]
    words = Words(["push, swing", "plant", "push"], np.eye(3), uses, [True] * 2, [None] * 2)
    found = map_of({"both down": ["plant", "push"], "leg up": ["swing"]}, WORDS, words)
    assert found.right.tolist() == [[True, False], [False, True], [False, True]] and found.torn == ()
    check({"leg up": ["swing", "push"]}, Path("truth.toml"), WORDS, words)
    assert unknown_phrase({"leg up": ["swing", "plant"]}, WORDS, words) == "push", (
        "it may be a name elsewhere"
    )


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"leg up": ["lifd"]}, "'leg up': .*'lifd': .*'lift'"),
        ({"leg upp": ["lift"]}, "'leg upp': .*'leg up'"),
    ],
)
def test_what_does_not_exist_is_named_with_the_nearest_that_does(table: dict, says: str) -> None:
    with pytest.raises(WordsError, match=f"truth.toml.*{says}"):
        check(table, Path("truth.toml"), WORDS, spoken({"walk": ["lift", "plant"]}))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[truth", "is not TOML"),
        ("[other]\n", r"has no table \[truth\]"),
        ("[truth]\n", r"has no table \[truth\]"),
        ('truth = "lift"\n', r"has no table \[truth\]"),
        ('[truth]\n"leg up" = "lift"\n', "'leg up': a list"),
        ('[truth]\n"leg up" = ["lift", 3]\n', "'leg up': a list"),
        (b"\xff\xfe", "is not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_file_that_is_no_table_is_one_clear_line(
    text: str | bytes | None, says: str, tmp_path: Path
) -> None:
    file = tmp_path / "truth.toml"
    if text is not None:
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(WordsError, match=f"truth.toml.*{says}") as error:
        read_table(file)
    assert "\n" not in str(error.value)


def test_a_table_that_is_well_is_read(tmp_path: Path) -> None:
    file = tmp_path / "truth.toml"
    file.write_text('[truth]\n"다리" = ["lift", "raise"]\n', encoding="utf-8-sig")
    assert read_table(file) == {"다리": ["lift", "raise"]}


def test_the_table_of_the_gait_data_fits_the_built_in_words() -> None:
    """Every phrase is used, every use has one word, and left is left."""
    labels = {entry.label: [s.phrase for s in entry.subactions] for entry in lexicon("gait", LABELS).labels}
    words, table = spoken(labels), own_table("gait", TRUTH)
    check(table, Path("gait.toml"), TRUTH, words)
    assert unknown_phrase(table, TRUTH, words) is None
    found = map_of(table, TRUTH, words)
    assert (found.word >= 0).all() and not found.torn
    for phrase, word in zip(words.phrases, found.word, strict=True):
        if "swings" in TRUTH[word]:
            assert TRUTH[word].split()[0] in phrase.split()


def test_planted_truth_words_are_phrases() -> None:
    for world in WORLDS.values():
        words = spoken({name: list(label.phrases) for name, label in world.labels.items()})
        table = own_table("planted", MOVEMENTS)
        assert unknown_phrase(table, MOVEMENTS, words) is None
        meant = [list(MOVEMENTS)[k] for k in map_of(table, [*MOVEMENTS], words).word]
        assert [*map(same_text, meant)] == [*map(same_text, words.phrases)]


def test_a_packaged_table_knows_when_other_words_were_written() -> None:
    words = spoken({"walk": ["lift the left foot off the floor", "glide"]})
    assert unknown_phrase(own_table("gait", TRUTH), TRUTH, words) == "glide"
    assert unknown_phrase(own_table("gait", TRUTH), ["calm"], words) == words.phrases[0]
    assert own_table("../truth/gait", ["a"]) == {"a": ["a"]}, "a data set's name is no path"
