"""Windows overlap, and recordings are what people look at: the steps of each recording, one after another.

B moments of a recording, a frame long each, n labels, U uses of a label, L + P cells that sensors show.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.features.vertical_velocity import direction_cells
from vqtext.data.windows.windows import Windows

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.pipeline.correcting.found_steps import FoundSteps

MAX_ALTERNATIVES, MIN_CHANCE = 3, 0.01  # so many others are listed, if they are as likely as that


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

    def runs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Use, first moment and the one after the last of each stretch of one step."""
        best = np.where(self.row >= 0, self.share.argmax(1), -1)
        begin = np.concatenate([[0], np.flatnonzero(np.diff(best)) + 1])
        end = np.append(begin[1:], len(best))
        known = best[begin] >= 0
        return best[begin][known], begin[known], end[known]

    def seconds(self, begin: np.ndarray, end: np.ndarray) -> tuple[list[float], list[float]]:
        """When runs begin and end, inside what the windows hold."""
        first_s, last_s = self.border_s
        start_s = np.maximum(self.start_s[begin], first_s).round(6)
        return start_s.tolist(), np.minimum(self.start_s[end - 1] + self.step_s, last_s).round(6).tolist()

    def mean(self, values: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Means over each run of the values of its moments, those of one run after the other."""
        size = end - begin
        total = np.add.reduceat(values, np.cumsum(size) - size, axis=0)
        return (total.T / size).T.astype(float)


def timelines(windows: Windows, found: FoundSteps) -> Iterator[Timeline]:
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


def names(windows: Windows, found: FoundSteps) -> list[StepSpan]:
    """All stretches of all recordings, by themselves: alternatives and places take three times as long."""
    return [span for line in timelines(windows, found) for span in _plain(windows, found, line)]


def spans(windows: Windows, found: FoundSteps) -> list[StepSpan]:
    """All stretches of all recordings, with their alternatives and what each place says."""
    places_of = _by_place(windows, found)
    uses = found.grammar.valid.shape[1]
    detailed = []
    for line in timelines(windows, found):
        use, begin, end = line.runs()
        if not len(use):
            continue
        mean = line.mean(line.share[_moments(begin, end)], begin, end)
        others = []
        for u, share in zip(use.tolist(), mean, strict=True):
            own = u // uses * uses + np.arange(len(found.words.uses[u // uses]))
            others.append([o for o in own[np.argsort(-share[own], kind="stable")].tolist() if o != u])
        places = places_of(line, np.array([own[0] if own else -1 for own in others]))
        for span, share, rest, of_place in zip(
            _plain(windows, found, line), mean, others, places, strict=True
        ):
            likely = [o for o in rest[:MAX_ALTERNATIVES] if share[o] >= MIN_CHANCE]
            alternatives = [(_step(windows, found, o)[1], round(float(share[o]), 4)) for o in likely]
            detailed.append(replace(span, alternatives=alternatives, places=of_place))
    return detailed


def _plain(windows: Windows, found: FoundSteps, line: Timeline) -> list[StepSpan]:
    """The stretches of a recording."""
    use, begin, end = line.runs()
    if not len(use):
        return []
    who = int(windows.subject[line.row[begin[0]]])
    subject = windows.subjects[who].id if who >= 0 else None
    of_use = line.share[_moments(begin, end), np.repeat(use, end - begin)]
    confidence = line.mean(of_use, begin, end).round(4).tolist()
    return [
        StepSpan(windows.recordings[line.code], subject, start_s, end_s, *_step(windows, found, u), sure)
        for u, start_s, end_s, sure in zip(use.tolist(), *line.seconds(begin, end), confidence, strict=True)
    ]


def _step(windows: Windows, found: FoundSteps, use: int) -> tuple[str, str]:
    """Label and phrase of a use that is counted through all labels."""
    label, place = divmod(use, found.grammar.valid.shape[1])
    return windows.labels[label], found.words.uses[label][place][1].phrase


def _moments(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The moments of all runs, one run after the other."""
    return np.concatenate([np.arange(a, b) for a, b in zip(begin, end, strict=True)])


def _onto_uses(found: FoundSteps) -> Tensor:
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


def _by_place(windows: Windows, found: FoundSteps) -> Any:
    """A function of a timeline and the likeliest other step of each of its runs: what each place says."""
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

    def places_of(line: Timeline, rivals: np.ndarray) -> list[dict[str, float]]:
        use, begin, end = line.runs()
        size, at = end - begin, _moments(begin, end)
        row, frame = torch.from_numpy(line.row[at]), torch.from_numpy(line.frame[at])
        both = []
        for chosen in (use, rivals):
            place = torch.from_numpy(np.repeat(chosen, size)) % uses
            level = fits_level(
                rank[row, frame], there[row, frame], expected[row, place], trust[row, place], config
            )
            both.append(torch.cat([level, fits_way(speed[row, frame], goes[row, place], config)], 1))
        label = torch.from_numpy(np.repeat(use // uses, size))
        ratio = torch.where((label == evidence.label[row])[:, None], weight * (both[0] - both[1]), 0.0)
        total = np.add.reduceat(ratio.double().numpy(), np.cumsum(size) - size, axis=0)
        total[rivals < 0] = 0.0
        found = []
        for values in total:
            of_place = dict.fromkeys(names, 0.0)
            for name, value in zip(names, values.tolist(), strict=True):
                of_place[name] += value
            found.append({name: round(value, 3) for name, value in of_place.items()})
        return found

    return places_of
