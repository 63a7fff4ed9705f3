"""What a trained model says of whole recordings: in Python, and as ``vqtext explain --recording``.

A recording needs no labels. It is brought to the model's channels and rate as `prepare` does it, and read in
the model's windows from its beginning; no window crosses a gap, and nothing is said there.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import vqtext
from vqtext.cache.lock import lock
from vqtext.cache.publish import publish
from vqtext.config import Settings
from vqtext.data.readers import Warn
from vqtext.data.recording import Recording, Track
from vqtext.data.windowing import BRIDGE_S, Cut, windows_of
from vqtext.errors import ArtifactError, DataError, ShapeError
from vqtext.pipeline.lines import table
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.progress import Progress
from vqtext.pipeline.recording_file import frame_recordings, read_recordings
from vqtext.pipeline.recording_page import Explained, page
from vqtext.pipeline.runs import read_run
from vqtext.pipeline.train import Train
from vqtext.reason import (
    AMBIGUOUS_MARK,
    INFERRED_MARK,
    UNLIKE,
    UNRESOLVABLE_MARK,
    Reason,
    RecordingReasons,
    write_segments,
)
from vqtext.report.html import render
from vqtext.schema import Channel

if TYPE_CHECKING:
    from vqtext.model.load import VQText

AHEAD = 64
"""Windows that are worked on at once."""
SHOWN = 60
"""Rows of a table in the terminal; the files have all."""


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
        time_column: None takes one with an obvious name, such as "time" or "timestamp_ms".
        stride_s: seconds between the windows that the network sees; see `VQText.explain_stream`.
        bridge_s: losses up to this are bridged by straight lines.

    Returns:
        The reasons, with times from the start of the recording. What a user should know though it is no
        error is a Python warning.

    Raises:
        ShapeError: another number of channels, or none that the model knows.
        DataError: a value is no number, or the time stamps are wrong.
    """
    from vqtext.model.given import in_memory, is_frame

    def warn(text: str) -> None:
        warnings.warn(text, stacklevel=2)

    known = tuple(channels) if channels is not None else model.config.channels
    rate_hz = model.config.rate_hz if rate_hz is None else rate_hz
    if is_frame(recording):
        (one,) = frame_recordings(recording, warn, known, rate_hz, time_column)
    else:
        signal = in_memory(recording, [channel.name for channel in known], "the recording")
        if signal.ndim != 2:
            raise ShapeError(f"a recording must be (C, n), not {signal.ndim}-dimensional")
        if len(signal) != len(known):
            turned = ": swap the axes" if signal.shape[1] == len(known) else ""
            raise ShapeError(f"the recording has {len(signal)} channels, {len(known)} are described{turned}")
        one = Recording("recording", signal, rate_hz, known, _nothing(signal.shape[1]))
    return _explained(model, one, stride_s, bridge_s, warn).said


def explain_file(settings: Settings, file: Path, dataset: Path | None, progress: Progress) -> dict[str, Any]:
    """``vqtext explain --recording``: explain a file; write table, JSON and page beside the run's outputs.

    Returns:
        The whole ``--json`` answer.

    Raises:
        DataError: the file or its ``dataset.toml`` is missing or wrong.
        ShapeError: none of its channels is the model's.
        ArtifactError: there is no run, it is stale or damaged, or the cache cannot be written.
    """
    from vqtext.model.load import VQText

    train = Train(settings, progress)
    train.check()
    run = read_run(train.target)
    if run["best"] is None:
        raise ArtifactError(
            f"{train.target} is a run of folds, each with its own models: train one for use, with "
            "`vqtext train --run NAME` without --folds"
        )
    model = VQText.from_pretrained(train.target)
    notes: list[str] = []

    def warn(text: str) -> None:
        notes.append(text)
        progress.warn(text)

    recordings = read_recordings(file, dataset, warn, model.config.channels, model.config.rate_hz)
    stride_s, bridge_s = _as_prepared(settings, progress)
    if stride_s is not None and stride_s >= model.config.window_s:
        stride_s = None  # what lay between the windows of the training is to be explained, too
    found = []
    for recording in recordings:
        with progress.bar(f"explaining {recording.name}") as tell:
            found.append(_explained(model, recording, stride_s, bridge_s, warn, tell))
    said = [one.said for one in found]
    files = {kind: train.target / "recordings" / f"{_name(file)}.{kind}" for kind in ("html", "csv", "json")}
    answer = {
        "run": run["run"],
        "model": run["best"],
        "recording": str(file),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "vqtext": vqtext.__version__,
        "notes": notes,
        "recordings": [one.to_dict() for one in said],
        "report": str(files["html"]),
        "csv": str(files["csv"]),
        "json": str(files["json"]),
    }
    with lock(files["json"]):
        with publish(files["html"]) as temp:
            made = page(model, run, file.name, found, settings.explain.samples, answer["created"], notes)
            temp.write_text(render(made), encoding="utf-8")
        with publish(files["csv"]) as temp, temp.open("w", encoding="utf-8", newline="") as text:
            write_segments(text, said)
        with publish(files["json"]) as temp:
            temp.write_text(json.dumps(answer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return answer


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `explain_file` for people."""
    told = []
    for one in answer["recordings"]:
        told.append(f"{one['name']}: {one['duration_s']:.1f} s")
        told += _rows("classes", one["stretches"], lambda row: (row["display"] or row["label"],))
        told += _rows(
            "segments",
            one["segments"],
            lambda row: (row["label_display"] or row["label"], _marked(row)),
        )
        unlike = sum(row["end_s"] - row["start_s"] for row in one["segments"] if row["familiar"] < 1)
        if unlike:
            told.append(f"  {unlike:.1f} s of it are {UNLIKE}")
        if one["silent"]:
            shown = ", ".join(f"{start:.1f}–{end:.1f} s" for start, end in one["silent"][:SHOWN])
            told.append(f"  nothing is said of {shown}{' …' if len(one['silent']) > SHOWN else ''}")
    told.append(f"segments: {Path(answer['csv']).resolve()} and .json")
    return [*told, f"report: {Path(answer['report']).resolve()}"]


def _marked(row: Mapping[str, Any]) -> str:
    return (
        (row["display"] or row["step"])
        + INFERRED_MARK * row["inferred"]
        + AMBIGUOUS_MARK * bool(row["ambiguous_with"])
        + UNRESOLVABLE_MARK * row["unresolvable"]
    )


def _rows(title: str, rows: Sequence[Mapping[str, Any]], words: Any) -> list[str]:
    shown = (
        table(
            (f"    {row['start_s']:.2f}–{row['end_s']:.2f} s", *words(row), f"{row['confidence']:.2f}")
            for row in rows[:SHOWN]
        )
        if rows
        else []
    )
    more = [f"    … and {len(rows) - SHOWN} more"] if len(rows) > SHOWN else []
    return [f"  {title}", *shown, *more]


def _explained(
    model: VQText,
    recording: Recording,
    stride_s: float | None,
    bridge_s: float,
    warn: Warn,
    tell: Any = lambda done, total, numbers: None,
) -> Explained:
    """The reasons of a recording, gap by gap."""
    from vqtext.model.signals import told, too_large

    arranged = _arranged(model, recording, warn)
    if (wild := too_large(arranged.signal)).any():
        row, at = np.argwhere(wild)[0]
        value, channel = told(arranged.signal[row, at]), arranged.channels[row].name
        raise DataError(f"{recording.name}: {value} in channel {channel}, sample {at}: a missing one is NaN")
    size = arranged.signal.shape[1]
    duration_s = round(size / recording.rate_hz + sum(recording.lost_s), 3)
    how = Cut(borders="keep", rate_hz=model.config.rate_hz, bridge_s=bridge_s)
    reasons, signals, new_rate_hz = [], [], model.config.rate_hz
    pieces = windows_of(arranged, np.zeros(size, np.int32), how)
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
    from vqtext.model.signals import sensors_told, unlike

    known = model.config.channels
    if recording.channels == known:
        return recording
    strange, lost = unlike(recording.channels, known), unlike(known, recording.channels)
    kept = [i for i, channel in enumerate(recording.channels) if channel not in strange]
    if not kept:  # and the error says what the model knows
        kept = list(range(len(recording.channels)))
    elif strange:
        warn(f"{recording.name}: left out, since the model never saw them: {sensors_told(strange)}")
    signal = model.arrange(recording.signal[kept], [recording.channels[i] for i in kept])
    if lost:
        warn(f"{recording.name}: not there, and taken as not measured: {sensors_told(lost)}")
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


def _as_prepared(settings: Settings, progress: Progress) -> tuple[float | None, float]:
    """Stride and bridge that windows.h5 was cut with; those of the settings where it is not there."""
    said = {"stride_s": settings.data.stride_s, "bridge_s": settings.data.bridge_s}
    with suppress(ArtifactError):
        made = Prepare(settings, progress).record().provenance
        if made is not None and isinstance(made.options, dict):
            said |= {key: made.options[key] for key in said if key in made.options}
    return said["stride_s"], said["bridge_s"] or 0.0


def _name(file: Path) -> str:
    """A name for what is written of a file; files of one name in two folders have two."""
    return f"{file.stem[:80]}-{sha256(str(file.resolve()).encode()).hexdigest()[:6]}"


def _nothing(size: int) -> Track:
    return Track((), np.full(size, -1, np.int32))
