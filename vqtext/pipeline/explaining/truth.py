"""The truth of a window beside its reason, where the word of every moment is known."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.evaluation.truth_map import map_of, own_table, unknown_phrase
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.reason import Reason
from vqtext.steps import Step, digits


@dataclass(frozen=True)
class TrueStep:
    """A stretch of one truth word, in seconds from the start of the window."""

    word: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class WindowTruth:
    """What truly happens in a window.

    Attributes:
        steps: in order; what has no truth word is left out.
        named_right: share of their time in which the reason has a step that stands for the word; None where
            it is not written which phrases stand for which words.
    """

    steps: tuple[TrueStep, ...]
    named_right: float | None

    def to_dict(self) -> dict[str, Any]:
        return {"text": str(self), **asdict(self)}

    def __str__(self) -> str:
        steps = [Step(s.word, s.start_s, s.end_s, 1.0) for s in self.steps]
        text = " → ".join(step.text(digits(steps)) for step in steps)
        return (
            text
            if self.named_right is None
            else f"{text} ({100 * self.named_right:.0f} % of the time named right)"
        )


def words_meant(windows: Windows, words: Words) -> dict[str, set[int]] | None:
    """Phrase → the truth words it stands for, by the table of the data set; None where that knows other
    phrases."""
    table = own_table(windows.dataset, windows.truth_words)
    if unknown_phrase(table, windows.truth_words, words) is not None:
        return None
    right = map_of(table, windows.truth_words, words).right
    return {phrase: {*np.flatnonzero(row).tolist()} for phrase, row in zip(words.phrases, right, strict=True)}


def truth_of_window(
    windows: Windows, row: int, reason: Reason, meant: dict[str, set[int]] | None
) -> WindowTruth | None:
    """The truth of a window; None where it has none."""
    if windows.truth is None:
        return None
    true = windows.truth[row][: windows.length[row]]
    known = true >= 0
    if not known.any():
        return None
    steps, at = [], 0
    for word, run in groupby(true.tolist()):
        end = at + len([*run])
        if word >= 0:
            steps.append(TrueStep(windows.truth_words[word], at / windows.rate_hz, end / windows.rate_hz))
        at = end
    if meant is None:
        return WindowTruth(tuple(steps), None)
    second = (np.arange(len(true)) + 0.5) / windows.rate_hz
    right = np.zeros(len(true), dtype=bool)
    for step in reason.steps:
        inside = (second >= step.start_s) & (second < step.end_s)
        right |= inside & np.isin(true, [*meant.get(step.name, ())])
    return WindowTruth(tuple(steps), float(right[known].mean()))
