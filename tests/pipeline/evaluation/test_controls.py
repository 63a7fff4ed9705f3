"""A user would lose: controls that destroy what they say they destroy, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from vqtext.model.guidance.text_tokens import Guidance
from vqtext.pipeline.evaluation.controls import (
    ALL_CONTROLS,
    OfOthers,
    permuted_names,
    random_phrases,
    random_words,
    shuffled_order,
    swapped_sides,
)
from vqtext.pipeline.evaluation.retraining import settings_of
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.schema import Cell, SubAction
from vqtext.settings.schema import Settings


def step(phrase: str, **cells: str) -> SubAction:
    signature = {name.replace("_", " "): Cell(motion=motion) for name, motion in cells.items()}
    return SubAction(phrase=phrase, signature=signature or None)


LIFT, DROP = step("lift", left_foot="strong", right_foot="still"), step("drop", left_foot="slight")
KICK, REST, WAIT = step("kick", right_foot="strong"), step("rest", lower_back="still"), step("wait")
WORDS = Words(
    phrases=["lift", "drop", "kick", "rest", "wait"],
    vectors=np.eye(5),
    uses=[[(0, LIFT), (1, DROP), (2, KICK), (3, REST)], [(3, REST), (4, WAIT), (0, LIFT)]],
    cyclic=[True, False],
    displays=[None, None],
)

TIMED = replace(
    WORDS,
    uses=[
        [(i, step(w).model_copy(update={"lasts": "brief" if not i else None})) for i, w in enumerate("abcde")]
    ],
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def phrases(words: Words) -> list[list[str]]:
    return [[s.phrase for _, s in uses] for uses in words.uses]


def test_permuted_names_gives_every_anchor_another_signature_and_nothing_else() -> None:
    got = permuted_names(WORDS, rng())
    assert phrases(got) == phrases(WORDS) and got.vectors is WORDS.vectors
    signature = {a: s.signature for uses in got.uses for a, s in uses}
    own = {a: s.signature for uses in WORDS.uses for a, s in uses}
    assert all(signature[a] != own[a] for a in own)
    assert sorted(map(str, signature.values())) == sorted(map(str, own.values()))
    lasts = [s.lasts for _, s in permuted_names(TIMED, rng()).uses[0]]
    assert lasts.count("brief") == 1 and lasts[0] is None, "how long a step lasts goes with its signature"
    assert WORDS.uses[0][0][1] is LIFT and LIFT.signature["left foot"].motion == "strong"


def test_swapped_sides_twice_is_as_it_was() -> None:
    once = swapped_sides(WORDS, rng())
    assert once.uses[0][0][1].signature == {
        "right foot": Cell(motion="strong"),
        "left foot": Cell(motion="still"),
    }
    assert swapped_sides(once, rng()) == replace(once, uses=WORDS.uses)
    leaning = SubAction(phrase="lean", signature={"lower back": Cell(motion="slight", direction="turn left")})
    (((_, mirrored),),) = swapped_sides(replace(WORDS, uses=[[(0, leaning)]]), rng()).uses
    assert mirrored.signature == {"lower back": Cell(motion="slight", direction="turn right")}


def test_random_words_come_from_other_labels_with_their_own_anchors() -> None:
    got = random_words(WORDS, rng())
    assert [len(uses) for uses in got.uses] == [4, 3]
    for uses, others in zip(got.uses, reversed(WORDS.uses), strict=True):
        assert all(use in others for use in uses)
    assert len({a for a, _ in got.uses[1]}) == 3, "none twice where there are enough"


def test_random_phrases_moves_vectors_alone() -> None:
    got = random_phrases(WORDS, rng())
    assert got.uses is WORDS.uses and got.phrases is WORDS.phrases
    assert not np.diag(got.vectors).any() and got.vectors.sum() == 5


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_order_is_no_turn_of_the_cycle(seed: int) -> None:
    got = shuffled_order(WORDS, np.random.default_rng(seed))
    for new, old in zip(phrases(got), phrases(WORDS), strict=True):
        assert sorted(new) == sorted(old)
        assert new not in [old[i:] + old[:i] for i in range(len(old))]


def test_shuffled_guidance_tells_a_window_all_that_another_would_be_told() -> None:
    plain = Guidance(
        tokens=np.arange(6, dtype=np.float32)[:, None],
        offset=np.arange(7),
        label_texts=[[0], [1]],
        descriptions=[2, 3],
        facts=[[4], [5]],
    )
    swapped = OfOthers(**vars(plain), donors=[1, 0], labels=[0, 1])
    ask = ([0, 1], [0, 1], [7, 8], 0.0)
    (right, _), (wrong, _) = plain.batch(*ask), swapped.batch(*ask)
    assert right[:, :3, 0].tolist() == [[4, 0, 2], [5, 1, 3]]
    assert wrong[:, :3, 0].tolist() == [[5, 1, 3], [4, 0, 2]]


def test_what_must_fall_follows_from_what_the_grounding_reads() -> None:
    falls = {
        mode: {name for name, control in ALL_CONTROLS.items() if control.must_fall(mode)}
        for mode in ("nearest", "label", "order+signal", "label+text")
    }
    assert falls["nearest"] == set()
    assert falls["label"] == {"random_words", "no_text"}
    assert falls["order+signal"] == {*ALL_CONTROLS} - {"random_phrases", "shuffled_guidance"}
    assert falls["label+text"] == {"random_words", "random_phrases", "shuffled_guidance", "no_text"}


def test_a_run_that_names_its_kind_of_codebook_can_be_trained_again(tmp_path: Path) -> None:
    """Controls of a run of before, whose settings hold a key that is no more."""
    said = Settings(cache=tmp_path).model_dump(mode="json")
    said["model"]["codebook"] = "gradient"
    again = settings_of({"settings": said}, Settings(cache=tmp_path), False)
    assert again == Settings(cache=tmp_path, train={"logger": ["csv"]})
