"""What a language model is asked to reply with when it writes words, and how that becomes ``LabelWords``.

The shapes differ a little from those of ``subactions.json``: servers that hold a model to a schema know no
free keys, so a signature is a list of cells here. Only what cannot be missing is required; where a model
leaves out a key that may be null, nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from pydantic import BaseModel

from vqtext.schema import Cell, Direction, LabelWords, Lasts, Motion, Side, SubAction

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # a NUL ends a text in HDF5, an escape drives a terminal


class CellReply(BaseModel):
    """What one sensor feels during a sub-action."""

    location: str
    motion: Motion
    direction: Direction | None = None


class StepReply(BaseModel):
    """One sub-action."""

    phrase: str
    display: str | None = None
    opposite: str | None = None
    paraphrases: list[str]
    body_part: str | None = None
    side: Side | None = None
    direction: Direction | None = None
    lasts: Lasts | None = None
    signature: list[CellReply]

    def words(self, place: Callable[[str], str | None]) -> SubAction:
        """The sub-action; ``place`` says how the data spells a location, None where there is no such one."""
        cells = {place(cell.location): cell for cell in self.signature}
        return SubAction(
            phrase=_tidy(self.phrase),
            display=_tidy(self.display or "") or None,
            opposite=_tidy(self.opposite or "") or None,
            paraphrases=[_tidy(text) for text in self.paraphrases],
            body_part=_tidy(self.body_part or "") or None,
            side=self.side,
            direction=self.direction,
            lasts=self.lasts,
            signature={
                location: Cell(motion=cell.motion, direction=cell.direction)
                for location, cell in cells.items()
                if location is not None
            },
        )


class LabelReply(BaseModel):
    """The words of one label."""

    keyword: str
    sentence: str
    paraphrases: list[str]
    cyclic: bool
    is_guess: bool | None = None
    display: str | None = None
    subactions: list[StepReply]

    def words(self, label: str, place: Callable[[str], str | None]) -> LabelWords:
        """The words of ``label``; ``place`` as in `StepReply.words`."""
        return LabelWords(
            label=label,
            display=_tidy(self.display or "") or None,
            keyword=_tidy(self.keyword),
            sentence=_tidy(self.sentence),
            paraphrases=[_tidy(text) for text in self.paraphrases],
            cyclic=self.cyclic,
            subactions=[step.words(place) for step in self.subactions],
        )


class Replacement(BaseModel):
    """A phrase, and the one to use instead."""

    phrase: str
    instead: str


class Harmonised(BaseModel):
    """Phrases of several labels that mean the same movement."""

    replacements: list[Replacement]


def _tidy(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
