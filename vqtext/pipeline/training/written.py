"""What signatures write, as numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.features.vertical_velocity import direction_cells, upright_places
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import relative_duration, round_of
from vqtext.pipeline.vocabulary.signature_cells import written_direction, written_level, written_posture
from vqtext.schema import SubAction

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.model.vocabulary import Grammar


def hands_of(windows: Windows, index: np.ndarray) -> tuple[list[str | None], list[str | None]]:
    """The dominant hand of the person in each window, None where unknown, and the hands that occur."""
    hands = [windows.subjects[s].hand if s >= 0 else None for s in windows.subject[index]]
    return hands, sorted(set(hands), key=str)


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
    label = windows.label[train]
    ways, upright = direction_cells(windows.channels), upright_places(windows.channels)
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

    held = read(
        lambda step, hand: [
            x for place in upright for x in UP.get(written_posture(step, place, hand) or "", unknown)
        ],
        pool=False,  # one movement is made lying and standing
    )
    return {
        "levels": read(lambda step, hand: [written_level(step, x, hand) for x in locations], pool=True),
        "directions": read(lambda step, hand: [written_direction(step, *x, hand) for x in ways], pool=True),
        "written_up": held.unflatten(2, (len(upright), 3)),
        "relative_duration": _relative_durations(words, grammar),
    }


def _relative_durations(words: Words, grammar: Grammar) -> Tensor:
    """How long each use is written to last beside the mean of its label, ``(n, U)``."""
    import torch

    relative = torch.ones(grammar.anchor.shape)
    for i, uses in enumerate(words.uses):
        lasts = torch.tensor([relative_duration(step) for _, step in uses])
        relative[i, : len(uses)] = lasts * len(uses) / round_of([step for _, step in uses])
    return relative
