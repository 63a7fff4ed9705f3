"""What a reply must be beyond its shape. Each problem is a sentence for the model, which gets it back."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from vqtext.prompts.facets import read_facets
from vqtext.prompts.movement_words import SIDES
from vqtext.prompts.replies import LabelReply, StepReply
from vqtext.schema import OTHER_SIDE, same_text

MAX_WORDS = 12
"""Words of a phrase: three to eight are asked for, this many are let pass."""

PARAPHRASES = 3

TRAVEL, POSTURE = "travel", "posture"
"""What sensors of a place may measure, beside single directions."""

_FILLERS = (
    "a an the to of in on at by with and then again while for is are be do does doing keep keeps keeping "
    "start starts starting begin begins stop stops stopping continue continues continuing go goes going "
    "perform performs performing make makes making take takes taking person body movement movements motion "
    "motions activity action exercise normally normal steadily slowly slow quickly quick fast"
)
_FILLER = frozenset(_FILLERS.split())
_MAX_CHARACTERS = 60  # characters of a phrase that names a sub-action
_STEM = 4  # letters that "walk" and "walking" have in common


@dataclass(frozen=True)
class Wanted:
    """What was asked for.

    Attributes:
        label: as spelled in the data.
        least, most: number of sub-actions.
        language: of the display texts; none are wanted in "en".
        places: the places that have a sensor.
        place: how the data spells a location; None where it has no sensor there.
        few, many: number of sub-actions asked for, within least and most.
        rate_hz: samples a second.
        feels: place → what its sensors measure beside motion: directions, `TRAVEL` in any of them, `POSTURE`;
            None where that is unknown.
    """

    label: str
    least: int
    most: int
    language: str
    places: Sequence[str]
    place: Callable[[str], str | None]
    few: int = 1
    many: int = 12
    rate_hz: float = 100.0
    feels: Mapping[str, Sequence[str]] | None = None

    def is_felt(self, place: str | None, direction: str) -> bool:
        """Whether the sensors of a place measure a direction, or `POSTURE`."""
        if self.feels is None:
            return True
        sensed = self.feels.get(place or "", ())
        return direction in sensed or (TRAVEL in sensed and not direction.startswith(("turn", POSTURE)))


def label_problems(reply: LabelReply, wanted: Wanted) -> list[str]:
    """What is wrong with the words of a label; nothing where they are good."""
    return [*_of_the_label(reply, wanted), *_of_the_steps(reply.subactions, wanted)]


def _of_the_label(reply: LabelReply, wanted: Wanted) -> Iterator[str]:
    count = len(reply.subactions)
    if not wanted.least <= count <= wanted.most:
        yield f"There are {count} subactions: give {wanted.least} to {wanted.most}."
    if reply.cyclic and count == 1:
        yield "A cyclic label has at least two subactions: say what else happens in a round, or cyclic false."
    for name in ("keyword", "sentence"):
        if not getattr(reply, name).strip():
            yield f"{name} is empty."
    if len(list(filter(str.strip, reply.paraphrases))) < PARAPHRASES:
        yield f"paraphrases of the label: give {PARAPHRASES} sentences."
    if wanted.language != "en" and not (reply.display or "").strip():
        yield f"display of the label is empty: give the label in the language {wanted.language!r}."


def _of_the_steps(steps: Sequence[StepReply], wanted: Wanted) -> Iterator[str]:
    for number, step in enumerate(steps, start=1):
        for problem in _of_a_step(step, wanted):
            yield f"{_named(number, step.phrase)}: {problem}"
    counts = Counter(same_text(step.phrase) for step in steps)
    for text, times in counts.items():
        if times > 1:
            yield f"the phrase {text!r} comes {times} times: word each by what sets it apart, or merge them."


def _named(number: int, phrase: str) -> str:
    """A sub-action by its phrase, since models count from 0 or from 1; by its place where it has none."""
    text = same_text(phrase)
    if not text:
        return f"subaction {number} (from 1)"
    return repr(text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…")


def _of_a_step(step: StepReply, wanted: Wanted) -> Iterator[str]:
    phrase = same_text(step.phrase)
    if not phrase:
        yield "the phrase is empty."
        return
    yield from _of_its_wording(phrase, wanted)
    opposite = same_text(step.opposite or "")
    if opposite == phrase:
        yield "its opposite is the phrase itself: give the phrase that undoes it, or null."
    paraphrases = {same_text(text) for text in step.paraphrases} - {""}
    if len(paraphrases) < PARAPHRASES:
        yield f"give {PARAPHRASES} different paraphrases."
    if phrase in paraphrases:
        yield "one of its paraphrases is the phrase itself: say it in other words."
    if opposite and opposite in paraphrases:
        yield f"one of its paraphrases is its opposite {opposite!r}."
    other = OTHER_SIDE.get(step.side or "")
    is_moved = read_facets(phrase).sides & SIDES.get(other or "", 0)  # "to the left" is where it goes
    if is_moved and other in phrase.split() and step.side not in phrase.split():
        yield f"its side is {step.side!r}, but the phrase says {other!r}."
    if wanted.language != "en":
        display = same_text(step.display or "")
        if not display:
            yield f"display is empty: give the phrase in the language {wanted.language!r}."
        elif display == phrase:
            yield f"display is the English phrase: give it in the language {wanted.language!r}."
    yield from _of_its_signature(step, wanted)


def _of_its_wording(phrase: str, wanted: Wanted) -> Iterator[str]:
    if len(phrase.split()) > MAX_WORDS:
        yield f"the phrase has {len(phrase.split())} words: say it in three to eight."
    if not is_latin(phrase):
        yield "the phrase is not English; other languages belong into display."
    elif not any(map(str.isalpha, phrase)):
        yield "the phrase has no words."
    if repeats(phrase, wanted.label):
        yield "the phrase repeats the label: name a movement of a body part that it is made of."


def _of_its_signature(step: StepReply, wanted: Wanted) -> Iterator[str]:
    seen = Counter[str]()
    for cell in step.signature:
        location = wanted.place(cell.location)
        if location is None:
            choice = f"choose from {', '.join(wanted.places)}" if wanted.places else "leave the cell out"
            yield f"there is no sensor at {cell.location!r}: {choice}."
        else:
            seen[location] += 1
    for location, times in seen.items():
        if times > 1:
            yield f"its signature names {location!r} {times} times: give one cell for it."


def repeats(phrase: str, label: str) -> bool:
    """Whether a phrase says no more than the label: "keep walking" of "walking", "turn left" of "LeftTurn".

    A phrase that uses words of the label says more if one of its own is neither from there nor a filler.
    """
    own, of_label = (_stems(text) for text in (phrase, label))
    if not own:  # all fillers, or no letters: only the very same text repeats
        return same_text(phrase) == same_text(label)
    return all(any(a.startswith(b) or b.startswith(a) for b in of_label) for a in own)


def _stems(text: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)
    words: Iterable[str] = re.findall(r"[^\W\d_]{2,}", same_text(spaced))
    return {word.removesuffix("s")[:_STEM] for word in words if word not in _FILLER}


def is_latin(text: str) -> bool:
    """Whether all letters are Latin ones, as those of English are."""
    return all("LATIN" in unicodedata.name(letter, "") for letter in text if letter.isalpha())
