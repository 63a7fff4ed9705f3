"""The words an estimator is given, as ``subactions.json`` has them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from vqtext.console.text import as_text
from vqtext.errors import WordsError
from vqtext.prompts.subactions import parse_subactions, read_subactions
from vqtext.schema import SubActions

WHERE = "subactions"


def words_in(given: Any, labels: Sequence[str]) -> SubActions:
    """The words of the classes.

    Args:
        given: the path of a ``subactions.json``; `SubActions`; or a dict of class → its steps, each a phrase
            or a dict as in the file; or of class → a dict as in the file.
        labels: the classes by name, which all need words; of others they may be there.

    Raises:
        ArtifactError, WordsError: as `vqtext.prompts.subactions.read_subactions`; or a class has no words.
    """
    if isinstance(given, str | Path):
        words = read_subactions(given)
    elif isinstance(given, SubActions):
        words = given
    elif isinstance(given, Mapping):
        entries = [_entry(str(label), steps) for label, steps in given.items()]
        try:
            text = json.dumps({"labels": entries}, default=_plain)
        except (TypeError, ValueError):
            raise WordsError(f"{WHERE}: a step is neither a phrase nor a dict of plain values") from None
        words = parse_subactions(text, WHERE)
    else:
        raise WordsError(
            f"{WHERE} are a {type(given).__name__}: give the path of a subactions.json, or a dict of class → "
            "list of phrases"
        )
    known = [label.label for label in words.labels]
    if missing := [label for label in labels if label not in known]:
        raise WordsError(
            f"{WHERE} have no words for {as_text([*map(repr, missing)])}, but for "
            f"{as_text([*map(repr, known)])}: a class is named there as str() writes it"
        )
    return words


def _entry(label: str, given: Any) -> dict[str, Any]:
    """A label as the file has it, out of its steps or of a part of the file."""
    is_entry = isinstance(given, Mapping | BaseModel)
    entry = dict(_plain(given) if isinstance(given, BaseModel) else given) if is_entry else {}
    steps = entry.get("subactions") if entry else given
    if isinstance(steps, list | tuple):
        steps = [{"phrase": step} if isinstance(step, str) else step for step in steps]
    keyword = {"keyword": label} if any(character.isalpha() for character in label) else {}
    return {**keyword, **entry, "label": label, "subactions": steps}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True, exclude_none=True)
    raise TypeError


def guides(words: SubActions) -> bool:
    """Whether some class has a text of its own, beside its steps."""
    return any(label.keyword or label.sentence or label.paraphrases for label in words.labels)
