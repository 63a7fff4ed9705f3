"""The table of ``facets.toml``, ready to be looked up, and the words of a text in the base forms it knows."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources
from typing import Any, TypeVar

ONE, LEFT, RIGHT, BOTH = 1, 2, 4, 8
SIDES = {"left": LEFT, "right": RIGHT, "both": BOTH, "one": ONE | LEFT | RIGHT}
"""One foot may be the left one, and is not both."""

_Key = tuple[str, ...]
_V = TypeVar("_V")
_MAX_CUE_WORDS = 4  # words of one cue
_NO_MOVEMENT = ("lower back", "lower body", "lower spine")  # though the phrase begins so

END = "$"
"""Stands in a cue for the end of the phrase."""


@dataclass(frozen=True)
class Cue:
    """A word, or several in a row, that names an axis.

    Attributes:
        axis: its number; second: which of the two poles.
        counterpart: what it becomes in the opposite; None where nothing was listed.
        pure: it says the direction and nothing else.
        weak: it only counts in a phrase that has no other cue.
    """

    axis: int
    second: bool
    counterpart: str | None
    pure: bool
    weak: bool = False


@dataclass(frozen=True)
class Table:
    """facets.toml, ready to be looked up. Keys are base forms, several words in a row as a tuple."""

    names: list[str]
    canonical: list[tuple[str, str]]
    pairs: dict[str, list[tuple[str, str]]]
    cues: dict[_Key, list[Cue]]
    part: dict[_Key, int]
    same: dict[_Key, str]
    side: dict[str, int]
    halves: frozenset[str]  # parts of the body that are a lower or upper half
    single: dict[str, frozenset[str]]  # the lists of single words, by their names in the file
    forms: dict[str, str]
    vocabulary: frozenset[str]


@cache
def facets_digest() -> str:
    """16 hex digits over the table: what was embedded or merged by another one is out of date."""
    return sha256(_source().encode()).hexdigest()[:16]


def _source() -> str:
    return resources.files("vqtext.prompts").joinpath("facets.toml").read_text(encoding="utf-8")


@cache
def load_table() -> Table:
    raw = tomllib.loads(_source())
    forms = {form: word for word, inflected in raw["forms"].items() for form in inflected}
    single = {name: frozenset(words) for name, words in raw["words"].items()}
    vocabulary = {*raw["forms"], "spine"}.union(*single.values())
    halves = frozenset(part for part in raw["part"] if part.startswith(("lower ", "upper ")))

    def key(text: str) -> _Key:
        if text in halves:
            return (text,)
        words = [word for word in text.replace("-", " ").split() if word not in single["determiners"]]
        vocabulary.update(words)
        return tuple(forms.get(word, word) for word in words)

    cues: dict[_Key, list[Cue]] = {key(text): [] for text in raw["neutral"]}
    for number, axis in enumerate(raw["axis"].values()):
        for at, cue in _cues_of(number, axis, key).items():
            cues.setdefault(at, []).append(cue)
    number_of = {
        part: i for i, part in enumerate(sorted({p for moves in raw["part"].values() for p in moves}))
    }
    names = list(raw["axis"])
    return Table(
        names=names,
        canonical=[tuple(axis["canonical"]) for axis in raw["axis"].values()],
        pairs={name: _pairs_of(axis) for name, axis in raw["axis"].items()},
        cues=cues,
        part={key(part): sum(1 << number_of[p] for p in moves) for part, moves in raw["part"].items()},
        same={key(word): group[0] for group in raw["same"] for word in group[1:]},
        side={word: SIDES[name] for name, words in raw["side"].items() for word in words},
        halves=halves,
        single=single,
        forms=forms,
        vocabulary=frozenset(vocabulary | {word for words in raw["side"].values() for word in words}),
    )


def _cues_of(number: int, axis: dict[str, Any], key: Any) -> dict[_Key, Cue]:
    """The cues of one axis. Of words that stand there several times the first counts, pure ones before."""
    weak = {key(text) for text in axis.get("weak", ())}
    listed: list[tuple[str, bool, str | None, bool]] = []
    for kind in ("swap", "cues"):
        for one, other in axis.get(kind, ()):
            listed += [(one, False, other, kind == "swap"), (other, True, one, kind == "swap")]
    listed += [(text, False, None, False) for text in axis.get("first", ())]
    listed += [(text, True, None, False) for text in axis.get("second", ())]
    cues: dict[_Key, Cue] = {}
    for text, second, other, pure in listed:
        at = key(text)
        counterpart = other.removesuffix(f" {END}") if other else None
        cues.setdefault(at, Cue(number, second, counterpart, pure, at in weak))
    return cues


def _pairs_of(axis: dict[str, Any]) -> list[tuple[str, str]]:
    pairs = [*axis.get("swap", ()), *axis.get("cues", ())]
    return [(one.removesuffix(f" {END}"), other.removesuffix(f" {END}")) for one, other in pairs]


def read_words(text: str) -> tuple[list[str], list[str]]:
    """The words of a text that may say something, and the base form of each, as far as the table knows it."""
    table = load_table()
    words = _content(_split(text, table), table)
    return words, [_base(word, table) for word in words]


def longest(base: Sequence[str], i: int, table: Mapping[_Key, _V]) -> tuple[int, _V] | None:
    """How many words at place i are the longest key of a table, and what it means; None where none is one."""
    for n in range(min(_MAX_CUE_WORDS, len(base) - i), 0, -1):
        key = tuple(base[i : i + n])
        if key in table:
            return n, table[key]
    return None


def _split(text: str, table: Table) -> list[str]:
    text = text.casefold().replace("’", "'").replace("'", "")
    for name in table.single["hyphenated"]:
        text = text.replace(name, name.replace("-", ""))
    return re.findall(r"[^\W_]+", text)


def _content(words: Sequence[str], table: Table) -> list[str]:
    """Without articles. "The back" becomes "spine", since "back" alone is a direction; "his lower leg" has
    one word for the part, since "lower his leg" is a movement; "let the rope go" becomes "let go rope".
    """
    content: list[str] = []
    for i, (before, word, after) in enumerate(zip(["", *words], words, [*words[1:], ""], strict=False)):
        is_part = word == "back" and before in table.single["before_back"]
        half = f"{before} {_base(word, table)}"
        if half in table.halves and content[-1:] == [before] and (i > 1 or half in _NO_MOVEMENT):
            content[-1] = half
            continue
        if is_part and (_base(after, table),) not in table.part:
            word = "spine"
        if word not in table.single["determiners"]:
            content.append(word)
    if "let" in content:
        let = content.index("let") + 1
        if "go" in content[let : let + _MAX_CUE_WORDS]:
            content.remove("go")
            content.insert(let, "go")
    return content


def _base(word: str, table: Table) -> str:
    """The base form, where the table knows it; else the word, without the s of a plural."""
    if word in table.forms:
        return table.forms[word]
    if word in table.vocabulary:
        return word
    known = next((stem for stem in _stems(word) if stem in table.vocabulary), None)
    if known is not None:
        return table.forms.get(known, known)
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _stems(word: str) -> Iterator[str]:
    """Base forms an inflected word may have: closing → close, gripped → grip, carries → carry."""
    for ending in ("ing", "ed", "s", "es", "ion"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < (4 if ending == "ion" else 2):
            continue
        yield stem + "e"
        if len(stem) == 2 and ending != "ing":  # tied → tie, but toed is no to
            continue
        yield stem
        if stem[-1] == stem[-2]:
            yield stem[:-1]
        if stem.endswith("i"):
            yield stem[:-1] + "y"
        if ending == "ing" and stem.endswith("y"):
            yield stem[:-1] + "ie"
