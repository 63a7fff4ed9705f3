"""Which phrases never merge, however near an encoder puts them.

Four grounds, each read off the words alone: the two are opposites or mirror images; they go opposite ways,
move another side or part of the body (`vqtext.prompts.facets`), or are numbered otherwise; they are two steps
of one label, so two movements by their author's word; or their written signatures differ. Vectors of
opposites speak only where words are silent, so that no veto hangs on the scale of an encoder's cosines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vqtext.pipeline.encoders.opposites import nearer_to_opposite, nearest_opposite
from vqtext.prompts.facets import NOTHING, Facets, contrasted, disjoint, opposed, read_facets

Ground = Literal["opposite", "facet", "label", "signature"]
GROUNDS: tuple[Ground, ...] = ("opposite", "facet", "label", "signature")
"""Why a pair may not merge; where there are several, the first is given."""

_AT_ONCE = 1 << 16  # pairs; bounds memory


@dataclass(frozen=True)
class Phrase:
    """What merging knows of a phrase, from all its uses.

    Attributes:
        text: the phrase as written; no two phrases of one list may be the same text.
        vector: unit vector ``(d,)``, by `PhraseVectors.vectors`: contrast is for anchors, not for merging.
        opposites: unit vectors of its opposites; may be empty.
        facets: which way it goes, and what it moves.
        labels: those that use it.
        plain: unit vector as the encoder gave it, by which pairs are reported as near; None = ``vector``.
        against: the phrases that are opposites of it.
        cells: what its signatures write, such as ("left foot", "motion") → {"strong"}.
    """

    text: str
    vector: np.ndarray
    opposites: tuple[np.ndarray, ...] = ()
    facets: Facets = NOTHING
    labels: frozenset[str] = frozenset()
    plain: np.ndarray | None = None
    against: frozenset[str] = frozenset()
    cells: Mapping[tuple[str, str], frozenset[str]] | None = None


def vetoes(phrases: Sequence[Phrase], pairs: np.ndarray, cosines: np.ndarray) -> np.ndarray:
    """Which pairs may not merge, whatever the threshold, and why.

    Args:
        phrases: n phrases.
        pairs: positions of phrases, ``(p, 2)``.
        cosines: of their vectors, ``(p,)``.

    Returns:
        The place of the first ground in `GROUNDS`, ``(p,) int8``; −1 where a pair may merge.
    """
    other_way, other_part = _facets(phrases, pairs)
    opposite = _written_opposite(phrases, pairs) & ~other_part
    asked = ~opposite & ~other_part
    asked[asked] = _opposite_by_vectors(phrases, pairs[asked], cosines[asked], other_way[asked])
    found = np.full(len(pairs), -1, dtype=np.int8)
    for ground, is_vetoed in (
        ("signature", _signatures_differ(phrases, pairs)),
        ("label", _share_a_label(phrases, pairs)),
        ("facet", other_way | other_part),
        ("opposite", opposite | asked),
    ):
        found[is_vetoed] = GROUNDS.index(ground)
    return found


def _facets(phrases: Sequence[Phrase], pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that go another way, and pairs that move another side or part."""
    each = [phrase.facets for phrase in phrases]
    poles, heading, sides, parts = (
        np.array([getattr(facets, name) for facets in each], dtype=np.int64)
        for name in ("poles", "heading", "sides", "parts")
    )
    a, b = pairs.T
    other_part = disjoint(sides[a], sides[b]) | disjoint(parts[a], parts[b]) | _numbers_differ(phrases, pairs)
    other_way = opposed(poles[a], poles[b]) | disjoint(heading[a], heading[b])
    length = np.array([len(facets.words) for facets in each])
    asked = np.flatnonzero(~other_way & ~other_part & (length[a] == length[b]))  # others are no contrast
    other_way[asked] = [contrasted(each[i], each[j]) for i, j in pairs[asked].tolist()]
    return other_way, other_part


def _numbers_differ(phrases: Sequence[Phrase], pairs: np.ndarray) -> np.ndarray:
    """Pairs with other numbers, such as "gesture 1" and "gesture 2", which an encoder takes for one."""
    ids: dict[str, int] = {}
    numbers = (" ".join(re.findall(r"\d+", phrase.text)) for phrase in phrases)
    own = np.array([ids.setdefault(text, len(ids)) if text else -1 for text in numbers], dtype=np.int64)
    a, b = own[pairs].T
    return (a >= 0) & (b >= 0) & (a != b)


def _written_opposite(phrases: Sequence[Phrase], pairs: np.ndarray) -> np.ndarray:
    """Pairs of which one is the other's opposite or mirror image, in any wording that reads the same."""
    number: dict[str, int] = {}

    def numbered(text: str) -> int:
        return number.setdefault(read_facets(text).canonical or text, len(number))

    own = np.array([numbered(phrase.text) for phrase in phrases], dtype=np.int64)
    against = {
        (int(own[i]), numbered(other))
        for i, phrase in enumerate(phrases)
        for other in (*phrase.against, read_facets(phrase.text).mirrored)
        if other is not None
    }
    n = len(number)
    codes = np.array(
        sorted({one * n + other for a, b in against for one, other in ((a, b), (b, a))}), np.int64
    )
    a, b = own[pairs].T
    return np.isin(a * n + b, codes) & (a != b)


def _opposite_by_vectors(
    phrases: Sequence[Phrase], pairs: np.ndarray, cosines: np.ndarray, other_way: np.ndarray
) -> np.ndarray:
    """Pairs that are nearer to each other's opposite. Of a pair that goes the same way by its words, vectors
    are the weaker witness: they keep it apart only if one is twice as near to the other's opposite."""
    opposites = [(vector, i) for i, phrase in enumerate(phrases) for vector in phrase.opposites]
    owners = np.array([owner for _, owner in opposites], dtype=np.int64)
    vectors = np.stack([phrase.vector for phrase in phrases]).astype(np.float32, copy=False)
    stacked = np.array([vector for vector, _ in opposites], dtype=np.float32).reshape(-1, vectors.shape[1])
    poles = np.array([phrase.facets.poles for phrase in phrases], dtype=np.int64)
    a, b = pairs.T
    to_opposite = nearest_opposite(vectors, stacked, owners, pairs)
    same_way = ~other_way & (poles[a] & poles[b] != 0)
    return np.where(same_way, 1 - to_opposite < (1 - cosines) / 2, nearer_to_opposite(cosines, to_opposite))


def _share_a_label(phrases: Sequence[Phrase], pairs: np.ndarray) -> np.ndarray:
    from scipy.sparse import csr_array

    place: dict[str, int] = {}
    uses = [
        (i, place.setdefault(label, len(place)))
        for i, phrase in enumerate(phrases)
        for label in phrase.labels
    ]
    if not uses:
        return np.zeros(len(pairs), dtype=bool)
    rows, columns = np.array(uses).T
    used = csr_array((np.ones(len(uses), np.int32), (rows, columns)), shape=(len(phrases), len(place)))
    found = [
        used[pairs[start : start + _AT_ONCE, 0]]
        .multiply(used[pairs[start : start + _AT_ONCE, 1]])
        .sum(axis=1)
        for start in range(0, len(pairs), _AT_ONCE)
    ]
    return np.concatenate([np.empty(0), *found]) > 0


def _signatures_differ(phrases: Sequence[Phrase], pairs: np.ndarray) -> np.ndarray:
    """Pairs that write other values into one cell, in all of their uses."""
    different = np.zeros(len(pairs), dtype=bool)
    for cell in sorted({cell for phrase in phrases for cell in phrase.cells or ()}):
        bit: dict[str, int] = {}
        written = np.zeros(len(phrases), dtype=np.int64)
        for i, phrase in enumerate(phrases):
            for value in (phrase.cells or {}).get(cell, ()):
                written[i] |= 1 << bit.setdefault(value, len(bit))
        different |= disjoint(written[pairs[:, 0]], written[pairs[:, 1]])
    return different
