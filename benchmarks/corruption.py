"""Words that are wrong on purpose: how much does a model suffer from what an author got wrong?"""

from __future__ import annotations

import random
from typing import get_args

from vqtext.errors import UsageError
from vqtext.schema import Cell, Direction, Lasts, Motion, Posture, SubAction, SubActions

LEVELS: tuple[Motion, ...] = get_args(Motion)
WAYS: tuple[Direction, ...] = get_args(Direction)[:-1]  # all but "none"
POSTURES: tuple[Posture, ...] = get_args(Posture)
DURATIONS: tuple[Lasts, ...] = get_args(Lasts)


def corrupted(words: SubActions, share: float, seed: int) -> SubActions:
    """The same words with a share of their signature cells saying something else, drawn at random.

    Another level, direction and posture, each where they say one. How long a step lasts is a cell as well.
    Each use of a movement is a cell of its own; unknown cells stay as they are.

    Args:
        words: left as they are.
        share: of the cells that say a level, a posture or a duration, 0 to 1, rounded to whole cells.
        seed: the same seed gives the same cells and levels.

    Raises:
        UsageError: the share is not one.
    """
    if not 0 <= share <= 1:
        raise UsageError(f"a share of wrong cells is 0 to 1, not {share}")
    wrong = words.model_copy(deep=True)
    steps = [step for label in wrong.labels for step in label.subactions]
    cells: list[Cell | SubAction] = [
        cell for step in steps for cell in (step.signature or {}).values() if cell.motion or cell.posture
    ]
    cells += [step for step in steps if step.lasts is not None]
    draw = random.Random(seed)
    for cell in draw.sample(cells, round(share * len(cells))):
        if isinstance(cell, SubAction):
            cell.lasts = draw.choice([lasts for lasts in DURATIONS if lasts != cell.lasts])
            continue
        if cell.motion is not None:
            cell.motion = draw.choice([level for level in LEVELS if level != cell.motion])
        if cell.direction in WAYS:
            cell.direction = draw.choice([way for way in WAYS if way != cell.direction])
        if cell.posture is not None:
            cell.posture = draw.choice([posture for posture in POSTURES if posture != cell.posture])
    return wrong
