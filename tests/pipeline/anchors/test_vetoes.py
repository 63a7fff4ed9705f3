"""A user would lose: left taken for right, and two moments of one label under one name, whatever encoder."""

from __future__ import annotations

import json
import os
import re
import tomllib
from importlib import resources
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vqtext.pipeline.anchors.clustering import Tree
from vqtext.pipeline.anchors.phrases import Phrases
from vqtext.pipeline.anchors.vetoes import GROUNDS, Phrase, vetoes
from vqtext.pipeline.encoders.phrase_vectors import PhraseVectors
from vqtext.prompts.facets import read_facets
from vqtext.schema import LabelWords, SubAction, same_text

WORDS = Path(os.environ.get("VQTEXT_WORDS", Path(__file__).parents[3] / "../shared/words"))


def written_phrases() -> list[str]:
    """Every phrase of the lexicon and, where they are at hand, of words as language models wrote them."""
    folder = resources.files("vqtext.prompts").joinpath("lexicon", "movements")
    found = {phrase for file in folder.iterdir() for phrase in tomllib.loads(file.read_text("utf-8"))}
    for file in WORDS.glob("*/*.json"):
        said = json.loads(file.read_text(encoding="utf-8"))
        for label in said.get("labels", [said]):
            found |= {step["phrase"] for step in label.get("subactions", [])}
    return sorted(found)


def grounds(a: Phrase, b: Phrase) -> str | None:
    (found,) = vetoes([a, b], np.array([[0, 1]]), np.array([0.95]))
    return None if found < 0 else GROUNDS[found]


def alike(text: str, **more: Any) -> Phrase:
    """A phrase as an encoder gives it that puts every phrase at one place."""
    return Phrase(text, np.array([1.0, 0.0], dtype=np.float32), facets=read_facets(text), **more)


def mirrored(text: str) -> str:
    return re.sub(r"\b(left|right)\b", lambda side: "right" if side[0] == "left" else "left", text)


def test_mirror_images_never_merge_though_both_name_both_sides() -> None:
    phrases = [phrase for phrase in written_phrases() if phrase != mirrored(phrase)]
    assert len(phrases) > 50
    for phrase in phrases:
        for both in (phrase, f"{phrase} beside the right shin", f"{phrase}, past the left knee"):
            if same_text(both) != same_text(mirrored(both)):
                assert grounds(alike(both), alike(mirrored(both))) in ("facet", "opposite"), both


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("pass the left foot beside the right shin", "move the right foot past the left shin"),
        ("swing the left arm past the right hip", "swing the right arm past the left hip"),
        ("touch the left knee to the right elbow", "touch the right knee to the left elbow"),
    ],
)
def test_the_side_that_moves_decides_and_not_the_sides_that_are_named(one: str, other: str) -> None:
    assert grounds(alike(one), alike(other)) == "facet"
    assert grounds(alike(one), alike(one + " again")) is None


def test_numbered_phrases_of_other_numbers_never_merge() -> None:
    """Classes that are only numbered would share one anchor, and only the class head could tell them
    apart."""
    assert grounds(alike("series of class 1"), alike("series of class 2")) == "facet"
    assert grounds(alike("take 2 steps"), alike("2 steps forward")) != "facet"
    assert grounds(alike("take 2 steps"), alike("take steps")) is None


def test_where_no_side_moves_by_the_words_the_named_one_counts() -> None:
    onto = [alike(f"shift the weight over to the {side} leg") for side in ("left", "right")]
    assert grounds(*onto) == "facet"
    assert grounds(onto[0], alike("move the weight to the left leg")) is None


def vocabulary(encoder: Any) -> tuple[Phrases, list[Phrase]]:
    """Labels with steps, opposites and mirror images that only their words tell apart."""

    def label(name: str, *steps: str) -> LabelWords:
        return LabelWords(label=name, subactions=[SubAction(phrase=step) for step in steps])

    def against(phrase: str, opposite: str) -> LabelWords:
        return LabelWords(label=phrase, subactions=[SubAction(phrase=phrase, opposite=opposite)])

    phrases = Phrases(
        [
            label("walk", "lift the left foot off the floor", "raise the left heel off the floor"),
            label("climb", "lift the left foot", "lift the right foot", "put the left foot on the step"),
            against("buckle the strap", "undo the strap"),
            label("undoing", "undo the strap"),
            label("one", "pass the left foot beside the right shin"),
            label("other", "pass the right foot beside the left shin"),
        ]
    )
    return phrases, phrases.for_merging(PhraseVectors(encoder))


def all_near(texts: Any) -> np.ndarray:
    """Vectors of which each two have a cosine of .95."""
    rng = np.random.default_rng(0)
    own = rng.normal(size=(len(texts), 4096))
    own /= np.linalg.norm(own, axis=1, keepdims=True)
    shared = np.zeros(4096)
    shared[0] = 1
    own[:, 0] = 0
    found = np.sqrt(0.95) * shared + np.sqrt(0.05) * own / np.linalg.norm(own, axis=1, keepdims=True)
    return found.astype(np.float32)


def test_no_veto_hangs_on_the_scale_of_an_encoder() -> None:
    phrases, merging = vocabulary(all_near)
    tree = Tree(merging, floor=0.01)
    members = [{tree.phrases[i].text for i in cluster} for cluster in tree.at(0.01).members]
    for uses in (["walk"], ["climb"], ["buckle the strap", "undoing"], ["one", "other"]):
        steps = [key for key, own in phrases.uses.items() if {label for label, _ in own} & set(uses)]
        for a, b in combinations(steps, 2):
            assert not any({a, b} <= {same_text(text) for text in cluster} for cluster in members), (a, b)
    assert any(len(cluster) > 1 for cluster in members), "what nothing tells apart merges"
