"""What signatures write, as numbers, beside what the sensors of the training windows did."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.features.magnitudes import SHOW_MOTION, traces
from vqtext.data.features.motion import MotionScale, changes, frame_means
from vqtext.data.features.vertical_velocity import direction_cells, upright_places, velocities_and_ups
from vqtext.data.windows.neighbours import labels_beside
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import relative_duration, round_of
from vqtext.pipeline.vocabulary.signature_cells import written_direction, written_level, written_posture
from vqtext.schema import Rows, SubAction

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.model.config import ModelConfig
    from vqtext.model.grounding.emissions import Evidence
    from vqtext.model.vocabulary import Grammar


def hands_of(windows: Windows, index: np.ndarray) -> tuple[list[str | None], list[str | None]]:
    """The dominant hand of the person in each window, None where nobody knows, and the hands that occur."""
    hands = [windows.subjects[s].hand if s >= 0 else None for s in windows.subject[index]]
    return hands, sorted(set(hands), key=str)


def evidence_of(
    windows: Windows,
    signal: Rows,
    train: np.ndarray,
    words: Words,
    moving: MotionScale,
    grammar: Grammar,
    config: ModelConfig,
    similarity: Tensor | None,
) -> Evidence:
    """What the training windows' sensors did, against what signatures say they should do.

    Args:
        signal: of all windows; train: places of the training windows, ``(N,)``; no other is looked at.
        moving: what counts as motion, by the training windows.
        similarity: of anchors and what was said of each segment, as `Evidence` has it.
    """
    import torch
    from torch.nn.functional import normalize

    from vqtext.model.grounding.emissions import Evidence

    channels, rate = windows.channels, windows.rate_hz
    sensors = len(moving.sensors)
    shown = sensors + sum(channel.modality in SHOW_MOTION for channel in channels)

    def measured(block: np.ndarray) -> np.ndarray:
        along = traces(block, channels, rate).transpose(0, 2, 1)
        velocity, up = velocities_and_ups(block, channels, rate)
        return np.concatenate([moving.motion(block), along, velocity, up], axis=-1)

    found = frame_means(measured, signal, train, config.frames)
    places = len(upright_places(channels))
    found, up = np.split(found, [found.shape[2] - 3 * places], axis=-1)
    motion, velocity = found[..., :sensors], found[..., shown:]
    frame_s = config.window_s / config.frames
    going = changes(np.concatenate([motion, velocity], axis=-1), frame_s)
    hands, kinds = hands_of(windows, train)
    return Evidence(
        motion=torch.from_numpy(moving.best(motion)),
        features=torch.from_numpy(np.concatenate([found, going], axis=-1)),
        velocity=torch.from_numpy(velocity),
        up=normalize(torch.from_numpy(up).unflatten(2, (places, 3)), dim=-1),
        **written(windows, train, words, moving.locations, grammar),
        label=torch.from_numpy(windows.label[train]).long(),
        group=torch.from_numpy(windows.subject[train]).long() + 1,
        hand=torch.tensor([kinds.index(hand) for hand in hands]),
        frame_s=frame_s,
        neighbours=torch.from_numpy(labels_beside(windows, train)) if config.borders else None,
        similarity=similarity,
        locations=tuple(moving.locations),
    )


def written(
    windows: Windows, train: np.ndarray, words: Words, locations: Sequence[str], grammar: Grammar
) -> dict[str, Any]:
    """What is written of each use: what sensors show, for the hand and the label of each training window, and
    how long it lasts.

    Args:
        locations: the L places that move.

    Returns:
        ``levels``, ``directions``, ``written_up`` and ``relative_duration`` of `Evidence`.
    """
    import torch

    from vqtext.model.grounding.emissions import EmissionConfig, pooled
    from vqtext.model.grounding.posture import UP

    hands, kinds = hands_of(windows, train)
    label, told, upright = (
        windows.label[train],
        direction_cells(windows.channels),
        upright_places(windows.channels),
    )
    unknown = (math.nan,) * 3

    def read(cells_of: Callable[[SubAction, str | None], Sequence[float | None]], pool: bool) -> Tensor:
        drawn = []
        for hand in kinds:
            cells = np.full((*grammar.anchor.shape, len(cells_of(SubAction(phrase="-"), hand))), np.nan)
            for i, uses in enumerate(words.uses):
                for u, (_, step) in enumerate(uses):
                    cells[i, u] = np.array(cells_of(step, hand), dtype=float)
            found = torch.from_numpy(cells).float()
            drawn.append(pooled(found, grammar.anchor, grammar.valid, EmissionConfig()) if pool else found)
        return torch.stack(drawn)[[kinds.index(hand) for hand in hands], label]

    relative = torch.ones(grammar.anchor.shape)
    for i, uses in enumerate(words.uses):
        steps = [step for _, step in uses]
        relative[i, : len(uses)] = (
            torch.tensor([*map(relative_duration, steps)]) * len(steps) / round_of(steps)
        )
    held = read(
        lambda step, hand: [
            x for place in upright for x in UP.get(written_posture(step, place, hand) or "", unknown)
        ],
        pool=False,  # one movement is made lying and standing
    )
    return {
        "levels": read(lambda step, hand: [written_level(step, x, hand) for x in locations], pool=True),
        "directions": read(lambda step, hand: [written_direction(step, *x, hand) for x in told], pool=True),
        "written_up": held.unflatten(2, (len(upright), 3)),
        "relative_duration": relative,
    }
