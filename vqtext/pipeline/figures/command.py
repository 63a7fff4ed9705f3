"""``vqtext figures``: all figures of a run for a paper, as PDF and SVG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vqtext.errors import ArtifactError, DataError, ShapeError, UsageError
from vqtext.pipeline.figures.drawings import Drawings
from vqtext.pipeline.figures.files import drawn, write
from vqtext.plot import canvas
from vqtext.settings.schema import Settings


def figures(settings: Settings, out: Path | str) -> dict[str, Any]:
    """Draw a run from its cached files and write each figure as PDF and SVG.

    Args:
        settings: cache and run.
        out: the folder; made where it is missing.

    Returns:
        The whole ``--json`` answer: ``figures``, the files of each drawing; ``skipped``, why each other was
        not drawn, with the command that makes what it needs; ``older``, figures of an earlier time that stay;
        ``notes``.

    Raises:
        UsageError: matplotlib is not installed, or a file in the folder is not of this command.
        ArtifactError: nothing can be drawn, or the folder cannot be written.
    """
    out = Path(out)
    canvas.figure(1)  # says what is not installed before anything is read
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out}: a file stands there: name a folder")
    made: dict[str, list[str]] = {}
    skipped: dict[str, str] = {}
    files: dict[str, bytes] = {}
    notes: list[str] = []
    for name, drawing in Drawings(settings).all.items():
        try:
            found = [(stem, *drawn(ax)) for stem, ax in drawing()]
        except (ArtifactError, DataError, ShapeError) as error:
            skipped[name] = str(error)
            continue
        own = {f"{stem}.{kind}": content for stem, formats, _ in found for kind, content in formats.items()}
        files |= own
        made[name] = [*own]
        notes += [f"{stem}: {warned}" for stem, _, warnings in found for warned in warnings]
    if not made:
        raise ArtifactError(next(iter(skipped.values())))
    older = write(out, files, {"run": settings.train.run})
    return {
        "run": settings.train.run,
        "out": str(out),
        "figures": made,
        "skipped": skipped,
        "older": older,
        "notes": notes,
    }


def lines(summary: Mapping[str, Any]) -> list[str]:
    """The answer of `figures` for people."""
    lines = [f"{summary['out']}: figures of {summary['run']}, each as PDF and SVG"]
    for name, files in summary["figures"].items():
        lines.append(f"  {name}: {', '.join(dict.fromkeys(Path(file).stem for file in files))}")
    lines += [f"  {name} skipped: {why}" for name, why in summary["skipped"].items()]
    if summary["older"]:
        lines.append(f"figures of an earlier time that stay: {', '.join(summary['older'])}")
    return [*lines, *summary["notes"]]
