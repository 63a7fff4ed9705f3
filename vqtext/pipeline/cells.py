"""What a signature writes of a sensor, as numbers that measurements can be held against."""

from __future__ import annotations

from vqtext.data.heading import SIGNS
from vqtext.data.locations import best_cell
from vqtext.schema import MOTIONS, SubAction


def level_written(step: SubAction, location: str, hand: str | None) -> float | None:
    """The motion that is written for a location: −1 (still) to 1 (strong), None where unknown."""
    signature = step.signature or {}
    cell = best_cell(location, signature, hand)
    said = signature[cell].motion if cell is not None else None
    return 2 * MOTIONS.index(said) / (len(MOTIONS) - 1) - 1 if said is not None else None


def way_written(step: SubAction, location: str, way: str, hand: str | None) -> float | None:
    """Which way a location is written to go: 1 or −1 as `vqtext.data.heading.SIGNS` has it, None where
    unknown."""
    signature = step.signature or {}
    cell = best_cell(location, signature, hand)
    said = signature[cell].direction if cell is not None else None
    return SIGNS[way].get(said) if said is not None else None
