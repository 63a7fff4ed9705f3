"""The author that is always there: the lexicon shipped with the package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vqtext.cache.fingerprint import JSON
from vqtext.errors import WordsError
from vqtext.pipeline.authors.base import Data, Task, Written
from vqtext.prompts.lexicon import knows, lexicon, lexicon_digest
from vqtext.settings.schema import WordsSettings


@dataclass(frozen=True)
class Builtin:
    """Looks labels up.

    Attributes:
        settings: the language alone matters: there is only English.
        path: where a person may write words by hand, for error messages.
    """

    settings: WordsSettings
    path: Path

    def options(self) -> JSON:
        return {"provider": "builtin", "language": self.settings.language, "lexicon": lexicon_digest()}

    def knows(self, data: Data, label: str) -> bool:
        return knows(data.dataset, label)

    def write(self, task: Task) -> Written:
        if task.labels and self.settings.language != "en":
            raise WordsError(
                "the built-in lexicon is in English: set words.language to en, let a language model write "
                f"(`--provider openai`), or write the words of {', '.join(map(repr, task.labels))} by hand "
                f"into {self.path}"
            )
        data = task.data
        found = lexicon(data.dataset, task.labels, path=str(self.path), prefer=data.sensed_share)
        return Written({label.label: label for label in found.labels})

    def plan(self, task: Task) -> dict[str, Any]:
        return {"provider": "builtin", "labels": task.labels, "calls": 0}
