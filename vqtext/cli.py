"""The command line: each command reads its options, calls one stage and prints its summary.

stdout holds the answer (one JSON object with ``--json``), stderr everything else. Exit codes are told in
`vqtext.console.exit_codes`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

import vqtext
from vqtext.console import options as o
from vqtext.console.exit_codes import run_guarded
from vqtext.console.output import print_json, print_lines, say
from vqtext.console.progress import Progress
from vqtext.console.text import table, told
from vqtext.errors import UsageError
from vqtext.pipeline.registry import STAGES
from vqtext.settings.loading import Loaded, load_settings, one_way_to_a_threshold, used_by

app = typer.Typer(
    help="VQShape tokens with a meaning: every code of the codebook is named in words a person can read.",
    epilog="In an empty folder: vqtext gen-subactions, vqtext embed, vqtext dedup, vqtext train. "
    "Then vqtext evaluate and vqtext explain. For your own recordings: vqtext prepare --help",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def prepare(
    data: o.Data = None,
    path: o.DataPath = None,
    rate: Annotated[o.Number, o.Setting("--rate", "data.rate_hz", "HZ")] = None,
    window_s: Annotated[o.Number, o.Setting("--window-s", "data.window_s", "SECONDS")] = None,
    stride_s: Annotated[o.Number, o.Setting("--stride-s", "data.stride_s", "SECONDS")] = None,
    borders: Annotated[o.Text, o.Setting("--borders", "data.borders", "HOW")] = None,
    bridge_s: Annotated[o.Number, o.Setting("--bridge-s", "data.bridge_s", "SECONDS")] = None,
    init: Annotated[
        Path | None,
        typer.Option(
            "--init",
            metavar="FOLDER",
            help="Write a first dataset.toml into a folder of own recordings, and prepare nothing",
        ),
    ] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Cut recordings into windows."""
    if init is not None:
        from vqtext.pipeline.preparing.init_dataset import init_dataset, lines

        say(init_dataset(init), lines, as_json)
        return
    _stage("prepare", load_settings(o.chosen(prepare, locals())), as_json, quiet, force)


@app.command()
def gen_subactions(
    provider: Annotated[o.Text, o.Setting("--provider", "words.provider", "NAME")] = None,
    model: o.Model = None,
    base_url: o.BaseUrl = None,
    language: Annotated[o.Text, o.Setting("--language", "words.language", "CODE")] = None,
    drafts: Annotated[o.Count, o.Setting("--drafts", "words.drafts", "N")] = None,
    harmonise: Annotated[o.Switch, o.Setting("--harmonise/--no-harmonise", "words.harmonise")] = None,
    concurrency: o.Concurrency = None,
    max_tokens: o.MaxTokens = None,
    refresh: Annotated[
        o.Phrases,
        typer.Option(
            metavar="LABEL",
            help="Write this label anew, whoever wrote it; may be given several times, or with commas",
        ),
    ] = None,
    dry_run: o.DryRun = False,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Turn each label into its ordered sub-actions; the result is made to be edited by hand."""
    loaded = load_settings(o.chosen(gen_subactions, locals()))
    used_by(loaded, "words.provider", "openai", ("llm.", "words.drafts", "words.harmonise"))
    _stage("gen-subactions", loaded, as_json, quiet, force, dry_run, refresh=refresh or ())


@app.command()
def describe(
    source: Annotated[o.Text, o.Setting("--source", "describe.source", "NAME")] = None,
    limit: Annotated[o.Count, o.Setting("--limit", "describe.limit", "N")] = None,
    model: o.Model = None,
    base_url: o.BaseUrl = None,
    concurrency: o.Concurrency = None,
    max_tokens: o.MaxTokens = None,
    dry_run: o.DryRun = False,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Say in words what the sensors of each window did."""
    loaded = load_settings(o.chosen(describe, locals()))
    used_by(loaded, "describe.source", "llm", ("llm.", "describe.limit"))
    _stage("describe", loaded, as_json, quiet, force, dry_run)


@app.command()
def embed(
    encoder: Annotated[o.Text, o.Setting("--encoder", "embed.encoder", "NAME")] = None,
    batch_size: Annotated[o.Count, o.Setting("--batch-size", "embed.batch_size", "N")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Embed all texts with a frozen text encoder."""
    _stage("embed", load_settings(o.chosen(embed, locals())), as_json, quiet, force)


@app.command()
def dedup(
    threshold: o.Threshold = None,
    target: Annotated[o.Count, o.Setting("--target", "dedup.target", "N")] = None,
    calibrate: Annotated[o.Switch, o.Setting("--calibrate/--no-calibrate", "dedup.calibrate")] = None,
    keep: Annotated[o.Phrases, o.Setting("--keep", "dedup.keep", "PHRASE")] = None,
    drop: Annotated[o.Phrases, o.Setting("--drop", "dedup.drop", "PHRASE")] = None,
    merge: Annotated[o.Phrases, o.Setting("--merge", "dedup.merge", "A=B")] = None,
    contrast: Annotated[o.Number, o.Setting("--contrast", "dedup.contrast", "X")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Merge near-duplicate phrases into anchors."""
    loaded = load_settings(o.chosen(dedup, locals()))
    one_way_to_a_threshold(loaded)
    _stage("dedup", loaded, as_json, quiet, force)


@app.command()
def train(
    run: o.Run = None,
    test_subjects: o.TestSubjects = None,
    folds: o.Folds = None,
    split: o.Split = None,
    seeds: o.Seeds = None,
    guidance: o.Guidance = None,
    grounding: Annotated[o.Text, o.Setting("--grounding", "train.grounding", "MODE")] = None,
    channels: Annotated[o.Text, o.Setting("--channels", "model.channels", "MODE")] = None,
    init: Annotated[Path | None, o.Setting("--init", "model.init", "FOLDER")] = None,
    epochs: o.Epochs = None,
    preset: Annotated[o.Text, o.Setting("--preset", "train.preset", "NAME")] = None,
    patience: Annotated[o.Count, o.Setting("--patience", "train.patience", "N")] = None,
    batch_size: Annotated[o.Count, o.Setting("--batch-size", "train.batch_size", "N")] = None,
    accumulate: Annotated[o.Count, o.Setting("--accumulate", "train.accumulate", "N")] = None,
    learning_rate: Annotated[o.Number, o.Setting("--learning-rate", "train.learning_rate", "X")] = None,
    overfit: Annotated[o.Count, o.Setting("--overfit", "train.overfit", "N")] = None,
    accelerator: Annotated[o.Text, o.Setting("--accelerator", "train.accelerator", "NAME")] = None,
    devices: Annotated[o.Count, o.Setting("--devices", "train.devices", "N")] = None,
    precision: Annotated[o.Text, o.Setting("--precision", "train.precision", "NAME")] = None,
    compiled: Annotated[o.Switch, o.Setting("--compile/--no-compile", "train.compile")] = None,
    workers: Annotated[o.Count, o.Setting("--workers", "train.workers", "N")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Train on the cached artifacts alone: no network, no text model."""
    _stage("train", load_settings(o.chosen(train, locals())), as_json, quiet, force)


@app.command()
def evaluate(
    run: o.Run = None,
    truth: Annotated[Path | None, o.Setting("--truth", "evaluate.truth", "FILE")] = None,
    controls: Annotated[o.Switch, o.Setting("--controls/--no-controls", "evaluate.controls")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Score a run on windows it has never seen, by the signal alone."""
    _stage("evaluate", load_settings(o.chosen(evaluate, locals())), as_json, quiet, force)


@app.command()
def explain(
    run: o.Run = None,
    samples: Annotated[o.Count, o.Setting("--samples", "explain.samples", "N")] = None,
    window: Annotated[
        o.Count,
        typer.Option("--window", metavar="N", help="Explain this row of windows.h5 alone, and write nothing"),
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(
            "--recording", metavar="FILE", help="Explain this recording from end to end; it needs no labels"
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
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Explain test windows in words and draw report.html; or explain a recording."""
    loaded = load_settings(o.chosen(explain, locals()))
    if recording is not None:
        if window is not None:
            raise UsageError("--window would not be used: --recording names what is explained")
        from vqtext.pipeline.explaining.of_file import explain_file
        from vqtext.pipeline.explaining.of_file import lines as file_lines

        answer = explain_file(loaded.settings, recording, dataset, Progress(quiet))
        say(answer, file_lines, as_json)
        return
    if dataset is not None:
        raise UsageError("--dataset would not be used: it says what the columns of a --recording are")
    if window is None:
        _stage("explain", loaded, as_json, quiet, force)
        return
    if samples is not None:
        raise UsageError("--samples would not be used: --window names the one window")
    from vqtext.pipeline.explaining.of_window import explain_window, lines

    answer = explain_window(loaded.settings, window)
    say(answer, lines, as_json)


@app.command()
def codes(
    run: o.Run = None,
    words: Annotated[
        bool,
        typer.Option(
            "--words",
            metavar="",
            help="Hold each written duration, direction and level of motion against what is found",
        ),
    ] = False,
    confidence: Annotated[o.Number, o.Setting("--confidence", "explain.code_confidence", "P")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
) -> None:
    """Show what each code is called, how surely, and where it occurs."""
    loaded = load_settings(o.chosen(codes, locals()))
    from vqtext.pipeline.codes import codes as codes_of
    from vqtext.pipeline.codes import lines

    answer = codes_of(loaded.settings, words)
    say(answer, lines, as_json)


@app.command()
def preview(
    test_subjects: o.TestSubjects = None,
    folds: o.Folds = None,
    split: o.Split = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
) -> None:
    """Show in seconds which steps the words find in the training windows, before anything is trained."""
    loaded = load_settings(o.chosen(preview, locals()))
    from vqtext.pipeline.preview import lines
    from vqtext.pipeline.preview import preview as preview_of

    say(preview_of(loaded.settings), lines, as_json)


@app.command("run")
def run_all(
    data: o.Data = None,
    path: o.DataPath = None,
    threshold: o.Threshold = None,
    run: o.Run = None,
    test_subjects: o.TestSubjects = None,
    folds: o.Folds = None,
    split: o.Split = None,
    seeds: o.Seeds = None,
    guidance: o.Guidance = None,
    epochs: o.Epochs = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Do all of the above, in this order."""
    from vqtext.pipeline.run_all import run_stages

    loaded = load_settings(o.chosen(run_all, locals()))
    one_way_to_a_threshold(loaded)
    answer = {}
    for stage, summary in run_stages(loaded.settings, Progress(quiet), force):
        answer[stage.command] = summary
        if not as_json:
            print_lines([stage.command, *(f"  {line}" for line in stage.lines(summary))])
    if as_json:
        print_json(answer)


@app.command()
def status(
    verify: Annotated[
        bool,
        typer.Option("--verify", metavar="", help="Read every byte against its checksum; exit 1 on damage"),
    ] = False,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
) -> None:
    """Show each artifact: made, stale or missing, and what to do next."""
    from vqtext.pipeline.status import lines, states

    answer = states(load_settings({"cache": cache}).settings, verify)
    say(answer, lines, as_json)
    if verify and any(entry["state"] in ("damaged", "unreadable") for entry in answer["artifacts"]):
        raise typer.Exit(1)


@app.command()
def config(cache: o.Cache = None, as_json: o.AsJson = False) -> None:
    """Show every setting and where its value comes from."""
    loaded = load_settings({"cache": cache})
    answer = {
        name: {"value": value, "origin": loaded.origins[name]} for name, value in loaded.values().items()
    }
    say(
        answer,
        lambda said: table((name, told(one["value"]), one["origin"]) for name, one in said.items()),
        as_json,
    )


@app.command()
def import_vqshape(
    checkpoint: Annotated[Path, typer.Argument(metavar="CKPT", help="The original's VQShape.ckpt")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the model goes")],
    as_json: o.AsJson = False,
) -> None:
    """Turn a checkpoint of the original VQShape into a folder of ours."""
    from vqtext.pipeline.convert import import_vqshape, lines

    answer = import_vqshape(checkpoint, out)
    say(answer, lines, as_json)


@app.command()
def export(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A trained model, or a folder of `import-vqshape`")
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORMAT",
            help="onnx: signal to tokens; original: a checkpoint of VQShape's own code",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it goes")],
    as_json: o.AsJson = False,
) -> None:
    """Write a model in another program's format."""
    from vqtext.pipeline.convert import export, lines

    answer = export(folder, to, out)
    say(answer, lines, as_json)


def _say_version(wanted: bool) -> None:
    if wanted:
        print_lines([f"vqtext {vqtext.__version__}"])
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", metavar="", help="Show the version", callback=_say_version, is_eager=True),
    ] = False,
) -> None:
    """Options without a command."""


def main() -> NoReturn:
    """The ``vqtext`` command."""
    run_guarded(app)


def _stage(
    command: str,
    loaded: Loaded,
    as_json: bool,
    quiet: bool,
    force: bool,
    dry_run: bool = False,
    **more: object,
) -> None:
    """Run one stage under the settings that hold, and print its summary; dry, print its plan."""
    from vqtext.pipeline.stage import run

    kind: Any = next(entry for entry in STAGES if entry.command == command).load()
    stage = kind(loaded.settings, Progress(quiet), **more)
    stage.forced = force  # for the plan, which nobody runs
    answer = stage.plan() if dry_run else run(stage, force)
    say(answer, stage.plan_lines if dry_run else stage.lines, as_json)
