"""``vqtext gen-subactions``: labels → subactions.json, made to be read and edited by hand.

An author writes the words: the built-in lexicon, or a language model (`authors`). What a person changes
stays, and so does what was paid for: a label is written anew only if it has no words yet, if they were made
from something else, or if ``--refresh`` names it. A label that fails stays as it was, and is reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vqtext.cache.fingerprint import JSON, fingerprint
from vqtext.console.progress import Progress
from vqtext.errors import LLMError, UsageError, WordsError
from vqtext.pipeline.authors.base import Author, Data, Task, Written
from vqtext.pipeline.authors.builtin import Builtin
from vqtext.pipeline.authors.ledger import Ledger
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import MissingError, Record, Stage, ensure
from vqtext.prompts.subactions import dump_subactions, read_subactions
from vqtext.schema import LabelWords, SubActions
from vqtext.settings.schema import Settings


class GenSubactions(Stage):
    """Have the words of the data's labels written, and keep those written by hand.

    Args:
        settings, progress: as for every stage.
        refresh: labels to be written and asked for anew, whoever wrote their words; several may stand in
            one text, with commas between.
    """

    command = "gen-subactions"

    def __init__(self, settings: Settings, progress: Progress, refresh: Collection[str] = ()) -> None:
        super().__init__(settings, progress)
        self.refresh = tuple(refresh)
        self._failed: dict[str, str] = {}

    @property
    def target(self) -> Path:
        return self.settings.cache / "subactions.json"

    def sources(self) -> Sequence[Stage]:
        return [Prepare(self.settings, self.progress)]

    def ensure_inputs(self) -> None:
        ensure(Prepare, self.settings, self.progress)

    def may_make_unasked(self) -> bool:
        return self.settings.words.provider == "builtin"

    def inputs(self) -> dict[str, str]:
        """Only what the words depend on: windows of another length need no other words."""
        return {"windows.h5": self._data().fingerprint()}

    def options(self) -> JSON:
        return self._author().options()

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
        data, ledger = self._data(), self._ledger()
        try:
            words = self._read()
        except MissingError:
            return False
        if self._is_of_a_model(words, data, ledger):
            return self._leave_to_the_model(words)
        is_of_now = ledger.made is None or ledger.is_of(self.recipe())  # None: all of it by hand
        return is_of_now and not self._wanting(data, words.labels, ledger)

    def make(self, target: Path) -> None:
        data, ledger, old = self._data(), self._ledger(), self._written()
        standing = {label.label: label for label in old}
        wanting = self._wanting(data, old, ledger)
        data.refuse_twins(wanting)
        written = self._author().write(
            Task(
                data,
                wanting,
                standing=[standing[x] for x in data.labels if x in standing and x not in wanting],
                again={*self._refreshed(data), *ledger.failed},
            )
        )
        self._failed = written.failed
        now = standing | written.words
        kept = [x for x, label in standing.items() if x not in data.labels and not ledger.wrote(label)]
        labels = [now[name] for name in [*data.labels, *kept] if name in now]
        # First the ledger, with both old and new digests: wherever a crash falls, nothing generated is ever
        # taken for a person's work, or the other way round.
        ledger = ledger.after(self.provenance(), old, written)
        ledger.write(self._ledger_path)
        if not written.words and written.failed:
            self.finish()
        target.write_text(dump_subactions(self._whole(labels, written, ledger)), encoding="utf-8")

    def finish(self) -> None:
        """Raises LLMError for labels that failed; what could be written is written by then."""
        if self._failed:
            labels: dict[str, list[str]] = {}
            for label, reason in self._failed.items():
                labels.setdefault(reason, []).append(repr(label))
            told = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in labels.items())
            raise LLMError(
                f"{len(self._failed)} of {len(self._data().labels)} labels could not be written ({told}): "
                f"run it again to ask for these alone, or write them by hand into {self.target}"
            )

    def summary(self) -> dict[str, Any]:
        words, ledger = self._read(), self._ledger()
        told: dict[str, Any] = {
            "labels": {label.label: len(label.subactions) for label in words.labels},
            "provider": words.provider,
            "kept": [label.label for label in words.labels if not ledger.wrote(label)],
            "path": str(self.target),
        }
        if words.model is not None:
            told |= {
                "model": words.model,
                "reply_format": words.reply_format,
                "drafts": words.drafts,
                "disagreed": words.disagreed,
            }
        return told

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        labels, kept, drafts = summary["labels"], summary["kept"], summary.get("drafts")
        told = [f"{len(labels)} labels, {sum(labels.values())} sub-actions: {summary['path']}"]
        if summary.get("model"):
            how = summary["reply_format"] or "replies of unknown format"
            told.append(f"written by {summary['model']} ({how})")
        if drafts and drafts > 1:
            told.append(f"{drafts} drafts each; signature cells they disagreed on: {summary['disagreed']}")
        if kept:
            told.append(f"kept as written by hand: {', '.join(map(repr, kept))}")
        return told

    def plan(self) -> dict[str, Any]:
        """What would be asked, for ``--dry-run``: nothing is sent, no key is needed, nothing is written.

        Raises:
            VQTextError: there are no windows yet, or the words cannot be read.
        """
        data, ledger, old = self._data(), self._ledger(), self._written()
        wanting = self._wanting(data, old, ledger)
        data.refuse_twins(wanting)
        standing = [label for label in old if label.label in data.labels and label.label not in wanting]
        return self._author().plan(Task(data, wanting, standing))

    def plan_lines(self, plan: Mapping[str, Any]) -> list[str]:
        """A plan for people."""
        from vqtext.pipeline.llm.estimate import plan_lines

        labels = [repr(label) for label in plan["labels"]]
        told = plan_lines(
            plan, f" for the words of {', '.join(labels)}", f"the prompt for {''.join(labels[:1])}"
        )
        if not plan["calls"]:
            return told
        waves, offered = plan["waves"], plan["offered"]
        if any(offered):
            sizes = ", ".join(str(len(wave)) for wave in waves)
            told.append(
                f"--- asked in waves of {sizes} labels; their prompts end with phrases of the labels that "
                f"are done ({', '.join(map(str, offered))} of them at most):"
            )
            told += plan["offer"].splitlines()
        if plan["harmonise"]:
            told.append("--- the last request, for the same words across labels, without the words it lists:")
            told += plan["harmonise"].splitlines()
        return told

    def _author(self) -> Author:
        words = self.settings.words
        if words.provider == "builtin":
            return Builtin(words, self.target)
        from vqtext.pipeline.authors.model import Model

        return Model(words, self.settings.llm, self.settings.cache / "journal.sqlite", self.progress)

    def _wanting(self, data: Data, old: Sequence[LabelWords], ledger: Ledger) -> list[str]:
        """The labels that are to be written now."""
        standing = {label.label: label for label in old}
        refreshed = self._refreshed(data)
        is_of_now = ledger.is_of(self.recipe())
        author = self._author()

        def is_wanting(name: str) -> bool:
            if name not in standing or name in refreshed:
                return True
            if not ledger.wrote(standing[name]):  # by hand
                return self.forced and author.knows(data, name)
            return self.forced or not is_of_now or ledger.outdated(standing[name])

        return [name for name in data.labels if is_wanting(name)]

    def _refreshed(self, data: Data) -> set[str]:
        """The labels that `refresh` names; a label may have commas itself. Raises UsageError for others."""
        named: set[str] = set()
        for text in self.refresh:
            parts = filter(None, map(str.strip, text.split(",")))
            named |= {text} if text in data.labels else {*parts}
        if strangers := sorted(named - {*data.labels}):
            raise UsageError(
                f"--refresh: the data has no label {strangers[0]!r}: choose from "
                f"{', '.join(map(repr, data.labels))}"
            )
        return named

    def _is_of_a_model(self, words: SubActions, data: Data, ledger: Ledger) -> bool:
        """Whether the lexicon is asked for words that a model wrote."""
        return (self.settings.words.provider, words.provider) == ("builtin", "openai") and any(
            label.label in data.labels and ledger.wrote(label) for label in words.labels
        )

    def _leave_to_the_model(self, words: SubActions) -> bool:
        """Words that were paid for are not replaced by the lexicon in passing: only by ``--force``.

        Raises:
            WordsError: they do not serve as they are.
        """
        author = words.model or "a language model"
        why = "--refresh was given" if self.refresh else self.stale_because(self.record())
        if why is not None:
            raise WordsError(
                f"{self.target} is by {author} ({why}): add --provider openai to ask it again, or --force to "
                "take the words of the built-in lexicon in place of them, and of those written by hand"
            )
        self.progress.say(
            f"{self.target} is by {author} and stays: --force takes the built-in lexicon's words "
            "in place of them, and of those written by hand"
        )
        return True

    def _whole(self, labels: list[LabelWords], written: Written, ledger: Ledger) -> SubActions:
        """The file. Who wrote it is news only where something was written."""
        words = self.settings.words
        try:
            before = self._read()
        except (MissingError, WordsError):
            before = SubActions(language=words.language, provider=words.provider, labels=labels)
        if not written.words:
            return before.model_copy(update={"labels": labels})
        disagreed = sum(ledger.disagreed[label.label] for label in labels if label.label in ledger.disagreed)
        return SubActions(
            language=words.language,
            provider=words.provider,
            model=written.model,
            reply_format=written.reply_format,
            drafts=written.drafts,
            disagreed=disagreed if written.drafts else None,
            labels=labels,
        )

    def _data(self) -> Data:
        return Data.read(self.settings.cache / "windows.h5")

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
            if not self.forced:
                raise
            return []

    @property
    def _ledger_path(self) -> Path:
        return self.target.with_name(".subactions.generated.json")

    def _ledger(self) -> Ledger:
        return Ledger.read(self._ledger_path)
