"""The phrases of all labels, each text once, gathered from all their uses."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from vqtext.cache.hdf5 import Artifact
from vqtext.errors import ArtifactError
from vqtext.pipeline.merge import Phrase, same_text
from vqtext.schema import LabelWords, SubAction

_SIDES = frozenset({"left", "right"})


class Phrases:
    """The phrases of all labels, each text once, with what all their uses say of them.

    Keys are `same_text` of a phrase.

    Attributes:
        uses: each phrase's uses: label and sub-action.
        opposites: each phrase's opposites, as keys, from all its uses.
        spelling: how a phrase, or an opposite that is no phrase, is written most often.
        own_opposites: phrases that were given as their own opposite, which says nothing.
    """

    def __init__(self, words: Sequence[LabelWords]) -> None:
        self.uses: dict[str, list[tuple[str, SubAction]]] = defaultdict(list)
        self.opposites: dict[str, set[str]] = defaultdict(set)
        self.own_opposites: list[str] = []
        written: dict[str, Counter[str]] = defaultdict(Counter)
        for label in words:
            for subaction in label.subactions:
                self.uses[same_text(subaction.phrase)].append((label.label, subaction))
                written[same_text(subaction.phrase)][subaction.phrase] += 1
        for key, uses in self.uses.items():
            for opposite in sorted({subaction.opposite for _, subaction in uses if subaction.opposite}):
                other = same_text(opposite)
                if other == key:
                    self.own_opposites.append(opposite)
                elif other:
                    self.opposites[key].add(other)
                    if other not in self.uses:
                        written[other][opposite] += 1
        self.spelling = {
            key: min(texts, key=lambda t: (-texts[t], t != key, t)) for key, texts in written.items()
        }

    def vectors(self, texts: Artifact) -> dict[str, np.ndarray]:
        """The vector of each key, as texts.h5 has it.

        Raises:
            ArtifactError: texts.h5 lacks one.
        """
        row = {text: i for i, text in enumerate(texts["text"])}
        missing = [text for text in self.spelling.values() if text not in row]
        if missing:
            raise ArtifactError(f"{texts.path} lacks the text {missing[0][:60]!r}: run `vqtext embed`")
        rows = texts.rows("vector", [row[text] for text in self.spelling.values()])
        return dict(zip(self.spelling, rows, strict=True))

    def with_vectors(self, vectors: Mapping[str, np.ndarray]) -> list[Phrase]:
        """The phrases for merging.

        A side that stands in the phrase itself counts before what its uses say, since it is what people will
        read, and holds in a file written by hand that says nothing else.
        """
        return [
            Phrase(
                text=self.spelling[key],
                vector=vectors[key],
                opposites=tuple(vectors[opposite] for opposite in sorted(self.opposites[key])),
                sides=_SIDES & {*key.split()} or frozenset(s.side for _, s in uses if s.side),
                directions=frozenset(s.direction for _, s in uses if s.direction),
                labels=len({label for label, _ in uses}),
            )
            for key, uses in self.uses.items()
        ]
