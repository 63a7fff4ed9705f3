"""A recording of any length, explained as it goes on: in time that grows with it and memory that does not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from vqtext.errors import DataError, ShapeError
from vqtext.model.config import ModelConfig
from vqtext.model.decoding.arrays import check_rate, in_memory, numbers, rows_of
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.decoding.inputs import (
    Signals,
    check_channels,
    frames_seen,
    in_words,
    too_large,
    window_tensor,
)
from vqtext.model.decoding.reasons import reason_of
from vqtext.model.network.frame_names import frame_states
from vqtext.model.network.network import Network
from vqtext.reason import Reason, Step
from vqtext.schema import is_frame

Item = TypeVar("Item")


@dataclass(frozen=True)
class WindowOutput:
    """Outputs of the network for one window, or averaged over several for a stretch of a window's length.

    Attributes:
        start: its first frame.
        states: of its frames, ``(F, V)``.
        seen: which of them were measured, ``(F,)``.
        classes: class logits, ``(n,)``; familiar: in-distribution score, ``()``.
    """

    start: int
    states: Tensor
    seen: Tensor
    classes: Tensor
    familiar: Tensor

    @property
    def end(self) -> int:
        return self.start + len(self.states)


class Trained(Protocol):
    """The part of `vqtext.model.load.VQText` that is needed here."""

    network: Network
    decoder: Decoder

    @property
    def config(self) -> ModelConfig: ...


def explain_stream(
    model: Trained, signal: Signals | Iterable[Signals], stride_s: float | None = None, ahead: int = 1
) -> Iterator[Reason]:
    """Cut a recording into windows and yield the reason of each as soon as it is known.

    Times are seconds from the start of the recording. Where a window goes on with the step that the one
    before it ended with, under the same label, that step is in one reason alone, the one it began in; a
    window that holds nothing else has no reason, and no confidence, of its own. A stretch in which nothing
    was measured has no reason. The last samples, where they do not fill a window, are seen together with
    those before them. How the recording is cut into chunks does not change the answer.

    Args:
        signal: the whole recording ``(C, n)``, or an iterable of its chunks ``(C, any)``, in physical units,
            NaN where nothing was measured; each may be a pandas DataFrame, as in `explain`. Few windows are
            held at a time.
        stride_s: seconds between the windows that the network sees, rounded to whole frames. None takes
            windows side by side; where they overlap, the states of a frame are averaged over all windows that
            hold it, and so is what the class head says and how familiar they are.
        ahead: windows that are collected and computed at once; more are faster.

    Raises:
        ShapeError: another number of channels, a chunk that is not ``(C, n)``, or no sample at all.
        DataError: an infinite value, nothing but NaN, or a stride that is not above 0 and at most a window.
    """
    hop = _frames_of(stride_s, model.config)
    chunks = [signal] if _is_whole(signal) else signal
    if isinstance(chunks, str | bytes | Mapping) or not isinstance(chunks, Iterable):
        raise ShapeError(
            f"a recording is (C, n), or an iterable of such chunks, not a {type(signal).__name__}"
        )
    return _joined(_reasons(model, _pieces(chunks, model.config), hop, ahead))


def _is_whole(signal: Any) -> bool:
    """Whether it is one recording, not its chunks. A list whose first item is a list of numbers is one."""
    if isinstance(signal, list | tuple):
        return bool(signal) and not is_frame(signal[0]) and in_memory(signal[0], (), "recording").ndim == 1
    return hasattr(signal, "shape") or is_frame(signal)


def _frames_of(stride_s: float | None, config: ModelConfig) -> int:
    if stride_s is None:
        return config.frames
    if not (math.isfinite(stride_s) and 0 < stride_s <= config.window_s):
        raise DataError(
            f"stride_s is {stride_s:g}: give seconds above 0, at most {config.window_s:g}, the model's window"
        )
    return max(1, round(stride_s / config.window_s * config.frames))


def _pieces(chunks: Iterable[Any], config: ModelConfig) -> Iterator[np.ndarray]:
    """Checked pieces ``(C, ≤ T)`` of a recording, in order."""
    seen = 0
    names = [channel.name for channel in config.channels]
    for part in chunks:
        check_rate(part, config.rate_hz)
        chunk = rows_of(part, names)
        if len(chunk.shape) != 2:
            raise ShapeError(
                f"a recording, and each chunk of it, must be (C, n), not {len(chunk.shape)}-dimensional"
            )
        check_channels(chunk.shape[0], config, chunk.shape[1])
        for start in range(0, chunk.shape[1], config.steps):
            piece = numbers(chunk[:, start : start + config.steps])
            if (extreme := too_large(piece)).any():
                channel, sample = np.argwhere(extreme)[0]
                place = f"{config.channels[channel].name} at {(seen + sample) / config.rate_hz:g} s"
                raise DataError(
                    f"the recording has {in_words(piece[channel, sample])} in channel {place}: write NaN "
                    "where nothing was measured"
                )
            seen += piece.shape[1]
            yield piece


def _reasons(model: Trained, pieces: Iterable[np.ndarray], hop: int, ahead: int) -> Iterator[Reason]:
    """The reason of each window's length of the recording, side by side.

    Positions are counted in frames of the recording; the network sees windows that start at each ``hop``.
    """
    for batch in _batches(_stretches(model, pieces, hop, ahead), ahead):
        states, classes, keep, familiar = (
            torch.stack([getattr(stretch, part) for stretch in batch])
            for part in ("states", "classes", "seen", "familiar")
        )
        decoded = model.decoder(states, classes, keep, 2, familiar)
        for row, stretch in enumerate(batch):
            yield reason_of(decoded, row, stretch.states, stretch.seen, model.decoder, stretch.start)


def _stretches(model: Trained, pieces: Iterable[np.ndarray], hop: int, ahead: int) -> Iterator[WindowOutput]:
    """Outputs for each window's length of the recording, averaged over all windows that overlap it."""
    frames, place, final = model.config.frames, 0, 0
    outputs: list[WindowOutput] = []
    measured = False
    for batch in _batches(_windows(pieces, model.config, hop), ahead):
        for (_, _, final), output in zip(batch, _read(model, batch), strict=True):
            if output is not None:
                outputs.append(output)
                measured = True
            while place + frames <= final:  # no later window reaches back
                yield from _averaged(model, outputs, place, place + frames)
                place += frames
                outputs = [output for output in outputs if output.end > place]
    if not measured:
        raise DataError("the recording holds nothing but NaN: there is nothing to explain")
    if place < final:
        yield from _averaged(model, outputs, place, final)


def _windows(
    pieces: Iterable[np.ndarray], config: ModelConfig, hop: int
) -> Iterator[tuple[int, np.ndarray, int]]:
    """Each window that the network sees: its first frame, its samples ``(C, ≤ T)``, and the frame before
    which no later window begins."""
    frames, steps = config.frames, config.steps

    def sample(frame: int) -> int:
        return frame * steps // frames

    buffer = np.empty((len(config.channels), 0), dtype=np.float32)  # the samples from `first` on
    first = seen = covered = start = 0  # of the buffer; samples seen; in a window; frame of the next window
    for piece in pieces:
        seen += piece.shape[1]
        buffer = np.concatenate([buffer, piece], 1)
        while seen >= sample(start) + steps:
            begin = sample(start)
            covered, start = begin + steps, start + hop
            yield start - hop, buffer[:, begin - first :][:, :steps], start
        needed = max(0, min(sample(start), seen - steps))  # the last window of all reaches back
        buffer, first = buffer[:, needed - first :], needed
    if not seen:
        raise ShapeError("the recording holds no sample")
    begin = max(0, seen - steps) if covered < seen else seen
    yield -(-begin * frames // steps), buffer[:, begin - first :], -(-seen * frames // steps)


@torch.no_grad()
def _read(model: Trained, windows: Sequence[tuple[int, np.ndarray, int]]) -> list[WindowOutput | None]:
    """Outputs of the network for each window; None where nothing was measured."""
    measured = [i for i, (_, window, _) in enumerate(windows) if np.isfinite(window).any()]
    outputs: list[WindowOutput | None] = [None] * len(windows)
    if not measured:
        return outputs
    starts = np.array([windows[i][0] for i in measured])
    rows = torch.cat([window_tensor(windows[i][1][None], starts, model.config) for i in measured])
    out = model.network.read(rows)
    states = frame_states(out, model.config.frames)
    seen, familiar = frames_seen(rows, model.config), model.decoder.novelty(out.pooled)
    for row, i in enumerate(measured):
        outputs[i] = WindowOutput(windows[i][0], states[row], seen[row], out.classes[row], familiar[row])
    return outputs


def _averaged(model: Trained, outputs: list[WindowOutput], begin: int, end: int) -> Iterator[WindowOutput]:
    """Outputs averaged over the frames ``begin`` to ``end``, at most a window of them; none where nothing was
    measured."""
    config = model.config
    states = torch.zeros(config.frames, len(model.network.of_state))
    classes, familiar = torch.zeros(len(config.labels)), torch.zeros(())
    count = torch.zeros(config.frames)
    for output in outputs:
        first, last = max(output.start, begin), min(output.end, end)
        if first < last:
            target, source = (slice(first - at, last - at) for at in (begin, output.start))
            seen = output.seen[source]
            states[target] += output.states[source] * seen[:, None]
            count[target] += seen
            classes += seen.sum() * output.classes.log_softmax(0)
            familiar += seen.sum() * output.familiar
    if count.any():
        states = states / count.clamp(min=1)[:, None]
        yield WindowOutput(begin, states, count > 0, classes / count.sum(), familiar / count.sum())


def _batches(items: Iterator[Item], size: int) -> Iterator[list[Item]]:
    """Lists of ``size`` items, the last one of what is left."""
    while batch := list(islice(items, size)):
        yield batch


def _joined(reasons: Iterator[Reason]) -> Iterator[Reason]:
    """Reasons with the two halves of a step that spans the border between two windows merged."""
    last: Reason | None = None
    for reason in reasons:
        if last is None:
            last = reason
            continue
        before, after = last.steps[-1], reason.steps[0]
        if (last.label, before.name, before.end_s) != (reason.label, after.name, after.start_s):
            yield last
            last = reason
            continue
        last = replace(last, steps=(*last.steps[:-1], _merged(before, after)))
        if len(reason.steps) > 1:
            yield last
            last = replace(reason, steps=reason.steps[1:])
    if last is not None:
        yield last


def _merged(a: Step, b: Step) -> Step:
    """Two halves of one step; its confidence is their mean, by how long they last."""
    lasts = a.end_s - a.start_s, b.end_s - b.start_s
    confidence = (a.confidence * lasts[0] + b.confidence * lasts[1]) / sum(lasts)
    return replace(a, end_s=b.end_s, confidence=round(confidence, 4))
