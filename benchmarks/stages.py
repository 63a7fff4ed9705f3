"""The pipeline from Python, as every benchmark runs it: quietly, stage after stage."""

from __future__ import annotations

from typing import Any

from vqtext.console.progress import Progress
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings

WORDS = ("prepare", "gen-subactions", "describe", "embed", "dedup")
MODEL = ("train", "evaluate")


def stages(settings: Settings, commands: tuple[str, ...]) -> dict[str, Any]:
    """Run some stages in the order of the flow, but none that no later one reads; the summary of the last."""
    summary: dict[str, Any] = {}
    for entry in STAGES:
        stage = entry.load()(settings, Progress(quiet=True))
        if entry.command in commands and not stage.unread_because():
            summary = run(stage)
    return summary
