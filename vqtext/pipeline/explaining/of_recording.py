"""What a trained model says of whole recordings: in Python, and as ``vqtext explain --recording``.

A recording needs no labels. It is brought to the model's channels and rate as `prepare` does it, and read in
the model's windows from its beginning; no window crosses a gap, and none is explained there.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.data.readers.base import Warn
from vqtext.data.recordings.recording import Recording, Track
from vqtext.data.windows.windowing import BRIDGE_S, Cut, cut_recording
from vqtext.errors import DataError, ShapeError
from vqtext.pipeline.explaining.page import Explained
from vqtext.pipeline.explaining.recording_file import frame_recordings
from vqtext.reason import Reason, RecordingReasons
from vqtext.schema import Channel, is_frame

if TYPE_CHECKING:
    from vqtext.model.load import VQText

AHEAD = 64
"""Windows that are worked on at once."""


def explain_recording(
    model: VQText,
    recording: Any,
    *,
    rate_hz: float | None = None,
    channels: Sequence[Channel] | None = None,
    time_column: str | None = None,
    stride_s: float | None = None,
    bridge_s: float = BRIDGE_S,
) -> RecordingReasons:
    """Class and reasons of a whole recording.

    Args:
        model: a trained model.
        recording: ``(C, n)`` in physical units, NaN or masked where nothing was measured; or a pandas
            DataFrame with a column a channel, and a time column or an index of dates where rows are not just
            a period apart.
        rate_hz: samples a second; None takes the model's, or what the time column says. Another rate than
            the model's is resampled, low-passed where it falls.
        channels: what the rows or columns are, where they are not the model's own; see `VQText.arrange`.
        time_column: None takes one with an obvious name, such as "time" or "timestamp_ms"; the index may
            bear it.
        stride_s: seconds between the windows that the network sees; see `VQText.explain_stream`.
        bridge_s: losses up to this are bridged by straight lines.

    Returns:
        The reasons, with times from the start of the recording. What a user should know though it is no
        error is a Python warning.

    Raises:
        ShapeError: another number of channels, or none that the model knows.
        DataError: a value is no number, or the time stamps are wrong.
    """

    def warn(text: str) -> None:
        warnings.warn(text, stacklevel=2)

    known = tuple(channels) if channels is not None else model.config.channels
    rate_hz = model.config.rate_hz if rate_hz is None else rate_hz
    if not (math.isfinite(rate_hz) and rate_hz > 0):
        raise DataError(f"a rate of {rate_hz:g} Hz is not possible")
    if is_frame(recording):
        (one,) = frame_recordings(recording, warn, known, rate_hz, time_column)
    else:
        one = _of_array(recording, known, rate_hz)
    return explained(model, one, stride_s, bridge_s, warn).reasons


def _of_array(recording: Any, channels: Sequence[Channel], rate_hz: float) -> Recording:
    """Raises ShapeError where an array is not ``(C, n)``."""
    from vqtext.model.decoding.arrays import in_memory

    signal = in_memory(recording, [channel.name for channel in channels], "the recording")
    if signal.ndim != 2:
        raise ShapeError(f"a recording must be (C, n), not {signal.ndim}-dimensional")
    if len(signal) != len(channels):
        turned = ": swap the axes" if signal.shape[1] == len(channels) else ""
        raise ShapeError(f"the recording has {len(signal)} channels, {len(channels)} are described{turned}")
    nothing = Track((), np.full(signal.shape[1], -1, np.int32))
    return Recording("recording", signal, rate_hz, tuple(channels), nothing)


def explained(
    model: VQText,
    recording: Recording,
    stride_s: float | None,
    bridge_s: float,
    warn: Warn,
    tell: Any = lambda done, total, numbers: None,
) -> Explained:
    """The reasons of a recording, gap by gap."""
    from vqtext.model.decoding.inputs import in_words, too_large

    arranged = _arranged(model, recording, warn)
    if (wild := too_large(arranged.signal)).any():
        row, at = np.argwhere(wild)[0]
        value, channel = in_words(arranged.signal[row, at]), arranged.channels[row].name
        raise DataError(f"{recording.name}: {value} in channel {channel}, sample {at}: a missing one is NaN")
    size = arranged.signal.shape[1]
    duration_s = round(size / recording.rate_hz + sum(recording.lost_s), 3)
    how = Cut(borders="keep", rate_hz=model.config.rate_hz, bridge_s=bridge_s)
    reasons, signals, new_rate_hz = [], [], model.config.rate_hz
    pieces = cut_recording(arranged, np.zeros(size, np.int32), how).windows
    short = [piece for piece in pieces if piece.signal.shape[1] < model.config.steps]
    if short:
        warn(
            f"{recording.name}: what is said of {len(short)} stretch{'es' * (len(short) > 1)} between gaps, "
            f"the first from {short[0].start_s:g} s, rests on less than the model's window of "
            f"{model.config.window_s:g} s"
        )
    for piece in pieces:
        end_s = round(piece.start_s + piece.signal.shape[1] / new_rate_hz, 3)
        for reason in model.explain_stream(piece.signal, stride_s, AHEAD):
            moved = _moved(reason, piece.start_s, end_s)
            if not moved.steps:
                continue  # the last frame of all, where the piece ends with its first sample
            reasons.append(moved)
            first, last = reason.steps[0].start_s, reason.steps[-1].end_s
            signals.append(piece.signal[:, round(first * new_rate_hz) : round(last * new_rate_hz)])
            tell(int(piece.start_s + last), int(duration_s), {})
    return Explained(RecordingReasons(recording.name, duration_s, tuple(reasons)), tuple(signals))


def _arranged(model: VQText, recording: Recording, warn: Warn) -> Recording:
    """With the model's channels in its order; what is missing or unknown is named."""
    from vqtext.model.decoding.inputs import sensor_names, unlike

    known = model.config.channels
    if recording.channels == known:
        return recording
    strange, lost = unlike(recording.channels, known), unlike(known, recording.channels)
    kept = [i for i, channel in enumerate(recording.channels) if channel not in strange]
    if not kept:  # and the error says what the model knows
        kept = list(range(len(recording.channels)))
    elif strange:
        warn(f"{recording.name}: left out, since the model never saw them: {sensor_names(strange)}")
    signal = model.arrange(recording.signal[kept], [recording.channels[i] for i in kept])
    if lost:
        warn(f"{recording.name}: not there, and taken as not measured: {sensor_names(lost)}")
    return replace(recording, signal=signal, channels=known)


def _moved(reason: Reason, by_s: float, end_s: float) -> Reason:
    """Times from the start of the recording; the last frame of a piece may reach beyond its end."""

    def moved(seconds: float) -> float:
        return min(round(seconds + by_s, 3), end_s)

    steps = tuple(
        replace(step, start_s=moved(step.start_s), end_s=moved(step.end_s)) for step in reason.steps
    )
    other = reason.runner_up
    return replace(
        reason,
        steps=tuple(step for step in steps if step.start_s < step.end_s),
        runner_up=None if other is None else _moved(other, by_s, end_s),
    )
