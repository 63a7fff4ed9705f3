"""What the sensors of some windows did, and words held against it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from vqtext.data.features.magnitudes import SHOW_MOTION, traces
from vqtext.data.features.motion import MotionScale, changes, frame_means
from vqtext.data.features.vertical_velocity import upright_places, velocities_and_ups
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.pipeline.correcting.moments import corrected_frames
from vqtext.pipeline.training.written import hands_of, written
from vqtext.pipeline.vocabulary.anchor_words import Words, vocabulary
from vqtext.pipeline.vocabulary.identifiability import sensors_among
from vqtext.schema import Rows

if TYPE_CHECKING:
    from vqtext.model.config import ModelConfig
    from vqtext.model.grounding.emissions import Evidence
    from vqtext.model.vocabulary import Grammar, Vocabulary


@dataclass(frozen=True)
class StepEvidence:
    """Words as chains of steps, and the evidence for them."""

    words: Words
    vocabulary: Vocabulary
    grammar: Grammar
    evidence: Evidence


@dataclass(frozen=True)
class SensorEvidence:
    """What the sensors did in the windows at the places ``rows (S,)``.

    Attributes:
        evidence: of these windows; what is written in it counts for nothing.
    """

    windows: Windows
    rows: np.ndarray
    evidence: Evidence

    @classmethod
    def of(cls, windows: Windows, signal: Rows, rows: np.ndarray, config: ModelConfig) -> SensorEvidence:
        """Measure windows; of others nothing is looked at.

        Args:
            signal: of all windows.
            rows: places of the windows to measure, ``(S,)``.
        """
        import torch
        from torch.nn.functional import normalize

        from vqtext.model.grounding.emissions import Evidence

        channels, rate = windows.channels, windows.rate_hz
        moving = MotionScale.of(signal, rows, channels, rate)

        def measure(block: np.ndarray) -> np.ndarray:
            along = traces(block, channels, rate).transpose(0, 2, 1)
            velocity, up = velocities_and_ups(block, channels, rate)
            return np.concatenate([moving.motion(block), along, velocity, up], axis=-1)

        places = len(upright_places(channels))
        found = frame_means(measure, signal, rows, config.frames)
        features, up = np.split(found, [found.shape[2] - 3 * places], axis=-1)
        sensors = len(moving.sensors)
        traced = sensors + sum(channel.modality in SHOW_MOTION for channel in channels)
        motion, velocity = features[..., :sensors], features[..., traced:].copy()  # a view would keep all
        frame_s = config.window_s / config.frames
        going = changes(np.concatenate([motion, velocity], axis=-1), frame_s)
        hands, kinds = hands_of(windows, rows)
        n, locations = len(rows), len(moving.locations)
        evidence = Evidence(
            motion=torch.from_numpy(moving.best(motion)),
            features=torch.from_numpy(np.concatenate([features, going], axis=-1)),
            velocity=torch.from_numpy(velocity),
            up=normalize(torch.from_numpy(up).unflatten(2, (places, 3)), dim=-1),
            levels=torch.empty(n, 0, locations),
            directions=torch.empty(n, 0, velocity.shape[2]),
            written_up=torch.empty(n, 0, places, 3),
            relative_duration=torch.empty(len(windows.labels), 0),
            label=torch.from_numpy(windows.label[rows]).long(),
            group=torch.from_numpy(windows.subject[rows]).long() + 1,
            hand=torch.tensor([kinds.index(hand) for hand in hands]),
            frame_s=frame_s,
            activity=torch.from_numpy(windows.frame_labels(rows, config.frames)).long()
            if config.borders
            else None,
            locations=tuple(moving.locations),
        )
        return cls(windows, rows, evidence)

    def round_s(self) -> list[float | None]:
        """Seconds of a round of each label, None where none was read."""
        from vqtext.model.grounding.durations import DurationConfig, round_s

        rounds = round_s(self.evidence, len(self.windows.labels), DurationConfig())
        return [None if isnan(s) else s for s in rounds.tolist()]

    def with_words(self, words: Words, corrections: Corrections) -> StepEvidence:
        """Words as chains of steps, with the evidence for them in these windows and corrections."""
        import torch

        from vqtext.model.vocabulary import Grammar

        windows, rows = self.windows, self.rows
        sensors = sensors_among(windows.channels, hands_of(windows, rows)[1])
        chains = vocabulary(words, windows.labels, sensors)
        grammar = Grammar.of(chains.transcripts, windows.rate_hz)
        cells = written(windows, rows, words, self.evidence.locations, grammar)
        frames = corrected_frames(corrections, windows, rows, words, self.evidence.motion.shape[1])
        corrected = None if frames is None else torch.from_numpy(frames)
        activity = self.evidence.activity
        if corrected is not None and activity is not None:  # who corrects a moment knows its label
            of_step = corrected.div(grammar.valid.shape[1], rounding_mode="floor")
            activity = torch.where(corrected >= 0, of_step, activity)
        evidence = replace(self.evidence, **cells, activity=activity, corrected=corrected)
        return StepEvidence(words, chains, grammar, evidence)
