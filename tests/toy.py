"""A toy world with known truth: one sensor that is still and strong in turn, differently for each label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch.nn.functional import normalize

from vqtext.model.config import ModelConfig
from vqtext.model.grounding.emissions import Evidence
from vqtext.model.training.training_data import TrainingData
from vqtext.model.vocabulary import Grammar, Transcript, Use, Vocabulary
from vqtext.schema import Channel
from vqtext.settings.schema import ModelSettings

RATE, STEPS, BLOCK = 20.0, 80, 10
CHANNELS = tuple(Channel(f"acc_{axis}", "wrist", "acc", axis, "m/s2") for axis in "xy")
OF_STATE = torch.arange(4)  # each anchor stands between the same two wherever it stands
ANCHORS = ("hand rests", "hand shakes", "arm waits", "arm whirls")
SMALL = {"dim": 16, "dim_code": 8, "codes": 16, "patches": 40, "tokens": 16, "layers": 1, "heads": 2}


def vocabulary() -> Vocabulary:
    return Vocabulary(
        ANCHORS,
        (Transcript("shaking", True, (Use(0), Use(1))), Transcript("whirling", True, (Use(2), Use(3)))),
    )


def config(**settings: object) -> ModelConfig:
    return ModelConfig(
        ModelSettings(**{**SMALL, **settings}), CHANNELS, STEPS, RATE, ("shaking", "whirling"), text_dim=12
    )


def windows(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Signals ``(n, 2, STEPS)``, labels ``(n,)`` and the true use of each sample ``(n, STEPS)``."""
    rng = np.random.default_rng(seed)
    label = np.arange(count) % 2
    shift = rng.integers(2 * BLOCK, size=count)
    truth = (np.arange(STEPS) + shift[:, None]) // BLOCK % 2
    time = np.arange(STEPS) / RATE
    wave = np.sin(2 * np.pi * np.where(label == 0, 4.0, 2.0)[:, None] * time)
    strong = np.stack([wave, np.where(label == 0, 1.0, -1.0)[:, None] * wave], 1)
    signal = 3 * strong * truth[:, None] + 0.1 * rng.normal(size=(count, 2, STEPS))
    return signal.astype(np.float32), label, truth


def data(
    count: int = 24, levels: tuple[float, float] = (-1.0, 1.0), cfg: ModelConfig | None = None
) -> TrainingData:
    cfg = cfg or config()
    signal, label, _ = windows(count)
    energy = np.log(np.abs(signal).max(1) + 0.1)[..., None].astype(np.float32)
    keep = count - 4
    spoken = vocabulary()
    generator = torch.Generator().manual_seed(0)
    return TrainingData(
        signal=signal,
        rows=np.arange(count),
        label=torch.from_numpy(label),
        train=torch.arange(keep),
        validation=torch.arange(keep, count),
        frame_keep=torch.ones(count, cfg.frames, dtype=torch.bool),
        vocabulary=spoken,
        grammar=Grammar.of(spoken.transcripts, RATE),
        anchors=normalize(torch.randn(4, 12, generator=generator), dim=-1),
        label_vectors=normalize(torch.randn(2, 12, generator=generator), dim=-1),
        guidance=None,
        measured=torch.arange(count),
        evidence=Evidence(
            torch.from_numpy(energy),
            torch.from_numpy(energy),
            torch.zeros(count, energy.shape[1], 0),
            torch.tensor(levels)[None, :, None].expand(count, 2, 1),
            torch.zeros(count, 2, 0),
            torch.zeros(count, energy.shape[1], 0, 3),
            torch.zeros(count, 2, 0, 3),
            torch.ones(2, 2),
            torch.from_numpy(label),
            torch.zeros(count, dtype=torch.long),
            torch.zeros(count, dtype=torch.long),
            1 / RATE,
        ),
    )


def of_one_label(name: str, level: torch.Tensor, energy: torch.Tensor, lasts: torch.Tensor) -> TrainingData:
    """Windows of one label, whose U steps are written and felt so: ``level (U, L)``, ``motion (20, 80, L)``,
    ``relative_duration (U,)``."""
    whole, uses = data(), len(level)
    spoken = (Transcript(name, True, tuple(Use(k) for k in range(uses))),) * 2
    return replace(
        whole,
        grammar=Grammar.of(spoken, RATE),
        evidence=replace(
            whole.evidence.of(whole.train.numpy()),
            motion=energy,
            features=energy,
            levels=level[None].expand(20, *level.shape),
            directions=torch.zeros(20, uses, 0),
            written_up=torch.zeros(20, uses, 0, 3),
            relative_duration=lasts.expand(2, uses),
            label=torch.zeros(20, dtype=torch.long),
        ),
    )
