"""What a language model is asked about one window, and what its description must be.

Descriptions are checked against the facts they were made from. Labels are looked for too: a model that
guesses the activity would carry them into the text. What is sent back to it then does not name them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from pydantic import BaseModel, Field

from vqtext.data.locations import SIDES, places
from vqtext.pipeline.descriptions.fact_sheet import Sheet
from vqtext.pipeline.llm.question import Question
from vqtext.prompts.checks import is_latin
from vqtext.prompts.render import render

TEMPLATE = "describe_system"

MIN_WORDS, MAX_WORDS = 12, 60
"""Words of a description: enough to say something, few enough for CLIP's 77 tokens."""

REPLY_TOKENS = 4 * MAX_WORDS
"""Of one reply, at the most: numbers and units are several tokens each."""

TOLERANCE = 0.05
"""A number is one of the facts' if it is this near, as a share of it: 8.2 may become 8. Times are given to a
tenth, so 0.05 s is near as well."""

_MARKUP = frozenset("*#`{}[]<>|_\\")
_UNIT = re.compile(r"(rad/s|m/s(?:2|²|\^2)|m/s|N/s|microvolts?)")
_SPELLED = {"m/s²": "m/s2", "m/s^2": "m/s2", "microvolt": "microvolts"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"[^\W_]+")
_CASES = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SMALL = frozenset(
    {"a", "an", "and", "around", "at", "back", "by", "down", "for", "from", "in", "left", "no", "of", "on"}
    | {"or", "right", "the", "to", "up", "with"}
)


class Description(BaseModel):
    """What a model replies with."""

    description: str = Field(description="one paragraph of plain English sentences")
    stretches: list[str] | None = Field(
        default=None, description="one plain English sentence for each line of times, in their order"
    )


def question(about: str, sheet: Sheet, labels: Sequence[str]) -> Question[Description]:
    """What a model is asked about a window.

    Args:
        about: the window, for messages.
        sheet: its facts.
        labels: of the data; they are looked for in the reply and stand in no prompt.
    """
    system = _system()
    return Question(
        about=about,
        system=system,
        user=sheet.text,
        reply=Description,
        check=lambda reply: [
            *problems(reply.description, sheet),
            *stretch_problems(reply.stretches or [], sheet),
            *_guesses(
                plain(" ".join([reply.description, *(reply.stretches or [])])),
                labels,
                f"{system} {sheet.text}",
            ),
        ],
    )


@cache
def _system() -> str:
    return render(TEMPLATE, least=MIN_WORDS, most=MAX_WORDS)


def plain(text: str) -> str:
    """A description as it is kept: models write spaces of many widths."""
    return " ".join(text.split())


def problems(reply: str, sheet: Sheet) -> list[str]:
    """What is wrong with a description of these facts, each a sentence for the model."""
    text = plain(reply)
    found = _not_plain(reply, "The description")
    if not MIN_WORDS <= len(text.split()) <= MAX_WORDS:
        found.append(f"The description has {len(text.split())} words: write {MIN_WORDS} to {MAX_WORDS}.")
    if sheet.peaks and not _UNIT.search(text):
        units = " or ".join(sheet.peaks)
        found.append(f"The scale is missing: give a largest motion with its number and its unit ({units}).")
    return found + _not_measured(text, sheet)


def stretch_problems(replies: Sequence[str], sheet: Sheet) -> list[str]:
    """What is wrong with the sentences for the stretches of these facts; nothing where there are none."""
    if replies and len(replies) != sheet.stretches:
        return [
            f"There are {len(replies)} sentences in stretches and {sheet.stretches} lines of times in the "
            "facts: write one for each, or leave stretches empty."
        ]
    found = []
    for i, reply in enumerate(replies, 1):
        name = f"Sentence {i} of stretches"
        found += _not_plain(reply, name)
        if not 1 <= len(reply.split()) <= MAX_WORDS:
            found.append(f"{name} has {len(reply.split())} words: write 1 to {MAX_WORDS}.")
        found += _not_measured(plain(reply), sheet)
    return found


def _not_plain(reply: str, name: str) -> list[str]:
    found, text = [], plain(reply)
    if "\n" in reply.strip() or not text.isprintable() or _MARKUP & set(text):
        found.append(f"{name} must be one paragraph of plain text, without markup or line breaks.")
    if not is_latin(text):  # the encoder that reads it knows English
        found.append(f"{name} must be in English.")
    return found


def _not_measured(text: str, sheet: Sheet) -> list[str]:
    numbers = [
        f"{number} is not among the facts: take the numbers as they are there."
        for number in _foreign(text, sheet)
    ]
    return numbers + [
        f"There is no sensor at the {place}: name only places of the facts." for place in _unseen(text, sheet)
    ]


def gives_away(text: str, label: str, prompt: str) -> bool:
    """Whether a text holds a word of a label, in whatever form: "walks" gives away "Walking upstairs".

    Numbers, small words such as "on", and words of the prompt itself say nothing of a label.
    """
    if not _WORD.search(label):
        return label.strip() != "" and label.strip() in text
    return bool((_stems(label) - _stems(prompt)) & _stems(text))


def _guesses(text: str, labels: Iterable[str], prompt: str) -> list[str]:
    if any(gives_away(text, label, prompt) for label in labels):
        return ["Do not guess what the person does: say only how the places move."]
    return []


def _foreign(text: str, sheet: Sheet) -> Iterator[str]:
    """Numbers that are not of the facts, with their unit."""
    *parts, end = _UNIT.split(text)  # a unit belongs to the number before it
    for before, unit in zip(parts[::2], parts[1::2], strict=True):
        unit = _SPELLED.get(unit, unit)
        *others, measured = _NUMBER.findall(before) or [""]
        if not measured:
            yield f"A unit without a number ({unit})"
        elif not _is_near(measured, sheet.peaks.get(unit, [])):
            yield f"{measured} {unit}"
        yield from (number for number in others if not _is_near(number, sheet.others, TOLERANCE))
    yield from (number for number in _NUMBER.findall(end) if not _is_near(number, sheet.others, TOLERANCE))


def _is_near(number: str, known: Iterable[float], least: float = 0.0) -> bool:
    return any(abs(float(number) - value) <= max(TOLERANCE * value, least) + 1e-9 for value in known)


def _unseen(text: str, sheet: Sheet) -> list[str]:
    """Places that are named and have no sensor, or none on that side."""
    sides: dict[str, set[str]] = defaultdict(set)
    for location in sheet.locations:
        side, _, place = location.partition(" ")
        sides[place if side in SIDES else location].add(side if side in SIDES else "")
    found = {}
    for side, written in _place_names().findall(text.casefold()):
        place = next(p for p in places() if written in _spellings(p))
        if place not in sides or (side and side not in sides[place]):
            found[f"{side} {written}".strip()] = True
    return list(found)


@cache
def _place_names() -> re.Pattern[str]:
    """Finds a side, where there is one, and a place; the longest name that fits."""
    names = sorted((name for place in places() for name in _spellings(place)), key=len, reverse=True)
    sides = sorted(SIDES, key=len, reverse=True)
    return re.compile(rf"(?:\b({'|'.join(sides)})\s+)?\b({'|'.join(names)})\b")


def _spellings(place: str) -> tuple[str, str]:
    """One of them, and several."""
    return (place, "feet") if place == "foot" else (place, f"{place}s")


def _stems(text: str) -> set[str]:
    """The words of a text that say something, without their endings."""
    words = set(_WORD.findall(_CASES.sub(" ", text).casefold())) - _SMALL
    return {_stem(word) for word in words if not word.isdigit()}


def _stem(word: str) -> str:
    """Good enough to compare: "walking", "walked", "walks" → "walk"; "running" → "run"; "cycles" → "cycl"."""
    for ending in ("ing", "ed", "es", "er", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word.removesuffix("e")
