"""Free text beside the words of a model. MiniLM itself, on a handful of steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from vqtext.errors import UsageError
from vqtext.pipeline.encoders import Encoder
from vqtext.pipeline.searching.meaning import Meaning, facets_of
from vqtext.pipeline.searching.search import NEAREST_STEPS, nearest, understood, weights
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import AFTER, OR, join
from vqtext.prompts.movement_words import LEFT
from vqtext.schema import LabelWords, SubAction

STEPS = [
    SubAction(phrase="swing the left leg forward", paraphrases=["carry the left leg ahead"]),
    SubAction(phrase="swing the right leg forward", paraphrases=["carry the right leg ahead"]),
    SubAction(phrase="raise the hand", paraphrases=["the arm goes up"]),
    SubAction(phrase="lower the hand", paraphrases=["the arm comes down"]),
    SubAction(phrase="plant the left heel", side="left"),
    SubAction(phrase="plant the right heel", side="right"),
]
SAID = [step.phrase for step in STEPS]


Plain = Callable[[Sequence[str]], np.ndarray]


@pytest.fixture(scope="module")
def plain(minilm: Encoder) -> Plain:
    known: dict[str, np.ndarray] = {}

    def vectors(texts: Sequence[str]) -> np.ndarray:
        if new := [text for text in dict.fromkeys(texts) if text not in known]:
            known.update(zip(new, minilm.encode(new)[0], strict=True))
        return np.stack([known[text] for text in texts])

    return vectors


def meaning_of(plain: Plain, steps: list[SubAction]) -> Meaning:
    own = list(enumerate(steps))
    words = Words([step.phrase for step in steps], np.empty(0), [own[:2], own[2:]], [True] * 2, [None] * 2)
    labels = [
        LabelWords(label="walking", sentence="a person walks", subactions=steps[:2]),
        LabelWords(label="waving", sentence="a person waves", subactions=steps[2:]),
    ]
    return Meaning(words, labels, plain)


@pytest.fixture(scope="module")
def meaning(plain: Plain) -> Meaning:
    return meaning_of(plain, STEPS)


@pytest.mark.parametrize(
    ("text", "step", "never"),
    [
        ("move the left leg to the front", 0, [1, 5]),
        ("right leg swings", 1, [0, 4]),
        ("the left limb moves ahead", 0, [1, 5]),
        ("put a hand up", 2, [3]),
        ("the hand sinks", 3, [2]),
        ("left heel touches the ground", 4, [1, 5]),
    ],
)
def test_the_other_side_and_the_other_way_are_never_meant(
    meaning: Meaning, text: str, step: int, never: list[int]
) -> None:
    """Who looks for the left leg would be shown the right one: cosines of the two are .95."""
    meant = meaning.of(text)
    asked = weights(meant).max(0)
    assert meant.held and asked.argmax() == step and asked[step] == 1
    assert (asked[never] == 0).all() and meant.refused[never].all()


def test_both_feet_speak_of_each_foot(meaning: Meaning) -> None:
    """Merging keeps "both" from "left"; a search for both feet would find neither."""
    meant = meaning.of("both heels touch the ground")
    assert not meant.refused[[4, 5]].any() and weights(meant).max(0)[4:].min() > 0.3


def test_what_is_done_means_all_its_steps(meaning: Meaning) -> None:
    similarity = meaning.of("a person waves").similarity
    assert similarity[1].min() > similarity[0].max(), "walking is not meant"


def test_a_joined_step_is_refused_only_where_none_of_it_can_be_meant(plain: Plain) -> None:
    """A step told as "left or right" would never be found by either."""
    both = join(STEPS[:2], OR)
    meant = meaning_of(plain, [both, *STEPS[2:]]).of("swing the left leg")
    assert not meant.refused[0] and meant.similarity.max(0).argmax() == 0


def test_other_words_in_the_same_frame_are_no_contradiction(plain: Plain) -> None:
    """One in ten of the words' own paraphrases would never find its step: it was taken for a contrast."""
    shift = SubAction(phrase="shift weight to the left leg")
    meant = meaning_of(plain, [*STEPS[1:], shift]).of("load the left leg")
    assert not meant.refused[5] and meant.similarity.max(0).argmax() == 5


@pytest.mark.parametrize("text", ["", "  \n", "…", "x" * 400])
def test_a_text_that_says_nothing_is_one_clear_line(meaning: Meaning, text: str) -> None:
    with pytest.raises(UsageError):
        meaning.of(text)


@pytest.mark.parametrize("text", ["quarterly revenue", "asdf", "the capital of Italy", "\x1b[31m red ink"])
def test_no_movement_is_wrong_use_and_names_what_is_known(meaning: Meaning, text: str) -> None:
    with pytest.raises(UsageError, match=r'0\.\d\d: ".*" or ".*"') as error:
        understood(meaning, text)
    assert "\x1b" not in str(error.value)


def test_a_movement_elsewhere_is_not_held_and_says_what_is_nearest(meaning: Meaning) -> None:
    """The least unlikely step would be shown as if it were what was asked."""
    meant = understood(meaning, "nod the head")
    assert not meant.held and meant.movement
    told = nearest(meant, SAID)
    assert len(told) == NEAREST_STEPS and all(step["refused"] for step in told)


def test_each_part_of_a_joined_step_is_held_against_the_text_by_itself(plain: Plain) -> None:
    """ "Swing the left leg" would find a step of which that part is about the right one."""
    joined = join([STEPS[1], STEPS[4]], AFTER)
    meant = meaning_of(plain, [STEPS[0], joined, *STEPS[2:]]).of("swing the left leg")
    assert meant.similarity.max(0)[1] < meant.step[1] - 0.2 and not meant.refused[1]


@pytest.mark.parametrize(("text", "sides"), [("left toe-off", LEFT), ("turn left slowly", 0), ("go left", 0)])
def test_left_before_a_word_is_a_side(text: str, sides: int) -> None:
    assert facets_of(text).sides == sides
