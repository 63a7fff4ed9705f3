"""What a person does in the studio: correct, take back, do again. Each change is on the disk before it is
answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import uuid4

from vqtext.errors import UsageError, WordsError
from vqtext.pipeline.correcting.corrections import (
    Correction,
    Corrections,
    make_correction,
    read_corrections,
    write_corrections,
)
from vqtext.schema import LabelWords
from vqtext.studio.label_words import LabelFile

MAX_HISTORY = 200  # changes of the history that are shown
MIN_SECONDS = 0.005  # what is left of a stretch that another cuts, and is shorter, is dropped


@dataclass(frozen=True)
class State:
    """All corrections and, where words change, those of their label."""

    corrections: Corrections
    words: LabelWords | None = None


@dataclass(frozen=True)
class Change:
    """One change that can be taken back.

    Attributes:
        before, after: what was, and what is.
        entry: of the history: the corrections that were added, or the label whose words changed.
    """

    before: State
    after: State
    entry: dict[str, Any]


class Editor:
    """The corrections and words of a cache, as one person at a time changes them; safe to be used by threads.

    Args:
        cache: the folder of the artifacts.
        check: what is wrong with corrections, a line each; nothing is taken that brings a new fault.

    Raises:
        VQTextError: what is there cannot be read.
    """

    def __init__(self, cache: Path, check: Callable[[Corrections], list[str]]) -> None:
        self.cache, self.check = cache, check
        self.words = LabelFile(cache / "subactions.json")
        self.corrections = read_corrections(cache)
        made = self.corrections.corrections
        states = [
            State(Corrections(corrections=made[:i]))
            for i in range(max(0, len(made) - MAX_HISTORY), len(made) + 1)
        ]
        self._past = [_change(*pair) for pair in pairwise(states)]  # as if each was made by itself
        self._future: list[Change] = []
        self._one_at_a_time = threading.RLock()

    def correct(self, corrections: Iterable[dict[str, Any]]) -> None:
        """Take corrections in, given without an id; all of them or none. Of two that speak of one moment the
        newer one holds: the older one is cut there.

        Raises:
            WordsError: one is none, or contradicts what is there.
            ArtifactError: the cache cannot be written.
        """
        with self._one_at_a_time:
            now = list(self.corrections.corrections)
            for one in corrections:
                now = _placed(now, make_correction(**{**one, "id": _id()}))
            self._take(Corrections(corrections=tuple(now)))

    def remove(self, ids: Iterable[str]) -> None:
        """Take corrections out, by their ids."""
        with self._one_at_a_time:
            now = self.corrections
            for gone in ids:
                now = now.without(gone)
            self._take(now)

    def reword(self, entry: dict[str, Any], seen: dict[str, Any]) -> None:
        """Put the words of a label in the place of those that stand in subactions.json, and were ``seen``.

        Raises:
            WordsError: the schema does not allow them; the file stays as it is.
        """
        with self._one_at_a_time:
            words, old = self.words.checked(entry), self.words.checked(seen)
            before = State(self.corrections, old)
            after = State(_renamed(self.corrections, old, words), words)
            if seen != entry:
                self._put(before, after)
                self._did(Change(before, after, {"words": words.label}))

    def undo(self) -> None:
        """Take the last change back. Raises UsageError where there is none."""
        with self._one_at_a_time:
            if not self._past:
                raise UsageError("there is nothing to undo")
            change = self._past[-1]
            self._put(change.after, change.before)
            self._future.append(self._past.pop())

    def redo(self) -> None:
        """Do again what was taken back last. Raises UsageError where there is nothing."""
        with self._one_at_a_time:
            if not self._future:
                raise UsageError("there is nothing to do again")
            change = self._future[-1]
            self._put(change.before, change.after)
            self._past.append(self._future.pop())

    def answer(self) -> dict[str, Any]:
        """The corrections, their faults, and what can be undone and done again; the newest last."""
        with self._one_at_a_time:
            return {
                "corrections": [c.model_dump() for c in self.corrections.corrections],
                "problems": self.check(self.corrections),
                "history": [change.entry for change in self._past[-MAX_HISTORY:]],
                "undo": bool(self._past),
                "redo": bool(self._future),
            }

    def _take(self, now: Corrections) -> None:
        if now == self.corrections:
            return
        known = {*self.check(self.corrections)}
        if new := [problem for problem in self.check(now) if problem not in known]:
            raise WordsError(new[0])
        before = State(self.corrections)
        self._put(before, State(now))
        self._did(_change(before, State(now)))

    def _put(self, now: State, wanted: State) -> None:
        if read_corrections(self.cache) != self.corrections:
            raise WordsError(
                f"{self.cache / 'corrections.json'} was changed by another program: close the studio and "
                "open it again"
            )
        if wanted.words is not None and now.words is not None:
            self.words.replace(*(words.model_dump(exclude_none=True) for words in (wanted.words, now.words)))
        if wanted.corrections != self.corrections:
            write_corrections(self.cache, wanted.corrections)
            self.corrections = wanted.corrections

    def _did(self, change: Change) -> None:
        self._past.append(change)
        self._future.clear()


def _change(before: State, after: State) -> Change:
    known = {*before.corrections.corrections}
    added = [c.model_dump() for c in after.corrections.corrections if c not in known]
    return Change(before, after, {"added": added})


def _renamed(corrections: Corrections, before: LabelWords, after: LabelWords) -> Corrections:
    """Corrections of a step name it by its new phrase, too: a step is known by its phrase wherever
    that still stands, else by its place, as long as none came or went."""
    old, new = ([step.phrase for step in words.subactions] for words in (before, after))
    if len(old) != len(new):
        return corrections
    now = {a: b for a, b in zip(old, new, strict=True) if a not in new and b not in old}
    return Corrections(
        corrections=tuple(
            c.model_copy(update={"phrase": now[c.phrase]})
            if c.label == after.label and c.phrase in now
            else c
            for c in corrections.corrections
        )
    )


def _placed(standing: Iterable[Correction], new: Correction) -> list[Correction]:
    """These and a new one; where it lies, older ones of its recording are cut."""
    if new.start_s is None or new.end_s is None:
        return [*standing, new]
    kept: list[Correction] = []
    for old in standing:
        begin, end = old.start_s, old.end_s
        elsewhere = old.recording != new.recording
        if elsewhere or begin is None or end is None or end <= new.start_s or begin >= new.end_s:
            kept.append(old)
            continue
        pieces = [(begin, new.start_s), (new.end_s, end)]
        left = [(a, b) for a, b in pieces if b - a >= MIN_SECONDS]
        for i, (a, b) in enumerate(left):
            kept.append(old.model_copy(update={"start_s": a, "end_s": b} | ({"id": _id()} if i else {})))
    return [*kept, new]


def _id() -> str:
    return uuid4().hex
