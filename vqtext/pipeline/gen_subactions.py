"""``vqtext gen-subactions``: labels → subactions.json, made to be read and edited by hand.

An author writes the words: the built-in lexicon, or a language model (`authors`). What a person changes
stays, and so does what was paid for: a label is written anew only if it has no words yet, if they were made
from something else, or if ``--refresh`` names it. A label that fails stays as it was, and is reported.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vqtext.cache.fingerprint import JSON, fingerprint
from vqtext.console.progress import Progress
from vqtext.errors import LLMError, WordsError
from vqtext.pipeline.authors.answer_lines import failure_text, plan_lines, summary_lines
from vqtext.pipeline.authors.base import Author, Data, Task, Written
from vqtext.pipeline.authors.builtin import Builtin
from vqtext.pipeline.authors.ledger import Ledger
from vqtext.pipeline.authors.selection import labels_to_write, refreshed_labels
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import MissingError, Record, Stage, ensure
from vqtext.prompts.subactions import dump_subactions, read_subactions
from vqtext.schema import LabelWords, SubActions
from vqtext.settings.schema import Settings, WordsSettings


class GenSubactions(Stage):
    """Have the words of the data's labels written, and keep those written by hand.

    Args:
        settings, progress: as for every stage.
        refresh: labels to be written and asked for anew, whoever wrote their words; several may stand in
            one text, with commas between.
    """

    command = "gen-subactions"
    artifact = "subactions.json"
    reads = (Prepare,)

    def __init__(self, settings: Settings, progress: Progress, refresh: Collection[str] = ()) -> None:
        super().__init__(settings, progress)
        self.refresh = tuple(refresh)
        self._failed: dict[str, str] = {}

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
        return is_of_now and not self._task(data, words, ledger).labels

    def make(self, target: Path) -> None:
        data, ledger, before = self._data(), self._ledger(), self._before()
        task = self._task(data, before, ledger)
        data.refuse_twins(task.labels)
        written = self._author().write(task)
        self._failed = written.failed
        old = before.labels if before else []
        standing = {label.label: label for label in old}
        now = standing | written.words
        others = [x for x, label in standing.items() if x not in data.labels and not ledger.wrote(label)]
        labels = [now[name] for name in [*data.labels, *others] if name in now]
        # First the ledger, with both old and new digests: wherever a crash falls, nothing generated is ever
        # taken for a person's work, or the other way round.
        ledger = ledger.after(self.provenance(), old, written)
        ledger.write(self._ledger_path)
        if not written.words and written.failed:
            self.finish()
        words = _file(self.settings.words, before, labels, written, ledger)
        target.write_text(dump_subactions(words), encoding="utf-8")

    def finish(self) -> None:
        """Raises LLMError for labels that failed; what could be written is written by then."""
        if self._failed:
            raise LLMError(
                f"{len(self._failed)} of {len(self._data().labels)} labels could not be written "
                f"({failure_text(self._failed)}): run it again to ask for these alone, or write them by hand "
                f"into {self.target}"
            )

    def summary(self) -> dict[str, Any]:
        words, ledger = self._read(), self._ledger()
        answer: dict[str, Any] = {
            "labels": {label.label: len(label.subactions) for label in words.labels},
            "provider": words.provider,
            "kept": [label.label for label in words.labels if not ledger.wrote(label)],
            "path": str(self.target),
        }
        if words.model is not None:
            keys = ("model", "reply_format", "drafts", "disagreed")
            answer |= {key: getattr(words, key) for key in keys}
        return answer

    def lines(self, summary: Mapping[str, Any]) -> list[str]:
        return summary_lines(summary)

    def plan(self) -> dict[str, Any]:
        """What would be asked, for ``--dry-run``: nothing is sent, no key is needed, nothing is written.

        Raises:
            VQTextError: there are no windows yet, or the words cannot be read.
        """
        data = self._data()
        task = self._task(data, self._before(), self._ledger())
        data.refuse_twins(task.labels)
        return self._author().plan(task)

    def plan_lines(self, plan: Mapping[str, Any]) -> list[str]:
        """A plan for people."""
        return plan_lines(plan)

    def _author(self) -> Author:
        words = self.settings.words
        if words.provider == "builtin":
            return Builtin(words, self.target)
        from vqtext.pipeline.authors.model import Model

        return Model(words, self.settings.llm, self.settings.cache / "journal.sqlite", self.progress)

    def _task(self, data: Data, before: SubActions | None, ledger: Ledger) -> Task:
        """What is to be written now, beside what stands in the file."""
        standing = {label.label: label for label in (before.labels if before else [])}
        refreshed = refreshed_labels(self.refresh, data.labels)
        labels = labels_to_write(
            data, standing, ledger, self._author(), self.recipe(), refreshed, self.forced
        )
        stay = [standing[name] for name in data.labels if name in standing and name not in labels]
        return Task(data, labels, stay, again={*refreshed, *ledger.failed})

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

    def _data(self) -> Data:
        return Data.read(self.settings.cache / "windows.h5")

    def _read(self) -> SubActions:
        if not self.target.exists():
            raise MissingError(f"{self.target} is missing: run `vqtext {self.command}`")
        return read_subactions(self.target)

    def _before(self) -> SubActions | None:
        """The file as it stands; None where it is missing, or broken and to be replaced.

        Raises:
            WordsError: it is broken, and may hold a person's work.
        """
        try:
            return self._read()
        except MissingError:
            return None
        except WordsError:
            if not self.forced:
                raise
            return None

    @property
    def _ledger_path(self) -> Path:
        return self.target.with_name(".subactions.generated.json")

    def _ledger(self) -> Ledger:
        return Ledger.read(self._ledger_path)


def _file(
    settings: WordsSettings,
    before: SubActions | None,
    labels: list[LabelWords],
    written: Written,
    ledger: Ledger,
) -> SubActions:
    """The whole file; its header changes only where something was written."""
    if not written.words:
        before = before or SubActions(language=settings.language, provider=settings.provider, labels=labels)
        return before.model_copy(update={"labels": labels})
    disagreed = sum(ledger.disagreed[label.label] for label in labels if label.label in ledger.disagreed)
    return SubActions(
        language=settings.language,
        provider=settings.provider,
        model=written.model,
        reply_format=written.reply_format,
        drafts=written.drafts,
        disagreed=disagreed if written.drafts else None,
        labels=labels,
    )
