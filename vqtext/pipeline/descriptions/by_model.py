"""Windows that a language model describes: the questions, and what its replies replace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from vqtext.data.features.facts import Facts
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.descriptions.fact_sheet import level_runs, sheet
from vqtext.pipeline.descriptions.llm_description import Description, plain, question
from vqtext.pipeline.descriptions.measured import SOURCES, Texts
from vqtext.pipeline.llm.question import Answer, Failure, Question

_GOLDEN = (5**0.5 - 1) / 2  # its multiples, round a circle, are spread evenly however many they are


@dataclass(frozen=True)
class Asked:
    """A question, and the windows it is for: those of equal facts share one."""

    question: Question[Description]
    windows: list[int]


def questions(windows: Windows, facts: Facts, rhythm: np.ndarray, limit: int | None) -> list[Asked]:
    """A question for each window that a model describes.

    ``limit`` of them are spread over all windows, so that no recording has none or all. A higher limit adds
    windows to those of a lower one, which are paid for.
    """
    count = min(limit or windows.n, windows.n)
    asked: dict[str, Asked] = {}
    spread = np.argsort(np.arange(windows.n) * _GOLDEN % 1, kind="stable")
    for i in sorted(spread[:count].tolist()):
        if not (facts.level[i] >= 0).any():
            continue  # there is nothing to describe, and the template says so
        own = sheet(windows, facts, rhythm, i)
        if own.text not in asked:
            asked[own.text] = Asked(question(f"window {i}", own, windows.labels), [])
        asked[own.text].windows.append(i)
    return list(asked.values())


def replace_texts(
    texts: Texts, facts: Facts, outcomes: Iterable[tuple[Asked, Answer[Description] | Failure]]
) -> tuple[set[str], list[str]]:
    """Put a model's replies in the place of the template's texts. A reply without sentences for the segments
    leaves the template's.

    Returns:
        The models that replied, and why a window keeps its text, once for each such window.
    """
    models: set[str] = set()
    failures: list[str] = []
    place = {sentence: i for i, sentence in enumerate(texts.sentences)}
    for asked, outcome in outcomes:
        if isinstance(outcome, Failure):
            failures += [f"{outcome.about}: {outcome.reason}"] * len(asked.windows)
            continue
        models.add(outcome.model)
        texts.source[asked.windows] = SOURCES.index("llm")
        for i in asked.windows:
            texts.of_window[i] = plain(outcome.value.description)
            if outcome.value.stretches:
                pairs = zip(level_runs(facts.level[i]), outcome.value.stretches, strict=True)
                for (first, last), sentence in pairs:
                    texts.of_segment[i, first:last] = place.setdefault(plain(sentence), len(place))
    texts.sentences[:] = place
    return models, failures
