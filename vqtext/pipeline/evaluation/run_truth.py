"""The truth of a run's test windows, and a note on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from vqtext.console.text import as_text, cut_short
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.correcting.corrections import Corrections
from vqtext.pipeline.correcting.moments import corrected_windows
from vqtext.pipeline.evaluation.tested import Tested
from vqtext.pipeline.evaluation.truth_map import (
    Truth,
    check,
    map_of,
    own_table,
    read_table,
    unknown_phrase,
)


def truth_of(
    tested: Tested, file: Path | None, corrections: Corrections, warn: Callable[[str], None]
) -> tuple[Truth | None, str | None]:
    """The truth of the test windows and a note on it; None where names cannot be held against any.

    Args:
        file: a user's ``truth.toml``; None takes the table of the data set.
        corrections: people whose moments were corrected are no test.
        warn: takes what a user should know at once.
    """
    windows = tested.windows
    if windows.truth is None:
        if file is not None:
            warn(f"{file} is not used: the data have no truth")
        return None, None
    if file is not None:
        table = read_table(file)
        check(table, file, windows.truth_words, tested.words_of_folds[0])
    else:
        table = own_table(windows.dataset, windows.truth_words)
        unknown = unknown_phrase(table, windows.truth_words, tested.words_of_folds[0])
        if unknown is not None:
            note = (
                f"names were not compared with the truth: no table says which truth word {unknown!r} stands "
                "for; write a truth.toml and give it with --truth"
            )
            warn(note)
            return None, note
    maps = [map_of(table, windows.truth_words, words) for words in tested.words_of_folds]
    right = np.zeros((max(map(max, tested.places)) + 1, len(windows.truth_words)), dtype=bool)
    for place, own in zip(tested.places, maps, strict=True):
        right[place] |= own.right
    truth = Truth.of(windows, tested.tests, right)
    if not any((fold >= 0).any() for fold in truth.folds):
        return None, "names were not held against the truth: no test window has any"
    uncorrected, corrected_note = without_corrected(truth, windows, tested.tests, corrections)
    if corrected_note is not None:
        warn(corrected_note)
    torn = dict.fromkeys(phrase for own in maps for phrase in own.torn)
    if uncorrected is None or not torn:
        return uncorrected, corrected_note
    note = "stand for phrases of different truth words and are never right: " + ", ".join(map(repr, torn))
    return uncorrected, f"{corrected_note}; {note}" if corrected_note else note


def without_corrected(
    truth: Truth, windows: Windows, tests: Sequence[np.ndarray], corrections: Corrections
) -> tuple[Truth | None, str | None]:
    """The truth of the people without corrected moments, and a note on the others.

    Args:
        tests: test windows of each fold.
    """
    corrected, test = corrected_windows(corrections, windows), np.concatenate(tests)
    if not corrected[test].any():
        return truth, None
    subjects = np.unique(windows.subject[test[corrected[test]]])
    people = as_text([windows.subjects[i].id if i >= 0 else "unknown" for i in subjects])
    why = f"people whose moments were corrected are no test of names (subject {cut_short(people)})"
    folds = [np.where(corrected[own, None], -1, true) for own, true in zip(tests, truth.folds, strict=True)]
    if any((fold >= 0).any() for fold in folds):
        return replace(truth, folds=folds), f"{why}: names are held against the truth of the others alone"
    return None, f"names were not held against the truth: {why}; test other people with --test-subjects"
