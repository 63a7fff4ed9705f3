"""The application that commands register with, and what several of them share."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vqtext.console.options import How, flag
from vqtext.console.output import print_answer
from vqtext.pipeline.registry import STAGES
from vqtext.settings.loading import Loaded

app = typer.Typer(
    help="VQShape tokens with a meaning: every code of the codebook is named in words a person can read.",
    epilog="In an empty folder: vqtext gen-subactions, vqtext embed, vqtext dedup, vqtext train. "
    "Then vqtext evaluate and vqtext explain. For your own recordings: vqtext prepare --help",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DATA = ("data.name", "data.path")
LLM = ("llm.model", "llm.base_url")
EXECUTOR = ("executor", "workers")
SPLIT = ("train.test_subjects", "train.folds", "train.split")
DryRun = Annotated[bool, flag("--dry-run", "Show what a model would be asked, and send nothing")]


def run_stage(command: str, loaded: Loaded, how: How, dry_run: bool = False, **more: object) -> None:
    """Run one stage under the settings that hold, and print its summary; dry, print its plan."""
    from vqtext.pipeline.stage import run

    kind: Any = next(entry for entry in STAGES if entry.command == command).load()
    stage = kind(loaded.settings, how.progress, **more)
    stage.forced = how.force  # for the plan, which is not run
    answer = stage.plan() if dry_run else run(stage, how.force)
    print_answer(answer, stage.plan_lines if dry_run else stage.lines, how.as_json)
