"""Artifacts → what the model trains on: the one place where windows, texts and anchors meet."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vqtext.cache.hdf5 import Artifact, open_artifact
from vqtext.cache.rows import StoredRows
from vqtext.config import GuidanceSettings, Settings
from vqtext.data.locations import best_cell, sensed
from vqtext.data.motion import MotionScale
from vqtext.data.neighbours import labels_beside
from vqtext.data.splits import Split
from vqtext.data.windows import Windows
from vqtext.errors import ArtifactError, TrainingError
from vqtext.pipeline.identifiability import Sensors, ambiguous_groups, transcripts_of
from vqtext.schema import MOTIONS, Rows, SubAction

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.model.config import ModelConfig
    from vqtext.model.guidance import Guidance
    from vqtext.model.training import TrainingData
    from vqtext.model.vocabulary import Vocabulary


IN_MEMORY = 1 << 30
"""Bytes up to which an array is read whole before training; a larger one stays in its file."""


@dataclass(frozen=True)
class Words:
    """What anchors.h5 says of the data's labels, in their order.

    Attributes:
        phrases: of the K anchors; vectors: ``(K, d)``.
        uses: for each label its steps: anchor and the sub-action as that label writes it.
        cyclic: for each label.
        displays: what people are shown instead of each label, None where it has no such text.
    """

    phrases: list[str]
    vectors: np.ndarray
    uses: list[list[tuple[int, SubAction]]]
    cyclic: list[bool]
    displays: list[str | None]


def read_words(path: Path, labels: Sequence[str]) -> Words:
    """Read anchors.h5.

    Raises:
        ArtifactError: a label of the data is not in it.
    """
    with open_artifact(path, "anchors") as anchors:
        known = {entry["label"]: i for i, entry in enumerate(anchors.attrs["labels"])}
        missing = [label for label in labels if label not in known]
        if missing:
            raise ArtifactError(
                f"{path} has no words for {', '.join(map(repr, missing))}: run `vqtext gen-subactions`, "
                "`vqtext embed` and `vqtext dedup`"
            )
        rows = list(
            zip(
                anchors["use/label"].tolist(),
                anchors["use/anchor"].tolist(),
                anchors["use/subaction"],
                strict=True,
            )
        )
        uses = [
            [(anchor, SubAction(**json.loads(text))) for label, anchor, text in rows if label == known[name]]
            for name in labels
        ]
        entries = [anchors.attrs["labels"][known[name]] for name in labels]
        cyclic = [bool(entry.get("cyclic")) for entry in entries]
        displays = _distinct(labels, [_one_line(entry.get("display")) for entry in entries])
        return Words(anchors["anchor/phrase"], anchors["anchor/vector"], uses, cyclic, displays)


def _one_line(text: str | None) -> str | None:
    return " ".join((text or "").split()) or None


def _distinct(labels: Sequence[str], displays: Sequence[str | None]) -> list[str | None]:
    """Displays that tell the labels apart: those that several labels share are followed by the label."""
    shown = Counter(display or label for label, display in zip(labels, displays, strict=True))
    return [
        f"{display} ({label})" if display is not None and shown[display] > 1 else display
        for label, display in zip(labels, displays, strict=True)
    ]


def signature_levels(
    words: Words, locations: Sequence[str], hand: str | None
) -> list[list[tuple[float | None, ...]]]:
    """What each use of each label says of each location: −1 (still) to 1 (strong), None where unknown."""
    scale = {level: 2 * i / (len(MOTIONS) - 1) - 1 for i, level in enumerate(MOTIONS)}

    def level(subaction: SubAction, location: str) -> float | None:
        signature = subaction.signature or {}
        cell = best_cell(location, signature, hand)
        said = signature[cell].motion if cell is not None else None
        return scale[said] if said is not None else None

    return [
        [tuple(level(subaction, location) for location in locations) for _, subaction in uses]
        for uses in words.uses
    ]


def vocabulary(
    words: Words, labels: Sequence[str], locations: Sequence[str], hands: Sequence[str | None], signed: bool
) -> Vocabulary:
    """Anchors and transcripts, with what may not be claimed marked.

    Args:
        hands: dominant hands that occur among the subjects; a step is inferred if no sensor shows its body
            part for one of them.
        signed: whether the grounding reads signatures at all.
    """
    from vqtext.model.vocabulary import Transcript, Use
    from vqtext.model.vocabulary import Vocabulary as Result

    steps = transcripts_of(words.uses, words.cyclic, Sensors(locations if signed else [], hands))
    twins: dict[int, set[int]] = {}
    for group in ambiguous_groups(steps):
        twins |= {anchor: set(group) - {anchor} for anchor in group}

    def use(anchor: int, subaction: SubAction, own: set[int]) -> Use:
        inferred = not all(sensed(locations, subaction.body_part, subaction.side, hand) for hand in hands)
        alike = sorted(words.phrases[k] for k in twins.get(anchor, set()) & own)
        return Use(anchor, inferred, tuple(alike), _one_line(subaction.display))

    transcripts = tuple(
        Transcript(label, cyclic, tuple(use(a, s, {anchor for anchor, _ in uses}) for a, s in uses), display)
        for label, cyclic, uses, display in zip(labels, words.cyclic, words.uses, words.displays, strict=True)
    )
    return Result(tuple(words.phrases), transcripts)


def gather(
    windows: Windows, split: Split, settings: Settings, words: Words | None = None
) -> tuple[ModelConfig, TrainingData]:
    """Join the artifacts into what `vqtext.model.training.fit` takes. No test window is in it.

    Args:
        words: instead of those of anchors.h5.

    Raises:
        TrainingError: fewer than two labels, or nothing to train on.
        ArtifactError: an artifact lacks what the data has, or what the grounding reads; no VQShape to start
            from.
        ConfigError: sizes were set that the VQShape to start from has not.
    """
    import torch
    from torch.nn.functional import normalize

    from vqtext.model.config import ModelConfig
    from vqtext.model.evidence import Evidence, pooled
    from vqtext.model.starting import sizes_of
    from vqtext.model.training import TrainingData
    from vqtext.model.vocabulary import Grammar

    trained = np.unique(windows.label[split.train])
    if len(trained) < 2:
        there = windows.labels[trained[0]] if len(trained) else "none"
        raise TrainingError(
            f"the training windows have {len(trained)} label ({there!r}), two are the least that can be told "
            "apart: prepare data with more labels"
        )
    words = words or read_words(settings.cache / "anchors.h5", windows.labels)
    signal = _in_memory(windows.signal)
    moving = MotionScale.of(signal, split.train, windows.channels, windows.rate_hz)
    locations = moving.locations
    hands = [subject.hand for subject in windows.subjects]
    train_hands = [hands[s] if s >= 0 else None for s in windows.subject[split.train]]
    kinds = sorted(set(train_hands), key=str)
    knows = settings.train.grounding.split("+")
    spoken = vocabulary(words, windows.labels, locations, kinds, "signal" in knows)
    anchors = normalize(torch.from_numpy(words.vectors).float(), dim=-1)
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        label_vectors = _label_vectors(texts, windows.labels, words)
        guidance = _guidance(texts, windows, split, settings.guidance)
        likeness = _likeness(texts, anchors, split.train) if "text" in knows else None
    sizes, started = sizes_of(settings.model)
    config = ModelConfig(
        settings=sizes,
        channels=tuple(windows.channels),
        steps=windows.T,
        rate_hz=windows.rate_hz,
        labels=tuple(windows.labels),
        text_dim=words.vectors.shape[1],
        borders=_has_borders(windows, split.train),
        started=started,
        token_dim=guidance.dim if guidance is not None else 0,
        fusion=settings.guidance.fusion,
        place=settings.guidance.place,
    )
    pool = np.concatenate([split.train, split.validation])
    frame_end = np.arange(config.frames) * windows.T // config.frames
    label = windows.label[split.train]
    levels = np.full((len(kinds), len(windows.labels), spoken.longest, len(locations)), np.nan, np.float32)
    for h, hand in enumerate(kinds):
        for i, rows in enumerate(signature_levels(words, locations, hand)):
            levels[h, i, : len(rows)] = np.array(rows, dtype=np.float32).reshape(len(rows), len(locations))
    grammar = Grammar.of(spoken.transcripts, config.frames / config.window_s, config.rate_hz)
    written = torch.stack([pooled(own, grammar.anchor, grammar.valid) for own in torch.from_numpy(levels)])
    evidence = Evidence(
        energy=torch.from_numpy(moving.frames(signal, split.train, config.frames)),
        felt=torch.from_numpy(moving.frames(signal, split.train, config.frames, felt=True)),
        levels=written[[kinds.index(hand) for hand in train_hands], label],
        label=torch.from_numpy(label).long(),
        group=torch.from_numpy(windows.subject[split.train]).long() + 1,
        hand=torch.tensor([kinds.index(hand) for hand in train_hands]),
        frame_s=config.window_s / config.frames,
        near=torch.from_numpy(labels_beside(windows, split.train)) if config.borders else None,
        likeness=likeness,
    )
    data = TrainingData(
        signal=signal,
        rows=pool,
        label=torch.from_numpy(windows.label[pool]).long(),
        train=torch.arange(len(split.train)),
        validation=torch.arange(len(split.train), len(pool)),
        frame_keep=torch.from_numpy(frame_end[None] < windows.length[pool][:, None]),
        vocabulary=spoken,
        grammar=grammar,
        anchors=anchors,
        label_vectors=normalize(torch.from_numpy(label_vectors).float(), dim=-1),
        guidance=guidance,
        evidence=evidence,
        name_of=windows.place,
    )
    return config, data


def _label_vectors(texts: Artifact, labels: Sequence[str], words: Words) -> np.ndarray:
    """Each label in text space, ``(n, d)``: the mean of its wordings, or of its anchors where it has none."""
    vector, index, known = texts["vector"], texts["label_text"], texts.attrs["labels"]
    rows = []
    for i, label in enumerate(labels):
        wordings = index[known.index(label)] if label in known else np.empty(0, dtype=int)
        wordings = wordings[wordings >= 0]
        rows.append(
            (vector[wordings] if len(wordings) else words.vectors[[a for a, _ in words.uses[i]]]).mean(0)
        )
    return np.stack(rows)


def _likeness(texts: Artifact, anchors: Tensor, train: np.ndarray) -> Tensor:
    """Cosine of each anchor and what was said of each segment, ``(N, S, K)``, NaN where nothing was.

    Args:
        anchors: unit vectors, ``(K, d)``.
        train: windows whose texts are read, ``(N,)``; no other's are.
    """
    import torch

    place = texts.rows("segment_text", train)
    if not place.shape[1]:
        raise ArtifactError(
            f"{texts.path} has no descriptions of segments, which grounding by text needs: run `vqtext "
            "describe` and `vqtext embed`"
        )
    said = place >= 0
    used, which = np.unique(place[said], return_inverse=True)
    likeness = torch.full((*place.shape, len(anchors)), torch.nan)
    if len(used):
        near = torch.from_numpy(texts.rows("segment/vector", used)) @ anchors.T
        likeness[torch.from_numpy(said)] = near[torch.from_numpy(which)]
    return likeness


def _guidance(texts: Artifact, windows: Windows, split: Split, settings: GuidanceSettings) -> Guidance | None:
    """What the training and validation windows may be told, as the settings want it."""
    from vqtext.model.guidance import Guidance

    source = settings.source
    if source == "none":
        return None
    known, index = texts.attrs["labels"], texts["label_text"]
    said = {
        label: [int(t) for t in index[known.index(label)] if t >= 0]
        for label in windows.labels
        if label in known
    }
    pool = np.concatenate([split.train, split.validation])
    described, facts = texts["window_text"], texts["subject_text"] if settings.facts else []
    told = source != "label" and len(described) == windows.n
    subjects = [int(s) if s < len(facts) else -1 for s in windows.subject[pool]]
    return Guidance(
        tokens=_in_memory(StoredRows(texts.path, "texts", "token")),
        offset=texts["token_offset"],
        label_texts=[said.get(label, []) if source != "description" else [] for label in windows.labels],
        descriptions=described[pool].tolist() if told else [-1] * len(pool),
        facts=[[int(t) for t in facts[s] if t >= 0] if s >= 0 else [] for s in subjects],
        drop_tokens=settings.drop_tokens,
        drop_facts=settings.drop_facts,
    )


def _has_borders(windows: Windows, train: np.ndarray) -> bool:
    """Whether windows were cut across changes of label: not how much of each, which would be telling."""
    return windows.share is not None and bool((windows.share[train].max(1) < 1).any())


def _in_memory(rows: Rows) -> Rows:
    """The array itself where it is small enough, else rows that are read as they are needed."""
    if isinstance(rows, StoredRows) and rows.nbytes > IN_MEMORY:
        return rows
    return rows[:]
