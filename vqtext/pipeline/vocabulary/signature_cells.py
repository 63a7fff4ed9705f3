"""What is written of a sub-action, as numbers that measurements can be held against."""

from __future__ import annotations

from vqtext.data.features.vertical_velocity import SIGNS
from vqtext.data.locations import best_cell
from vqtext.schema import MOTIONS, Cell, SubAction

ONE_LEVEL = 2 / (len(MOTIONS) - 1)
"""How far neighbouring levels of motion lie apart."""

LASTS: dict[str, float] = {"brief": 0.4, "usual": 1.0, "long": 2.0}
"""How long a sub-action lasts beside the others of its label."""


def written_duration(step: SubAction) -> float:
    """How long a step is written to last, in those of `LASTS`."""
    return LASTS[step.lasts or "usual"]


def level_of(motion: str) -> float:
    """A level of motion on the scale from −1, still, to 1, strong."""
    return MOTIONS.index(motion) * ONE_LEVEL - 1


def written_level(step: SubAction, location: str, hand: str | None) -> float | None:
    """The motion that is written for a location: −1 (still) to 1 (strong), None where unknown."""
    cell = _cell(step, location, "motion", hand)
    return level_of(cell.motion) if cell is not None and cell.motion is not None else None


def written_direction(step: SubAction, location: str, way: str, hand: str | None) -> float | None:
    """Which way a location is written to go: 1 or −1 as `SIGNS` has it, None where
    unknown."""
    cell = _cell(step, location, "direction", hand)
    return SIGNS[way].get(cell.direction or "") if cell is not None else None


def written_posture(step: SubAction, location: str, hand: str | None) -> str | None:
    """How a location is written to be held; None where unknown."""
    cell = _cell(step, location, "posture", hand)
    return cell.posture if cell is not None else None


def _cell(step: SubAction, location: str, part: str, hand: str | None) -> Cell | None:
    """The cell that speaks most nearly of a location, of those that say this part of one."""
    signature = {place: cell for place, cell in (step.signature or {}).items() if getattr(cell, part)}
    nearest = best_cell(location, signature, hand)
    return signature[nearest] if nearest is not None else None
