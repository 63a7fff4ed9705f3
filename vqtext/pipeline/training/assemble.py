"""Artifacts → what the model trains on: the one place where windows, texts and anchors meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vqtext.cache.hdf5 import Artifact, open_artifact
from vqtext.cache.rows import StoredRows
from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import BLOCK, Windows
from vqtext.errors import ArtifactError, TrainingError, WordsError
from vqtext.pipeline.correcting.corrections import NAME as CORRECTIONS
from vqtext.pipeline.correcting.corrections import Corrections, read_corrections
from vqtext.pipeline.correcting.moments import are_corrected, check, never_places
from vqtext.pipeline.training.run_words import resolved_words, together, without_steps
from vqtext.pipeline.training.sampling import evenly
from vqtext.pipeline.training.sensor_evidence import SensorEvidence, StepEvidence
from vqtext.pipeline.vocabulary.anchor_words import Words, read_words
from vqtext.schema import Rows
from vqtext.settings.schema import GuidanceSettings, Settings

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.model.config import ModelConfig
    from vqtext.model.guidance.text_tokens import Guidance
    from vqtext.model.training.training_data import TrainingData


IN_MEMORY = 1 << 30
"""Bytes up to which an array is read whole before training; a larger one stays in its file."""


def training_data(
    windows: Windows,
    split: Split,
    settings: Settings,
    words: Words | None = None,
    corrections: Corrections | None = None,
) -> tuple[ModelConfig, TrainingData]:
    """Join the artifacts into what `vqtext.model.training.fit` takes. No test window is in it.

    Args:
        words: instead of those of anchors.h5; they are taken as they are, and not resolved.
        corrections: of moments and steps, as far as they fit; None: all of
            corrections.json, and nothing beside words that were given.

    Raises:
        WordsError: corrections.json says what cannot be.
        TrainingError: fewer than two labels, or nothing to train on, or to tell.
        ArtifactError: an artifact lacks what the data has, or what the grounding reads; no VQShape to start
            from.
        ConfigError: sizes were set that the VQShape to start from has not.
    """
    _check_labels(windows, split)
    pool = _pool(split)
    read = words or read_words(settings.cache / "anchors.h5", windows.labels)
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        guidance = _guidance(texts, windows, pool, settings.guidance)
    config = _config(windows, pool, read, guidance, settings)
    signal = _in_memory(windows.signal)
    if corrections is None:
        corrections = Corrections() if words is not None else read_corrections(settings.cache)
    measured = _measured(windows, split, corrections, settings.train.e_step_windows)
    sensors = SensorEvidence.of(windows, signal, pool[measured], config)
    chosen = _words(sensors, read, settings, corrections, given=words is not None)
    return config, _joined(split, signal, guidance, sensors, measured, chosen, settings)


def without_text(settings: Settings) -> Settings:
    """The same settings for an E-step alone, which reads no guidance."""
    guidance = settings.guidance.model_copy(update={"source": "none"})
    return settings.model_copy(update={"guidance": guidance})


def _check_labels(windows: Windows, split: Split) -> None:
    trained = np.unique(windows.label[split.train])
    if len(trained) < 2:
        there = windows.labels[trained[0]] if len(trained) else "none"
        raise TrainingError(
            f"the training windows have {len(trained)} label ({there!r}), at least two are needed: "
            "prepare data with more labels"
        )


def _config(
    windows: Windows, pool: np.ndarray, words: Words, guidance: Guidance | None, settings: Settings
) -> ModelConfig:
    """Sizes of the network, and what it must know of the windows ``pool``."""
    from vqtext.model.config import ModelConfig
    from vqtext.model.training.init_from_vqshape import sizes_of

    sizes, started = sizes_of(settings.model)
    return ModelConfig(
        settings=sizes,
        channels=tuple(windows.channels),
        steps=windows.T,
        rate_hz=windows.rate_hz,
        labels=tuple(windows.labels),
        text_dim=words.vectors.shape[1],
        borders=_has_borders(windows, pool),
        anywhere=_are_cuts(windows, pool) or all(words.cyclic),
        started=started,
        token_dim=guidance.dim if guidance is not None else 0,
        fusion=settings.guidance.fusion,
        place=settings.guidance.place,
    )


def _pool(split: Split) -> np.ndarray:
    """All windows of a training: those that train, then those that choose."""
    return np.concatenate([split.train, split.validation])


def _measured(windows: Windows, split: Split, corrections: Corrections, most: int) -> np.ndarray:
    """Places among the training and validation windows of those that the E-step reads, in order: at most so
    many, evenly over labels and people, and all that were corrected."""
    pool = _pool(split)
    trains = np.arange(len(pool)) < len(split.train)
    of = np.unique([windows.label[pool], windows.subject[pool], trains], axis=1, return_inverse=True)[1]
    return np.union1d(evenly(of.ravel(), most), np.flatnonzero(are_corrected(corrections, windows, pool)))


def _joined(
    split: Split,
    signal: Rows,
    guidance: Guidance | None,
    sensors: SensorEvidence,
    measured: np.ndarray,
    words: _Words,
    settings: Settings,
) -> TrainingData:
    import torch
    from torch.nn.functional import normalize

    from vqtext.model.training.training_data import TrainingData

    windows, pool = sensors.windows, _pool(split)
    steps, evidence = words.steps, words.steps.evidence
    anchors = normalize(torch.from_numpy(steps.words.vectors).float(), dim=-1)
    with open_artifact(settings.cache / "texts.h5", "texts") as texts:
        label_vectors = _label_vectors(texts, windows.labels, steps.words)
        if "text" in settings.train.sources:
            evidence = replace(evidence, similarity=_similarity(texts, anchors, sensors.rows))
    return TrainingData(
        signal=signal,
        rows=pool,
        label=torch.from_numpy(windows.label[pool]).long(),
        train=torch.arange(len(split.train)),
        validation=torch.arange(len(split.train), len(pool)),
        frame_keep=torch.from_numpy(_inside(windows, pool, evidence.motion.shape[1])),
        vocabulary=steps.vocabulary,
        grammar=steps.grammar,
        anchors=anchors,
        label_vectors=normalize(torch.from_numpy(label_vectors).float(), dim=-1),
        guidance=guidance,
        measured=torch.from_numpy(measured),
        evidence=evidence,
        absent=together(words.never, words.missing),
        never=words.never,
        round_s=words.round_s,
        name_of=windows.place,
    )


class _Words(NamedTuple):
    """The words that are trained with; of each label the places of the steps that corrections.json rules out,
    and, among the rest, of those that are not found; seconds of a round of each label."""

    steps: StepEvidence
    never: list[list[int]]
    missing: list[list[int]]
    round_s: list[float | None]


def _words(
    sensors: SensorEvidence, words: Words, settings: Settings, corrections: Corrections, given: bool
) -> _Words:
    windows, round_s = sensors.windows, sensors.round_s()
    if not given:
        words = resolved_words(words, windows, sensors.rows, settings.train, round_s).words
        _check_corrections(corrections, settings, windows, words)
    never = never_places(corrections, windows.labels, words)
    steps = sensors.with_words(without_steps(words, never), corrections)
    missing = [] if given else _absent(steps, settings, windows.rate_hz)
    if any(missing):
        steps = sensors.with_words(without_steps(steps.words, missing), corrections)
    return _Words(steps, never, missing, round_s)


def _check_corrections(corrections: Corrections, settings: Settings, windows: Windows, words: Words) -> None:
    if wrong := check(corrections, windows, words):
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise WordsError(f"{settings.cache / CORRECTIONS}: {wrong[0]}{more}")


def _absent(steps: StepEvidence, settings: Settings, rate_hz: float) -> list[list[int]]:
    """Places of the steps of each label that are not found, where the settings leave them out."""
    from vqtext.model.grounding.absence import absent

    if "signal" not in settings.train.sources or settings.train.keep_absent:
        return []
    return absent(steps.evidence, steps.vocabulary.transcripts, rate_hz)


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


def _similarity(texts: Artifact, anchors: Tensor, pool: np.ndarray) -> Tensor:
    """Cosine of each anchor and the description of each segment, ``(N, S, K)``, NaN where there is none.

    Args:
        anchors: unit vectors, ``(K, d)``.
        pool: windows whose texts are read, ``(N,)``; no other's are.
    """
    import torch

    place = texts.rows("segment_text", pool)
    if not place.shape[1]:
        raise ArtifactError(
            f"{texts.path} has no descriptions of segments, which grounding by text needs: run `vqtext "
            "describe` and `vqtext embed`"
        )
    described = place >= 0
    used, which = np.unique(place[described], return_inverse=True)
    similarity = torch.full((*place.shape, len(anchors)), torch.nan)
    if len(used):
        near = torch.from_numpy(texts.rows("segment/vector", used)) @ anchors.T
        similarity[torch.from_numpy(described)] = near[torch.from_numpy(which)]
    return similarity


def _guidance(
    texts: Artifact, windows: Windows, pool: np.ndarray, settings: GuidanceSettings
) -> Guidance | None:
    """The texts that may be given to the windows ``pool (N,)``, by the settings."""
    from vqtext.model.guidance.text_tokens import Guidance

    source = settings.source
    if source == "none":
        return None
    known, index = texts.attrs["labels"], texts["label_text"]
    texts_of = {
        label: [int(t) for t in index[known.index(label)] if t >= 0]
        for label in windows.labels
        if label in known
    }
    described, facts = texts["window_text"], texts["subject_text"] if settings.facts else []
    with_descriptions = source != "label" and len(described) == windows.n
    subjects = [int(s) if s < len(facts) else -1 for s in windows.subject[pool]]
    return Guidance(
        tokens=_in_memory(StoredRows(texts.path, "texts", "token")),
        offset=texts["token_offset"],
        label_texts=[texts_of.get(label, []) if source != "description" else [] for label in windows.labels],
        descriptions=described[pool].tolist() if with_descriptions else [-1] * len(pool),
        facts=[[int(t) for t in facts[s] if t >= 0] if s >= 0 else [] for s in subjects],
        drop_tokens=settings.drop_tokens,
        drop_facts=settings.drop_facts,
    )


def _inside(windows: Windows, pool: np.ndarray, frames: int) -> np.ndarray:
    """Frames that lie inside their window, ``(N, F)``."""
    begin = np.arange(frames) * windows.T // frames
    return begin < windows.length[pool][:, None]


def _are_cuts(windows: Windows, pool: np.ndarray) -> bool:
    """Whether some recording gave several windows: otherwise each is one whole, with a beginning."""
    return len(np.unique(windows.recording[pool])) < len(pool)


def _has_borders(windows: Windows, pool: np.ndarray) -> bool:
    """Whether windows were cut across changes of label."""
    blocks = (pool[start : start + BLOCK] for start in range(0, len(pool), BLOCK))
    return windows.sample_label is not None and any(
        (windows.frame_labels(rows, windows.T) != windows.label[rows, None]).any() for rows in blocks
    )


def _in_memory(rows: Rows) -> Rows:
    """The array itself where it is small enough, else rows that are read as they are needed."""
    if isinstance(rows, StoredRows) and rows.nbytes > IN_MEMORY:
        return rows
    return rows[:]
