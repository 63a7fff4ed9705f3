"""``vqtext explain --recording``: files without labels, each as text, table, JSON and one page."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vqtext
from vqtext.cache.lock import lock
from vqtext.cache.publish import publish
from vqtext.console.progress import Progress, Tell
from vqtext.console.text import printable
from vqtext.errors import ArtifactError, DataError, VQTextError
from vqtext.pipeline.executing.choice import choose_for_torch
from vqtext.pipeline.explaining.of_recording import explained
from vqtext.pipeline.explaining.page import page
from vqtext.pipeline.explaining.recording_file import read_recordings, text_of
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.train import Train
from vqtext.pipeline.training.run_record import read_run
from vqtext.reason import OUT_OF_DISTRIBUTION, RecordingReasons, write_segments
from vqtext.report.html import render
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.load import VQText

MAX_STRETCHES = 60
"""Stretches of one class in the terminal; the files have all."""


@dataclass(frozen=True)
class ExplainedFile:
    """Reasons of one file, its page as HTML, and what a user should know; or why there is nothing."""

    reasons: tuple[RecordingReasons, ...] = ()
    html: str = ""
    notes: tuple[str, ...] = ()
    error: VQTextError | None = None


@dataclass(frozen=True)
class ExplainFile:
    """Reads and explains one file, which any process may do.

    Attributes:
        folder: of the model; run: what its record says.
        dataset: as of `read_recordings`.
        stride_s, bridge_s: as of `explained`.
        samples: passages that its page draws.
        created: ISO time.
        opened: the model, in the process that has it.
    """

    folder: Path
    run: Mapping[str, Any]
    dataset: Path | None
    stride_s: float | None
    bridge_s: float
    samples: int
    created: str
    opened: VQText | None

    def __call__(self, file: Path, tell: Tell = lambda done, total, numbers: None) -> ExplainedFile:
        model, notes = self.opened or _opened(self.folder), list[str]()
        try:
            recordings = read_recordings(
                file, self.dataset, notes.append, model.config.channels, model.config.rate_hz
            )
            found = [
                explained(model, one, self.stride_s, self.bridge_s, notes.append, tell) for one in recordings
            ]
        except VQTextError as error:
            return ExplainedFile(notes=tuple(notes), error=error)
        drawn = page(model, self.run, text_of(file.name), found, self.samples, self.created, notes)
        return ExplainedFile(tuple(one.reasons for one in found), render(drawn), tuple(notes))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "opened": None}


@lru_cache(maxsize=1)
def _opened(folder: Path) -> VQText:
    """The model of a worker, which serves one command."""
    from vqtext.model.load import VQText

    return VQText.from_pretrained(folder)


def matching(patterns: Sequence[Path]) -> list[Path]:
    """Files, and those of patterns such as "walks/*.csv", in the order of their names.

    Raises:
        DataError: nothing is like a pattern.
    """
    files: list[Path] = []
    for pattern in patterns:
        root = Path(pattern.anchor)
        if pattern.exists() or not set("*?[") & set(str(pattern)):
            files.append(pattern)
        elif found := sorted(root.glob(str(pattern.relative_to(root)))):
            files += found
        else:
            raise DataError(f"{pattern}: there is no such file")
    return files


def explain_files(
    settings: Settings, files: Sequence[Path], dataset: Path | None, progress: Progress
) -> Iterator[dict[str, Any]]:
    """``vqtext explain --recording``: explain files; write table, JSON and page of each beside the run's
    outputs.

    Yields:
        The ``--json`` answer of each file, in their order. Of one of several that cannot be explained it is
        ``recording`` and ``error``.

    Raises:
        DataError: the only file or its ``dataset.toml`` is missing or wrong.
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
    created = datetime.now(UTC).isoformat(timespec="seconds")
    stride_s, bridge_s = _as_prepared(settings, progress, model.config.window_s)
    explain = ExplainFile(
        train.target, run, dataset, stride_s, bridge_s, settings.explain.samples, created, model
    )
    for file, one in zip(files, _explained_files(explain, files, settings, progress), strict=True):
        for note in one.notes:
            progress.warn(note)
        if one.error is None:
            yield _write_answer(one, file, run, train.target / "recordings", created)
        elif len(files) == 1:
            raise one.error
        else:
            progress.warn(str(one.error))
            yield {"recording": text_of(file), "error": str(one.error)}


def _explained_files(
    explain: ExplainFile, files: Sequence[Path], settings: Settings, progress: Progress
) -> Iterator[ExplainedFile]:
    if len(files) == 1:
        with progress.bar(f"explaining {printable(files[0].name)}") as tell:
            yield explain(files[0], tell)
        return
    with closing(choose_for_torch(settings).map(explain, files)) as done:
        yield from progress.track(done, len(files), "explaining recordings")


def _write_answer(
    done: ExplainedFile, file: Path, run: Mapping[str, Any], folder: Path, created: str
) -> dict[str, Any]:
    """The answer of a file, which is written beside its table and its page."""
    files = {kind: folder / f"{_name(file)}.{kind}" for kind in ("html", "csv", "json")}
    answer = {
        "run": run["run"],
        "model": run["best"],
        "recording": text_of(file),
        "created": created,
        "vqtext": vqtext.__version__,
        "notes": list(done.notes),
        "recordings": [one.to_dict() for one in done.reasons],
        "report": str(files["html"]),
        "csv": str(files["csv"]),
        "json": str(files["json"]),
    }
    _write(files, answer, done.html, done.reasons)
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
    """An answer of `explain_files` for people."""
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
