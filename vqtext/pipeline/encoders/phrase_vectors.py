"""Vectors of phrases in which the way a movement goes weighs as much as what moves.

A phrase's *content* is the mean of the encoder's vectors of the phrase and of its canonical wording. Its
*ways* are directions of the encoder's own space, one for each axis it speaks of: the mean difference between
the words of the two poles ("raise" − "lower", "up" − "down", …). Both are sums of vectors the encoder gave,
so phrases stay comparable to any other text in that space.

Chosen on the development triples of ``benchmarks/words.py``, 606 of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from vqtext.pipeline.encoders.opposites import unit
from vqtext.prompts.facets import Facets, axes, read_facets, ways

MERGING = 0.4
"""Length of a way beside a content of length one, where phrases are compared to be merged."""

ANCHORS = 1.5
"""The same in the contrast of anchors, times its strength."""

_AT_ONCE = 4096  # phrases; bounds what is held beside the result


def texts_of_phrase(phrase: str) -> list[str]:
    """The texts whose vectors make up a phrase's: itself and its canonical wording, and of a phrase about one
    side of the body its mirror image too. The side is a way, no content: what merges left, merges right.
    """
    return [
        wording
        for text in (phrase, read_facets(phrase).mirrored)
        if text is not None
        for wording in (text, read_facets(text).canonical or text)
    ]


def axis_texts() -> list[str]:
    """The texts whose vectors make up the directions of the axes."""
    return list(dict.fromkeys(word for pairs in axes().values() for pair in pairs for word in pair))


class PhraseVectors:
    """The vectors of phrases, made of an encoder's vectors.

    Args:
        vectors: gives the encoder's unit vectors ``(n, d)`` of n texts.

    Attributes:
        plain: the encoder's own vectors.
        directions: unit vectors of the axes, ``(A, d)``. The last is the side of the body. The others, but
            for turns to the left and right, and all contents are orthogonal to it: so phrases about the left
            are mirror images of those about the right.
    """

    def __init__(self, vectors: Callable[[Sequence[str]], np.ndarray]) -> None:
        self.plain = vectors
        texts = axis_texts()
        row = {text: i for i, text in enumerate(texts)}
        # Unusable vectors are reported where phrases are merged.
        plain = np.nan_to_num(vectors(texts), posinf=0, neginf=0)
        apart = [
            np.mean([unit(plain[row[one]] - plain[row[other]]) for one, other in pairs], axis=0)
            for pairs in axes().values()
        ]
        directions = unit(np.stack(apart))
        side = directions[-1]
        bodily = np.array([name not in ("turn", "side") for name in axes()])[:, None]
        self.directions = unit(directions - bodily * np.outer(directions @ side, side))

    def contents(self, phrases: Sequence[str]) -> np.ndarray:
        """What phrases are about, unit vectors ``(n, d)``."""
        found = np.empty((len(phrases), self.directions.shape[1]), dtype=np.float32)
        for start in range(0, len(phrases), _AT_ONCE):
            part = phrases[start : start + _AT_ONCE]
            texts = [texts_of_phrase(phrase) for phrase in part]
            plain = self.plain([text for own in texts for text in own])
            begin = np.cumsum([0, *map(len, texts[:-1])])
            mixed = unit(np.add.reduceat(plain, begin))
            side = self.directions[-1]
            found[start : start + _AT_ONCE] = unit(mixed - np.outer(mixed @ side, side))
        return found

    def ways(self, facets: Iterable[Facets]) -> np.ndarray:
        """Which way phrases go, ``(n, d)``: the sum of the directions they speak of, zero where of none."""
        signs = np.array([ways(own) for own in facets], dtype=np.float32)
        return signs.reshape(-1, len(self.directions)) @ self.directions

    def vectors(self, phrases: Sequence[str], facets: Sequence[Facets] | None = None) -> np.ndarray:
        """Unit vectors ``(n, d)`` by which phrases are merged.

        Args:
            phrases: n phrases.
            facets: what each says; None reads it from the phrases.
        """
        facets_of = facets if facets is not None else [read_facets(phrase) for phrase in phrases]
        found = self.contents(phrases)
        for start in range(0, len(phrases), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            found[part] = unit(found[part] + MERGING * self.ways(facets_of[part]))
        return found
