"""The words of one label, changed in subactions.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

from vqtext.cache.lock import lock
from vqtext.cache.publish import publish
from vqtext.errors import WordsError
from vqtext.prompts.subactions import dump_subactions, parse_subactions, read_subactions
from vqtext.schema import Direction, LabelWords, Lasts, Motion, Posture, Side, SubActions

CHOICES = {
    "lasts": get_args(Lasts),
    "side": get_args(Side),
    "motion": get_args(Motion),
    "direction": get_args(Direction),
    "posture": get_args(Posture),
}
"""What may stand in a field of which there is a choice."""


class LabelFile:
    """subactions.json, of which one label at a time is replaced."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> SubActions:
        """All of it. Raises ArtifactError and WordsError as `read_subactions`."""
        return read_subactions(self.path)

    def checked(self, entry: dict[str, Any]) -> LabelWords:
        """Words of a label, as in subactions.json. Raises WordsError where the schema does not allow them."""
        return parse_subactions(json.dumps({"labels": [entry]}), "these words").labels[0]

    def replace(self, entry: dict[str, Any], seen: dict[str, Any]) -> None:
        """Put these words in the place of those of their label; other labels stay as they are on the disk.

        Args:
            entry: as in subactions.json; its ``label`` says which one.
            seen: the words of the label that the person had before the eyes.

        Raises:
            WordsError: they are no words, there is no such label, or somebody else changed them
                meanwhile; the file stays as it is.
            ArtifactError: the file cannot be read or written.
        """
        new = self.checked(entry)
        with lock(self.path, wait_s=5):
            words = self.read()
            place = next((i for i, label in enumerate(words.labels) if label.label == new.label), None)
            if place is None:
                raise WordsError(f"{self.path} has no label {new.label[:60]!r}")
            if words.labels[place].model_dump(exclude_none=True) != seen:
                raise WordsError(
                    f"the words of {new.label[:60]!r} changed on the disk since they were shown: look again"
                )
            words.labels[place] = new
            with publish(self.path) as temp:
                temp.write_text(dump_subactions(words), encoding="utf-8")
