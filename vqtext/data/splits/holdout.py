"""What may be kept apart: whole subjects, else whole recordings, else windows that do not overlap; or what
comes last."""

from __future__ import annotations

import numpy as np

from vqtext.data.windows.windows import Windows

DRAWS = 20
"""Draws of subjects of which the best is taken."""


def cut_validation(
    windows: Windows, rest: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Validation windows out of ``rest``, and whose they are if whole subjects were taken.

    Only windows of ``rest`` are looked at: what the test windows hold decides nothing here.
    """
    subjects = np.unique(windows.subject[rest])
    known = subjects[subjects >= 0]
    if known.size < 2:
        return held_out(windows, rest, share, rng), ()
    count = min(max(round(share * known.size), 1), known.size - 1)
    draws = [rng.permutation(known)[:count] for _ in range(DRAWS)]
    chosen = max(draws, key=lambda draw: _worth(windows, rest, draw, share))
    ids = tuple(windows.subjects[code].id for code in sorted(chosen))
    return rest[np.isin(windows.subject[rest], chosen)], ids


def _worth(windows: Windows, rest: np.ndarray, draw: np.ndarray, share: float) -> tuple[int, bool]:
    """First, labels that only some subjects have stay in training; then, subjects with a window or two alone
    choose no epoch."""
    held = np.isin(windows.subject[rest], draw)
    labels_kept = np.unique(windows.label[rest[~held]]).size
    return labels_kept, bool(held.mean() >= share / 2)


def held_out(windows: Windows, rest: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """A random share of the groups of each label, never all of a label's."""
    groups = _groups(windows, rest)
    labels = windows.label[rest]
    held: set[int] = set()
    for label in np.unique(labels):
        own = rng.permutation(np.unique(groups[labels == label]))
        count = min(max(round(share * own.size), 1), own.size - 1)  # one group alone stays in training
        n_held = sum(int(group) in held for group in own)
        free = [int(group) for group in own if int(group) not in held]
        held.update(free[: max(count - n_held, 0)])
    for label in np.unique(labels):  # a group of several labels may have been taken for the sake of another
        own = np.unique(groups[labels == label])
        if all(int(group) in held for group in own):
            held.discard(int(own[0]))
    return rest[np.isin(groups, list(held))]


def _groups(windows: Windows, rest: np.ndarray) -> np.ndarray:
    """What must stay together in ``rest``, ``(len(rest),)``: a recording; where one recording alone has a
    label, those of its windows that overlap, whatever their labels."""
    recording, start, label = windows.recording[rest], windows.start_s[rest], windows.label[rest]
    end = start + windows.length[rest] / windows.rate_hz
    groups = np.zeros(len(rest), dtype=np.int64)
    group, current, reach = 0, -1, 0.0
    for i in np.lexsort((start, recording)):
        if recording[i] != current or start[i] >= reach - 0.5 / windows.rate_hz:
            group, current, reach = group + 1, recording[i], 0.0
        reach = max(reach, end[i])
        groups[i] = group
    by_label = [np.unique(recording[label == name]) for name in np.unique(label)]
    sole = {int(recordings[0]) for recordings in by_label if recordings.size == 1}
    whole = ~np.isin(recording, list(sole))
    groups[whole] = -1 - recording[whole]
    return groups


def last_in_time(windows: Windows, rest: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """The last windows of each label in each recording, and those before that overlap none of them.

    Args:
        rest: the windows to divide.
        share: of the windows of a label in a recording that are held out; where it has two or more, at least
            one is, and at least one is not.

    Returns:
        Held out and kept, each sorted; windows that would be in both by a part of their samples are in none.
    """
    recording, label = windows.recording[rest], windows.label[rest]
    start = windows.start_s[rest]
    end = start + windows.length[rest] / windows.rate_hz
    held = np.zeros(len(rest), dtype=bool)
    for one, of in np.unique(np.stack([recording, label]), axis=1).T:
        own = np.flatnonzero((recording == one) & (label == of))
        own = own[np.argsort(start[own], kind="stable")]
        if own.size > 1:
            held[own[-max(round(share * own.size), 1) :]] = True
    kept = ~held
    near, longest = 0.5 / windows.rate_hz, (end - start).max(initial=0.0)
    for one in np.unique(recording[held]):
        later = np.sort(start[(recording == one) & held])
        own = np.flatnonzero((recording == one) & ~held)
        first = np.searchsorted(later, start[own] - longest + near, side="right")
        kept[own] = first == np.searchsorted(later, end[own] - near)
    return rest[held], rest[kept]
