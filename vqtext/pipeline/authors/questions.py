"""What a language model is asked: for the words of one label, and for the same words across labels."""

from __future__ import annotations

from collections.abc import Sequence

from vqtext.errors import ConfigError
from vqtext.pipeline.authors.base import Data
from vqtext.pipeline.authors.drafts import temperatures
from vqtext.pipeline.authors.harmonise import harmonise_problems, harmonise_weaknesses
from vqtext.pipeline.llm.estimate import tokens
from vqtext.pipeline.llm.question import Question
from vqtext.prompts.checks import Wanted, label_problems
from vqtext.prompts.render import render, templates_digest
from vqtext.prompts.replies import CellReply, Harmonised, LabelReply, Replacement, StepReply
from vqtext.prompts.step_count import step_range
from vqtext.prompts.weaknesses import label_weaknesses
from vqtext.schema import MIN_SAMPLES, LabelWords
from vqtext.settings.schema import WordsSettings

_SHARE = 0.2  # of phrases that are replaced, for the estimate
LEAST_S = 0.1
"""Seconds that a sub-action must last, at any rate: what a person could point at."""


def questions_digest() -> str:
    """16 hex digits over the prompts: words that were asked for with other ones are out of date."""
    return templates_digest("words_system", "words", "words_stock", "harmonise_system", "harmonise")


def label_questions(
    words: WordsSettings, data: Data, label: str, stock: Sequence[str]
) -> list[Question[LabelReply]]:
    """The questions for the words of a label, one for each draft.

    Args:
        stock: phrases that other labels use.

    Raises:
        ConfigError: no number of sub-actions would be right.
    """
    if words.least > words.most:
        raise ConfigError(
            f"words.least ({words.least}) is more than words.most ({words.most}): no reply could be right"
        )
    few, many = step_range(data.moving, data.rate_hz, words.least, words.most)
    wanted = Wanted(
        label=label,
        least=words.least,
        most=words.most,
        language=words.language,
        places=data.locations,
        place=data.place,
        few=few,
        many=many,
        rate_hz=data.rate_hz,
        feels=data.feels,
    )
    prompt = _words_prompt(words, data, label, few, many)
    return [
        Question(
            about=f"label {label!r}",
            system=render("words_system"),
            user=prompt,
            reply=LabelReply,
            temperature=temperature,
            draft=draft,
            check=lambda reply: label_problems(reply, wanted),
            weaknesses=lambda reply: label_weaknesses(reply, wanted),
            hint=render("words_stock", stock=stock) if stock else "",
            reply_tokens=tokens(likely_reply(words, data).model_dump_json()),
        )
        for draft, temperature in enumerate(temperatures(words.drafts))
    ]


def _words_prompt(words: WordsSettings, data: Data, label: str, few: int, many: int) -> str:
    return render(
        "words",
        label=label,
        labels=data.labels,
        dataset=data.dataset,
        sensors=data.sensors,
        feels=data.feels,
        places=data.moving,
        rate_hz=f"{data.rate_hz:g}",
        window_s=f"{data.window_s:.3g}" if data.window_s else None,
        least_s=f"{max(MIN_SAMPLES / data.rate_hz, LEAST_S):.2g}",
        few=few,
        many=many,
        language=words.language,
        translate=words.language != "en",
    )


def harmonise_question(labels: Sequence[LabelWords], standing: Sequence[LabelWords]) -> Question[Harmonised]:
    """The question for the same words across labels; ``standing`` are those of them that stay as they are."""
    fixed = {label.label for label in standing}
    pair = Replacement(phrase="lift the left foot up", instead="raise the left foot", label="walking")
    likely = round(_SHARE * sum(len(label.subactions) for label in labels))
    return Question(
        about="the same words across labels",
        system=render("harmonise_system"),
        user=render("harmonise", labels=labels, fixed=fixed),
        reply=Harmonised,
        check=lambda reply: harmonise_problems(reply, labels, fixed),
        weaknesses=lambda reply: harmonise_weaknesses(reply, labels),
        reply_tokens=likely * tokens(pair.model_dump_json()),
    )


def likely_reply(words: WordsSettings, data: Data) -> LabelReply:
    """A reply of about the length that is to be expected."""
    display = None if words.language == "en" else "text"
    _, many = step_range(data.moving, data.rate_hz, words.least, words.most)
    step = StepReply(
        phrase="lift the left foot off the floor",
        display=display,
        opposite="put the left foot on the floor",
        paraphrases=["raise the left foot from the ground", "the left foot goes up", "pick up the left foot"],
        body_part="foot",
        side="left",
        direction="up",
        lasts="usual",
        signature=[
            CellReply(location=place, motion="moderate", direction="forward") for place in data.locations
        ],
    )
    return LabelReply(
        keyword="walking",
        sentence="A person walks at an even pace.",
        paraphrases=["Someone is walking along.", "A person moves on foot.", "A human strolls at ease."],
        cyclic=True,
        is_guess=False,
        display=display,
        subactions=[step] * many,
    )
