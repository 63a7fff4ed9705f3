"""``vqtext run``: all stages, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vqtext.console.progress import Progress
from vqtext.data.splits.folds import splits_for
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import Stage, run
from vqtext.settings.schema import Settings


def run_stages(settings: Settings, progress: Progress, force: bool) -> Iterator[tuple[Stage, dict[str, Any]]]:
    """Run each stage in the order of the flow, but none that no later one reads; yields it with its summary.

    What only a person can give back is never replaced: words that were edited by hand are not forced, and
    windows that were prepared from other data stay.

    Args:
        force: make artifacts again that are up to date.

    Raises:
        VQTextError: as `vqtext.pipeline.stage.run`; right after the windows, as
            `vqtext.data.splits.folds.splits_for`.
    """
    for entry in STAGES:
        stage = entry.load()(settings, progress)
        if unread := stage.unread_because():
            if settings.describe.model_fields_set:  # somebody counts on it
                progress.warn(unread)
            continue
        if entry.command == "prepare" and not settings.data.model_fields_set and _is_of_other_data(stage):
            stage.check()
            progress.say(f"{stage.target} was prepared with other settings and stays as it is")
            yield stage, stage.summary()
        else:
            yield stage, run(stage, force and entry.command != "gen-subactions")
        if entry.command == "prepare":  # a subject that is not there is an error before words are paid for
            splits_for(read_windows(stage.target), settings.train)


def _is_of_other_data(prepare: Stage) -> bool:
    if not prepare.target.exists():
        return False
    made = prepare.record().provenance
    return made is None or made.options != prepare.options()
