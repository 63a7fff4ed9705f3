"""From a decoded path to the reason that people read."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from torch import Tensor

from vqtext.model.config import ModelConfig
from vqtext.model.decoding.decoder import UNKNOWN, Decoded, Decoder
from vqtext.model.decoding.why_not import Asked
from vqtext.model.vocabulary import Vocabulary
from vqtext.reason import UNKNOWN_NAME, Reason, Step
from vqtext.schema import LEAST_SAMPLES

POSSIBLE = 0.1  # least probability of a runner-up that is told


def reason_of(
    decoded: Decoded, row: int, states: Tensor, keep: Tensor, decoder: Decoder, first: int = 0
) -> Reason:
    """The reason of one window, with its runner-up's, where a second label was decoded and is as likely as
    `POSSIBLE`.

    Args:
        row: which window; states: their probabilities by frame, ``(F, V)``.
        keep: which of its frames were seen, ``(F,)``; of others nothing is said.
        decoder: that decoded it.
        first: frame of the recording that the window starts with: times count from the recording's start.
    """
    vocabulary, config, told = decoder.vocabulary, decoder.config, []
    for rank, label in enumerate(decoded.label[row].tolist()):
        path, sure = (part[row, rank].tolist() for part in (decoded.path, decoded.confidence))
        steps = steps_of(path, sure, keep.tolist(), first, vocabulary, config)
        transcript = vocabulary.transcripts[label]
        likely = round(float(decoded.log_posterior[row, label].exp()), 4)
        asked = Asked(decoder, states.half(), keep, label, first)
        cycle = vocabulary.cycle(transcript)
        told.append(Reason(transcript.label, likely, steps, transcript.display, cycle=cycle, asked=asked))
    best = told[0]
    other = next((reason for reason in told[1:2] if reason.confidence >= POSSIBLE), None)
    familiar = round(float(decoded.familiar[row]), 4)
    label = int(decoded.label[row, 0])
    same = [i for i in decoder.same[label].nonzero()[:, 0].tolist() if i != label]
    of_same = None
    if same:
        group = decoded.log_posterior[row, [label, *same]]
        of_same = round(float((group[0] - group.logsumexp(0)).exp()), 4)
    others = tuple(vocabulary.transcripts[i].display or vocabulary.transcripts[i].label for i in same)
    return replace(best, runner_up=other, familiar=familiar, same_steps=others, of_same=of_same)


def steps_of(
    path: list[int],
    sure: list[float],
    keep: list[bool],
    first: int,
    vocabulary: Vocabulary,
    config: ModelConfig,
) -> tuple[Step, ...]:
    """Uses of one anchor that follow each other are one step; what has fewer samples than `LEAST_SAMPLES` is
    told with what is beside it.

    Args:
        path: use of each frame, counted through all labels, `UNKNOWN` where none fits, ``(F,)``.
        sure: posterior of each, ``(F,)``; keep: frames of which anything is said, ``(F,)``.
        first: frame of the recording that the window starts with.
    """

    def anchor(frame: int) -> int | None:
        if not keep[frame]:
            return None
        return UNKNOWN if path[frame] == UNKNOWN else vocabulary.use_at(path[frame])[1].anchor

    frame_s, steps = config.window_s / config.frames, []
    runs = [(name, list(run)) for name, run in groupby(range(len(path)), anchor)]
    for name, frames, begin, end in _resolvable(runs, LEAST_SAMPLES * config.frames / config.steps):
        start_s, end_s = round((first + begin) * frame_s, 3), round((first + end) * frame_s, 3)
        confidence = round(sum(sure[frame] for frame in frames) / len(frames), 4)
        if name == UNKNOWN:
            steps.append(Step(UNKNOWN_NAME, start_s, end_s, confidence))
            continue
        _, use = vocabulary.use_at(path[frames[0]])
        steps.append(Step(vocabulary.anchors[name], start_s, end_s, confidence, use.inferred, use.display))
    return tuple(steps)


def _resolvable(
    runs: list[tuple[int | None, list[int]]], least: float
) -> list[tuple[int, list[int], int, int]]:
    """Runs of frames of one name that are ``least`` frames long or stand alone: name, the frames that show
    it, begin and end. A shorter one goes to the longer of those beside it."""
    told = [(name, frames, frames[0], frames[-1] + 1) for name, frames in runs if name is not None]

    def beside(i: int, j: int) -> bool:
        return 0 <= j < len(told) and (told[i][3] == told[j][2] or told[j][3] == told[i][2])

    while True:
        short = [i for i, (_, _, begin, end) in enumerate(told) if end - begin < least]
        pairs = [(told[i][3] - told[i][2], i, j) for i in short for j in (i - 1, i + 1) if beside(i, j)]
        if not pairs:
            return told
        _, i, j = min(pairs, key=lambda pair: (pair[0], told[pair[2]][2] - told[pair[2]][3]))
        name, frames, begin, end = told[j]
        told[j] = name, frames, min(begin, told[i][2]), max(end, told[i][3])
        del told[i]
        k = min(i, j)  # what stood on both sides of it may be one
        if k > 0 and told[k - 1][0] == told[k][0] and beside(k - 1, k):
            told[k - 1 : k + 1] = [(name, told[k - 1][1] + told[k][1], told[k - 1][2], told[k][3])]
        elif k + 1 < len(told) and told[k + 1][0] == told[k][0] and beside(k, k + 1):
            told[k : k + 2] = [(name, told[k][1] + told[k + 1][1], told[k][2], told[k + 1][3])]
