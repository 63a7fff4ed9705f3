"""What signatures write, as numbers, beside what the sensors of the training windows did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vqtext.data.heading import headings, ways
from vqtext.data.magnitudes import SHOW_MOTION, traces
from vqtext.data.motion import MotionScale, changes, frame_means
from vqtext.data.neighbours import labels_beside
from vqtext.data.windows import Windows
from vqtext.pipeline.cells import lasts_written, level_written, way_written
from vqtext.pipeline.words import Words
from vqtext.schema import Rows, SubAction

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.model.config import ModelConfig
    from vqtext.model.evidence import Evidence
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
    likeness: Tensor | None,
) -> Evidence:
    """What the training windows' sensors did, against what signatures say they should do.

    Args:
        signal: of all windows; train: places of the training windows, ``(N,)``; no other is looked at.
        moving: what counts as motion, by the training windows.
        likeness: of anchors and what was said of each segment, as `Evidence` has it.
    """
    import torch

    from vqtext.model.evidence import Evidence

    channels, rate = windows.channels, windows.rate_hz
    sensors = len(moving.sensors)
    shown = sensors + sum(channel.modality in SHOW_MOTION for channel in channels)

    def measured(block: np.ndarray) -> np.ndarray:
        along = traces(block, channels, rate).transpose(0, 2, 1)
        return np.concatenate([moving.motion(block), along, headings(block, channels, rate)], axis=-1)

    found = frame_means(measured, signal, train, config.frames)
    motion, heading = found[..., :sensors], found[..., shown:]
    frame_s = config.window_s / config.frames
    going = changes(np.concatenate([motion, heading], axis=-1), frame_s)
    levels, ways_of, lasts = written(windows, train, words, moving.locations, grammar)
    hands, kinds = hands_of(windows, train)
    return Evidence(
        energy=torch.from_numpy(moving.best(motion)),
        felt=torch.from_numpy(np.concatenate([found, going], axis=-1)),
        heading=torch.from_numpy(heading),
        levels=levels,
        ways=ways_of,
        lasts=lasts,
        label=torch.from_numpy(windows.label[train]).long(),
        group=torch.from_numpy(windows.subject[train]).long() + 1,
        hand=torch.tensor([kinds.index(hand) for hand in hands]),
        frame_s=frame_s,
        near=torch.from_numpy(labels_beside(windows, train)) if config.borders else None,
        likeness=likeness,
        locations=tuple(moving.locations),
    )


def written(
    windows: Windows, train: np.ndarray, words: Words, locations: Sequence[str], grammar: Grammar
) -> tuple[Tensor, Tensor, Tensor]:
    """What is written of each use: what sensors feel, for the hand and the label of each training window, and
    how long it lasts.

    Args:
        locations: the L places that move.

    Returns:
        Levels ``(N, U, L)``, ways ``(N, U, P)`` and durations ``(n, U)``, as `Evidence` has them.
    """
    import torch

    from vqtext.model.evidence import pooled

    hands, kinds = hands_of(windows, train)
    label, told = windows.label[train], ways(windows.channels)

    def read(cells_of: Callable[[SubAction, str | None], list[float | None]]) -> Tensor:
        drawn = []
        for hand in kinds:
            cells = np.full((*grammar.anchor.shape, len(cells_of(SubAction(phrase="-"), hand))), np.nan)
            for i, uses in enumerate(words.uses):
                for u, (_, step) in enumerate(uses):
                    cells[i, u] = np.array(cells_of(step, hand), dtype=float)
            drawn.append(pooled(torch.from_numpy(cells).float(), grammar.anchor, grammar.valid))
        return torch.stack(drawn)[[kinds.index(hand) for hand in hands], label]

    lasts = torch.ones(grammar.anchor.shape)
    for i, uses in enumerate(words.uses):
        lasts[i, : len(uses)] = torch.tensor([lasts_written(step) for _, step in uses])
    return (
        read(lambda step, hand: [level_written(step, place, hand) for place in locations]),
        read(lambda step, hand: [way_written(step, place, way, hand) for place, way in told]),
        lasts,
    )
