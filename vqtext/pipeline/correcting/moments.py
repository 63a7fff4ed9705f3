"""Corrections beside the data: which frames and steps they speak of, and which of them cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from vqtext.console.text import cut_short, nearest_to
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.correcting.corrections import Correction, Corrections
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.pipeline.vocabulary.joined_steps import parts_of
from vqtext.schema import same_text

SAME_S = 1e-6
TOUCH_S = 0.2  # with less between two stretches no other step fits there


def use_of(correction: Correction, labels: Sequence[str], words: Words) -> tuple[int, int] | None:
    """The label and the step that a correction names; None where there is no such step.

    A step that was joined with others is meant by its own name and, by ``is``, by the name of each part. That
    a part never happens says nothing of the rest.
    """
    if correction.label not in labels:
        return None
    label, meant = labels.index(correction.label), same_text(correction.phrase or "")
    steps = [step for _, step in words.uses[label]]
    for use, step in enumerate(steps):
        if same_text(step.phrase) == meant:
            return label, use
    for use, step in enumerate(steps if correction.kind == "is" else ()):
        if any(same_text(part.phrase) == meant for part in parts_of(step)):
            return label, use
    return None


def corrected_frames(
    corrections: Corrections, windows: Windows, index: np.ndarray, words: Words, frames: int
) -> np.ndarray | None:
    """The corrected use of each frame of some windows, counted through all labels, label · U + use, −1
    where there is none, ``(n, F)``; None where no frame was corrected.

    A frame belongs to a stretch if its middle does. Of two that say something else of a moment the later
    counts.
    """
    uses = max(map(len, words.uses))
    step_s = windows.T / windows.rate_hz / frames
    middle = windows.start_s[index, None] + (np.arange(frames) + 0.5) * step_s
    known = {name: code for code, name in enumerate(windows.recordings)}
    found = np.full((len(index), frames), -1)
    for correction in corrections.of_kind("is"):
        use = use_of(correction, windows.labels, words)
        rows = np.flatnonzero(windows.recording[index] == known.get(correction.recording or "", -1))
        if use is not None and len(rows):
            now = (middle[rows] >= correction.start_s) & (middle[rows] < correction.end_s)
            found[rows] = np.where(now, use[0] * uses + use[1], found[rows])
    return found if (found >= 0).any() else None


def are_corrected(corrections: Corrections, windows: Windows, index: np.ndarray) -> np.ndarray:
    """Windows ``index (n,)`` of which a moment was corrected, ``(n,) bool``."""
    start, recording = windows.start_s[index], windows.recording[index]
    end = start + windows.length[index] / windows.rate_hz
    known = {name: code for code, name in enumerate(windows.recordings)}
    found = np.zeros(len(index), dtype=bool)
    for correction in corrections.of_kind("is"):
        same = recording == known.get(correction.recording or "", -1)
        found |= same & (start < correction.end_s) & (end > correction.start_s)
    return found


def never_places(corrections: Corrections, labels: Sequence[str], words: Words) -> list[list[int]]:
    """Places of the steps of each label that never happen; a label of which none would be left keeps all."""
    never = _never(corrections, labels, words)
    return [sorted(left) if len(left) < len(own) else [] for left, own in zip(never, words.uses, strict=True)]


def _never(corrections: Corrections, labels: Sequence[str], words: Words) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in labels]
    for correction in corrections.of_kind("never"):
        use = use_of(correction, labels, words)
        if use is not None:
            found[use[0]].add(use[1])
    return found


def corrected_windows(corrections: Corrections, windows: Windows) -> np.ndarray:
    """Windows of people, or where nobody knows whose they are of recordings, of which a person said
    something, ``(N,) bool``."""
    names = [c.recording for c in corrections.corrections]
    corrected = np.isin(windows.recording, [i for i, name in enumerate(windows.recordings) if name in names])
    ids = {c.subject for c in corrections.corrections}
    people = {*windows.subject[corrected].tolist()}
    people |= {i for i, subject in enumerate(windows.subjects) if subject.id in ids}
    return corrected | np.isin(windows.subject, [*(people - {-1})])


def check(corrections: Corrections, windows: Windows, words: Words) -> list[str]:
    """What cannot be: a line for each correction that names what is not there, or that another one, the data
    or the order of steps contradicts. Nothing where all is well.

    Args:
        words: as anchors.h5 has them, or as they were resolved for a training.
    """
    return [
        line
        for one in (_unknown, _outside, _overlaps, _nothing_left, _backwards)
        for line in one(corrections, windows, words)
    ]


def _unknown(corrections: Corrections, windows: Windows, words: Words) -> Iterator[str]:
    for c in corrections.corrections:
        if c.label not in windows.labels:
            yield f"{_named(c)}: the data have no label {c.label!r}{nearest_to(c.label, windows.labels)}"
        elif use_of(c, windows.labels, words) is None:
            steps = [step for _, step in words.uses[windows.labels.index(c.label)]]
            whole = [
                step.phrase
                for step in steps
                if any(same_text(part.phrase) == same_text(c.phrase or "") for part in parts_of(step))
            ]
            if whole:
                yield f"{_named(c)}: the step is joined with others: name {whole[0]!r}"
            else:
                near = nearest_to(c.phrase or "", [step.phrase for step in steps])
                yield f"{_named(c)}: {c.label!r} has no such step{near}"


def _outside(corrections: Corrections, windows: Windows, words: Words) -> Iterator[str]:
    for c in corrections.of_kind("is"):
        assert c.start_s is not None and c.end_s is not None
        if c.recording not in windows.recordings:
            near = nearest_to(c.recording or "", windows.recordings)
            yield f"{_named(c)}: the data have no recording {c.recording!r}{near}"
            continue
        rows = windows.recording == windows.recordings.index(c.recording)
        begin = windows.start_s[rows]
        end = begin + windows.length[rows] / windows.rate_hz
        if not rows.any() or c.start_s < begin.min() - SAME_S or c.end_s > end.max() + SAME_S:
            last = f"{begin.min():g} to {end.max():g} s" if rows.any() else "no part"
            yield f"{_named(c)}: the windows of {c.recording!r} hold {last} of it"
            continue
        here = (begin < c.end_s) & (end > c.start_s)
        if not here.any():
            yield f"{_named(c)}: no window holds any of this stretch"
            continue
        whose = {windows.subjects[i].id if i >= 0 else None for i in windows.subject[rows]}
        if c.subject is not None and c.subject not in whose:
            yield f"{_named(c)}: {c.recording!r} is of subject {', '.join(map(str, whose))}, not {c.subject}"
        there = [*dict.fromkeys(windows.labels[i] for i in windows.label[rows][here])]
        if windows.sample_label is not None:  # windows may hold a part of other labels
            held = np.unique(windows.sample_label[np.flatnonzero(rows)[here]])
            there = [windows.labels[i] for i in held if i >= 0]
        if c.label in windows.labels and c.label not in there:
            yield f"{_named(c)}: the label there is {' or '.join(map(repr, there))}, not {c.label!r}"


def _overlaps(corrections: Corrections, windows: Windows, words: Words) -> Iterator[str]:
    before: list[Correction] = []  # those that reach beyond the one that is looked at
    for c in _by_time(corrections):
        before = [
            b for b in before if b.recording == c.recording and (b.end_s or 0) > (c.start_s or 0) + SAME_S
        ]
        for other in before:
            if use_of(c, windows.labels, words) != use_of(other, windows.labels, words):
                yield f"{_named(c)} contradicts {_named(other)}: keep one, or move the border"
        before.append(c)


def _nothing_left(corrections: Corrections, windows: Windows, words: Words) -> Iterator[str]:
    never = _never(corrections, windows.labels, words)
    for label, left, own in zip(windows.labels, never, words.uses, strict=True):
        if left and len(left) == len(own):
            yield f"no step of {label!r} is left: corrections rule all of them out"
    for c in corrections.of_kind("is"):
        use = use_of(c, windows.labels, words)
        if use is not None and use[1] in never[use[0]]:
            yield f"{_named(c)}: another correction says that it never happens"


def _backwards(corrections: Corrections, windows: Windows, words: Words) -> Iterator[str]:
    """Steps of a label that does not go round, one right after the other against their order."""
    for c, other in pairwise(_by_time(corrections)):
        if c.recording != other.recording:
            continue
        one, next_one = use_of(c, windows.labels, words), use_of(other, windows.labels, words)
        if one is None or next_one is None or one[0] != next_one[0] or words.cyclic[one[0]]:
            continue
        last = one[1] == len(words.uses[one[0]]) - 1  # after it a label begins anew
        if (
            0 <= (other.start_s or 0) - (c.end_s or 0) + SAME_S < TOUCH_S
            and next_one[1] < one[1]
            and not last
        ):
            yield (
                f"{_named(other)} comes right after {_named(c)}, against the order of the steps of "
                f"{c.label!r}: mend one of them, or the order in subactions.json"
            )


def _by_time(corrections: Corrections) -> list[Correction]:
    """Stretches, by recording and time."""
    return sorted(corrections.of_kind("is"), key=lambda c: (c.recording or "", c.start_s or 0, c.end_s or 0))


def _named(c: Correction) -> str:
    phrase = repr(cut_short(c.phrase or "", 60))
    if c.kind == "never":
        return f"never {phrase} of {cut_short(c.label, 30)}"
    return f"{phrase} at {c.start_s:.2f}–{c.end_s:.2f} s of {cut_short(c.recording or '', 40)}"
