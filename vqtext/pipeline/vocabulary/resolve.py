"""The words that the sensors at hand can tell apart: other steps are joined into one before anything is
trained, so that each name a model gives can be right or wrong.

Three things are joined: neighbours that read the same; steps that nothing tells apart though others lie
between them, since their cycle may be turned (left and right, seen by one wrist); and steps that are shorter
than two samples. Joining ends where nothing is left to join. Labels that it would make indistinguishable are
left as they are.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.cycle_turns import Wheel, WheelStep, symmetries
from vqtext.pipeline.vocabulary.identifiability import Sensors
from vqtext.pipeline.vocabulary.joined_anchors import Anchors
from vqtext.pipeline.vocabulary.joined_steps import (
    AFTER,
    OR,
    Joined,
    apart,
    join,
    relative_duration,
    round_of,
)
from vqtext.pipeline.vocabulary.partition import partition
from vqtext.pipeline.vocabulary.readings import features, more_or_less, reads
from vqtext.pipeline.vocabulary.unseen_borders import unseen_borders
from vqtext.schema import MIN_SAMPLES, USUAL_S, SubAction, order_of

MIN_STEPS = 2
"""Steps that a label keeps at least where it is only guessed how long they last."""

Why = Literal["sensors", "order", "rate"]
Steps = list[tuple[int, SubAction]]


@dataclass(frozen=True)
class Join:
    """Steps that became one.

    Attributes:
        label: place of the label.
        name: of the step; parts: the steps of the label that it was joined of, last of all for this reason.
        why: neighbours that read the same to the "sensors", steps that the "order" does not tell apart
            either, or steps that are too short for the "rate".
        needed_hz: the least rate at which each part has two samples, where it is the rate.
    """

    label: int
    name: str
    parts: tuple[SubAction, ...]
    why: Why
    needed_hz: float | None = None


@dataclass(frozen=True)
class Resolved:
    """Words whose steps can be told apart, and what was joined for it."""

    words: Words
    joined: list[Join]


def resolve(
    words: Words, sensors: Sensors, rate_hz: float, round_s: Sequence[float | None] | None = None
) -> Resolved:
    """Join what neither sensors nor rate nor order tell apart.

    Args:
        sensors: of the data.
        rate_hz: samples a second.
        round_s: seconds of a round of each label, None where none was read; None: of no label.

    Returns:
        The words themselves where no sensor shows anything that is written: the order alone speaks then.
    """
    rounds = [None] * len(words.uses) if round_s is None else round_s
    steps = [step for uses in words.uses for _, step in uses]
    if not any(any(read) for row in reads(steps, sensors) for read in row):
        return Resolved(words, [])
    before, left = _same(words.uses, words.cyclic), frozenset[int]()
    while True:
        work = _Work(words, sensors, rate_hz, rounds, left)
        work.run()
        now = _same(work.uses, words.cyclic)
        lost = {i for pair in now - before for i in pair} - left
        if not lost:
            return work.result()
        left |= lost


def _same(uses: Sequence[Steps], cyclic: Sequence[bool]) -> set[tuple[int, int]]:
    """Pairs of labels that no chain of steps tells apart."""
    read = [
        (turns, order_of([(anchor, relative_duration(step)) for anchor, step in own], turns))
        for own, turns in zip(uses, cyclic, strict=True)
    ]
    return {(i, j) for j in range(len(read)) for i in range(j) if read[i] == read[j]}


class _Work:
    """Joining under way.

    Args:
        left: labels that are left as they are.
    """

    def __init__(
        self,
        words: Words,
        sensors: Sensors,
        rate_hz: float,
        round_s: Sequence[float | None],
        left: frozenset[int],
    ) -> None:
        self.words, self.sensors, self.round_s, self.left = words, sensors, round_s, left
        self.least_s = MIN_SAMPLES / rate_hz * (1 - 1e-9)
        self.uses: list[Steps] = [list(own) for own in words.uses]
        self.anchors = Anchors(words.phrases, words.vectors)
        self.joins: list[Join] = []

    def run(self) -> None:
        free = [label for label in range(len(self.uses)) if label not in self.left]
        count = 0
        while (now := sum(map(len, self.uses))) != count:
            count = now
            for label in free:
                self._neighbours(label)
            self._alternatives({})
        before = dict(enumerate(self.uses))
        for samples in (MIN_SAMPLES - 0.5, MIN_SAMPLES):  # nearly enough, if two halves turn out as one
            short = [label for label in free if self._lasts(label).min() < self.least_s]
            self.uses = [before[label] if label in short else own for label, own in enumerate(self.uses)]
            blurred = {label: hz for label in short if (hz := self._too_short(label, samples))}
            if blurred:
                self._alternatives(blurred)

    def _neighbours(self, label: int) -> None:
        own = self.uses[label]
        runs = unseen_borders([step for _, step in own], self.words.cyclic[label], self.sensors)
        self.uses[label] = [self._joined(label, run, AFTER, "sensors") for run in runs]

    def _alternatives(self, blurred: Mapping[int, float]) -> None:
        """Join the steps that a turn of their cycles would make each other.

        Args:
            blurred: labels some of whose steps were too short, and the rate that would separate them. Of the
                motion of what is left of them only more or less is compared, since it is a mean over steps,
                and such a mean tells nothing by being found in another label too.
        """
        fresh = itertools.count(self.anchors.count)
        transcripts: list[list[WheelStep]] = []
        for label, own in enumerate(self.uses):
            cells = reads([step for _, step in own], self.sensors)
            if label not in blurred:
                steps = [WheelStep(anchor, tuple(read)) for (anchor, _), read in zip(own, cells, strict=True)]
            else:
                steps = [
                    WheelStep(next(fresh) if isinstance(step, Joined) else anchor, read)
                    for (anchor, step), read in zip(own, more_or_less(cells), strict=True)
                ]
            transcripts.append(steps)
        wheels = [
            Wheel.of(cyclic, steps, signed=True)
            for cyclic, steps in zip(self.words.cyclic, transcripts, strict=True)
        ]
        found = symmetries(wheels)
        if not found.exact:
            return
        kept = {step.anchor for label in self.left for step in transcripts[label]}
        of = {anchor: group[0] for group in found.groups if not kept & {*group} for anchor in group}
        for label, steps in enumerate(transcripts):
            names = [of.get(step.anchor, step.anchor) for step in steps]
            period = next(p for p in range(1, len(names) + 1) if names[p:] + names[:p] == names)
            if period == len(names) or not of.keys() & {step.anchor for step in steps}:
                continue
            why: Why = "rate" if label in blurred else "order"
            self.uses[label] = [
                self._joined(label, range(i, len(names), period), OR, why, blurred.get(label))
                for i in range(period)
            ]

    def _too_short(self, label: int, samples: float) -> float | None:
        """Join the steps of a label with neighbours, so that as much as can be still differs.

        Args:
            samples: that what is joined must last at least.

        Returns:
            The rate at which none would be too short; None where there is one step.
        """
        steps, lasts = [step for _, step in self.uses[label]], self._lasts(label)
        if len(steps) == 1:
            return None
        least_s = samples / MIN_SAMPLES * self.least_s
        cells = features(reads(steps, self.sensors))
        parts = partition(lasts, cells, least_s, self.words.cyclic[label])
        while self.round_s[label] is None and len(parts) < MIN_STEPS:
            least_s /= 2
            parts = partition(lasts, cells, least_s, self.words.cyclic[label])
        needed_hz = [MIN_SAMPLES / float(lasts[part].min()) for part in parts]
        found = [
            self._joined(label, part, AFTER, "rate", hz) for part, hz in zip(parts, needed_hz, strict=True)
        ]
        now = apart([step for _, step in found], steps)
        self.uses[label] = [(anchor, step) for (anchor, _), step in zip(found, now, strict=True)]
        self._neighbours(label)
        return max(needed_hz)

    def _lasts(self, label: int) -> np.ndarray:
        """Seconds that each step of a label lasts, as far as anything is known of it."""
        steps, round_s = [step for _, step in self.uses[label]], self.round_s[label]
        unit_s = USUAL_S if round_s is None else round_s / round_of(steps)
        return unit_s * np.array([relative_duration(step) for step in steps])

    def _joined(
        self, label: int, places: Sequence[int], how: str, why: Why, needed_hz: float | None = None
    ) -> tuple[int, SubAction]:
        """Some steps of a label as one."""
        own = [self.uses[label][i] for i in places]
        if len(own) == 1:
            return own[0]
        step = join([step for _, step in own], how, blurred=why == "rate")
        anchor = self.anchors.join([anchor for anchor, _ in own], how)
        self.joins.append(Join(label, step.phrase, step.parts, why, needed_hz))
        return anchor, step

    def result(self) -> Resolved:
        if not self.joins:
            return Resolved(self.words, [])
        was = {anchor for own in self.words.uses for anchor, _ in own}
        used = {anchor for own in self.uses for anchor, _ in own}
        never = {*range(len(self.words.phrases))} - was  # an anchor that no label uses stays
        kept = sorted(used | never)
        place = {anchor: i for i, anchor in enumerate(kept)}
        phrases, vectors = self.anchors.phrases(kept), self.anchors.vectors(kept)
        uses = [[(place[anchor], step) for anchor, step in own] for own in self.uses]
        words = replace(self.words, phrases=phrases, vectors=vectors, uses=uses)
        joined = {id(step.parts) for own in uses for _, step in own if isinstance(step, Joined)}
        return Resolved(words, [join for join in self.joins if id(join.parts) in joined])
