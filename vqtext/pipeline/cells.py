"""What is written of a sub-action, as numbers that measurements can be held against."""

from __future__ import annotations

from vqtext.data.heading import SIGNS
from vqtext.data.locations import best_cell
from vqtext.schema import MOTIONS, SubAction

ONE_LEVEL = 2 / (len(MOTIONS) - 1)
"""How far neighbouring levels of motion lie apart."""

LASTS: dict[str, float] = {"brief": 0.4, "usual": 1.0, "long": 2.0}
"""How long a sub-action lasts beside the others of its label."""


def lasts_written(step: SubAction) -> float:
    """How long a step is written to last, in those of `LASTS`."""
    return LASTS[step.lasts or "usual"]


def level_of(motion: str) -> float:
    """A level of motion on the scale from −1, still, to 1, strong."""
    return MOTIONS.index(motion) * ONE_LEVEL - 1


def level_written(step: SubAction, location: str, hand: str | None) -> float | None:
    """The motion that is written for a location: −1 (still) to 1 (strong), None where unknown."""
    signature = step.signature or {}
    cell = best_cell(location, signature, hand)
    said = signature[cell].motion if cell is not None else None
    return level_of(said) if said is not None else None


def way_written(step: SubAction, location: str, way: str, hand: str | None) -> float | None:
    """Which way a location is written to go: 1 or −1 as `vqtext.data.heading.SIGNS` has it, None where
    unknown."""
    signature = step.signature or {}
    cell = best_cell(location, signature, hand)
    said = signature[cell].direction if cell is not None else None
    return SIGNS[way].get(said) if said is not None else None
