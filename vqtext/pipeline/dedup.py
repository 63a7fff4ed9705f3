"""``vqtext dedup``: phrases that mean one movement become one anchor → anchors.h5."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.pipeline.contrast import contrast
from vqtext.pipeline.embed import Embed, words_of
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.merge import FLOOR, Clusters, Tree, same_text
from vqtext.pipeline.phrases import Phrases
from vqtext.pipeline.stage import Stage
from vqtext.prompts.subactions import read_subactions
from vqtext.schema import LabelWords

CURVE = np.round(np.arange(0.5, 1.001, 0.01), 2)
"""Thresholds of the threshold→count curve."""

SHOWN = 5
"""Vetoed pairs that a person is shown; ``--json`` has them all."""


class Dedup(Stage):
    """Merge near-duplicate phrases under the vetoes, and keep the medoid of each cluster: the anchors."""

    command = "dedup"

    @property
    def target(self) -> Path:
        return self.settings.cache / "anchors.h5"

    def sources(self) -> Sequence[Stage]:
        return [GenSubactions(self.settings, self.progress), Embed(self.settings, self.progress)]

    def options(self) -> Any:
        return self.settings.dedup.model_dump(mode="json")

    def make(self, target: Path) -> None:
        cache, dedup = self.settings.cache, self.settings.dedup
        source = cache / "subactions.json"
        with hdf5.open_artifact(cache / "texts.h5", "texts") as texts:
            words = words_of(texts.attrs["labels"], read_subactions(source).labels, source)
            phrases = Phrases(words)
            vectors = phrases.vectors(texts)
            encoder = texts.attrs["encoder"]
        for phrase in phrases.own_opposites:
            self.progress.warn(f"the opposite of {_short(phrase)!r} is the phrase itself: left out")
        tree = Tree(phrases.with_vectors(vectors), floor=min(FLOOR, dedup.threshold))
        cut = tree.at(dedup.threshold)
        text = [phrase.text for phrase in tree.phrases]
        arrays = _anchor_arrays(tree, cut, dedup.contrast) | _use_arrays(words, text, cut)
        arrays["curve/threshold"] = CURVE
        arrays["curve/count"] = np.array([tree.count(threshold) for threshold in CURVE], dtype=np.int32)
        shown = {"label", "keyword", "sentence", "cyclic"}
        attrs = {
            "labels": [label.model_dump(include=shown) for label in words],
            "threshold": dedup.threshold,
            "contrast": dedup.contrast,
            "encoder": encoder,
            "clusters": [
                {"anchor": text[anchor], "members": [text[i] for i in members]}
                for anchor, members in zip(cut.anchors, cut.members, strict=True)
            ],
            "vetoed": [
                {"a": text[pair.a], "b": text[pair.b], "cosine": round(pair.cosine, 4), "reason": pair.reason}
                for pair in cut.vetoed
            ],
        }
        hdf5.write(target, "anchors", arrays, attrs, self.recipe())

    def summary(self) -> dict[str, Any]:
        with hdf5.open_artifact(self.target, "anchors") as file:
            return {
                "phrases": len(file["phrase/text"]),
                "anchors": len(file["anchor/phrase"]),
                "threshold": file.attrs["threshold"],
                "clusters": file.attrs["clusters"],
                "vetoed": file.attrs["vetoed"],
            }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        clusters, vetoed = summary["clusters"], summary["vetoed"]
        merged = [cluster for cluster in clusters if len(cluster["members"]) > 1]
        lines = [
            f"{summary['phrases']} phrases → {summary['anchors']} anchors at threshold "
            f"{summary['threshold']:g}; verified that no two of them could still merge"
        ]
        for cluster in merged:
            others = [_short(member) for member in cluster["members"] if member != cluster["anchor"]]
            lines.append(f"  {_short(cluster['anchor'])} ← {', '.join(others)}")
        if vetoed:
            reasons = Counter(pair["reason"] for pair in vetoed)
            told = ", ".join(f"{count} by {reason}" for reason, count in sorted(reasons.items()))
            lines.append(f"{len(vetoed)} near pairs were kept apart: {told}; the nearest of them")
            lines += [
                f"  {_short(pair['a'])} | {_short(pair['b'])} ({pair['cosine']:.2f}, {pair['reason']})"
                for pair in vetoed[:SHOWN]
            ]
        return lines


def _anchor_arrays(tree: Tree, cut: Clusters, strength: float) -> dict[str, Any]:
    """The anchors with their contrast vectors, each against the mean of its phrase's own opposites."""
    anchors = [tree.phrases[i] for i in cut.anchors]
    vectors = np.stack([phrase.vector for phrase in anchors])
    opposites = [np.mean(p.opposites, axis=0) if p.opposites else np.zeros_like(p.vector) for p in anchors]
    return {
        "anchor/phrase": [phrase.text for phrase in anchors],
        "anchor/vector": contrast(vectors, np.stack(opposites), strength),
    }


def _use_arrays(words: Sequence[LabelWords], text: Sequence[str], cut: Clusters) -> dict[str, Any]:
    """The phrases with their anchors, and every use as its label wrote it, in the order of transcripts."""
    uses = [(i, subaction) for i, label in enumerate(words) for subaction in label.subactions]
    anchor_of = {same_text(text[i]): number for number, members in enumerate(cut.members) for i in members}
    return {
        "phrase/text": list(text),
        "phrase/anchor": np.array([anchor_of[same_text(t)] for t in text], dtype=np.int32),
        "use/label": np.array([i for i, _ in uses], dtype=np.int32),
        "use/anchor": np.array([anchor_of[same_text(s.phrase)] for _, s in uses], dtype=np.int32),
        "use/subaction": [subaction.model_dump_json(exclude_none=True) for _, subaction in uses],
    }


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
