"""The stages, and all of them one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqtext.commands.app import DATA, EXECUTOR, LLM, SPLIT, DryRun, app, run_stage
from vqtext.console.options import How, command
from vqtext.console.output import print_answer, print_json, print_lines
from vqtext.errors import DataError, UsageError
from vqtext.settings.loading import Loaded, one_way_to_a_threshold, used_by


@command(
    app,
    *(*DATA, "data.rate_hz", "data.window_s", "data.stride_s", "data.borders", "data.bridge_s"),
    *EXECUTOR,
)
def prepare(
    loaded: Loaded,
    how: How,
    init: Annotated[
        Path | None,
        typer.Option(
            "--init",
            metavar="FOLDER",
            help="Write a first dataset.toml into a folder of own recordings, and prepare nothing",
        ),
    ] = None,
) -> None:
    """Cut recordings into windows."""
    if init is not None:
        from vqtext.pipeline.preparing.init_dataset import init_dataset, lines

        print_answer(init_dataset(init), lines, how.as_json)
        return
    run_stage("prepare", loaded, how)


@command(
    app,
    *("words.provider", *LLM, "words.language", "words.drafts", "words.harmonise"),
    *("llm.concurrency", "llm.max_tokens"),
)
def gen_subactions(
    loaded: Loaded,
    how: How,
    refresh: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL",
            help="Write this label anew, whoever wrote it; may be given several times, or with commas",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Turn each label into its ordered sub-actions; the result is made to be edited by hand."""
    used_by(loaded, "words.provider", "openai", ("llm.", "words.drafts", "words.harmonise"))
    run_stage("gen-subactions", loaded, how, dry_run, refresh=refresh or ())


@command(app, "describe.source", "describe.limit", *LLM, "llm.concurrency", "llm.max_tokens", *EXECUTOR)
def describe(loaded: Loaded, how: How, dry_run: DryRun = False) -> None:
    """Say in words what the sensors of each window did."""
    used_by(loaded, "describe.source", "llm", ("llm.", "describe.limit"))
    run_stage("describe", loaded, how, dry_run)


@command(app, "embed.encoder", "embed.batch_size", "embed.half", *EXECUTOR)
def embed(loaded: Loaded, how: How) -> None:
    """Embed all texts with a frozen text encoder."""
    run_stage("embed", loaded, how)


@command(
    app,
    *("dedup.threshold", "dedup.target", "dedup.calibrate"),
    *("dedup.keep", "dedup.drop", "dedup.merge", "dedup.contrast"),
)
def dedup(loaded: Loaded, how: How) -> None:
    """Merge near-duplicate phrases into anchors."""
    one_way_to_a_threshold(loaded)
    run_stage("dedup", loaded, how)


@command(
    app,
    *(
        "train.run",
        *SPLIT,
        "train.seeds",
        "guidance.source",
        "train.grounding",
        "model.channels",
        "model.init",
    ),
    *("train.epochs", "train.preset", "train.patience", "train.batch_size", "train.accumulate"),
    *("train.learning_rate", "train.overfit", "train.accelerator", "train.devices", "train.precision"),
    *("train.compile", "train.workers", "train.logger", "train.logger_online"),
)
def train(loaded: Loaded, how: How) -> None:
    """Train on the cached artifacts alone: no network, no text model."""
    run_stage("train", loaded, how)


@command(app, "train.run", "evaluate.truth", "evaluate.controls", "evaluate.robustness", *EXECUTOR)
def evaluate(loaded: Loaded, how: How) -> None:
    """Score a run on windows it has never seen, by the signal alone."""
    run_stage("evaluate", loaded, how)


@command(app, "train.run", "explain.samples", *EXECUTOR)
def explain(
    loaded: Loaded,
    how: How,
    window: Annotated[
        int | None,
        typer.Option("--window", metavar="N", help="Explain this row of windows.h5 alone, and write nothing"),
    ] = None,
    why_not: Annotated[
        str | None,
        typer.Option(
            "--why-not",
            metavar="LABEL",
            help="Say what the --window lacks to be of this class, and what would do",
        ),
    ] = None,
    recording: Annotated[
        list[Path] | None,
        typer.Option(
            "--recording",
            metavar="FILE",
            help="Explain this recording from end to end; it needs no labels. May be given several times, "
            "and be a pattern in quotation marks, such as 'walks/*.csv'",
        ),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            "--dataset",
            metavar="FILE",
            help="The dataset.toml that says what its columns are (default: the one beside it; else columns "
            "are known by the names of the model's channels)",
        ),
    ] = None,
) -> None:
    """Explain test windows in words and draw report.html; or explain a recording."""
    _check_explained(loaded, window, why_not, recording, dataset)
    if recording:
        _explain_recordings(loaded, recording, dataset, how)
    elif window is not None:
        from vqtext.pipeline.explaining.of_window import explain_window, lines

        print_answer(explain_window(loaded.settings, window, why_not), lines, how.as_json)
    else:
        run_stage("explain", loaded, how)


def _explain_recordings(loaded: Loaded, asked: list[Path], dataset: Path | None, how: How) -> None:
    """Raises DataError, after all others, where one of several could not be explained."""
    from vqtext.pipeline.explaining.of_file import explain_files, lines, matching

    files = matching(asked)
    answers, wrong = [], []
    for answer in explain_files(loaded.settings, files, dataset, how.progress):
        if "error" in answer:  # which was a warning
            wrong.append(answer["error"])
        elif not how.as_json:
            print_lines(lines(answer))
        if how.as_json:
            answers.append(answer)
    if how.as_json:
        print_json(answers[0] if len(files) == 1 else {"files": answers})
    if wrong:
        raise DataError(f"{len(wrong)} of {len(files)} recordings are not explained: {wrong[0]}")


def _check_explained(
    loaded: Loaded,
    window: int | None,
    why_not: str | None,
    recording: list[Path] | None,
    dataset: Path | None,
) -> None:
    """Raises UsageError for an option that would not be used."""
    for name in EXECUTOR:
        if not recording and loaded.origins[name] == "command line":
            raise UsageError(f"--{name} would not be used: it says where each --recording is explained")
    if why_not is not None and (window is None or recording):
        raise UsageError("--why-not asks about one window: say which with --window N")
    if recording and window is not None:
        raise UsageError("--window would not be used: --recording names what is explained")
    if not recording and dataset is not None:
        raise UsageError("--dataset would not be used: it says what the columns of a --recording are")
    if window is not None and loaded.origins["explain.samples"] == "command line":
        raise UsageError("--samples would not be used: --window names the one window")


@command(
    app,
    *(*DATA, "dedup.threshold", "train.run", *SPLIT, "train.seeds", "guidance.source", "train.epochs"),
    name="run",
)
def run_all(loaded: Loaded, how: How) -> None:
    """Do all of the above, in this order."""
    from vqtext.pipeline.run_all import run_stages

    one_way_to_a_threshold(loaded)
    answer = {}
    for stage, summary in run_stages(loaded.settings, how.progress, how.force):
        answer[stage.command] = summary
        if not how.as_json:
            print_lines([stage.command, *(f"  {line}" for line in stage.lines(summary))])
    if how.as_json:
        print_json(answer)
