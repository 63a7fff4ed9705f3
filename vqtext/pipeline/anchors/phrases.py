"""The phrases of all labels, each text once, gathered from all their uses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from vqtext.cache.hdf5 import Artifact
from vqtext.data.locations import canonical
from vqtext.errors import ArtifactError
from vqtext.pipeline.anchors.vetoes import Phrase
from vqtext.pipeline.encoders.opposites import contrast
from vqtext.pipeline.encoders.phrase_vectors import ANCHORS, PhraseVectors
from vqtext.prompts.facets import Facets, read_facets
from vqtext.schema import LabelWords, SubAction, same_text


class Phrases:
    """The phrases of all labels, each text once, with what all their uses say of them.

    Keys are `same_text` of a phrase.

    Attributes:
        uses: each phrase's uses: label and sub-action.
        opposites: each phrase's opposites, as keys: from all its uses, and the one its own words make.
        mirrored: for phrases without any, the same on the other side of the body, as keys.
        spelling: how a phrase, or an opposite that is no phrase, is written most often.
        facets: which way each phrase goes, and what it moves.
        own_opposites: phrases that were given as their own opposite, which says nothing.
    """

    def __init__(self, words: Sequence[LabelWords]) -> None:
        self.uses: dict[str, list[tuple[str, SubAction]]] = defaultdict(list)
        self.opposites: dict[str, set[str]] = defaultdict(set)
        self.mirrored: dict[str, set[str]] = {}
        self.own_opposites: list[str] = []
        written: dict[str, Counter[str]] = defaultdict(Counter)
        for label in words:
            for subaction in label.subactions:
                self.uses[same_text(subaction.phrase)].append((label.label, subaction))
                written[same_text(subaction.phrase)][subaction.phrase] += 1
        for key, uses in self.uses.items():
            made = read_facets(key).opposite
            given = sorted({subaction.opposite for _, subaction in uses if subaction.opposite})
            for opposite in [*given, *([made] if made else [])]:
                other = same_text(opposite)
                if other == key:
                    self.own_opposites += [opposite] * (opposite in given)
                elif other:
                    self.opposites[key].add(other)
                    if other not in self.uses:
                        written[other][opposite] += 1
            mirrored = read_facets(key).mirrored
            if mirrored and not self.opposites[key]:
                self.mirrored[key] = {mirrored}
                if mirrored not in self.uses:
                    written[mirrored][mirrored] += 1
        self.spelling = {
            key: min(texts, key=lambda t: (-texts[t], t != key, t)) for key, texts in written.items()
        }
        self.facets = {key: self._facets(key) for key in self.uses}

    def _against(self, key: str) -> set[str]:
        return self.opposites[key] or self.mirrored.get(key, set())

    def _facets(self, key: str) -> Facets:
        steps = [subaction for _, subaction in self.uses[key]]
        return read_facets(key).also((s.side for s in steps), (s.direction for s in steps))

    def _cells(self, key: str) -> dict[tuple[str, str], frozenset[str]]:
        """What its signatures write: (location, part of its cell) → the values of all its uses."""
        found: dict[tuple[str, str], set[str]] = defaultdict(set)
        for _, step in self.uses[key]:
            for place, cell in (step.signature or {}).items():
                location = canonical(place) or same_text(place)
                if cell.motion is not None:
                    found[location, "motion"].add(cell.motion)
                if cell.direction not in (None, "none"):
                    found[location, "direction"].add(str(cell.direction))
                if cell.posture is not None:
                    found[location, "posture"].add(cell.posture)
        return {cell: frozenset(values) for cell, values in found.items()}

    def for_merging(self, phrase_vectors: PhraseVectors) -> list[Phrase]:
        """The phrases with their vectors.

        What the words of a phrase say counts before what its uses say, since it is what people will read, and
        holds in a file written by hand that says nothing else.
        """
        keys, others = list(self.uses), sorted({key for keys in self.opposites.values() for key in keys})
        vectors = phrase_vectors.vectors(
            [self.spelling[key] for key in keys], [self.facets[key] for key in keys]
        )
        plain = phrase_vectors.plain([self.spelling[key] for key in keys])
        opposite = dict(
            zip(others, phrase_vectors.vectors([self.spelling[key] for key in others]), strict=True)
        )
        return [
            Phrase(
                text=self.spelling[key],
                vector=vector,
                opposites=tuple(opposite[other] for other in sorted(self.opposites[key])),
                facets=self.facets[key],
                labels=frozenset(label for label, _ in self.uses[key]),
                plain=own,
                against=frozenset(self.spelling[other] for other in self.opposites[key]),
                cells=self._cells(key),
            )
            for key, vector, own in zip(keys, vectors, plain, strict=True)
        ]

    def contrasted(
        self, phrases: Sequence[str], phrase_vectors: PhraseVectors, strength: float
    ) -> np.ndarray:
        """Contrast vectors of some of the phrases, each against the mean of its opposites, ``(n, d)``.

        One that has none, but a side, is pushed from its mirror image.
        """
        keys = [same_text(phrase) for phrase in phrases]
        contents = phrase_vectors.contents(phrases)
        opposites = contents.copy()  # of a phrase without one: nothing to be pushed from
        pairs = [(row, other) for row, key in enumerate(keys) for other in sorted(self._against(key))]
        rows = np.array([row for row, _ in pairs], dtype=np.int64)
        count = np.bincount(rows, minlength=len(keys))
        opposites[count > 0] = 0
        theirs = phrase_vectors.contents([self.spelling[other] for _, other in pairs])
        np.add.at(opposites, rows, theirs / count[rows, None])
        ways = ANCHORS * phrase_vectors.ways(self.facets[key] for key in keys)
        return contrast(contents, opposites, strength, ways)


def stored_phrase_vectors(texts: Artifact) -> PhraseVectors:
    """The vectors of phrases out of texts.h5.

    Raises:
        ArtifactError: at its use, for a text that texts.h5 lacks.
    """
    row = {text: i for i, text in enumerate(texts["text"])}

    def vectors(wanted: Sequence[str]) -> np.ndarray:
        missing = next((text for text in wanted if text not in row), None)
        if missing is not None:
            raise ArtifactError(f"{texts.path} lacks the text {missing[:60]!r}: run `vqtext embed`")
        return texts.rows("vector", [row[text] for text in wanted])

    return PhraseVectors(vectors)
