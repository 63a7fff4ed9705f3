"""Do wordings of one movement merge, and opposites never? Methods side by side on triples of phrases.

    python benchmarks/words.py [--triples FILE] [--encoder minilm] [--json]

FILE is a list of {"phrase", "synonym", "opposite"}: a movement, the same in other words, and its opposite. It
may hold wordings of the three's own opposites, as a language model writes them: "opposite_of_phrase",
"opposite_of_synonym", "opposite_of_opposite" (each a text or a list of texts). Without FILE: the two lists in
``benchmarks/triples``, the one that everything was chosen on, and the one that is kept for the final run.

Columns. *nearer*: triples in which the synonym is nearer than the opposite, by the method's vectors; *with
vetoes*: the same where a pair that may not merge counts as far. *opposites merged*: pairs of a phrase and its
opposite, at the worst threshold from 0.60 to 0.95. At the *threshold*, the lowest at which at most 1 % of
unrelated pairs merge on the development list: *synonyms merged* and *unrelated merged* (of two triples),
each pair asked for itself; and *in one list*: the same after the method merged all phrases of FILE at once.

plain        cosines of the encoder
contrast     vectors pushed from their opposites: normalise(e + (e − e_opposite))
veto         plain cosines, and each nearer to the other than to the other's opposite
vqtext       what ``vqtext dedup`` does (nearer: the contrast vectors of its anchors)
community    sentence_transformers.util.community_detection on the encoder's vectors
semhash      SemHash.self_deduplicate with the encoder (``pip install semhash``; left out where it is missing)
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.console.text import table
from vqtext.errors import EncoderError
from vqtext.pipeline.anchors.calibration import MAX_FALSE_MERGES, SHIPPED
from vqtext.pipeline.anchors.calibration import THRESHOLDS as STEPS
from vqtext.pipeline.anchors.clustering import Tree
from vqtext.pipeline.anchors.linkage import cosines_of
from vqtext.pipeline.anchors.phrases import Phrases
from vqtext.pipeline.anchors.vetoes import Phrase, vetoes
from vqtext.pipeline.encoders import Encoder, choose
from vqtext.pipeline.encoders.chunks import encode
from vqtext.pipeline.encoders.opposites import contrast, unit
from vqtext.pipeline.encoders.phrase_vectors import PhraseVectors, axis_texts
from vqtext.schema import LabelWords, SubAction, same_text

PARTS = ("phrase", "synonym", "opposite")
KEYS = {*PARTS, *(f"opposite_of_{part}" for part in PARTS), "domain"}
FOLDER = Path(__file__).parent / "triples"
THRESHOLDS = np.round(np.arange(0.6, 0.951, 0.01), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--triples", type=Path, help="a file of triples; default: the two in benchmarks/triples"
    )
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    files = [args.triples] if args.triples else [FOLDER / "development.json", FOLDER / "final.json"]
    lists = {path: read(path) for path in files}
    print("embedding the development list: about a minute", file=sys.stderr)
    try:
        encoder, _ = choose(args.encoder, Progress(quiet=True))
    except EncoderError as error:
        sys.exit(f"error: {error}")
    known = Encoded(encoder)
    development = Triples(read(FOLDER / "development.json"), known)
    threshold = {method.name: method.calibrated(development) for method in METHODS if method.pairs}
    for follower in ("community", "semhash"):  # they compare plain cosines too
        threshold[follower] = threshold["plain"]
    answer: dict[str, Any] = {"encoder": encoder.name, "files": {}}
    for path in files:
        triples = development if path == FOLDER / "development.json" else Triples(lists[path], known)
        methods = [method for method in METHODS if method.name != "semhash" or find_spec("semhash")]
        rows = {method.name: method.row(triples, threshold[method.name]) for method in methods}
        answer["files"][str(path.name)] = {"triples": len(triples.rows), "methods": rows}
        if not args.json:
            print(f"\n{path.name}: {len(triples.rows)} triples, {encoder.name}")
            print("\n".join(lines(rows)))
    if args.json:
        print(json.dumps(answer, indent=1))
    shipped = SHIPPED.get(encoder.name)
    if shipped != threshold["vqtext"]:
        print(
            f"note: vqtext ships {shipped} for this encoder, found {threshold['vqtext']:.2f}", file=sys.stderr
        )


def read(path: Path) -> list[dict[str, Any]]:
    """Triples from a file, checked."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        sys.exit(f"error: {path} cannot be read: {error.strerror}")
    except ValueError as error:
        sys.exit(f"error: {path} is not JSON ({error})")
    if not isinstance(rows, list) or not rows:
        sys.exit(f"error: {path} must hold a list of triples, at least one")
    for number, row in enumerate(rows, start=1):
        place = f"error: {path}, entry {number}"
        if not isinstance(row, dict):
            sys.exit(f"{place}: it must be an object with {', '.join(PARTS)}")
        for part in PARTS:
            if not isinstance(row.get(part), str) or not row[part].strip():
                sys.exit(f"{place}: {part!r} must be a text")
            if not all(isinstance(text, str) and text.strip() for text in opposites(row, part)):
                sys.exit(f"{place}: the opposites of {part!r} must be a text or a list of texts")
        if unknown := row.keys() - KEYS:
            print(f"note: {path}, entry {number}: {min(unknown)!r} is not used", file=sys.stderr)
    return rows


class Encoded:
    """An encoder that is asked for every text once."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.vector: dict[str, np.ndarray] = {}

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        if new := [text for text in dict.fromkeys(texts) if text not in self.vector]:
            self.vector.update(zip(new, encode(self.encoder, new)[0], strict=True))
        return np.stack([self.vector[text] for text in texts])

    def warm(self, texts: Sequence[str]) -> None:
        """All at once is faster than one by one."""
        self(texts)


class Triples:
    """A list of triples with everything the methods need.

    Attributes:
        place: position of phrase, synonym and opposite among ``merging``, ``(n, 3)``.
        merging: every text once, as `dedup` sees it: each part of a triple is a sub-action of a label of its
            own, with its wordings of the opposite.
        plain: the encoder's vectors, ``(m, d)``; opposites: the given ones of each text.
        unrelated: pairs of texts of different triples that are in no triple together, ``(p, 2)``.
    """

    def __init__(self, rows: list[dict[str, Any]], encoded: Encoded) -> None:
        self.rows = rows
        steps = [
            SubAction(phrase=row[part], opposite=wording)
            for row in rows
            for part in PARTS
            for wording in opposites(row, part) or [None]
        ]
        labels = [LabelWords(label=str(i), subactions=[step]) for i, step in enumerate(steps)]
        self.phrases = Phrases(labels)
        encoded.warm(axis_texts())
        self.wording = PhraseVectors(encoded)
        self.merging = self.phrases.for_merging(self.wording)
        at = {same_text(phrase.text): i for i, phrase in enumerate(self.merging)}
        self.place = np.array([[at[same_text(row[part])] for part in PARTS] for row in rows])
        texts = [phrase.text for phrase in self.merging]
        self.plain = encoded(texts)
        self.anchors = self.phrases.contrasted(texts, self.wording, 1.0)
        given: list[list[str]] = [[] for _ in texts]
        for step in steps:
            if step.opposite:
                given[at[same_text(step.phrase)]].append(step.opposite)
        self.opposites = [
            encoded(wordings) if wordings else np.empty((0, self.plain.shape[1])) for wordings in given
        ]
        together = {
            frozenset(pair)
            for row in self.place.tolist()
            for pair in ((row[0], row[1]), (row[0], row[2]), (row[1], row[2]))
        }
        a, b = np.triu_indices(len(texts), k=1)
        apart = [frozenset(pair) not in together for pair in zip(a.tolist(), b.tolist(), strict=True)]
        self.unrelated = np.stack([a, b], axis=1)[apart]

    @property
    def synonyms(self) -> np.ndarray:
        return self.place[:, [0, 1]]

    @property
    def opposed(self) -> np.ndarray:
        return self.place[:, [0, 2]]


def opposites(row: dict[str, Any], part: str) -> list[str]:
    """The wordings of a part's opposite that the file gives."""
    given = row.get(f"opposite_of_{part}") or []
    return given if isinstance(given, list) else [given]


Pairs = tuple[np.ndarray, np.ndarray]
"""Cosines of pairs, and which of them may not merge."""


@dataclass(frozen=True)
class Method:
    """One way to merge.

    Attributes:
        pairs: cosines and vetoes of pairs; None for a method that only merges lists.
        vectors: by which the synonym should be nearer than the opposite.
        clusters: merges all texts at a threshold: the cluster of each.
    """

    name: str
    vectors: Callable[[Triples], np.ndarray]
    pairs: Callable[[Triples, np.ndarray], Pairs] | None
    clusters: Callable[[Triples, float], np.ndarray | None]

    def calibrated(self, triples: Triples) -> float:
        """The lowest threshold at which at most 1 % of the unrelated pairs merge."""
        assert self.pairs is not None
        cosines, vetoed = self.pairs(triples, triples.unrelated)
        fit = [t for t in STEPS if np.mean((cosines >= t) & ~vetoed) <= MAX_FALSE_MERGES]
        return float(fit[0])

    def row(self, triples: Triples, threshold: float) -> dict[str, float | None]:
        vectors = self.vectors(triples)
        p, s, o = (vectors[triples.place[:, i]] for i in range(3))
        near, far = (p * s).sum(1), (p * o).sum(1)
        row: dict[str, float | None] = {"nearer": float((near > far).mean())}
        if self.pairs is not None:
            (syn, syn_veto), (opp, opp_veto) = (
                self.pairs(triples, triples.synonyms),
                self.pairs(triples, triples.opposed),
            )
            cosine, veto = self.pairs(triples, triples.unrelated)
            row["nearer_with_vetoes"] = float((near - 3 * syn_veto > far - 3 * opp_veto).mean())
            row["opposites_merged"] = float(max(np.mean((opp >= t) & ~opp_veto) for t in THRESHOLDS))
            row["threshold"] = threshold
            row["synonyms_merged"] = float(np.mean((syn >= threshold) & ~syn_veto))
            row["unrelated_merged"] = share((cosine >= threshold) & ~veto)
        else:
            row["threshold"] = threshold
        cluster = self.clusters(triples, threshold)
        if cluster is not None:
            for name, pairs in (
                ("synonyms", triples.synonyms),
                ("opposites", triples.opposed),
                ("unrelated", triples.unrelated),
            ):
                row[f"list_{name}_merged"] = share(cluster[pairs[:, 0]] == cluster[pairs[:, 1]])
            if self.pairs is None:
                worst = [self.clusters(triples, float(t)) for t in THRESHOLDS[::5]]
                a, b = triples.opposed.T
                row["opposites_merged"] = float(
                    max(np.mean(found[a] == found[b]) for found in worst if found is not None)
                )
        return row


def share(found: np.ndarray) -> float | None:
    """None where there is nothing to count: one triple has no unrelated pair."""
    return float(found.mean()) if len(found) else None


def plain(triples: Triples) -> np.ndarray:
    return triples.plain


def contrasted(triples: Triples) -> np.ndarray:
    pushed = [
        wordings.mean(0) if len(wordings) else own
        for own, wordings in zip(triples.plain, triples.opposites, strict=True)
    ]
    return contrast(triples.plain, np.stack(pushed))


def without_veto(vectors: Callable[[Triples], np.ndarray]) -> Callable[[Triples, np.ndarray], Pairs]:
    return lambda triples, pairs: (cosines_of(vectors(triples), pairs), np.zeros(len(pairs), dtype=bool))


def plain_veto(triples: Triples, pairs: np.ndarray) -> Pairs:
    phrases = [
        Phrase(p.text, v, tuple(o))
        for p, v, o in zip(triples.merging, triples.plain, triples.opposites, strict=True)
    ]
    found = cosines_of(triples.plain, pairs)
    return found, vetoes(phrases, pairs, found) >= 0


def ours(triples: Triples, pairs: np.ndarray) -> Pairs:
    found = cosines_of(np.stack([phrase.vector for phrase in triples.merging]), pairs)
    vetoed = vetoes(triples.merging, pairs, found) >= 0
    return found, vetoed


def tree(phrases: Callable[[Triples], list[Phrase]]) -> Callable[[Triples, float], np.ndarray]:
    """Complete linkage, as `dedup` does it."""

    def clusters(triples: Triples, threshold: float) -> np.ndarray:
        made = phrases(triples)
        grown = Tree(made, floor=min(0.5, threshold))
        of_text = {
            grown.phrases[i].text: k for k, members in enumerate(grown.at(threshold).members) for i in members
        }
        return np.array([of_text[phrase.text] for phrase in made])

    return clusters


def as_phrases(
    vectors: Callable[[Triples], np.ndarray], veto: bool = False
) -> Callable[[Triples], list[Phrase]]:
    return lambda triples: [
        Phrase(p.text, v, tuple(unit(o)) if veto else ())
        for p, v, o in zip(triples.merging, vectors(triples), triples.opposites, strict=True)
    ]


def community(triples: Triples, threshold: float) -> np.ndarray:
    import torch
    from sentence_transformers import util

    found = util.community_detection(
        torch.from_numpy(triples.plain), threshold=threshold, min_community_size=2
    )
    cluster = np.arange(len(triples.plain)) + len(found)
    for number, members in enumerate(found):
        cluster[members] = number
    return cluster


def semhash(triples: Triples, threshold: float) -> np.ndarray | None:
    try:
        from semhash import SemHash
    except ImportError:
        return None

    class Known:
        def encode(self, inputs: Sequence[str], **_: Any) -> np.ndarray:
            return triples.wording.plain(list(inputs))

    texts = [phrase.text for phrase in triples.merging]
    found = SemHash.from_records(texts, model=Known()).self_deduplicate(threshold=threshold)
    at = {text: i for i, text in enumerate(texts)}
    cluster = np.arange(len(texts))
    for duplicate in found.filtered:
        cluster[at[duplicate.record]] = at[duplicate.duplicate_of]
    return cluster


METHODS = (
    Method("plain", plain, without_veto(plain), tree(as_phrases(plain))),
    Method("contrast", contrasted, without_veto(contrasted), tree(as_phrases(contrasted))),
    Method("veto", plain, plain_veto, tree(as_phrases(plain, veto=True))),
    Method("vqtext", lambda triples: triples.anchors, ours, tree(lambda triples: triples.merging)),
    Method("community", plain, None, community),
    Method("semhash", plain, None, semhash),
)


def lines(rows: dict[str, dict[str, float | None]]) -> list[str]:
    heads = [
        "method",
        "nearer",
        "with vetoes",
        "opposites merged",
        "threshold",
        "synonyms merged",
        "unrelated merged",
        "in one list: synonyms",
        "opposites",
        "unrelated",
    ]
    keys = [
        "nearer",
        "nearer_with_vetoes",
        "opposites_merged",
        "threshold",
        "synonyms_merged",
        "unrelated_merged",
        "list_synonyms_merged",
        "list_opposites_merged",
        "list_unrelated_merged",
    ]

    def cell(key: str, value: float | None) -> str:
        return "" if value is None else f"{value:.2f}" if key == "threshold" else f"{value:.1%}"

    return table([heads, *([name, *(cell(key, row.get(key)) for key in keys)] for name, row in rows.items())])


if __name__ == "__main__":
    main()
