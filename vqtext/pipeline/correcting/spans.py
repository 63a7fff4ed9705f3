"""Windows overlap, and recordings are what people look at: the steps of each recording, one after another.

B moments of a recording, a frame long each, n labels, U uses of a label, L + P cells that sensors show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.features.vertical_velocity import direction_cells
from vqtext.data.windows.windows import Windows

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.pipeline.correcting.found import Found

ALTERNATIVES, LEAST = 3, 0.01  # so many others are told, if they are as likely as that


@dataclass(frozen=True)
class StepSpan:
    """A stretch of a recording that shows one step.

    Attributes:
        recording, subject: subject None: unknown.
        start_s, end_s: seconds from the beginning of the recording.
        label, phrase: the step.
        confidence: its mean chance over the stretch.
        alternatives: other steps of the label and their mean chance, the likeliest first.
        places: of each place of the body what its sensors say for the step as it is written, against the
            likeliest other one of the label: log-likelihood ratio over the stretch; 0 where nothing is
            written.
    """

    recording: str
    subject: str | None
    start_s: float
    end_s: float
    label: str
    phrase: str
    confidence: float
    alternatives: list[tuple[str, float]] = field(default_factory=list)
    places: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Timeline:
    """A recording by moments.

    Attributes:
        code: of the recording.
        start_s: when each moment begins, ``(B,)``; step_s: how long it lasts.
        border_s: where the windows of the recording begin and end.
        share: chance of each use, counted through all labels, label · U + use, ``(B, n U)``; 0 where no
            window is.
        row, frame: of each moment the window in whose middle it lies best, −1 none, and the frame, ``(B,)``.
    """

    code: int
    start_s: np.ndarray
    step_s: float
    border_s: tuple[float, float]
    share: np.ndarray
    row: np.ndarray
    frame: np.ndarray

    def seconds(self, begin: int, end: int) -> tuple[float, float]:
        """When a run begins and ends, inside what the windows hold."""
        first, last = self.border_s
        start_s, end_s = self.start_s[begin], self.start_s[end - 1] + self.step_s
        return round(max(float(start_s), first), 6), round(min(float(end_s), last), 6)

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Use, first moment and the one after the last of each stretch of one step."""
        best = np.where(self.row >= 0, self.share.argmax(1), -1)
        borders = np.flatnonzero(np.diff(best)) + 1
        for begin, end in zip([0, *borders], [*borders, len(best)], strict=True):
            if best[begin] >= 0:
                yield int(best[begin]), int(begin), int(end)


def timelines(windows: Windows, found: Found) -> Iterator[Timeline]:
    """Each recording that has a window with names. Where windows overlap, each counts the more the nearer a
    moment is to its middle, since order is known on both sides there."""
    frames, step_s = found.evidence.motion.shape[1], found.evidence.frame_s
    onto = _onto_uses(found)  # (n, V, n U)
    nearness = 1 - np.abs(np.arange(frames) + 0.5 - frames / 2) / (frames / 2)
    inside = np.arange(frames) * windows.T // frames < windows.length[:, None]
    known = found.posterior.known.numpy()
    for code in np.unique(windows.recording[known]):
        rows = np.flatnonzero((windows.recording == code) & known)
        first = np.round(windows.start_s[rows] / step_s).astype(int)
        origin = first.min()
        count = first.max() - origin + frames
        share, best = np.zeros((count, onto.shape[2]), np.float32), np.zeros(count)
        row, frame = np.full(count, -1), np.zeros(count, int)
        for window, begin in zip(rows, first - origin, strict=True):
            own = inside[window]
            at = np.arange(begin, begin + frames)[own]
            states = found.posterior.states[window].float() @ onto[windows.label[window]]
            share[at] += nearness[own, None] * states.numpy()[own]
            nearer = nearness[own] > best[at]
            best[at[nearer]], row[at[nearer]] = nearness[own][nearer], window
            frame[at[nearer]] = np.arange(frames)[own][nearer]
        share /= np.maximum(share.sum(1, keepdims=True), 1e-9)
        end = windows.start_s[rows] + windows.length[rows] / windows.rate_hz
        border_s = float(windows.start_s[rows].min()), float(end.max())
        start_s = (origin + np.arange(count)) * step_s
        yield Timeline(int(code), start_s, step_s, border_s, share, row, frame)


def spans(windows: Windows, found: Found) -> list[StepSpan]:
    """All stretches of all recordings."""
    uses = found.grammar.valid.shape[1]
    told = _by_place(windows, found)
    said = []
    for line in timelines(windows, found):
        runs = [*line.runs()]
        if not runs:
            continue
        mean = [line.share[begin:end].mean(0) for _, begin, end in runs]
        others = []
        for (use, _, _), share in zip(runs, mean, strict=True):
            label = use // uses
            own = np.arange(label * uses, label * uses + len(found.words.uses[label]))
            others.append([o for o in own[np.argsort(-share[own], kind="stable")] if o != use])
        places = told(line, runs, [own[0] if own else -1 for own in others])
        who = int(windows.subject[line.row[runs[0][1]]])
        for (use, begin, end), share, rest, felt in zip(runs, mean, others, places, strict=True):
            label = use // uses
            phrases = [step.phrase for _, step in found.words.uses[label]]
            said.append(
                StepSpan(
                    windows.recordings[line.code],
                    windows.subjects[who].id if who >= 0 else None,
                    *line.seconds(begin, end),
                    windows.labels[label],
                    phrases[use % uses],
                    round(float(share[use]), 4),
                    [
                        (phrases[o % uses], round(float(share[o]), 4))
                        for o in rest[:ALTERNATIVES]
                        if share[o] >= LEAST
                    ],
                    felt,
                )
            )
    return said


def _onto_uses(found: Found) -> Tensor:
    """States → uses through all labels, for windows of each label, ``(n, V, n U)``: a state that their own
    label has is its use; another is one of the first label that has it."""
    import torch

    grammar = found.grammar
    labels, uses = grammar.state.shape
    out = torch.zeros(labels, len(grammar.of_state), labels * uses)
    for i in range(labels):
        for j in (i, *(k for k in range(labels) if k != i)):
            for u in grammar.valid[j].nonzero()[:, 0].tolist():
                state = grammar.state[j, u]
                if not out[i, state].any():
                    out[i, state, j * uses + u] = 1
    return out


def _by_place(windows: Windows, found: Found) -> Any:
    """A function of a timeline, its runs and the likeliest other step of each: what each place says."""
    import torch

    from vqtext.model.grounding.emissions import (
        EmissionConfig,
        contrast,
        fits_level,
        fits_way,
        speeds,
    )

    config, evidence = EmissionConfig(), found.evidence
    uses = found.grammar.valid.shape[1]
    expected, trust = contrast(evidence.levels), evidence.levels.isfinite() * config.trust
    goes = evidence.directions.nan_to_num()
    rank, there = evidence.rank, evidence.motion.isfinite()
    speed = speeds(evidence.velocity, evidence.group)
    names = [*evidence.locations, *(location for location, _ in direction_cells(windows.channels))]
    weight = evidence.words_weight(config)

    def told(line: Timeline, runs: list[tuple[int, int, int]], others: list[int]) -> list[dict[str, float]]:
        size = np.array([end - begin for _, begin, end in runs])
        at = np.concatenate([np.arange(begin, end) for _, begin, end in runs])
        row, frame = torch.from_numpy(line.row[at]), torch.from_numpy(line.frame[at])
        both = []
        for chosen in ([use for use, _, _ in runs], others):
            use = torch.from_numpy(np.repeat(chosen, size)) % uses
            level = fits_level(
                rank[row, frame], there[row, frame], expected[row, use], trust[row, use], config
            )
            both.append(torch.cat([level, fits_way(speed[row, frame], goes[row, use], config)], 1))
        label = torch.from_numpy(np.repeat([use // uses for use, _, _ in runs], size))
        apart = torch.where((label == evidence.label[row])[:, None], weight * (both[0] - both[1]), 0.0)
        total = np.add.reduceat(apart.double().numpy(), np.cumsum(size) - size, axis=0)
        told = []
        for values, other in zip(total, others, strict=True):
            felt = dict.fromkeys(names, 0.0)
            for name, value in zip(names, values, strict=True):
                felt[name] += float(value) if other >= 0 else 0.0
            told.append({name: round(value, 3) for name, value in felt.items()})
        return told

    return told
