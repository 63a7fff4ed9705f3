"""Which moment to look at: the one of which a word settles most.

A word on a moment shows what its step is like, and that settles moments of this step wherever they are. So a
moment gains, for each step that it may be, its chance times the doubt that lies on that step in all
recordings, less what corrections of it settled already.

S stretches, U uses of a label, M movements: steps that are one, in whatever label (`movements`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.correcting.spans import timelines

if TYPE_CHECKING:
    from vqtext.pipeline.correcting.found_steps import FoundSteps

MIN_CHANCE = 0.001  # chance of a step that is offered as an answer
MIN_FRAMES = 2  # frames of a stretch that a person can point at


@dataclass(frozen=True)
class Question:
    """A moment to look at.

    Attributes:
        recording, start_s, end_s: the stretch, in seconds from the beginning of the recording.
        label: of it.
        options: steps it may be, the likeliest first.
        gain: seconds of all recordings times the nats that are in doubt there and may be settled.
    """

    recording: str
    start_s: float
    end_s: float
    label: str
    options: list[str]
    gain: float


@dataclass(frozen=True)
class _Stretches:
    """Stretches of one step without a correction.

    Attributes:
        code, label, subject: of the recording, the step, the person (−1 unknown), ``(S,)``.
        start_s, end_s: ``(S,)``.
        share: chance of each use of the label, ``(S, U)``; movement: what it is, ``(S, U)``.
        open_s: doubt that lies on each movement in all recordings, in seconds times nats, ``(M,)``.
    """

    code: np.ndarray
    label: np.ndarray
    subject: np.ndarray
    start_s: np.ndarray
    end_s: np.ndarray
    share: np.ndarray
    movement: np.ndarray
    open_s: np.ndarray


def questions(windows: Windows, found: FoundSteps, count: int, subject: str | None = None) -> list[Question]:
    """The moments that settle most, the first one most; the same for the same data and corrections.

    Args:
        subject: of this person alone; what a word settles is looked for in everybody.
    """
    from vqtext.model.grounding.corrected import CONFIG, corrected_features
    from vqtext.model.grounding.e_step import movements

    every = _stretches(windows, found)
    if every is None:
        return []
    seen = corrected_features(found.evidence, movements(found.grammar, found.evidence))
    left = np.ones(len(every.open_s)) if seen is None else 1 - seen.sure.numpy()
    whose = np.array([subject is None or person.id == subject for person in windows.subjects])
    free = np.append(whose, subject is None)[every.subject]
    free &= (every.share >= MIN_CHANCE).sum(1) > 1
    chosen: list[Question] = []
    for _ in range(min(count, int(free.sum()))):
        gain = (every.share * (every.open_s * left)[every.movement]).sum(1)
        i = int(np.where(free, gain, -1.0).argmax())
        free[i] = False
        phrases = [step.phrase for _, step in found.words.uses[every.label[i]]]
        order = np.argsort(-every.share[i], kind="stable")
        chosen.append(
            Question(
                windows.recordings[every.code[i]],
                float(every.start_s[i]),
                float(every.end_s[i]),
                windows.labels[every.label[i]],
                [phrases[u] for u in order if every.share[i, u] >= MIN_CHANCE],
                round(float(gain[i]), 4),
            )
        )
        seconds = float(every.end_s[i] - every.start_s[i])
        np.multiply.at(left, every.movement[i], 1 - every.share[i] * seconds / (seconds + CONFIG.half_s))
    return chosen


def _stretches(windows: Windows, found: FoundSteps) -> _Stretches | None:
    """None where there is none."""
    from vqtext.model.grounding.e_step import movements

    evidence, uses = found.evidence, found.grammar.valid.shape[1]
    movement_of = movements(found.grammar, evidence).flatten(1).numpy()  # (hands, n U)
    open_s = np.zeros(int(movement_of.max()) + 1)
    rows, shares, moved = [], [], []
    for line in timelines(windows, found):
        doubt = -(line.share * np.log(np.maximum(line.share, 1e-9))).sum(1) * evidence.frame_s
        hand = int(evidence.hand[line.row.max()])
        np.add.at(open_s, movement_of[hand], doubt @ line.share)
        runs = line.runs()
        for use, begin, end, start_s, end_s in zip(*runs, *line.seconds(*runs[1:]), strict=True):
            row, frame = line.row[begin:end], line.frame[begin:end]
            corrected = evidence.corrected is not None and bool((evidence.corrected[row, frame] >= 0).any())
            if corrected or end - begin < MIN_FRAMES:
                continue
            label = use // uses
            own = slice(label * uses, (label + 1) * uses)
            rows.append((line.code, label, int(windows.subject[row[0]]), start_s, end_s))
            shares.append(line.share[begin:end, own].mean(0))
            moved.append(movement_of[hand, own])
    if not rows:
        return None
    code, label_of, who, starts, ends = (np.array(column) for column in zip(*rows, strict=True))
    return _Stretches(code, label_of, who, starts, ends, np.stack(shares), np.stack(moved), open_s)
