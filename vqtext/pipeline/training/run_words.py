"""The words that a run speaks: those of anchors.h5, resolved for the sensors and the rate of its windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.errors import TrainingError
from vqtext.pipeline.training.written import hands_of
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.identifiability import sensors_among
from vqtext.pipeline.vocabulary.resolve import Resolved, resolve
from vqtext.pipeline.vocabulary.separating import Separating
from vqtext.settings.schema import TrainSettings


def resolved_words(
    words: Words,
    windows: Windows,
    learn: np.ndarray,
    train: TrainSettings,
    round_s: Sequence[float | None] | None = None,
) -> Resolved:
    """Words as a training by these settings is given them.

    Args:
        learn: places of the windows that are learned from; nothing of others is looked at.
        round_s: seconds of a round of each label, None where none was read; None: of no label.

    Raises:
        TrainingError: nothing is left to tell but one and the same step of every label.
    """
    if not train.resolve or "signal" not in train.sources:  # no signature is read
        return Resolved(words, [])
    sensors = sensors_among(windows.channels, hands_of(windows, learn)[1])
    found = resolve(words, sensors, windows.rate_hz, round_s)
    if found.joined and len({anchor for uses in found.words.uses for anchor, _ in uses}) == 1:
        advice = Separating(words, sensors)(found.joined[0])
        raise TrainingError(
            "nothing tells any step of any label from another one, with these sensors at "
            f"{windows.rate_hz:g} Hz; {advice}"
        )
    return found


def without_steps(words: Words, absent: Sequence[Sequence[int]]) -> Words:
    """The words without some steps of each label, by their places; none: the words themselves."""
    if not any(absent):
        return words
    uses = [
        [use for place, use in enumerate(own) if place not in left]
        for own, left in zip(words.uses, absent, strict=True)
    ]
    return replace(words, uses=uses)


def together(first: Sequence[Sequence[int]], then: Sequence[Sequence[int]]) -> list[list[int]]:
    """Places of all steps of each label that were left out, of which some went ``first`` and ``then`` others,
    by their places among the rest; none where none were."""
    if not any(first):
        return [[*own] for own in then]
    found = []
    for i, gone in enumerate(first):
        later = then[i] if i < len(then) else []
        last = len(gone) + max(later, default=-1) + 1
        rest = [place for place in range(last) if place not in gone]
        found.append(sorted([*gone, *(rest[place] for place in later)]))
    return found
