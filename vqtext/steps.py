"""The steps of a reason, and their text: a guess as unknown, a cycle as a cycle.

A leaf module.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

UNKNOWN_NAME = "unknown"
"""Name of a step that fits none of its label's sub-actions, and of a code that is too unsure of its own."""
BY_INFERENCE = "by inference: no sensor there"
"""The remark on a step of a body part on which no sensor sits."""
UNSURE = 0.3
"""Confidence below which a step is a guess, and shown as unknown: several names of the label fit about as
well."""
MIN_NATS = 0.02
"""What a place must carry to be named, in nats."""
DIGIT_STEPS = 8
"""Steps that decide how many decimals seconds have."""
MAX_NOTES = 4
"""Kinds of deviations from a cycle that are listed."""


@dataclass(frozen=True)
class Carrier:
    """A place that carried a step (`vqtext.model.decoding.highlight`).

    Attributes:
        location: where its sensors sit; where all sensors sit at one place, the kind of sensor.
        channels: their names.
        nats: how much less likely the step would be against its strongest rival, had the place been still.
        start_s, end_s: the stretch that holds most of that, in seconds as in `Step`.
    """

    location: str
    channels: tuple[str, ...]
    nats: float
    start_s: float
    end_s: float


@dataclass(frozen=True)
class Step:
    """One named stretch of the signal.

    Attributes:
        name: the anchor's phrase, or `UNKNOWN_NAME`.
        start_s, end_s: borders in seconds from the start of the window, or of the recording.
        confidence: mean posterior of the name inside the stretch, as much as people that were not seen bear
            it out, 0 to 1.
        inferred: the phrase is about a body part that no sensor of the data sits on.
        display: what people are shown instead of ``name``, in their language, as the label's words have it.
        places: that carried it, the most first; empty where that was not measured, or none did by itself.
    """

    name: str
    start_s: float
    end_s: float
    confidence: float
    inferred: bool = False
    display: str | None = None
    places: tuple[Carrier, ...] = ()

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Step:
        """A step out of its plain data, as JSON has it; places may be missing."""
        carried = tuple(
            Carrier(**{**one, "channels": tuple(one["channels"])}) for one in plain.get("places", ())
        )
        return cls(**{**plain, "places": carried})

    def __str__(self) -> str:
        return self.text(digits([self]))

    def text(self, decimals: int) -> str:
        """Name and borders, in seconds with so many decimals, and the place that carried it."""
        when = f"{self.start_s:.{decimals}f}–{self.end_s:.{decimals}f} s"
        if not self.carried:
            return f"{self.shown_name} {when}"
        how = "inferred from" if self.inferred else "by"
        return f"{self.display or self.name} {when} {how} {self.carried}"

    @property
    def carried(self) -> str | None:
        """The place that carried the step, where it is clearly one: it carried more than all others."""
        if not self.places:
            return None
        most, *others = self.places
        clear = most.nats >= MIN_NATS and most.nats > sum(one.nats for one in others)
        return most.location if clear else None

    @property
    def shown_name(self) -> str:
        """The name that people are shown, and whether it is inferred."""
        return f"{self.display or self.name}{f' ({BY_INFERENCE})' * self.inferred}"


def passages(steps: Sequence[Step], cycle: Sequence[str]) -> list[str]:
    """Steps as texts: each of them, or two rounds and more of a cycle as one.

    ``12 rounds of [lift the left foot → swing the left leg → …] 0.0–13.2 s, 1.1 s each (lift the left foot
    skipped in 2)``. Guesses become unknown.

    Args:
        steps: in order.
        cycle: names of the steps of one round, in order; empty where there is none.
    """
    believed = list(_believed(steps))
    decimals, texts = digits(believed[:DIGIT_STEPS]), []
    for own in _stretches(believed, cycle):
        rounds = _Rounds(cycle)
        for step in own:
            rounds.take(step)
        texts += [rounds.text(decimals)] if rounds.count >= 2 else [step.text(decimals) for step in own]
    return texts


def _believed(steps: Iterable[Step]) -> Iterator[Step]:
    """Guesses become unknown; one between two stretches of one step is taken for that step, too."""
    pending: list[Step] = []  # the last stretch, and a guess behind it
    for step in steps:
        guess = step.confidence < UNSURE and step.name != UNKNOWN_NAME
        now = replace(step, name=UNKNOWN_NAME, display=None, inferred=False, places=()) if guess else step
        if pending and pending[-1].end_s < now.start_s:
            yield from pending
            pending = []
        if pending and pending[-1].name == now.name:
            pending[-1] = replace(pending[-1], end_s=now.end_s, places=())
            if len(pending) == 2 and not guess:  # a stretch of the unknown is no guess at a step
                yield pending.pop(0)
        elif len(pending) == 2 and pending[0].name == now.name:
            pending = [replace(pending[0], end_s=now.end_s, places=())]
        elif len(pending) == 1 and guess:
            pending.append(now)
        else:
            yield from pending
            pending = [now]
    yield from pending


def _stretches(steps: Iterable[Step], cycle: Sequence[str]) -> Iterator[list[Step]]:
    """Steps of the cycle that follow each other, with the unknown between them; each other step alone."""
    current: list[Step] = []
    for step in steps:
        inside = len(cycle) > 1 and (step.name in cycle or (bool(current) and step.name == UNKNOWN_NAME))
        if current and (not inside or current[-1].end_s < step.start_s):
            yield current
            current = []
        if inside:
            current.append(step)
        else:
            yield [step]
    if current:
        yield current


@dataclass
class _Rounds:
    """Rounds of a cycle, counted step by step.

    Attributes:
        cycle: names of its steps.
        steps: that were taken; seen, skipped: how often, of each place.
        back: when a step came that was not the next one nor soon after.
        moved: places that were passed.
    """

    cycle: Sequence[str]
    steps: list[Step] = field(default_factory=list)
    seen: Counter[int] = field(default_factory=Counter)
    skipped: Counter[int] = field(default_factory=Counter)
    back: list[float] = field(default_factory=list)
    moved: int = 0
    place: int | None = None

    def take(self, step: Step) -> None:
        self.steps.append(step)
        if step.name not in self.cycle:
            return
        size = len(self.cycle)
        places = [i for i, name in enumerate(self.cycle) if name == step.name]
        if self.place is None:
            self.place, ahead = places[0], 0
        else:
            ahead = min((place - self.place) % size for place in places)
        if 2 * (ahead - 1) >= size:  # rather some steps back than so many ahead
            self.back.append(step.start_s)
            self.moved += ahead - size
        else:
            self.moved += ahead
            self.skipped.update((self.place + k) % size for k in range(1, ahead))
        self.place = (self.place + ahead) % size
        self.seen[self.place] += 1

    @property
    def count(self) -> float:
        """Rounds that were made."""
        return (self.moved + 1) / len(self.cycle) if self.cycle and self.seen else 0.0

    def text(self, decimals: int) -> str:
        name = {step.name: step.shown_name for step in self.steps}
        usual = [i for i in range(len(self.cycle)) if self.seen[i] >= max(1, self.skipped[i])]
        notes = []
        for i, step in enumerate(self.cycle):
            if i in usual and self.skipped[i]:
                notes.append(f"{name[step]} skipped in {self.skipped[i]}")
            elif self.seen[i] and i not in usual:
                notes.append(f"{name[step]} in {self.seen[i]}")
        if self.back:
            notes.append(f"out of order at {', '.join(f'{s:.{decimals}f} s' for s in self.back[:MAX_NOTES])}")
        unknown = sum(step.end_s - step.start_s for step in self.steps if step.name == UNKNOWN_NAME)
        if unknown:
            notes.append(f"{unknown:.{decimals}f} s {UNKNOWN_NAME}")
        begin, end = self.steps[0].start_s, self.steps[-1].end_s
        line = f"{int(self.count)} rounds of [{' → '.join(name[self.cycle[i]] for i in usual)}]"
        line += f" {begin:.{decimals}f}–{end:.{decimals}f} s, {(end - begin) / self.count:.2g} s each"
        return f"{line} ({', '.join(notes[:MAX_NOTES])}{', …' * (len(notes) > MAX_NOTES)})" if notes else line


def digits(steps: Iterable[Step], least: int = 1) -> int:
    """Decimals of the seconds that let no step look as if it took no time; three are all there are."""
    steps = list(steps)
    apart = (n for n in range(least, 3) if all(round(s.start_s, n) < round(s.end_s, n) for s in steps))
    return next(apart, 3)
