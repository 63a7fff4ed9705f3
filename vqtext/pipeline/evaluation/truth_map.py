"""From truth words to anchors: a table that is written before training, and never found by matching.

A ``truth.toml`` says for each truth word of the data which phrases stand for it::

    [truth]
    "left leg swings" = ["swing the left leg forward", "lift the left foot off the floor"]

A phrase stands for the anchor that it was merged into, in every label that uses it. A phrase that straddles
a border ("turn the trunk") may be written under several truth words, and is right on each; an anchor of
phrases that have no truth word in common, or none at all, is never right.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TypeAlias

import numpy as np

from vqtext.cache.fingerprint import fingerprint
from vqtext.console.text import nearest_to
from vqtext.data.windows.windows import Windows
from vqtext.errors import WordsError
from vqtext.pipeline.evaluation.frame_metrics import at_samples
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import counted_as, parts_of
from vqtext.schema import same_text

Table: TypeAlias = Mapping[str, Sequence[str]]
"""Truth word → the phrases that stand for it."""


@dataclass(frozen=True)
class TruthMap:
    """Which truth words an anchor stands for.

    Attributes:
        right: ``(K, W) bool``; more than one in a row where its phrases straddle a border.
        torn: phrases of the anchors whose phrases have no truth word in common.
    """

    right: np.ndarray
    torn: tuple[str, ...]

    @property
    def word(self) -> np.ndarray:
        """Place of the first of them among the truth words, ``(K,)``; −1 none."""
        return first_word(self.right)


def first_word(right: np.ndarray) -> np.ndarray:
    """The first truth word of each row ``(K, W)``, ``(K,)``; −1 none."""
    return np.where(right.any(axis=1), right.argmax(axis=1), -1)


@dataclass(frozen=True)
class Truth:
    """The truth of the test windows, fold by fold.

    Attributes:
        folds: words of each sample, ``(n, T)`` each; −1 unknown, or beyond the window.
        right: the truth words that each anchor stands for, ``(K, W) bool``.
        words: the truth words.
        rate_hz: samples a second.
    """

    folds: list[np.ndarray]
    right: np.ndarray
    words: list[str]
    rate_hz: float

    @classmethod
    def of(cls, windows: Windows, tests: Sequence[np.ndarray], right: np.ndarray) -> Truth:
        """Of the windows' truth, for the test windows of each fold."""
        assert windows.truth is not None
        inside = [np.arange(windows.T) < windows.length[test][:, None] for test in tests]
        folds = [np.where(own, windows.truth[test], -1) for test, own in zip(tests, inside, strict=True)]
        return cls(folds, right, windows.truth_words, windows.rate_hz)

    def named(self, anchor: np.ndarray) -> np.ndarray:
        """Words of the anchors of frames ``(n, F)`` of all folds, sample by sample ``(n, T)``; the anchor −1
        is none. An anchor that straddles a border is the true word wherever it stands for that too."""
        true = np.concatenate(self.folds)
        anchors = at_samples(anchor, true.shape[1])
        is_right = self._and_none[anchors, np.maximum(true, 0)] & (true >= 0)
        return np.where(is_right, true, first_word(self._and_none)[anchors])

    def straddles(self, anchor: np.ndarray) -> np.ndarray:
        """Samples under an anchor that stands for several truth words; ``(n, F)`` → ``(n, T)``."""
        return at_samples(self._and_none.sum(axis=1)[anchor] > 1, self.folds[0].shape[1])

    @property
    def _and_none(self) -> np.ndarray:
        """`right`, with a last row for the anchor −1."""
        return np.concatenate([self.right, np.zeros((1, self.right.shape[1]), dtype=bool)])


def read_table(file: Path | str) -> Table:
    """The table of a ``truth.toml``.

    Raises:
        WordsError: it cannot be read, or is no such table; the message says where.
    """
    try:
        content = tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise WordsError(f"{file} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WordsError(f"{file} is not UTF-8 text: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise WordsError(f"{file} is not TOML: {error}") from None
    table = content.get("truth")
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
    used = (part.phrase for uses in words.uses for _, step in uses for part in parts_of(step))
    return next((phrase for phrase in used if same_text(phrase) not in known), None)


def map_of(table: Table, truth_words: Sequence[str], words: Words) -> TruthMap:
    """Anchors → truth words, each use of a phrase in a label counted by itself; a step that was joined counts
    as its longest part alone. Phrases that no label uses stand for nothing: `check` refuses them."""
    stands: dict[str, set[str]] = {}
    for word, phrases in table.items():
        for phrase in phrases:
            stands.setdefault(same_text(phrase), set()).add(word)
    meant: dict[int, list[set[str]]] = {}
    for key, anchors in _anchors(words).items():
        for anchor in anchors if key in stands else ():
            meant.setdefault(anchor, []).append(stands[key])
    common = {anchor: set.intersection(*own) for anchor, own in meant.items()}
    torn = tuple(words.phrases[k] for k, own in sorted(common.items()) if not own)
    right = np.zeros((len(words.phrases), len(truth_words)), dtype=bool)
    for anchor, own in common.items():
        right[anchor, [truth_words.index(word) for word in own]] = True
    return TruthMap(right, torn)


def check(table: Table, file: Path | str, truth_words: Sequence[str], words: Words) -> None:
    """Every word and phrase of a user's table exists.

    Raises:
        WordsError: a truth word that the data lacks, or a phrase that no label uses; the nearest is named.
    """
    spelled = {same_text(s.phrase): s.phrase for own in words.uses for _, step in own for s in parts_of(step)}
    for word, phrases in table.items():
        if word not in truth_words:
            raise WordsError(f"{file}: the data have no truth word {word!r}{nearest_to(word, truth_words)}")
        for phrase in phrases:
            if same_text(phrase) not in spelled:
                near = nearest_to(phrase, [*spelled.values()])
                raise WordsError(f"{file}, {word!r}: no label uses the phrase {phrase!r}{near}")


def _anchors(words: Words) -> dict[str, set[int]]:
    found: dict[str, set[int]] = {}
    for uses in words.uses:
        for anchor, step in uses:
            found.setdefault(same_text(counted_as(step).phrase), set()).add(anchor)
    return found
