"""The author behind a server: a language model, asked once a label, and once more about the whole set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from vqtext.cache.fingerprint import JSON
from vqtext.config import LLMSettings, WordsSettings
from vqtext.errors import ConfigError
from vqtext.pipeline.authors.base import Data, Task, Written
from vqtext.pipeline.authors.drafts import merge_drafts, temperatures
from vqtext.pipeline.authors.harmonise import harmonise_problems, harmonised
from vqtext.pipeline.llm.asking import ask_all, estimate
from vqtext.pipeline.llm.estimate import tokens
from vqtext.pipeline.llm.question import Answer, Failure, Question, ReplyFormat
from vqtext.pipeline.llm.server import address, find_server
from vqtext.pipeline.progress import Progress
from vqtext.prompts.checks import Wanted, label_problems
from vqtext.prompts.render import render, templates_digest
from vqtext.prompts.replies import CellReply, Harmonised, LabelReply, StepReply
from vqtext.schema import LabelWords

_TEMPLATES = ("words_system", "words", "harmonise_system", "harmonise")
_FORMATS: tuple[ReplyFormat, ...] = (
    "text",
    "json_object",
    "json_schema",
)  # from the least that can be relied on

_USUAL = 10  # sub-actions of a label, for the estimate


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
            "templates": templates_digest(*_TEMPLATES),
        }

    def knows(self, data: Data, label: str) -> bool:
        return True

    def write(self, task: Task) -> Written:
        if not task.labels:
            return Written({})
        questions = [question for label in task.labels for question in self._questions(task.data, label)]
        again = [i for i, q in enumerate(questions) if task.labels[i // self.words.drafts] in task.again]
        answers = ask_all(questions, self.llm, self.journal, self.progress, refresh=again)
        n = self.words.drafts
        written = self._gather(task, {x: answers[i * n : (i + 1) * n] for i, x in enumerate(task.labels)})
        return self._harmonise(task, written)

    def plan(self, task: Task) -> dict[str, Any]:
        """What `write` would send at most: replies that are in the journal are not asked for again."""
        questions: list[Question[Any]] = []
        for label in task.labels:
            questions += self._questions(task.data, label)
        first, guess = questions[:1], _guess(self.words, task.data.locations)
        reply_tokens = len(questions) * tokens(guess.model_dump_json())
        if task.labels and self._will_harmonise(task):
            new = [guess.words(label, task.data.place) for label in task.labels]
            about_all = self._question_about_all([*task.standing, *new], task.standing)
            questions.append(about_all)
            reply_tokens += estimate([about_all]).reply_tokens
        return {
            "provider": "openai",
            "model": self.llm.model,
            "base_url": address(self.llm),
            "labels": task.labels,
            **asdict(estimate(questions)),
            "reply_tokens": reply_tokens,
            "prompts": [message for question in first for message in question.messages()],
        }

    def _questions(self, data: Data, label: str) -> list[Question[LabelReply]]:
        """One for each draft.

        Raises:
            ConfigError: no number of sub-actions would be right.
        """
        if self.words.least > self.words.most:
            raise ConfigError(
                f"words.least ({self.words.least}) is more than words.most ({self.words.most}): no reply "
                "could be right"
            )
        wanted = Wanted(
            label=label,
            least=self.words.least,
            most=self.words.most,
            language=self.words.language,
            places=data.locations,
            place=data.place,
        )
        prompt = render(
            "words",
            label=label,
            labels=data.labels,
            dataset=data.dataset,
            sensors=data.sensors,
            rate_hz=f"{data.rate_hz:g}",
            window_s=f"{data.window_s:.3g}" if data.window_s else None,
            least=self.words.least,
            most=self.words.most,
            language=self.words.language,
            translate=self.words.language != "en",
        )
        return [
            Question(
                about=f"label {label!r}",
                system=render("words_system"),
                user=prompt,
                reply=LabelReply,
                temperature=temperature,
                draft=draft,
                check=lambda reply: label_problems(reply, wanted),
            )
            for draft, temperature in enumerate(temperatures(self.words.drafts))
        ]

    def _gather(self, task: Task, answers: dict[str, list[Answer[LabelReply] | Failure]]) -> Written:
        """Put the drafts of each label together; a label without a single good one has failed."""
        words: dict[str, LabelWords] = {}
        failed: dict[str, str] = {}
        disagreed: dict[str, int] = {}
        good: list[Answer[LabelReply]] = []
        for label, drafts in answers.items():
            usable = [draft for draft in drafts if isinstance(draft, Answer)]
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
            merged = merge_drafts([answer.value.words(label, task.data.place) for answer in usable])
            words[label], disagreed[label] = merged.words, merged.disagreed
            good += usable
        replayed = sum(not answer.paid for answer in good)
        if replayed:
            self.progress.say(f"{replayed} of {len(good)} replies came from the journal: {self.journal}")
        return Written(
            words,
            failed,
            disagreed,
            model=good[0].model if good else None,
            reply_format=min((answer.reply_format for answer in good), key=_FORMATS.index, default=None),
            drafts=self.words.drafts,
        )

    def _will_harmonise(self, task: Task) -> bool:
        return self.words.harmonise and len(task.labels) + len(task.standing) > 1

    def _harmonise(self, task: Task, written: Written) -> Written:
        """The same movements in the same words. Words that stand already keep theirs: new ones follow."""
        if not written.words or not self._will_harmonise(replace(task, labels=[*written.words])):
            return written
        labels = [*task.standing, *written.words.values()]
        answer = ask_all(
            [self._question_about_all(labels, task.standing)], self.llm, self.journal, self.progress
        )[0]
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

    def _question_about_all(
        self, labels: Sequence[LabelWords], standing: Sequence[LabelWords]
    ) -> Question[Harmonised]:
        fixed = {label.label for label in standing}
        return Question(
            about="the same words across labels",
            system=render("harmonise_system"),
            user=render("harmonise", labels=labels, fixed=fixed),
            reply=Harmonised,
            check=lambda reply: harmonise_problems(reply, labels, fixed),
        )


def _guess(words: WordsSettings, places: Sequence[str]) -> LabelReply:
    """A reply of about the length that is to be expected."""
    display = None if words.language == "en" else "text"
    step = StepReply(
        phrase="lift the left foot off the floor",
        display=display,
        opposite="put the left foot on the floor",
        paraphrases=["raise the left foot from the ground", "the left foot goes up", "pick up the left foot"],
        body_part="foot",
        side="left",
        direction="up",
        lasts="usual",
        signature=[CellReply(location=place, motion="moderate", direction="forward") for place in places],
    )
    return LabelReply(
        keyword="walking",
        sentence="A person walks at an even pace.",
        paraphrases=["Someone is walking along.", "A person moves on foot.", "A human strolls at ease."],
        cyclic=True,
        is_guess=False,
        display=display,
        subactions=[step] * min(max(_USUAL, words.least), words.most),
    )
