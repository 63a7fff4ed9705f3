"""``vqtext gen-subactions``: labels → subactions.json, made to be read and edited by hand.

What a person changes stays. A small file beside it, ``.subactions.generated.json``, remembers the digest of
each label as it was generated: a label that differs, or is not in there, was edited and is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vqtext.cache.fingerprint import fingerprint
from vqtext.cache.hdf5 import open_artifact
from vqtext.cache.publish import publish
from vqtext.data.locations import matches, sensed
from vqtext.errors import WordsError
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import MissingError, Provenance, Record, Stage, ensure
from vqtext.prompts.lexicon import knows, lexicon, lexicon_digest
from vqtext.prompts.subactions import dump_subactions, read_subactions
from vqtext.schema import LabelWords, SubActions


class GenSubactions(Stage):
    """Take the words of the data's labels from the built-in lexicon, and keep those written by hand."""

    command = "gen-subactions"

    _keeps_edits = False  # `run` asks `is_current` first, unless it is forced

    @property
    def target(self) -> Path:
        return self.settings.cache / "subactions.json"

    def sources(self) -> Sequence[Stage]:
        return [Prepare(self.settings, self.progress)]

    def ensure_inputs(self) -> None:
        ensure(Prepare, self.settings, self.progress)

    def inputs(self) -> dict[str, str]:
        """Only what the words depend on: windows of another length need no other words."""
        return {"windows.h5": self._data().fingerprint()}

    def options(self) -> Any:
        return {**self.settings.words.model_dump(mode="json"), "lexicon": lexicon_digest()}

    def record(self) -> Record:
        words = self._read()
        changed = datetime.fromtimestamp(self.target.stat().st_mtime, UTC)
        return Record(
            content=fingerprint(words.model_dump(mode="json")),
            created=changed.isoformat(timespec="seconds"),
            provenance=self._ledger().made,
        )

    def stale_because(self, record: Record) -> str | None:
        if not (self.settings.cache / "windows.h5").exists():
            return None
        data, words, made = self._data(), self._read(), record.provenance
        written = {label.label: label for label in words.labels}
        if lacking := [label for label in data.labels if label not in written]:
            return f"it has no words for {', '.join(map(repr, lacking))}"
        relies = any(self._ledger().wrote(written[label]) for label in data.labels)
        if made is not None and relies and made.inputs != self.inputs():
            return f"{self.settings.cache / 'windows.h5'} changed since"
        return None

    def is_current(self) -> bool:
        self._keeps_edits = True
        try:
            words = self._read()
        except MissingError:
            return False
        ledger = self._ledger()
        if {*self._data().labels} - {label.label for label in words.labels}:
            return False
        if ledger.made is None:  # all of it by hand
            return True
        return ledger.made.recipe == self.recipe() and not any(map(ledger.outdated, words.labels))

    def make(self, target: Path) -> None:
        data, ledger = self._data(), self._ledger()
        old = self._written()
        kept = {label.label: label for label in old if not ledger.wrote(label)}
        if not self._keeps_edits:
            kept = {name: label for name, label in kept.items() if not knows(data.dataset, name)}
        made = self._generate(data, [name for name in data.labels if name not in kept])
        words = SubActions(
            language=self.settings.words.language,
            provider=self.settings.words.provider,
            labels=[kept.get(name) or made[name] for name in data.labels]
            + [label for name, label in kept.items() if name not in data.labels],
        )
        self._say_unused(words.labels, data)
        target.write_text(dump_subactions(words), encoding="utf-8")
        # First the ledger, with both old and new digests: wherever a crash falls, nothing generated is ever
        # taken for a person's work, or the other way round.
        Ledger.of(self.provenance(), made.values(), [label for label in old if ledger.wrote(label)]).write(
            self._ledger_path
        )

    def summary(self) -> dict[str, Any]:
        words, ledger = self._read(), self._ledger()
        return {
            "labels": {label.label: len(label.subactions) for label in words.labels},
            "provider": words.provider,
            "kept": [label.label for label in words.labels if not ledger.wrote(label)],
            "path": str(self.target),
        }

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        labels, kept = summary["labels"], summary["kept"]
        told = [f"{len(labels)} labels, {sum(labels.values())} sub-actions: {summary['path']}"]
        if kept:
            told.append(f"kept as written by hand: {', '.join(map(repr, kept))}")
        return told

    def _generate(self, data: Data, labels: list[str]) -> dict[str, LabelWords]:
        if labels and self.settings.words.language != "en":
            raise WordsError(
                "the built-in lexicon is in English: set words.language to en, or write the words of "
                f"{', '.join(map(repr, labels))} by hand into {self.target}"
            )
        words = lexicon(data.dataset, labels, path=str(self.target), prefer=data.sensed_share)
        return {label.label: label for label in words.labels}

    def _say_unused(self, labels: Iterable[LabelWords], data: Data) -> None:
        cells = {
            location: None
            for label in labels
            if label.label in data.labels
            for subaction in label.subactions
            for location in subaction.signature or ()
        }
        if unused := [location for location in cells if not data.has(location)]:
            self.progress.warn(
                f"no sensor at {', '.join(unused)}: what the signatures say of these places is left unused"
            )

    def _data(self) -> Data:
        with open_artifact(self.settings.cache / "windows.h5", "windows") as windows:
            attrs = windows.attrs
        return Data(
            dataset=attrs["dataset"],
            labels=attrs["labels"],
            locations=list(dict.fromkeys(channel["location"] for channel in attrs["channels"])),
            hands=list(dict.fromkeys([None, *(subject.get("hand") for subject in attrs["subjects"])])),
        )

    def _read(self) -> SubActions:
        if not self.target.exists():
            raise MissingError(f"{self.target} is missing: run `vqtext {self.command}`")
        return read_subactions(self.target)

    def _written(self) -> list[LabelWords]:
        """The labels that stand in the file; none where it is missing, or broken and to be replaced."""
        try:
            return self._read().labels
        except MissingError:
            return []
        except WordsError:
            if self._keeps_edits:
                raise
            return []

    @property
    def _ledger_path(self) -> Path:
        return self.target.with_name(".subactions.generated.json")

    def _ledger(self) -> Ledger:
        return Ledger.read(self._ledger_path)


@dataclass(frozen=True)
class Data:
    """What words depend on.

    Attributes:
        dataset: name of the data set.
        labels: in the data's order.
        locations: places that have a sensor.
        hands: the dominant hands among the subjects; None, for not known, is always among them.
    """

    dataset: str
    labels: list[str]
    locations: list[str]
    hands: list[str | None]

    def fingerprint(self) -> str:
        return fingerprint(self.dataset, self.labels, self.locations, self.hands)

    def has(self, location: str) -> bool:
        """Whether some sensor, on some subject, is one that a signature's ``location`` speaks of."""
        return any(matches(location, own, hand) for own in self.locations for hand in self.hands)

    def sensed_share(self, words: LabelWords) -> float:
        """Share of a label's steps that the sensors can show: which of several wordings suits the data."""
        shown = [
            any(sensed(self.locations, step.body_part, step.side, hand) for hand in self.hands)
            for step in words.subactions
        ]
        return sum(shown) / len(shown)


@dataclass(frozen=True)
class Ledger:
    """What was generated, so that a person's edits can be told from it.

    Attributes:
        made: what it was generated from; None where nothing was.
        now: label → digest as generated last.
        before: label → digest as it stood before that.
    """

    made: Provenance | None = None
    now: dict[str, str] = field(default_factory=dict)
    before: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, made: Provenance, new: Iterable[LabelWords], old: Iterable[LabelWords]) -> Ledger:
        return cls(made, *({label.label: _digest(label) for label in labels} for labels in (new, old)))

    @classmethod
    def read(cls, path: Path) -> Ledger:
        """The ledger at ``path``; an empty one where it is missing or broken, so that every label counts as
        written by hand and none is lost."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return cls(Provenance(**raw["made"]), dict(raw["now"]), dict(raw["before"]))
        except (OSError, ValueError, TypeError, KeyError):
            return cls()

    def write(self, path: Path) -> None:
        """Raises ArtifactError where the place cannot be written."""
        with publish(path) as temp:
            temp.write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    def wrote(self, words: LabelWords) -> bool:
        """Whether the words of a label are as generated."""
        return _digest(words) in (self.now.get(words.label), self.before.get(words.label))

    def outdated(self, words: LabelWords) -> bool:
        """Whether they are as generated before: a crash kept the new ones from being published."""
        return self.wrote(words) and _digest(words) != self.now.get(words.label)


def _digest(words: LabelWords) -> str:
    """Of the content alone: indentation, and null instead of nothing, are no edits."""
    return fingerprint(words.model_dump(mode="json", exclude_none=True))
