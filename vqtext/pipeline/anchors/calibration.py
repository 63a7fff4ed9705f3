"""Which threshold merges wordings of one movement and nothing else: asked of pairs whose answer is known.

The phrases' own words are such pairs: a phrase and its paraphrase are one movement, a phrase and its opposite
are two, and so are nearly all pairs drawn at random. Chosen is the lowest threshold at which no opposite
merges and hardly any of the others do: below it names get lost, above it wordings stay apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from vqtext.console.text import table
from vqtext.errors import UsageError
from vqtext.pipeline.anchors.clustering import FLOOR
from vqtext.pipeline.anchors.linkage import cosines_of
from vqtext.pipeline.anchors.phrases import Phrases
from vqtext.pipeline.anchors.vetoes import Phrase, vetoes
from vqtext.pipeline.encoders.phrase_vectors import PhraseVectors
from vqtext.prompts.facets import read_facets
from vqtext.schema import same_text

MIN_PARAPHRASES = 20
"""Paraphrases from which the own words decide."""

MAX_FALSE_MERGES = 0.01
"""Share of unrelated pairs that may merge at the threshold."""

THRESHOLDS = np.round(np.arange(FLOOR, 0.951, 0.01), 2)
"""Thresholds that are tried."""

SHIPPED = {"all-MiniLM-L6-v2": 0.52}
"""What ``benchmarks/words.py`` finds for an encoder on its development triples."""

MAX_UNRELATED = 20_000
"""Unrelated pairs that are looked at."""


@dataclass(frozen=True)
class Judged:
    """Pairs whose answer is known.

    Attributes:
        cosines: ``(p,)``.
        vetoed: ``(p,)``, those that merge at no threshold.
    """

    cosines: np.ndarray
    vetoed: np.ndarray

    def merged(self, threshold: float) -> float:
        """Share that merges; 0 where there is no pair."""
        return float(np.mean((self.cosines >= threshold) & ~self.vetoed)) if len(self.cosines) else 0.0


@dataclass(frozen=True)
class Calibration:
    """A threshold, and what it trades.

    Attributes:
        threshold: the chosen one.
        why: where it comes from, in plain words.
        lines: the trade-off for people; empty where the own words did not decide.
    """

    threshold: float
    why: str
    lines: list[str]


def judge(phrases: Sequence[Phrase], pairs: np.ndarray) -> Judged:
    """Ask merging for its opinion of pairs of phrases, positions ``(p, 2)``."""
    vectors = np.stack([phrase.vector for phrase in phrases])
    cosines = cosines_of(vectors, pairs)
    return Judged(cosines, vetoes(phrases, pairs, cosines) >= 0)


def lowest_threshold(opposites: Judged, *others: Judged) -> float:
    """The lowest of `THRESHOLDS` at which no opposite merges and at most `MAX_FALSE_MERGES` of the others do.

    Opposites that merge at every threshold cannot be helped by one: then as many as at the highest.
    """
    least = opposites.merged(float(THRESHOLDS[-1]))
    fit = (
        float(step)
        for step in THRESHOLDS
        if opposites.merged(step) <= least and all(pairs.merged(step) <= MAX_FALSE_MERGES for pairs in others)
    )
    return next(fit, float(THRESHOLDS[-1]))


def calibrate(
    phrases: Phrases, merging: Sequence[Phrase], phrase_vectors: PhraseVectors, encoder: str
) -> Calibration:
    """The threshold that the words' own paraphrases and opposites ask for.

    Args:
        phrases: all of them.
        merging: the same, with their vectors.
        encoder: its name, for the shipped calibration where there are too few paraphrases.

    Raises:
        UsageError: too few paraphrases, and no calibration is shipped for the encoder.
    """
    own = {same_text(phrase.text): i for i, phrase in enumerate(merging)}
    sentences = [
        (key, paraphrase)
        for key, uses in phrases.uses.items()
        for paraphrase in sorted({text for _, step in uses for text in step.paraphrases or ()})
        if same_text(paraphrase) not in own
    ]
    against = judge(*_with_opposites(phrases, merging, phrase_vectors, own))
    if len(sentences) < MIN_PARAPHRASES:
        return _shipped(len(sentences), encoder, lowest_threshold(against))
    texts = [paraphrase for _, paraphrase in sentences]
    facets = [read_facets(text) for text in texts]
    more = [
        Phrase(text, vector, merging[own[key]].opposites, says)
        for (key, text), vector, says in zip(
            sentences, phrase_vectors.vectors(texts, facets), facets, strict=True
        )
    ]
    everything = [*merging, *more]
    paraphrase_pairs = np.array([(own[key], len(merging) + i) for i, (key, _) in enumerate(sentences)])
    paraphrases = judge(everything, paraphrase_pairs)
    unrelated = judge(everything, _unrelated(merging, paraphrase_pairs))
    threshold = lowest_threshold(against, unrelated)
    rows: list[tuple[str, ...]] = [("threshold", "paraphrases together", "opposites merged", "unrelated")]
    for step in sorted({*THRESHOLDS[::10].tolist(), threshold}):
        shares = (judged.merged(step) for judged in (paraphrases, against, unrelated))
        rows.append((f"{step:.2f}", *(f"{share:.1%}" for share in shares)))
    why = f"calibrated on {len(sentences)} paraphrases and {len(against.cosines)} opposites of these words"
    return Calibration(threshold, why, table(rows))


def _shipped(paraphrases: int, encoder: str, least: float) -> Calibration:
    """The shipped threshold, or ``least`` where these words would merge what must stay apart."""
    few = f"the words have {paraphrases} paraphrases, fewer than {MIN_PARAPHRASES}"
    if encoder not in SHIPPED:
        raise UsageError(
            f"--calibrate: {few}, and no calibration is shipped for the encoder {encoder}: give --threshold, "
            "or write paraphrases into subactions.json"
        )
    taken = f"{few}: the calibration shipped for {encoder} was taken ({SHIPPED[encoder]:g})"
    if least <= SHIPPED[encoder]:
        return Calibration(SHIPPED[encoder], taken, [])
    raised = f"{taken}, and raised so that opposites stay apart"
    return Calibration(least, raised, [])


def _with_opposites(
    phrases: Phrases, merging: Sequence[Phrase], phrase_vectors: PhraseVectors, own: dict[str, int]
) -> tuple[list[Phrase], np.ndarray]:
    """Phrases and their given opposites as phrases of their own, and the pairs of the two.

    An opposite knows its own words and nothing else, as if another label had it in words of its own.
    """
    pairs = [
        (key, step.opposite)
        for key, uses in phrases.uses.items()
        for step in {step.opposite: step for _, step in uses}.values()
        if step.opposite and same_text(step.opposite) != key
    ]
    texts = [text for _, text in pairs]
    facets = [read_facets(text) for text in texts]
    others = [
        Phrase(text, vector, (), facet)
        for text, vector, facet in zip(texts, phrase_vectors.vectors(texts, facets), facets, strict=True)
    ]
    places = [(own[key], len(merging) + i) for i, (key, _) in enumerate(pairs)]
    unwarned = [replace(phrase, against=frozenset()) for phrase in merging]
    return [*unwarned, *others], np.array(places, dtype=np.int64).reshape(-1, 2)


def _unrelated(merging: Sequence[Phrase], paraphrase_pairs: np.ndarray) -> np.ndarray:
    """Pairs of phrases, and of phrases and paraphrases of others, drawn from all of them ``(p, 2)``."""
    n, total = len(merging), len(merging) + len(paraphrase_pairs)
    owner = np.concatenate([np.arange(n), paraphrase_pairs[:, 0]])
    drawn = np.random.default_rng(0).integers([n, total], size=(MAX_UNRELATED, 2))
    return drawn[owner[drawn[:, 0]] != owner[drawn[:, 1]]]
