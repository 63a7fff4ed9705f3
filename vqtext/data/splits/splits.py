"""Which windows train a model, which choose its epoch, and which test it.

Chosen at ``train``, never baked into ``windows.h5``. A score only means something for people the model has
never seen, so subjects come first: named test subjects, then the data set's own split, then chance. One
person's recordings can be split in time. Folds over subjects are `folds`. Validation is cut from
what is left, by subject wherever at least two are known there. Nothing here reads a signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from vqtext.data.splits.holdout import cut_validation, held_out, last_in_time
from vqtext.data.windows.windows import Windows
from vqtext.errors import DataError, UsageError
from vqtext.schema import same_subject

TEST_SHARE = 0.25
"""Share of the recordings of each label that a random split tests on."""

PARTS = ("train", "validation", "test")

How = Literal["subjects", "folds", "own", "random", "time"]


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
    how: How
    test_subjects: tuple[str, ...] = ()
    validation_subjects: tuple[str, ...] = ()
    seed: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def learn(self) -> np.ndarray:
        """Windows that had any say in the model: those it was trained on and those that chose its epoch."""
        return np.sort(np.concatenate([self.train, self.validation]))

    def describe(self) -> dict[str, Any]:
        """Plain data for JSON, whole: `from_description` gives the same split back."""
        return {
            "how": self.how,
            "test_subjects": list(self.test_subjects),
            "validation_subjects": list(self.validation_subjects),
            "seed": self.seed,
            "warnings": list(self.warnings),
            **{part: _to_ranges(getattr(self, part)) for part in PARTS},
        }

    @classmethod
    def from_description(cls, description: dict[str, Any]) -> Split:
        """The split that `describe` wrote down."""
        return cls(
            **{part: _from_ranges(description[part]) for part in PARTS},
            how=description["how"],
            test_subjects=tuple(description["test_subjects"]),
            validation_subjects=tuple(description["validation_subjects"]),
            seed=description["seed"],
            warnings=tuple(description["warnings"]),
        )


def _to_ranges(index: np.ndarray) -> str:
    """Sorted indices as text that stays short for a million windows: "0-119,200,240-359"."""
    runs = np.split(index, np.flatnonzero(np.diff(index) != 1) + 1) if index.size else []
    return ",".join(f"{run[0]}-{run[-1]}" if run.size > 1 else str(run[0]) for run in runs)


def _from_ranges(text: str) -> np.ndarray:
    ends = [[int(end) for end in run.split("-")] for run in text.split(",") if run]
    return np.concatenate([np.empty(0, np.int64), *(np.arange(run[0], run[-1] + 1) for run in ends)])


def split_windows(
    windows: Windows,
    test_subjects: Sequence[str] | None = None,
    validation: float = 0.2,
    seed: int = 0,
    how: Literal["own", "random", "time"] | None = None,
) -> Split:
    """Split windows into train, validation and test.

    Args:
        test_subjects: ids of the subjects to test on; None leaves it to ``how``.
        validation: share of the training subjects, or recordings, that are kept apart at first.
        seed: of every random choice; the same seed gives the same split.
        how: the data set's own split; a random one, stratified by label; or one in time: of each label in
            each recording the last windows. None takes the own split where there is one, else a random one.

    Raises:
        UsageError: a test subject that the data does not have, nothing left to train on, or no own
            split.
        DataError: the data set's own split leaves nothing to train on.
    """
    if test_subjects is not None:
        if not test_subjects:
            raise UsageError("no test subject is named: give --test-subjects at least one")
        return split_subjects(windows, _codes_of(windows, test_subjects), validation, seed, "subjects")
    rng = np.random.default_rng(seed)
    every = np.arange(windows.n)
    own = windows.split == 1
    if how == "own" and not own.any():
        raise UsageError(
            f"{windows.dataset} has no own split: leave out --split own, or name --test-subjects"
        )
    if how == "time":
        test, rest = last_in_time(windows, every, TEST_SHARE)
        if not rest.size:
            raise UsageError(
                "a split in time leaves nothing to train on: all windows overlap those that are tested; "
                "prepare with a longer --stride-s, or a shorter --window-s"
            )
        warnings = _in_both(windows, np.isin(every, test), "a split in time")
        return _finish(windows, rest, test, "time", validation, seed, rng, warnings)
    if how != "random" and own.any():
        if own.all():
            raise DataError(f"the own split of {windows.dataset} has test windows only: nothing to train on")
        warnings = _in_both(windows, own, f"the own split of {windows.dataset}")
        return _finish(windows, every[~own], every[own], "own", validation, seed, rng, warnings)
    test = held_out(windows, every, TEST_SHARE, rng)
    warnings = _in_both(windows, np.isin(every, test), "a random split")
    return _finish(windows, np.setdiff1d(every, test), test, "random", validation, seed, rng, warnings)


def split_subjects(
    windows: Windows,
    tested: Sequence[int],
    validation: float,
    seed: int,
    how: Literal["subjects", "folds"],
) -> Split:
    """Test on subjects, given as their indices, and train on all others.

    Raises:
        UsageError: no subject is left to train on.
    """
    is_tested = np.isin(windows.subject, tested)
    unknown = windows.subject < 0
    warnings = []
    if unknown.any():
        warnings.append(
            f"{int(unknown.sum())} windows of unknown subjects are left out: they may be anyone's"
        )
    rest = np.flatnonzero(~is_tested & ~unknown)
    if not rest.size:
        raise UsageError("nobody is left to train on: name fewer --test-subjects")
    ids = tuple(windows.subjects[code].id for code in tested)
    rng = np.random.default_rng(seed)
    return _finish(windows, rest, np.flatnonzero(is_tested), how, validation, seed, rng, warnings, ids)


def known_subjects(windows: Windows) -> np.ndarray:
    """Indices of the subjects that have windows, sorted."""
    return np.unique(windows.subject[windows.subject >= 0])


def _codes_of(windows: Windows, ids: Sequence[str]) -> list[int]:
    """The subjects of that name; where none is spelled so, the one that `same_subject` takes for the same."""
    known = {windows.subjects[code].id: int(code) for code in known_subjects(windows)}
    same_id: dict[str, list[str]] = {}
    for name in known:
        same_id.setdefault(same_subject(name), []).append(name)
    candidates = {name: [name] if name in known else same_id.get(same_subject(name), []) for name in ids}
    unknown = [name for name, names in candidates.items() if len(names) != 1]
    if unknown:
        hint = f"there are {', '.join(known)}" if known else "this data set names no subjects: --split time"
        raise UsageError(f"no subject {', '.join(map(repr, unknown))}: {hint}")
    return list(dict.fromkeys(known[names[0]] for names in candidates.values()))


def _in_both(windows: Windows, test: np.ndarray, split: str) -> list[str]:
    """A warning where a split has people, or recordings of unknown people, both in train and test."""
    both = np.intersect1d(windows.subject[test], windows.subject[~test])
    ids = [windows.subjects[code].id for code in both if code >= 0]
    shared = np.intersect1d(windows.recording[test], windows.recording[~test])
    if not ids and shared.size:
        return [
            f"{split} has windows of {windows.recordings[shared[0]]} in train and test, so scores are too "
            "good for new people; say in the data whose recordings they are"
        ]
    if not ids:
        return []
    return [
        f"{split} has windows of {_listed(ids)} in train and test, so scores are too good for new people; "
        "name --test-subjects, or --folds"
    ]


def _finish(
    windows: Windows,
    rest: np.ndarray,
    test: np.ndarray,
    how: How,
    share: float,
    seed: int,
    rng: np.random.Generator,
    warnings: Sequence[str],
    test_subjects: tuple[str, ...] = (),
) -> Split:
    """Cut the validation windows from the rest, and remark on the result."""
    validation_subjects: tuple[str, ...] = ()
    if how == "time":
        validation, train = last_in_time(windows, rest, share)
        if not train.size:
            validation, train = train, rest
    else:
        validation, validation_subjects = cut_validation(windows, rest, share, rng)
        train = np.setdiff1d(rest, validation)
    remarks = _remarks(windows, train, validation, test)
    return Split(
        train, validation, test, how, test_subjects, validation_subjects, seed, (*warnings, *remarks)
    )


def unlearned(windows: Windows, split: Split) -> list[int]:
    """Labels of test windows that no training window has."""
    return np.setdiff1d(windows.label[split.test], windows.label[split.train]).tolist()


def _remarks(windows: Windows, train: np.ndarray, validation: np.ndarray, test: np.ndarray) -> list[str]:
    remarks = []
    for kind, names, codes in (
        ("labels", windows.labels, windows.label),
        ("subjects", [subject.id for subject in windows.subjects], windows.subject),
    ):
        counts = np.bincount(codes[codes >= 0], minlength=len(names))
        single = [repr(name) for name, count in zip(names, counts, strict=True) if count == 1]
        if single:
            remarks.append(f"{kind} with a single window: {', '.join(single)}")
    for label in np.setdiff1d(windows.label[np.concatenate([validation, test])], windows.label[train]):
        own = windows.label == label
        where = [
            f"{part} windows{_of_subjects(windows, index[own[index]])}"
            for part, index in (("validation", validation), ("test", test))
            if own[index].any()
        ]
        counted = "; its test windows count as mistakes" if own[test].any() else ""
        remarks.append(
            f"label {windows.labels[label]!r}: only the {' and the '.join(where)} have it, so no model can "
            f"learn it{counted}"
        )
    if not validation.size:
        remarks.append("no window is left for validation: the last epoch is taken")
    if not test.size:
        remarks.append(
            "no window is left to test on: name --test-subjects, or --split time for one person's recordings"
        )
    return remarks


def _of_subjects(windows: Windows, index: np.ndarray) -> str:
    ids = [windows.subjects[code].id for code in np.unique(windows.subject[index]) if code >= 0]
    return f" of {_listed(ids)}" if ids else ""


def _listed(ids: Sequence[str]) -> str:
    return f"subject{'s' if len(ids) > 1 else ''} {', '.join(ids)}"
