"""From a decoded path to the reason that people read."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from torch import Tensor

from vqtext.model.config import ModelConfig
from vqtext.model.decoding.decoder import UNKNOWN, Decoded, Decoder
from vqtext.model.decoding.why_not import WhyNotQuery
from vqtext.model.vocabulary import Vocabulary
from vqtext.reason import UNKNOWN_NAME, Reason, Step
from vqtext.schema import MIN_SAMPLES

POSSIBLE = 0.1  # least probability of a runner-up


class _Run(NamedTuple):
    """A stretch of a path: its anchor, or `UNKNOWN`; the frames that show it; where it begins and ends, which
    may hold shorter runs that were merged into it."""

    anchor: int
    frames: list[int]
    begin: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.begin


def reason_of(
    decoded: Decoded, row: int, states: Tensor, keep: Tensor, decoder: Decoder, first: int = 0
) -> Reason:
    """The reason of one window, with its runner-up's, where a second label was decoded and is as likely as
    `POSSIBLE`.

    Args:
        row: which window; states: their probabilities by frame, ``(F, V)``.
        keep: which of its frames were seen, ``(F,)``; others have no step.
        decoder: that decoded it.
        first: frame of the recording that the window starts with: times count from the recording's start.
    """
    vocabulary, reasons = decoder.vocabulary, []
    for rank, label in enumerate(decoded.label[row].tolist()):
        path, confidence = (part[row, rank].tolist() for part in (decoded.path, decoded.confidence))
        transcript = vocabulary.transcripts[label]
        reasons.append(
            Reason(
                transcript.label,
                round(float(decoded.log_posterior[row, label].exp()), 4),
                steps_of(path, confidence, keep.tolist(), first, vocabulary, decoder.config),
                transcript.display,
                cycle=vocabulary.cycle(transcript),
                asked=WhyNotQuery(decoder, states.half(), keep, label, first),
            )
        )
    label = int(decoded.label[row, 0])
    same = [i for i in decoder.same[label].nonzero()[:, 0].tolist() if i != label]
    of_same = None
    if same:
        group = decoded.log_posterior[row, [label, *same]]
        of_same = round(float((group[0] - group.logsumexp(0)).exp()), 4)
    return replace(
        reasons[0],
        runner_up=next((reason for reason in reasons[1:2] if reason.confidence >= POSSIBLE), None),
        familiar=round(float(decoded.familiar[row]), 4),
        same_steps=tuple(vocabulary.transcripts[i].display or vocabulary.transcripts[i].label for i in same),
        of_same=of_same,
    )


def steps_of(
    path: list[int],
    posterior: list[float],
    keep: list[bool],
    first: int,
    vocabulary: Vocabulary,
    config: ModelConfig,
) -> tuple[Step, ...]:
    """Uses of one anchor that follow each other are one step; what has fewer samples than `MIN_SAMPLES` is
    merged into what is beside it.

    Args:
        path: use of each frame, counted through all labels, `UNKNOWN` where none fits, ``(F,)``.
        posterior: of each, ``(F,)``; keep: frames that were seen, ``(F,)``.
        first: frame of the recording that the window starts with.
    """

    def anchor(frame: int) -> int | None:
        if not keep[frame]:
            return None
        return UNKNOWN if path[frame] == UNKNOWN else vocabulary.use_at(path[frame])[1].anchor

    steps = []
    runs = [(name, list(run)) for name, run in groupby(range(len(path)), anchor)]
    for run in _resolvable(runs, MIN_SAMPLES * config.frames / config.steps):
        start_s, end_s = (round((first + frame) * config.frame_s, 3) for frame in (run.begin, run.end))
        confidence = round(sum(posterior[frame] for frame in run.frames) / len(run.frames), 4)
        if run.anchor == UNKNOWN:
            steps.append(Step(UNKNOWN_NAME, start_s, end_s, confidence))
            continue
        _, use = vocabulary.use_at(path[run.frames[0]])
        name = vocabulary.anchors[run.anchor]
        steps.append(Step(name, start_s, end_s, confidence, use.inferred, use.display))
    return tuple(steps)


def _resolvable(frames_of: list[tuple[int | None, list[int]]], least: float) -> list[_Run]:
    """Runs of frames of one anchor; one shorter than ``least`` frames is merged into the longer of those
    beside it, if there are any.

    Args:
        frames_of: anchors and the frames that show them, in order; None where nothing was seen.
    """
    runs = [_Run(name, own, own[0], own[-1] + 1) for name, own in frames_of if name is not None]

    def touch(left: int, right: int) -> bool:
        return left >= 0 and right < len(runs) and runs[left].end == runs[right].begin

    while True:
        short = [i for i, run in enumerate(runs) if run.length < least]
        beside = [(i, j) for i in short for j in (i - 1, i + 1) if touch(min(i, j), max(i, j))]
        if not beside:
            return runs
        i, j = min(beside, key=lambda pair: (runs[pair[0]].length, -runs[pair[1]].length))
        runs[j] = runs[j]._replace(begin=min(runs[i].begin, runs[j].begin), end=max(runs[i].end, runs[j].end))
        del runs[i]
        for left in (min(i, j) - 1, min(i, j)):  # what stood on both sides of it may be of one anchor
            if touch(left, left + 1) and runs[left].anchor == runs[left + 1].anchor:
                one, other = runs[left : left + 2]
                runs[left : left + 2] = [_Run(one.anchor, one.frames + other.frames, one.begin, other.end)]
                break
