"""Which windows train a model, which choose its epoch, and which test it.

Chosen at ``train``, never baked into ``windows.h5``. A score only means something for people the model has
never seen, so subjects come first: named test subjects, then the data set's own split, then chance.
Validation is cut from what is left, by subject wherever at least two are known there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vqtext.data.windows import Windows
from vqtext.errors import DataError, UsageError

TEST_SHARE = 0.25
"""Share of the recordings of each label that a random split tests on."""


@dataclass(frozen=True)
class Split:
    """Indices of windows, each sorted; no window is in two parts.

    Attributes:
        train, validation, test: ``(n,) int64``.
        how: what decided about the test windows.
        test_subjects, validation_subjects: subject ids, where whole subjects were kept apart.
        seed: of every random choice.
        warnings: what a user should know, one line each.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    how: Literal["subjects", "own", "random"]
    test_subjects: tuple[str, ...] = ()
    validation_subjects: tuple[str, ...] = ()
    seed: int = 0
    warnings: tuple[str, ...] = ()

    def describe(self) -> dict[str, Any]:
        """Plain data for JSON, whole: `from_description` gives the same split back."""
        return {
            "how": self.how,
            "test_subjects": list(self.test_subjects),
            "validation_subjects": list(self.validation_subjects),
            "seed": self.seed,
            "warnings": list(self.warnings),
            **{part: getattr(self, part).tolist() for part in ("train", "validation", "test")},
        }

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> Split:
        """The split that `describe` wrote down."""
        parts = {
            part: np.array(description[part], dtype=np.int64) for part in ("train", "validation", "test")
        }
        return cls(
            **parts,
            how=description["how"],
            test_subjects=tuple(description["test_subjects"]),
            validation_subjects=tuple(description["validation_subjects"]),
            seed=description["seed"],
            warnings=tuple(description["warnings"]),
        )


def split_windows(
    windows: Windows, test_subjects: Sequence[str] | None = None, validation: float = 0.2, seed: int = 0
) -> Split:
    """Split windows into train, validation and test.

    Args:
        windows: the data.
        test_subjects: ids of the subjects to test on; None takes the data set's own split, and where it has
            none, a random one, stratified by label.
        validation: share of the training subjects, or recordings, that choose the epoch.
        seed: of every random choice; the same seed gives the same split.

    Raises:
        UsageError: a test subject that the data does not have, or nobody left to train on.
        DataError: the data set's own split leaves nothing to train on.
    """
    rng = np.random.default_rng(seed)
    rest = np.arange(windows.n)
    warnings: list[str] = []
    how: Literal["subjects", "own", "random"]
    if test_subjects:
        how = "subjects"
        tested = _codes_of(windows, test_subjects)
        test = rest[np.isin(windows.subject, tested)]
        unknown = windows.subject < 0
        if unknown.any():
            warnings.append(
                f"{int(unknown.sum())} windows of unknown subjects are left out: they may be anyone's"
            )
        rest = rest[~np.isin(windows.subject, tested) & ~unknown]
        if not rest.size:
            raise UsageError("nobody is left to train on: name fewer --test-subjects")
    elif (windows.split == 1).any():
        how = "own"
        test, rest = rest[windows.split == 1], rest[windows.split != 1]
        if not rest.size:
            raise DataError(f"the own split of {windows.dataset} has test windows only: nothing to train on")
    else:
        how = "random"
        test = _held_out(windows, rest, TEST_SHARE, rng)
        rest = np.setdiff1d(rest, test)
        if windows.subjects:
            warnings.append(
                "random split: windows of one person are in train and test, so scores are too good for new "
                "people; name --test-subjects"
            )
    chosen, validation_subjects = _validation(windows, rest, validation, rng)
    train = np.setdiff1d(rest, chosen)
    return Split(
        train=train,
        validation=chosen,
        test=test,
        how=how,
        test_subjects=tuple(dict.fromkeys(test_subjects or ())),
        validation_subjects=validation_subjects,
        seed=seed,
        warnings=(*warnings, *_remarks(windows, train, chosen, test)),
    )


def _codes_of(windows: Windows, ids: Sequence[str]) -> list[int]:
    known = [subject.id for subject in windows.subjects]
    strangers = [name for name in ids if name not in known]
    if strangers:
        there = f"there are {', '.join(known)}" if known else "this data set names no subjects"
        raise UsageError(f"no subject {', '.join(map(repr, strangers))}: {there}")
    return [known.index(name) for name in ids]


def _validation(
    windows: Windows, rest: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Validation windows out of ``rest``, and whose they are if whole subjects were taken."""
    subjects = np.unique(windows.subject[rest])
    known = subjects[subjects >= 0]
    if known.size < 2:
        return _held_out(windows, rest, share, rng), ()
    count = min(max(round(share * known.size), 1), known.size - 1)
    # A label that only some subjects have should stay in training: take the draw of twenty that keeps most.
    draws = [rng.permutation(known)[:count] for _ in range(20)]
    chosen = max(draws, key=lambda draw: _labels_kept(windows, rest, draw))
    ids = tuple(windows.subjects[code].id for code in sorted(chosen))
    return rest[np.isin(windows.subject[rest], chosen)], ids


def _labels_kept(windows: Windows, rest: np.ndarray, held: np.ndarray) -> int:
    return np.unique(windows.label[rest[~np.isin(windows.subject[rest], held)]]).size


def _held_out(windows: Windows, rest: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A random share of the groups of each label, never all of a label's."""
    groups = _groups(windows)[rest]
    labels = windows.label[rest]
    held: set[int] = set()
    for label in np.unique(labels):
        own = rng.permutation(np.unique(groups[labels == label]))
        wanted = min(max(round(share * own.size), 1), own.size - 1)  # one group alone stays in training
        already = sum(int(group) in held for group in own)
        free = [int(group) for group in own if int(group) not in held]
        held.update(free[: max(wanted - already, 0)])
    for label in np.unique(labels):  # a group of several labels may have been taken for the sake of another
        own = np.unique(groups[labels == label])
        if all(int(group) in held for group in own):
            held.discard(int(own[0]))
    return rest[np.isin(groups, list(held))]


def _groups(windows: Windows) -> np.ndarray:
    """What must stay together, ``(N,)``: a recording; overlapping windows if it alone has a label."""
    order = np.lexsort((windows.start_s, windows.recording))
    end = windows.start_s + windows.length / windows.rate_hz
    groups = np.zeros(windows.n, dtype=np.int64)
    group, recording, reach = 0, -1, 0.0
    for i in order:
        if windows.recording[i] != recording or windows.start_s[i] >= reach - 0.5 / windows.rate_hz:
            group, recording, reach = group + 1, windows.recording[i], 0.0
        reach = max(reach, end[i])
        groups[i] = group
    by_label = [np.unique(windows.recording[windows.label == label]) for label in np.unique(windows.label)]
    sole = {int(recordings[0]) for recordings in by_label if recordings.size == 1}
    whole = ~np.isin(windows.recording, list(sole))
    groups[whole] = -1 - windows.recording[whole]
    return groups


def _remarks(windows: Windows, train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> list[str]:
    counts = np.bincount(windows.label, minlength=len(windows.labels))
    trained = np.bincount(windows.label[train], minlength=len(windows.labels))
    found = []
    single = [repr(name) for name, count in zip(windows.labels, counts, strict=True) if count == 1]
    if single:
        found.append(f"labels with a single window: {', '.join(single)}")
    unseen = [repr(windows.labels[i]) for i in np.unique(windows.label[test]) if not trained[i]]
    if unseen:
        found.append(f"labels that only the test windows have, and no model can learn: {', '.join(unseen)}")
    if not validation.size:
        found.append("no window is left for validation: the last epoch is taken")
    if not test.size:
        found.append("no window is left to test on")
    return found
