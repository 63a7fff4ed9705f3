"""From truth words to anchors: a table that is written before training, and never found by matching.

A ``truth.toml`` says for each truth word of the data which phrases stand for it::

    [truth]
    "left leg swings" = ["swing the left leg forward", "lift the left foot off the floor"]

A phrase stands for the anchor that it was merged into, in every label that uses it. An anchor that would
stand for two truth words, or for none, is never right.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TypeAlias

import numpy as np

from vqtext.cache.fingerprint import fingerprint
from vqtext.errors import WordsError
from vqtext.pipeline.words import Words
from vqtext.schema import same_text

Table: TypeAlias = Mapping[str, Sequence[str]]
"""Truth word → the phrases that stand for it."""


@dataclass(frozen=True)
class TruthMap:
    """Which truth word an anchor stands for.

    Attributes:
        word: place among the truth words, of each anchor, ``(K,)``; −1 where it stands for none, or for two.
        torn: phrases of the anchors that would stand for two.
    """

    word: np.ndarray
    torn: tuple[str, ...]


def read_table(file: Path | str) -> Table:
    """The table of a ``truth.toml``.

    Raises:
        WordsError: it cannot be read, or is no such table; the message says where.
    """
    try:
        said = tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise WordsError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WordsError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise WordsError(f"{file} is not TOML: {error}") from None
    table = said.get("truth")
    if not isinstance(table, dict) or not table:
        raise WordsError(f'{file} has no table [truth]: write one, with lines such as "word" = ["phrase", …]')
    for word, phrases in table.items():
        if not (isinstance(phrases, list) and all(isinstance(phrase, str) for phrase in phrases)):
            raise WordsError(f"{file}, {word!r}: a list of phrases must stand here")
    return {word.strip(): phrases for word, phrases in table.items()}


def own_table(dataset: str, truth_words: Iterable[str]) -> Table:
    """The table of the data set's own reader: a packaged one, else each truth word is a phrase itself, as in
    the planted world."""
    packaged = resources.files("vqtext.prompts").joinpath("truth", f"{dataset}.toml")
    if dataset.isidentifier() and packaged.is_file():
        table: Table = tomllib.loads(packaged.read_text(encoding="utf-8"))["truth"]
        return table
    return {word: [word] for word in truth_words}


def tables_digest() -> str:
    """Fingerprint of the packaged tables: scores that were made with others are out of date."""
    folder = resources.files("vqtext.prompts").joinpath("truth")
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda f: f.name)
    return fingerprint([[file.name, file.read_text(encoding="utf-8")] for file in files])


def unknown_phrase(table: Table, truth_words: Iterable[str], words: Words) -> str | None:
    """The first phrase of a label that the table has none of these truth words for: where there is one, the
    table was written for other words or other data."""
    table = {word: phrases for word, phrases in table.items() if word in truth_words}
    known = {same_text(phrase) for phrases in table.values() for phrase in phrases}
    used = (subaction.phrase for uses in words.uses for _, subaction in uses)
    return next((phrase for phrase in used if same_text(phrase) not in known), None)


def map_of(table: Table, truth_words: Sequence[str], words: Words) -> TruthMap:
    """Anchors → truth words, each use of a phrase in a label counted by itself. Phrases that no label uses
    stand for nothing: `check` refuses them."""
    meant: dict[int, set[str]] = {}
    anchors = _anchors(words)
    for word, phrases in table.items():
        for phrase in phrases:
            for anchor in anchors.get(same_text(phrase), ()):
                meant.setdefault(anchor, set()).add(word)
    torn = tuple(words.phrases[k] for k, own in sorted(meant.items()) if len(own) > 1)
    word_of = np.full(len(words.phrases), -1)
    for anchor, own in meant.items():
        if len(own) == 1:
            word_of[anchor] = truth_words.index(own.pop())
    return TruthMap(word_of, torn)


def check(table: Table, file: Path | str, truth_words: Sequence[str], words: Words) -> None:
    """Every word and phrase of a user's table exists.

    Raises:
        WordsError: a truth word that the data lacks, or a phrase that no label uses; the nearest is named.
    """
    spelled = {same_text(s.phrase): s.phrase for uses in words.uses for _, s in uses}
    for word, phrases in table.items():
        if word not in truth_words:
            raise WordsError(f"{file}: the data have no truth word {word!r}{_nearest(word, truth_words)}")
        for phrase in phrases:
            if same_text(phrase) not in spelled:
                near = _nearest(phrase, [*spelled.values()])
                raise WordsError(f"{file}, {word!r}: no label uses the phrase {phrase!r}{near}")


def _anchors(words: Words) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for uses in words.uses:
        for anchor, subaction in uses:
            found.setdefault(same_text(subaction.phrase), set()).add(anchor)
    return found


def _nearest(text: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(text, known, n=1, cutoff=0)
    return f": the nearest is {near[0]!r}" if near else ""
