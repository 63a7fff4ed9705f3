"""From a decoded path to the reason that people read."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby

from torch import Tensor

from vqtext.model.config import ModelConfig
from vqtext.model.decoding import UNKNOWN, Decoded, Decoder
from vqtext.model.vocabulary import Vocabulary
from vqtext.model.why_not import Asked
from vqtext.reason import UNKNOWN_NAME, Reason, Step

POSSIBLE = 0.1  # least probability of a runner-up that is told


def tell(
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
        steps = _steps(path, sure, keep.tolist(), first, vocabulary, config)
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


def _steps(
    path: list[int],
    sure: list[float],
    keep: list[bool],
    first: int,
    vocabulary: Vocabulary,
    config: ModelConfig,
) -> tuple[Step, ...]:
    """Uses of one anchor that follow each other are one step."""

    def anchor(frame: int) -> int | None:
        if not keep[frame]:
            return None
        return UNKNOWN if path[frame] == UNKNOWN else vocabulary.use_at(path[frame])[1].anchor

    frame_s, steps = config.window_s / config.frames, []
    for name, run in groupby(range(len(path)), anchor):
        if name is None:
            continue
        frames = list(run)
        begin, end = frames[0], frames[-1] + 1
        start_s, end_s = round((first + begin) * frame_s, 3), round((first + end) * frame_s, 3)
        confidence = round(sum(sure[begin:end]) / len(frames), 4)
        if name == UNKNOWN:
            steps.append(Step(UNKNOWN_NAME, start_s, end_s, confidence))
            continue
        _, use = vocabulary.use_at(path[begin])
        steps.append(Step(vocabulary.anchors[name], start_s, end_s, confidence, use.inferred, use.display))
    return tuple(steps)
