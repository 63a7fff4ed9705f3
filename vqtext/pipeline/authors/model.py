"""The author behind a server: a language model, asked once a label, and once more about the whole set.

Labels are asked for in waves; the phrases of those that are done are offered to those that follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vqtext.cache.fingerprint import JSON
from vqtext.console.progress import Progress
from vqtext.pipeline.authors.base import Data, Task, Written
from vqtext.pipeline.authors.drafts import Merged, merge_drafts
from vqtext.pipeline.authors.harmonise import harmonised
from vqtext.pipeline.authors.questions import (
    harmonise_question,
    label_questions,
    likely_reply,
    questions_digest,
)
from vqtext.pipeline.authors.waves import STOCK, stock, waves
from vqtext.pipeline.llm.ask import Asking, Outcome, estimate
from vqtext.pipeline.llm.question import Answer, Failure, Question, ReplyFormat
from vqtext.pipeline.llm.server import address, find_server
from vqtext.prompts.render import render
from vqtext.prompts.replies import LabelReply
from vqtext.settings.schema import LLMSettings, WordsSettings

_FORMATS: tuple[ReplyFormat, ...] = (
    "text",
    "json_object",
    "json_schema",
)  # from the least that can be relied on


@dataclass(frozen=True)
class Model:
    """Asks a language model.

    Attributes:
        words, llm: how words are asked for, and whom.
        journal: where replies are kept, so that none is paid for twice.
        progress: hears what is asked and what failed.
    """

    words: WordsSettings
    llm: LLMSettings
    journal: Path
    progress: Progress

    def options(self) -> JSON:
        is_named = self.llm.model is not None  # without a name nothing is asked, but all can be planned
        return {
            "provider": "openai",
            "model": self.llm.model,
            "base_url": find_server(self.llm).url if is_named else self.llm.base_url,
            **self.words.model_dump(mode="json", exclude={"provider"}),
            "templates": questions_digest(),
        }

    def knows(self, data: Data, label: str) -> bool:
        return True

    def write(self, task: Task) -> Written:
        if not task.labels:
            return Written({})
        answers: dict[str, list[Outcome[LabelReply]]] = {}
        merged: dict[str, Merged] = {}
        with Asking(self.llm, self.journal, self.progress) as asking:
            for wave in waves(task.labels):
                offered = stock([*task.standing, *(merged[x].words for x in answers if x in merged)])
                questions = [q for label in wave for q in self._questions(task.data, label, offered)]
                n = self.words.drafts
                again = [i for i in range(len(questions)) if wave[i // n] in task.again]
                outcomes = asking.ask(questions, refresh=again)
                for i, label in enumerate(wave):
                    answers[label] = outcomes[i * n : (i + 1) * n]
                    if usable := _usable(answers[label]):
                        merged[label] = merge_drafts([x.value.words(label, task.data.place) for x in usable])
            return self._harmonise(asking, task, self._gather(answers, merged))

    def plan(self, task: Task) -> dict[str, Any]:
        """What `write` would send at most: replies that are in the journal are not asked for again."""
        likely = likely_reply(self.words, task.data)
        cut = waves(task.labels)
        questions: list[Question[Any]] = []
        known = stock(task.standing)
        offered: list[int] = []
        for wave in cut:
            offered.append(min(STOCK, len(known)))
            for label in wave:
                questions += self._questions(task.data, label, known[:STOCK])
            known += [step.phrase for step in likely.subactions] * len(wave)
        first = questions[:1]
        rules = ""
        if task.labels and self._will_harmonise(task):
            new = [likely.words(label, task.data.place) for label in task.labels]
            questions.append(harmonise_question([*task.standing, *new], task.standing))
            rules = render("harmonise", labels=[], fixed=())
        return {
            "provider": "openai",
            "model": self.llm.model,
            "base_url": address(self.llm),
            "labels": task.labels,
            **asdict(estimate(questions)),
            "reply_tokens": sum(question.reply_tokens for question in questions),
            "waves": cut,
            "offered": offered,  # phrases in the prompts of each wave, at most
            "offer": render("words_stock", stock=["…"]),
            "harmonise": rules,
            "prompts": [message for question in first for message in question.messages()],
        }

    def _questions(self, data: Data, label: str, offered: Sequence[str]) -> list[Question[LabelReply]]:
        return label_questions(self.words, data, label, offered)

    def _gather(self, answers: dict[str, list[Outcome[LabelReply]]], merged: dict[str, Merged]) -> Written:
        """Put the drafts of each label together; a label without a single good one has failed."""
        failed: dict[str, str] = {}
        good: list[Answer[LabelReply]] = []
        for label, drafts in answers.items():
            usable = _usable(drafts)
            lost = [draft.reason for draft in drafts if isinstance(draft, Failure)]
            if not usable:
                failed[label] = lost[0]
                continue
            for reason in lost:
                self.progress.warn(f"label {label!r}: a draft was lost ({reason})")
            if any(answer.value.is_guess for answer in usable):
                self.progress.warn(
                    f"label {label!r}: the model could only guess what it means: read its words"
                )
            for answer in usable:
                if weak := answer.weaknesses:
                    more = f" (and {len(weak) - 1} more)" if len(weak) > 1 else ""
                    self.progress.warn(
                        f"label {label!r}: taken, though asked again for this: {weak[0]}{more}"
                    )
            good += usable
        replayed = sum(not answer.paid for answer in good)
        if replayed:
            self.progress.say(f"{replayed} of {len(good)} replies came from the journal: {self.journal}")
        return Written(
            {label: merged[label].words for label in answers if label in merged},
            failed,
            {label: merged[label].disagreed for label in answers if label in merged},
            model=good[0].model if good else None,
            reply_format=min((answer.reply_format for answer in good), key=_FORMATS.index, default=None),
            drafts=self.words.drafts,
        )

    def _will_harmonise(self, task: Task) -> bool:
        return self.words.harmonise and len(task.labels) + len(task.standing) > 1

    def _harmonise(self, asking: Asking, task: Task, written: Written) -> Written:
        """The same movements in the same words. Words that stand already keep theirs: new ones follow."""
        if not written.words or not self._will_harmonise(replace(task, labels=[*written.words])):
            return written
        labels = [*task.standing, *written.words.values()]
        (answer,) = asking.ask([harmonise_question(labels, task.standing)])
        if isinstance(answer, Failure):
            self.progress.warn(
                f"each label keeps its own wording, since harmonising failed ({answer.reason}); "
                "`vqtext dedup` still merges what is near"
            )
            return written
        fixed = {label.label for label in task.standing}
        made, replaced = harmonised(answer.value, labels, fixed)
        self.progress.say(f"harmonised: {replaced} phrases took the words of another label")
        return replace(written, words={x.label: x for x in made if x.label in written.words})


def _usable(drafts: Iterable[Outcome[LabelReply]]) -> list[Answer[LabelReply]]:
    return [draft for draft in drafts if isinstance(draft, Answer)]
