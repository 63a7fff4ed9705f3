"""Vectors of phrases that hear the way a movement goes, with the embedded encoder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from vqtext.console.progress import Progress
from vqtext.pipeline.encoders.opposites import unit
from vqtext.pipeline.encoders.phrase_vectors import PhraseVectors, axis_texts, texts_of_phrase
from vqtext.pipeline.encoders.sentence import minilm
from vqtext.prompts.facets import axes

TRIPLES = [
    ("knee up", "the knee is being raised", "lower the knee"),
    ("turn left", "rotate to the left", "turn right"),
    ("inhale", "draw a deep breath", "exhale"),
    ("push the door", "shove against the door", "pull the door"),
    ("spread the fingers", "open the fingers wide", "squeeze the fingers together"),
]


SIDED = ["lift the {} knee up", "rise over the {} leg", "plant the {} foot", "plant the {} heel"]


@pytest.fixture(scope="module")
def wording() -> PhraseVectors:
    encoder = minilm(48, 64, Progress(quiet=True))
    known = [text for triple in TRIPLES for phrase in triple for text in texts_of_phrase(phrase)]
    known += [text for phrase in SIDED for text in texts_of_phrase(phrase.format("left"))]
    known += [text for phrase in SIDED for text in texts_of_phrase(phrase.format("right"))]
    texts = list(dict.fromkeys([*axis_texts(), *known]))
    vector = dict(zip(texts, encoder.encode(texts)[0], strict=True))

    def vectors(wanted: Sequence[str]) -> np.ndarray:
        return np.stack([vector[text] for text in wanted])

    return PhraseVectors(vectors)


def test_a_synonym_is_nearer_than_the_opposite_where_the_encoder_says_otherwise(
    wording: PhraseVectors,
) -> None:
    phrases, synonyms, opposites = (wording.vectors(column) for column in zip(*TRIPLES, strict=True))
    plain, near, far = (wording.plain(column) for column in zip(*TRIPLES, strict=True))
    assert ((plain * near).sum(1) < (plain * far).sum(1)).all()
    assert ((phrases * synonyms).sum(1) > (phrases * opposites).sum(1) + 0.1).all()


def test_every_axis_has_a_direction_of_its_own(wording: PhraseVectors) -> None:
    np.testing.assert_allclose(np.linalg.norm(wording.directions, axis=1), 1, rtol=1e-5)
    alike = wording.directions @ wording.directions.T - np.eye(len(axes()))
    assert alike.max() < 0.8


def test_what_merges_on_the_left_merges_on_the_right(wording: PhraseVectors) -> None:
    left, right = (wording.vectors([text.format(side) for text in SIDED]) for side in ("left", "right"))
    np.testing.assert_allclose(left @ left.T, right @ right.T, atol=1e-5)
    assert (left * right).sum(1).max() < 0.95, "and the two sides are apart"


def test_vectors_are_units_and_a_zero_stays_zero(wording: PhraseVectors) -> None:
    np.testing.assert_allclose(np.linalg.norm(wording.vectors(["knee up"]), axis=1), 1, rtol=1e-5)
    assert unit(np.zeros((1, 3))).tolist() == [[0, 0, 0]]
