"""``vqtext explain --recording``: a file without labels, as text, table, JSON and one page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import vqtext
from vqtext.cache.lock import lock
from vqtext.cache.publish import publish
from vqtext.console.progress import Progress
from vqtext.console.text import printable
from vqtext.errors import ArtifactError
from vqtext.pipeline.explaining.of_recording import explained
from vqtext.pipeline.explaining.page import page
from vqtext.pipeline.explaining.recording_file import read_recordings, text_of
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import read_run
from vqtext.reason import OUT_OF_DISTRIBUTION, RecordingReasons, write_segments
from vqtext.report.html import render
from vqtext.settings.schema import Settings

MAX_STRETCHES = 60
"""Stretches of one class in the terminal; the files have all."""


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
    stride_s, bridge_s = _as_prepared(settings, progress, model.config.window_s)
    found = []
    for recording in recordings:
        with progress.bar(f"explaining {recording.name}") as tell:
            found.append(explained(model, recording, stride_s, bridge_s, warn, tell))
    files = {kind: train.target / "recordings" / f"{_name(file)}.{kind}" for kind in ("html", "csv", "json")}
    answer = {
        "run": run["run"],
        "model": run["best"],
        "recording": text_of(file),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "vqtext": vqtext.__version__,
        "notes": notes,
        "recordings": [one.reasons.to_dict() for one in found],
        "report": str(files["html"]),
        "csv": str(files["csv"]),
        "json": str(files["json"]),
    }
    drawn = page(model, run, text_of(file.name), found, settings.explain.samples, answer["created"], notes)
    _write(files, answer, render(drawn), [one.reasons for one in found])
    return answer


def _write(
    files: Mapping[str, Path], answer: Mapping[str, Any], html: str, reasons: Sequence[RecordingReasons]
) -> None:
    with lock(files["json"]):
        with publish(files["html"]) as temp:
            temp.write_text(html, encoding="utf-8")
        with publish(files["csv"]) as temp, temp.open("w", encoding="utf-8", newline="") as text:
            write_segments(text, reasons)
        with publish(files["json"]) as temp:
            temp.write_text(json.dumps(answer, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def lines(answer: Mapping[str, Any]) -> list[str]:
    """The answer of `explain_file` for people."""
    lines = []
    for one in answer["recordings"]:
        lines.append(f"{one['name']}: {one['duration_s']:.1f} s")
        lines += _rows(one["stretches"])
        unlike = sum(row["end_s"] - row["start_s"] for row in one["segments"] if row["familiar"] < 1)
        if unlike:
            lines.append(f"  {unlike:.1f} s of it are {OUT_OF_DISTRIBUTION}")
        if one["silent"]:
            shown = ", ".join(f"{start:.1f}–{end:.1f} s" for start, end in one["silent"][:MAX_STRETCHES])
            lines.append(f"  no reason for {shown}{' …' if len(one['silent']) > MAX_STRETCHES else ''}")
    lines.append(f"segments: {Path(answer['csv']).resolve()} and .json")
    return [*lines, f"report: {Path(answer['report']).resolve()}"]


def _rows(stretches: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each stretch of one class, and its steps below it."""
    lines: list[str] = []
    for row in stretches[:MAX_STRETCHES]:
        when, sure = f"{row['start_s']:.2f}–{row['end_s']:.2f} s", f"{row['confidence']:.2f}"
        label = printable(row["display"] or row["label"])
        lines += [f"  {when}  {label}  {sure}", f"    {printable(row['text'])}"]
    more = len(stretches) - MAX_STRETCHES
    return [*lines, f"  … and {more} more"] if more > 0 else lines


def _as_prepared(settings: Settings, progress: Progress, window_s: float) -> tuple[float | None, float]:
    """Stride and bridge that windows.h5 was cut with; those of the settings where it is not there.

    A stride that skips samples is None: what lay between the windows of the training is explained, too.
    """
    cut = {"stride_s": settings.data.stride_s, "bridge_s": settings.data.bridge_s}
    with suppress(ArtifactError):
        made = Prepare(settings, progress).record().provenance
        if made is not None and isinstance(made.options, dict):
            cut |= {key: made.options[key] for key in cut if key in made.options}
    stride_s = cut["stride_s"]
    return None if stride_s is not None and stride_s >= window_s else stride_s, cut["bridge_s"] or 0.0


def _name(file: Path) -> str:
    """A name for what is written of a file; files of one name in two folders have two."""
    return f"{text_of(file.stem)[:60]}-{sha256(os.fsencode(file.resolve())).hexdigest()[:6]}"
