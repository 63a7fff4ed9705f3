"""``vqtext dedup``: phrases that mean one movement become one anchor → anchors.h5."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.console.text import as_text, cut_apart, cut_short
from vqtext.pipeline.anchors.calibration import calibrate
from vqtext.pipeline.anchors.clustering import Clusters, Tree
from vqtext.pipeline.anchors.overrides import edits_of
from vqtext.pipeline.anchors.phrases import Phrases, stored_phrase_vectors
from vqtext.pipeline.anchors.threshold import by_reason, tree_and_threshold
from vqtext.pipeline.embed import Embed, words_of
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.vocabulary.anchor_words import read_words
from vqtext.pipeline.vocabulary.identifiability import sensors_of
from vqtext.pipeline.vocabulary.identifiability_report import report
from vqtext.pipeline.vocabulary.joined_report import joined, joined_lines
from vqtext.pipeline.vocabulary.signature_cells import written_duration
from vqtext.prompts.movement_words import facets_digest
from vqtext.prompts.subactions import read_subactions
from vqtext.schema import LabelWords, SubAction, order_of, same_text

CURVE = np.round(np.arange(0.5, 1.001, 0.01), 2)
"""Thresholds of the threshold→count curve, beside the chosen one."""

LABEL_KEYS = {"label", "display", "keyword", "sentence", "cyclic"}
"""Words of a label, beside its sub-actions, that anchors.h5 holds."""

MAX_LISTED = 5
"""Vetoed pairs that a person is shown; ``--json`` has them all."""


class Dedup(Stage):
    """Merge near-duplicate phrases under the vetoes, and keep the medoid of each cluster: the anchors."""

    command = "dedup"
    artifact = "anchors.h5"
    version = 7

    def sources(self) -> Sequence[Stage]:
        words, texts, windows = (
            stage(self.settings, self.progress) for stage in (GenSubactions, Embed, Prepare)
        )
        return [words, texts, windows] if windows.target.exists() else [words, texts]

    def options(self) -> Any:
        return {**self.settings.dedup.model_dump(mode="json"), "facets": facets_digest()}

    def make(self, target: Path) -> None:
        cache, dedup = self.settings.cache, self.settings.dedup
        source = cache / "subactions.json"
        with hdf5.open_artifact(cache / "texts.h5", "texts") as texts:
            words = words_of(texts.attrs["labels"], read_subactions(source).labels, source)
            if not (cache / "windows.h5").exists():
                self.progress.say(
                    f"no {cache / 'windows.h5'}: merging the words alone, of all {len(words)} labels"
                )
            edits = edits_of(dedup, words)
            words = edits.without_dropped(words)
            phrases, encoder = Phrases(words), texts.attrs["encoder"]
            vectors_of = stored_phrase_vectors(texts)
            merging = phrases.for_merging(vectors_of)
            tree, threshold = tree_and_threshold(
                merging, edits, dedup, self.progress, lambda: calibrate(phrases, merging, vectors_of, encoder)
            )
            cut = tree.at(threshold)
            text = [phrase.text for phrase in tree.phrases]
            anchors = [text[i] for i in cut.anchors]
            vectors = phrases.contrasted(anchors, vectors_of, dedup.contrast)
        self._report_spellings(words)
        for phrase in phrases.own_opposites:
            self.progress.warn(f"the opposite of {cut_short(phrase)!r} is the phrase itself: left out")
        anchor_of = {same_text(text[i]): k for k, members in enumerate(cut.members) for i in members}
        of_label = [[anchor_of[same_text(s.phrase)] for s in label.subactions] for label in words]
        arrays = {
            "anchor/phrase": anchors,
            "anchor/vector": vectors,
            **_use_arrays(words, of_label),
            "phrase/text": text,
            "phrase/anchor": np.array([anchor_of[same_text(t)] for t in text], dtype=np.int32),
            **_curve_arrays(tree, threshold),
        }
        identified = report(words, of_label, anchors, sensors_of(cache / "windows.h5"))
        attrs = {
            "labels": [label.model_dump(include=LABEL_KEYS) for label in words],
            "threshold": threshold,
            "contrast": dedup.contrast,
            "encoder": encoder,
            **_cluster_attrs(text, cut),
            "identifiability": identified.answer,
            "identifiability_told": identified.lines,
        }
        hdf5.write(target, "anchors", arrays, attrs, self.recipe())

    def summary(self) -> dict[str, Any]:
        with hdf5.open_artifact(self.target, "anchors") as file:
            identified = file.attrs["identifiability"]
            labels = [entry["label"] for entry in file.attrs["labels"]]
            return {
                "phrases": len(file["phrase/text"]),
                "anchors": len(file["anchor/phrase"]),
                "threshold": file.attrs["threshold"],
                "clusters": file.attrs["clusters"],
                "vetoed": file.attrs["vetoed"],
                "same_steps": _same_steps(self.target, labels),
                "joined": joined(self.target, self.settings.cache / "windows.h5", labels),
                "identifiability": {
                    key: identified[key] for key in ("labels", "order", "signature", "groups")
                },
            }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        clusters, vetoed, target = summary["clusters"], summary["vetoed"], self.settings.dedup.target
        aim = f" ({target} were asked for)" if target not in (None, summary["anchors"]) else ""
        lines = [
            f"{summary['phrases']} phrases → {summary['anchors']} anchors at threshold "
            f"{summary['threshold']:g}{aim}; verified that no two of them could still merge"
        ]
        with hdf5.open_artifact(self.target, "anchors") as file:
            written, identified = _signatures(file), file.attrs["identifiability_told"]
        for cluster in clusters:
            members = [cluster["anchor"], *(m for m in cluster["members"] if m != cluster["anchor"])]
            if len(members) > 1:
                shown = cut_apart(members)
                anchor, *merged = (
                    text + written.get(same_text(m), "") for text, m in zip(shown, members, strict=True)
                )
                lines.append(f"  {anchor} ← {', '.join(merged)}")
        if vetoed:
            lines.append(
                f"{len(vetoed)} near pairs were kept apart: {by_reason(pair['reason'] for pair in vetoed)}; "
                "the nearest of them"
            )
            lines += [
                f"  {' | '.join(cut_apart([pair['a'], pair['b']]))} ({pair['cosine']:.2f}, {pair['reason']})"
                for pair in vetoed[:MAX_LISTED]
            ]
        for group in summary["same_steps"]:
            lines.append(
                f"{as_text(group)} are written as the same steps: only the class head can distinguish them"
            )
        return [*lines, *identified, *joined_lines(summary["joined"], self.settings.train.resolve)]

    def _report_spellings(self, words: Sequence[LabelWords]) -> None:
        spellings: dict[str, set[str]] = defaultdict(set)
        for label in words:
            for subaction in label.subactions:
                spellings[same_text(subaction.phrase)].add(subaction.phrase)
        several = [sorted(written) for written in spellings.values() if len(written) > 1]
        if several:
            ways = " and ".join(map(repr, cut_apart(several[0])))
            self.progress.say(
                f"{len(several)} phrases are written in several ways, each is one phrase: such as {ways}"
            )


def _signatures(anchors: hdf5.Artifact) -> dict[str, str]:
    """What is written of each phrase, by `same_text`: " [walk: left foot strong up, right foot still]"."""
    labels = [entry["label"] for entry in anchors.attrs["labels"]]
    found: dict[str, list[str]] = defaultdict(list)
    for label, text in zip(anchors["use/label"].tolist(), anchors["use/subaction"], strict=True):
        step = SubAction.model_validate_json(text)
        cells = {
            place: " ".join(filter(None, (cell.motion, cell.direction, cell.posture)))
            for place, cell in (step.signature or {}).items()
        }
        signature = ", ".join(f"{place} {levels}" for place, levels in cells.items() if levels)
        if signature:
            found[same_text(step.phrase)].append(f"{labels[label]}: {signature}")
    return {phrase: f" [{'; '.join(uses)}]" for phrase, uses in found.items()}


def _same_steps(path: Path, labels: Sequence[str]) -> list[list[str]]:
    """Labels that are written as the same anchors, in the same order, for as long; groups of two and more."""
    words = read_words(path, labels)
    groups: dict[Any, list[str]] = defaultdict(list)
    for label, uses, cyclic in zip(labels, words.uses, words.cyclic, strict=True):
        steps = [(anchor, written_duration(step)) for anchor, step in uses]
        groups[cyclic, order_of(steps, cyclic)].append(label)
    return [group for group in groups.values() if len(group) > 1]


def _use_arrays(words: Sequence[LabelWords], anchors: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Every use as its label wrote it, and its anchor, in the order of transcripts."""
    written = [s.model_dump_json(exclude_none=True) for label in words for s in label.subactions]
    return {
        "use/label": np.repeat(np.arange(len(words), dtype=np.int32), [len(own) for own in anchors]),
        "use/anchor": np.concatenate([np.array(own, dtype=np.int32) for own in anchors]),
        "use/subaction": written,
    }


def _curve_arrays(tree: Tree, threshold: float) -> dict[str, Any]:
    """How many anchors each threshold leaves; the chosen one is among them."""
    curve = np.union1d(CURVE[tree.floor <= CURVE], threshold)
    count = np.array([tree.count(step) for step in curve], dtype=np.int32)
    return {"curve/threshold": curve, "curve/count": count}


def _cluster_attrs(text: Sequence[str], cut: Clusters) -> dict[str, Any]:
    """What was merged, and which near pairs were kept apart and why."""
    return {
        "clusters": [
            {"anchor": text[anchor], "members": [text[i] for i in members]}
            for anchor, members in zip(cut.anchors, cut.members, strict=True)
        ],
        "vetoed": [
            {"a": text[pair.a], "b": text[pair.b], "cosine": round(pair.cosine, 4), "reason": pair.reason}
            for pair in cut.vetoed
        ],
    }
