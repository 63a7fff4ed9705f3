"""What was generated, so that a person's edits of ``subactions.json`` can be told from it.

A small file beside it, ``.subactions.generated.json``, remembers the digest of each label as it was
generated: a label that differs, or is not in there, was edited and is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from vqtext.cache.fingerprint import fingerprint
from vqtext.cache.publish import publish
from vqtext.pipeline.stage import Provenance
from vqtext.schema import LabelWords


@dataclass(frozen=True)
class Ledger:
    """What was generated.

    Attributes:
        made: what it was generated from; None where nothing was.
        now: label → digest as generated from that.
        before: label → digest as it stood before that.
        failed: labels that their author could not write: the next time they are asked for anew.
        disagreed: label → signature cells left out because drafts did not agree.
    """

    made: Provenance | None = None
    now: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    disagreed: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """The ledger at ``path``; an empty one where it is missing or broken, so that every label counts as
        written by hand and none is lost."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                Provenance(**raw["made"]),
                dict(raw["now"]),
                dict(raw["before"]),
                list(raw.get("failed", ())),
                dict(raw.get("disagreed", {})),
            )
        except (OSError, ValueError, TypeError, KeyError):
            return cls()

    def write(self, path: Path) -> None:
        """Raises ArtifactError where the place cannot be written."""
        with publish(path) as temp:
            temp.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def wrote(self, words: LabelWords) -> bool:
        """Whether the words of a label are as generated."""
        return digest(words) in (self.now.get(words.label), self.before.get(words.label))

    def outdated(self, words: LabelWords) -> bool:
        """Whether they are as generated before: a crash or a failure kept the new ones from being there."""
        return self.wrote(words) and digest(words) != self.now.get(words.label)


def digests(labels: Iterable[LabelWords]) -> dict[str, str]:
    """The digest of each label, by its name."""
    return {label.label: digest(label) for label in labels}


def digest(words: LabelWords) -> str:
    """Of the content alone: indentation, and null instead of nothing, are no edits."""
    return fingerprint(words.model_dump(mode="json", exclude_none=True))
