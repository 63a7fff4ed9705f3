"""Which moment to look at: the one whose answer explains most moments that no correction explains yet.

A correction shows the features of its step, and explains the moments of the label that are like it
(`vqtext.model.grounding.corrected`). What a moment is called now counts for nothing: where words are wrong,
names are wrong and sure of it. This is facility location, by the greedy algorithm (Nemhauser, Wolsey and
Fisher 1978).

P moments that may be asked about, S frames of all windows that stand for all, n labels, U uses of a label,
R features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.correcting.spans import Timeline, timelines

if TYPE_CHECKING:
    from torch import Tensor

    from vqtext.model.grounding.emissions import Evidence
    from vqtext.pipeline.correcting.found_steps import FoundSteps

MOMENT_S = 0.2  # seconds of a moment that is asked about
MOMENTS, FRAMES = 200, 2000  # that are compared
EXPLAINED = (
    0.5  # nats by which a step fits a frame better than others do, when all but 1/e of it is explained
)


@dataclass(frozen=True)
class Question:
    """A moment to look at.

    Attributes:
        recording, start_s, end_s: the moment, in seconds from the beginning of the recording.
        label: of it.
        options: steps of the label, the likeliest first.
        gain: seconds of all windows that the answer explains and no correction does.
    """

    recording: str
    start_s: float
    end_s: float
    label: str
    options: list[str]
    gain: float


class _Moment(NamedTuple):
    line: Timeline
    at: slice
    label: int

    @property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        return self.line.row[self.at], self.line.frame[self.at]


def questions(windows: Windows, found: FoundSteps, count: int, subject: str | None = None) -> list[Question]:
    """The moments whose answers explain most, the best first; the same for the same data and corrections.

    Args:
        subject: of this person alone; what an answer explains is looked for in everybody.
    """
    import torch

    evidence = found.evidence
    every = list(_moments(windows, found, subject))
    moments = [every[i] for i in np.linspace(0, len(every) - 1, min(MOMENTS, len(every))).astype(int)]
    if not moments:
        return []
    shape = evidence.motion.shape[:2]
    some = np.random.default_rng(0).choice(shape.numel(), min(FRAMES, shape.numel()), replace=False)
    frames = np.unravel_index(some, shape)
    x = evidence.standardised_in_label
    means = torch.stack([x[moment.rows].mean(0) for moment in moments])
    explains = _explains(evidence, frames, means, torch.tensor([moment.label for moment in moments]))
    explained = _explained(found, frames)
    chosen: list[Question] = []
    for _ in range(min(count, len(moments))):
        gain = (explains - explained).clamp(min=0).sum(1)
        best = int(gain.argmax())
        explained = torch.maximum(explained, explains[best])
        seconds = float(gain[best]) * evidence.frame_s * shape.numel() / len(some)
        chosen.append(_question(windows, found, moments[best], seconds))
        explains[best] = -1
    return chosen


def _moments(windows: Windows, found: FoundSteps, subject: str | None) -> Iterator[_Moment]:
    """Moments of one label, and of no correction."""
    evidence = found.evidence
    length = max(2, round(MOMENT_S / evidence.frame_s))
    whose = np.array([subject is None or person.id == subject for person in windows.subjects])
    whose = np.append(whose, subject is None)
    for line in timelines(windows, found):
        for begin in range(0, len(line.row) - length + 1, length):
            at = slice(begin, begin + length)
            row, frame = line.row[at], line.frame[at]
            label = evidence.label[row]
            if (row < 0).any() or (label != label[0]).any() or not whose[windows.subject[row[0]]]:
                continue
            corrected = evidence.corrected is not None and bool((evidence.corrected[row, frame] >= 0).any())
            if not corrected and len(found.words.uses[int(label[0])]) > 1:
                yield _Moment(line, at, int(label[0]))


def _explains(evidence: Evidence, frames: tuple[np.ndarray, ...], means: Tensor, label: Tensor) -> Tensor:
    """How far a step of a label ``(P,)`` with these mean features ``(P, R)`` explains each frame, 0 to 1,
    ``(P, S)``."""
    import torch

    from vqtext.model.grounding.corrected import log_ratio
    from vqtext.model.grounding.emissions import EmissionConfig

    x, seen = evidence.standardised_in_label[frames], evidence.features[frames].isfinite()
    fits = torch.stack([torch.where(seen, log_ratio(x, mean), 0.0).sum(-1) for mean in means])
    fits = (evidence.data_weight(EmissionConfig()) * fits).clamp(min=0)
    return (1 - (-fits / EXPLAINED).exp()) * (label[:, None] == evidence.label[frames[0]])


def _explained(found: FoundSteps, frames: tuple[np.ndarray, ...]) -> Tensor:
    """How far corrections explain each of the frames, ``(S,)``."""
    import torch

    from vqtext.model.grounding.corrected import corrected_features
    from vqtext.model.grounding.e_step import steps_of

    seen = corrected_features(found.evidence, steps_of(found.grammar, found.evidence))
    if seen is None:
        return torch.zeros(len(frames[0]))
    steps = seen.sure.nonzero()[:, 0]
    of_label = steps % len(found.grammar.valid)
    explains = _explains(found.evidence, frames, seen.features[steps], of_label)
    return (explains * seen.sure[steps, None]).amax(0)


def _question(windows: Windows, found: FoundSteps, moment: _Moment, gain: float) -> Question:
    line, label = moment.line, moment.label
    phrases = [step.phrase for _, step in found.words.uses[label]]
    first = label * found.grammar.valid.shape[1]
    share = line.share[moment.at, first : first + len(phrases)].mean(0)
    begin, end = line.seconds(np.array([moment.at.start]), np.array([moment.at.stop]))
    return Question(
        windows.recordings[line.code],
        begin[0],
        end[0],
        windows.labels[label],
        [phrases[u] for u in np.argsort(-share, kind="stable")],
        round(gain, 4),
    )
