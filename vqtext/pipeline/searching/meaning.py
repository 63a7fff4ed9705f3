"""Free text beside the words of a model: how near it is to each step, and which steps it cannot mean.

Text and steps are compared by the vectors by which phrases are merged (`PhraseVectors`), in which
the way a movement goes weighs as much as what moves. A step is all texts that its authors wrote for it. What
a text names besides, a side, a direction, a part of the body, is held against each step word by word: so left
is never taken for right, nor up for down, however near an encoder puts them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from vqtext.errors import UsageError
from vqtext.pipeline.encoders.phrase_vectors import PhraseVectors
from vqtext.pipeline.searching.unrelated import UNRELATED
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import parts_of
from vqtext.prompts.facets import Facets, axes, disjoint, opposed, read_facets
from vqtext.prompts.lexicon import activities
from vqtext.prompts.movement_words import LEFT, RIGHT, SIDES
from vqtext.schema import LabelWords, SubAction

MISSED = 0.05
"""Share of texts that may lie on the wrong side of a border: of paraphrases, and of texts of no movement."""

BESIDE = 0.1
"""A text that names what is done means all steps of that; those that it names are nearer by this. Chosen
on the planted world; less loses texts of steps, more loses texts of what is done (``docs/search.md``)."""

SHARPNESS = 10.0
"""Of the border between texts of movements and others: the C of scikit-learn."""

_SIDED = re.compile(r"\b(left|right)[\s-]+(?!and\b|or\b|then\b|to\b|at\b|on\b|in\b|for\b|by\b)\w", re.I)

MAX_CHARACTERS = 300  # characters of a text; more is no movement

Vectors = Callable[[Sequence[str]], np.ndarray]


@dataclass(frozen=True)
class Meant:
    """What a text means in the words of a model with n labels and K anchors.

    Attributes:
        similarity: of the text to each step of each label, −1 where it cannot mean it, ``(n, K)``: to the
            step's own texts, or to the label's where that is nearer.
        step: to the texts of each anchor, whatever vetoes say, ``(K,)``.
        refused: anchors no part of which the text can mean: another side, direction or part of the body,
            ``(K,)``.
        least: similarity that texts of no movement hardly reach; below it nothing is meant.
        usual: similarity that wordings of one movement mostly reach; from `least` to it, what is meant is a
            guess.
        movement: the text is of a movement at all.
    """

    similarity: np.ndarray
    step: np.ndarray
    refused: np.ndarray
    least: float
    usual: float
    movement: bool

    @property
    def best(self) -> float:
        """Of the nearest step that it can mean; −1 where there is none."""
        return float(self.similarity.max())

    @property
    def held(self) -> bool:
        """Whether the words hold what the text says; what does not read like a movement is no guess."""
        return self.best >= (self.least if self.movement else self.usual)


class Meaning:
    """All that a model's words say, ready to be compared with a text.

    Args:
        words: the model's.
        labels: their words, in the order of the model's labels.
        plain: gives the encoder's unit vectors ``(n, d)`` of n texts.
    """

    def __init__(self, words: Words, labels: Sequence[LabelWords], plain: Vectors) -> None:
        self.phrases = words.phrases
        self.phrase_vectors = PhraseVectors(plain)
        steps: list[list[SubAction]] = [[] for _ in words.phrases]
        for uses in words.uses:
            for anchor, step in uses:
                steps[anchor] += parts_of(step)
        parts = [part for own in steps for part in own]
        self._anchor = np.repeat(np.arange(len(steps)), [len(own) for own in steps])
        self._facets = [read_facets(part.phrase).also([part.side], [part.direction]) for part in parts]
        self._part = _Texts(
            [_texts(x.phrase, x.display, *(x.paraphrases or ())) for x in parts], self.phrase_vectors
        )
        self._label = _Texts(
            [_texts(x.label, x.display, x.keyword, x.sentence, *(x.paraphrases or ())) for x in labels],
            self.phrase_vectors,
        )
        unrelated = self.phrase_vectors.vectors(UNRELATED) @ self._part.vectors.T
        self._least = float(np.quantile(unrelated.max(1), 1 - MISSED))
        self._usual = max(self._least, _usual(self._part))
        self._is_movement = _movements(plain)

    def of(self, text: str) -> Meant:
        """What a text means.

        Raises:
            UsageError: it is empty, or far too long.
        """
        text = " ".join(text.split())
        if not any(letter.isalnum() for letter in text):
            raise UsageError('the text is empty: say a movement, such as "swing the left leg"')
        if len(text) > MAX_CHARACTERS:
            raise UsageError(
                f"the text has {len(text)} characters: say one movement, in {MAX_CHARACTERS} at most"
            )
        vector, facets_of_text = self.phrase_vectors.vectors([text])[0], facets_of(text)
        part, label = self._part.nearest(vector), self._label.nearest(vector)
        against = np.array([cannot_be(facets_of_text, facets) for facets in self._facets])
        step, meant = self._of_anchors(part), self._of_anchors(np.where(against, -1.0, part))
        refused = self._of_anchors(-against.astype(float)) < 0  # all parts of it
        near = np.maximum(meant, label[:, None] - BESIDE)
        similarity = np.where(refused, -1.0, near)
        movement = bool(facets_of_text.parts) or self._is_movement(text)
        return Meant(similarity, step, refused, self._least, self._usual, movement)

    def _of_anchors(self, values: np.ndarray) -> np.ndarray:
        """The largest over the parts of each anchor, ``(K,)``; −1 of one that no label uses."""
        found = np.full(len(self.phrases), -1.0)
        np.maximum.at(found, self._anchor, values)
        return found


class _Texts:
    """Texts of things, some each.

    Attributes:
        vectors: of all texts, ``(m, d)``; owner: the thing each belongs to, ``(m,)``.
    """

    def __init__(self, texts: Sequence[Sequence[str]], phrase_vectors: PhraseVectors) -> None:
        self.vectors = phrase_vectors.vectors([text for own in texts for text in own])
        self.owner = np.repeat(np.arange(len(texts)), [len(own) for own in texts])
        self.things = len(texts)

    def nearest(self, vector: np.ndarray) -> np.ndarray:
        """Cosine of a vector to the nearest text of each thing, ``(things,)``."""
        found = np.full(self.things, -1.0)
        np.maximum.at(found, self.owner, self.vectors @ vector)
        return found


def _usual(steps: _Texts) -> float:
    """Similarity that all but `MISSED` of the paraphrases that the words themselves have reach, each compared
    with the other texts of its step; −1 where no step has two texts."""
    same = steps.owner[:, None] == steps.owner
    np.fill_diagonal(same, False)
    cosines = np.where(same, steps.vectors @ steps.vectors.T, -1).max(1)[same.any(1)]
    return float(np.quantile(cosines, MISSED)) if len(cosines) else -1.0


def _movements(plain: Vectors) -> Callable[[str], bool]:
    """Tells whether a text is of a movement: on which side of a plane between activities and other things."""
    from sklearn.linear_model import LogisticRegression

    texts = activities()
    found = LogisticRegression(C=SHARPNESS, class_weight="balanced").fit(
        plain([*texts, *UNRELATED]), np.arange(len(texts) + len(UNRELATED)) < len(texts)
    )
    return lambda text: bool(found.predict(plain([text]))[0])


def facets_of(text: str) -> Facets:
    """What a free text says. In front of a word, "left" is a side of it, known to the table or not ("the left
    limb", "left toe-off"), unless something turns."""
    facets = read_facets(text)
    found = {side.lower() for side in _SIDED.findall(text)}
    if facets.sides or "turn" in facets.words or len(found) != 1:
        return facets
    turning = 0b11 << 2 * list(axes()).index("turn")
    return replace(facets, sides=SIDES[found.pop()], poles=facets.poles & ~turning)


def cannot_be(text: Facets, step: Facets) -> bool:
    """Whether a text cannot mean a step: the other side, the other way, another part of the body.

    Unlike in merging, "both feet" speaks of each, two ways that are not opposite may be one movement, and so
    may two texts with the same frame of words: people ask in the words that the authors used.
    """
    sides = text.sides & (LEFT | RIGHT), step.sides & (LEFT | RIGHT)
    return bool(opposed(text.poles, step.poles) or disjoint(*sides) or disjoint(text.parts, step.parts))


def _texts(*texts: str | None) -> list[str]:
    """Those that say something, each once."""
    return list(dict.fromkeys(text for text in texts if text and text.strip()))
