"""What a language model is asked to reply with when it writes words, and how that becomes ``LabelWords``.

The shapes differ a little from those of ``subactions.json``: servers that hold a model to a schema know no
free keys, so a signature is a list of cells here. They are read with patience: what may be null may be
missing. They are asked for with none: one schema, the same in the prompt and for the server, has every key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, WithJsonSchema

from vqtext.schema import Cell, Direction, LabelWords, Lasts, Motion, Posture, Side, SubAction

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")  # a NUL ends a text in HDF5, an escape drives a terminal
_SIDE = re.compile(r"\b(non-dominant|dominant|left|right)\b")
_OTHER = {"left": "right", "right": "left", "dominant": "non-dominant", "non-dominant": "dominant"}

POSTURES = get_args(Posture)

# Any text is read, since a posture in a model's own words is no reason to lose a label: it is left open.
_PostureReply = Annotated[
    str | None,
    BeforeValidator(lambda text: text if text is None else " ".join(str(text).casefold().split())),
    WithJsonSchema({"anyOf": [{"enum": list(POSTURES), "type": "string"}, {"type": "null"}]}),
]


class _Asked(BaseModel):
    """Base of what is asked for: its schema is the one that servers hold a model to."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """With every key required, and null alone for what has no value: "none" is only read."""
        schema: dict[str, Any] = _strict(super().model_json_schema(*args, **kwargs))
        return schema


class CellReply(_Asked):
    """What one sensor measures during a sub-action."""

    location: str
    motion: Motion
    direction: Direction | None = None
    posture: _PostureReply = None

    def words(self) -> Cell:
        """The cell, without a posture that is none of `POSTURES`."""
        posture = self.posture if self.posture in POSTURES else None
        return Cell.model_validate({**self.model_dump(exclude={"location"}), "posture": posture})


class StepReply(_Asked):
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
        """The sub-action; ``place`` says how the data spells a location, None where there is no such one.

        Of one that either side may do, what only one side can have is left open: directions and postures to
        the left or the right, and cells of a left or right place, unless those of both sides say the same.
        """
        is_either = self.side == "either"
        signature = {
            location: cell.words()
            for location, cell in {place(cell.location): cell for cell in self.signature}.items()
            if location is not None
        }
        return SubAction(
            phrase=_tidy(self.phrase),
            display=_tidy(self.display or "") or None,
            opposite=_tidy(self.opposite or "") or None,
            paraphrases=[_tidy(text) for text in self.paraphrases],
            body_part=_tidy(self.body_part or "") or None,
            side="none" if is_either else self.side,
            direction=None if is_either and _is_sided(self.direction) else self.direction,
            lasts=self.lasts,
            signature=_of_either_side(signature) if is_either else signature,
        )


class LabelReply(_Asked):
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


class Replacement(_Asked):
    """A phrase, and the one to use instead: in one label, or in all of them."""

    phrase: str
    instead: str
    label: str | None = None


class Harmonised(_Asked):
    """Phrases of several labels that mean the same movement."""

    replacements: list[Replacement]


def _of_either_side(cells: dict[str, Cell]) -> dict[str, Cell]:
    """What is left of the cells of a sub-action when it is not known which side does it."""
    kept: dict[str, Cell] = {}
    for place, cell in cells.items():
        other = cells.get(_SIDE.sub(lambda side: _OTHER[side[0]], place), Cell())
        same = {name: value for name, value in cell if value == getattr(other, name) and not _is_sided(value)}
        if any(same.values()):
            kept[place] = Cell(**same)
    return kept


def _is_sided(value: str | None) -> bool:
    """Whether a direction or a posture is one to the left or the right."""
    return value is not None and _SIDE.search(value) is not None


def _strict(schema: Any) -> Any:
    """A JSON schema with every key required and no other allowed, without titles, defaults and "none"."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {
        name: {key: _strict(value) for key, value in part.items()}
        if name in ("properties", "$defs")
        else _strict(part)
        for name, part in schema.items()
        if name not in ("title", "default", "description")
    }
    if "properties" in strict:
        strict |= {"required": [*strict["properties"]], "additionalProperties": False}
    if "enum" in strict:
        strict["enum"] = [value for value in strict["enum"] if value != "none"]
    return strict


def _tidy(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())
