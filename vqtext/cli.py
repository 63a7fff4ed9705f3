"""The command line: each command reads its options, calls one stage and prints its summary.

stdout holds the answer (one JSON object with ``--json``), stderr everything else. Exit codes are told in
`vqtext.ending`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

import vqtext
from vqtext import options as o
from vqtext.answers import print_json, print_lines, say
from vqtext.ending import run_guarded
from vqtext.errors import UsageError
from vqtext.pipeline.lines import table, told
from vqtext.pipeline.progress import Progress
from vqtext.pipeline.registry import STAGES
from vqtext.settings import Loaded, load_settings, one_way_to_a_threshold, used_by

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
    rate: Annotated[o.Number, o.setting("--rate", "data.rate_hz", "HZ")] = None,
    window_s: Annotated[o.Number, o.setting("--window-s", "data.window_s", "SECONDS")] = None,
    stride_s: Annotated[o.Number, o.setting("--stride-s", "data.stride_s", "SECONDS")] = None,
    borders: Annotated[o.Text, o.setting("--borders", "data.borders", "HOW")] = None,
    bridge_s: Annotated[o.Number, o.setting("--bridge-s", "data.bridge_s", "SECONDS")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Cut recordings into windows."""
    chosen: dict[str, object] = {
        "data.name": data,
        "data.path": path,
        "data.rate_hz": rate,
        "data.window_s": window_s,
    }
    chosen |= {"data.stride_s": stride_s, "data.borders": borders, "data.bridge_s": bridge_s, "cache": cache}
    _stage("prepare", load_settings(chosen), as_json, quiet, force)


@app.command()
def gen_subactions(
    provider: Annotated[o.Text, o.setting("--provider", "words.provider", "NAME")] = None,
    model: o.Model = None,
    base_url: o.BaseUrl = None,
    language: Annotated[o.Text, o.setting("--language", "words.language", "CODE")] = None,
    drafts: Annotated[o.Count, o.setting("--drafts", "words.drafts", "N")] = None,
    harmonise: Annotated[o.Switch, o.setting("--harmonise/--no-harmonise", "words.harmonise")] = None,
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
    chosen: dict[str, object] = {
        "words.provider": provider,
        "words.language": language,
        "words.drafts": drafts,
        "words.harmonise": harmonise,
        "cache": cache,
    }
    loaded = load_settings(chosen | o.of_model(model, base_url, concurrency, max_tokens))
    used_by(loaded, "words.provider", "openai", ("llm.", "words.drafts", "words.harmonise"))
    _stage("gen-subactions", loaded, as_json, quiet, force, dry_run, refresh=refresh or ())


@app.command()
def describe(
    source: Annotated[o.Text, o.setting("--source", "describe.source", "NAME")] = None,
    limit: Annotated[o.Count, o.setting("--limit", "describe.limit", "N")] = None,
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
    chosen: dict[str, object] = {"describe.source": source, "describe.limit": limit, "cache": cache}
    loaded = load_settings(chosen | o.of_model(model, base_url, concurrency, max_tokens))
    used_by(loaded, "describe.source", "llm", ("llm.", "describe.limit"))
    _stage("describe", loaded, as_json, quiet, force, dry_run)


@app.command()
def embed(
    encoder: Annotated[o.Text, o.setting("--encoder", "embed.encoder", "NAME")] = None,
    batch_size: Annotated[o.Count, o.setting("--batch-size", "embed.batch_size", "N")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Embed all texts with a frozen text encoder."""
    chosen: dict[str, object] = {"embed.encoder": encoder, "embed.batch_size": batch_size, "cache": cache}
    _stage("embed", load_settings(chosen), as_json, quiet, force)


@app.command()
def dedup(
    threshold: o.Threshold = None,
    target: Annotated[o.Count, o.setting("--target", "dedup.target", "N")] = None,
    calibrate: Annotated[o.Switch, o.setting("--calibrate/--no-calibrate", "dedup.calibrate")] = None,
    keep: Annotated[o.Phrases, o.setting("--keep", "dedup.keep", "PHRASE")] = None,
    drop: Annotated[o.Phrases, o.setting("--drop", "dedup.drop", "PHRASE")] = None,
    merge: Annotated[o.Phrases, o.setting("--merge", "dedup.merge", "A=B")] = None,
    contrast: Annotated[o.Number, o.setting("--contrast", "dedup.contrast", "X")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Merge near-duplicate phrases into anchors."""
    chosen: dict[str, object] = {
        "dedup.threshold": threshold,
        "dedup.target": target,
        "dedup.calibrate": calibrate,
        "dedup.keep": keep or None,
        "dedup.drop": drop or None,
        "dedup.merge": merge or None,
    }
    chosen |= {"dedup.contrast": contrast, "cache": cache}
    loaded = load_settings(chosen)
    one_way_to_a_threshold(loaded)
    _stage("dedup", loaded, as_json, quiet, force)


@app.command()
def train(
    run: o.Run = None,
    test_subjects: o.TestSubjects = None,
    folds: o.Folds = None,
    split: o.Split = None,
    seeds: o.Seeds = None,
    grounding: Annotated[o.Text, o.setting("--grounding", "train.grounding", "MODE")] = None,
    channels: Annotated[o.Text, o.setting("--channels", "model.channels", "MODE")] = None,
    init: Annotated[Path | None, o.setting("--init", "model.init", "FOLDER")] = None,
    epochs: o.Epochs = None,
    preset: Annotated[o.Text, o.setting("--preset", "train.preset", "NAME")] = None,
    patience: Annotated[o.Count, o.setting("--patience", "train.patience", "N")] = None,
    batch_size: Annotated[o.Count, o.setting("--batch-size", "train.batch_size", "N")] = None,
    accumulate: Annotated[o.Count, o.setting("--accumulate", "train.accumulate", "N")] = None,
    learning_rate: Annotated[o.Number, o.setting("--learning-rate", "train.learning_rate", "X")] = None,
    overfit: Annotated[o.Count, o.setting("--overfit", "train.overfit", "N")] = None,
    accelerator: Annotated[o.Text, o.setting("--accelerator", "train.accelerator", "NAME")] = None,
    devices: Annotated[o.Count, o.setting("--devices", "train.devices", "N")] = None,
    precision: Annotated[o.Text, o.setting("--precision", "train.precision", "NAME")] = None,
    compiled: Annotated[o.Switch, o.setting("--compile/--no-compile", "train.compile")] = None,
    workers: Annotated[o.Count, o.setting("--workers", "train.workers", "N")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Train on the cached artifacts alone: no network, no text model."""
    chosen: dict[str, object] = {
        "train.run": run,
        "train.test_subjects": test_subjects,
        "train.folds": folds,
        "train.split": split,
        "train.seeds": seeds,
    }
    chosen |= {
        "train.grounding": grounding,
        "model.channels": channels,
        "model.init": init,
        "train.epochs": epochs,
        "train.preset": preset,
        "train.patience": patience,
        "train.batch_size": batch_size,
        "train.accumulate": accumulate,
        "train.learning_rate": learning_rate,
        "train.overfit": overfit,
        "train.accelerator": accelerator,
        "train.devices": devices,
        "train.precision": precision,
        "train.compile": compiled,
        "train.workers": workers,
        "cache": cache,
    }
    _stage("train", load_settings(chosen), as_json, quiet, force)


@app.command()
def evaluate(
    run: o.Run = None,
    truth: Annotated[Path | None, o.setting("--truth", "evaluate.truth", "FILE")] = None,
    controls: Annotated[o.Switch, o.setting("--controls/--no-controls", "evaluate.controls")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Score a run on windows it has never seen, by the signal alone."""
    chosen: dict[str, object] = {"train.run": run, "evaluate.truth": truth, "evaluate.controls": controls}
    _stage("evaluate", load_settings({**chosen, "cache": cache}), as_json, quiet, force)


@app.command()
def explain(
    run: o.Run = None,
    samples: Annotated[o.Count, o.setting("--samples", "explain.samples", "N")] = None,
    window: Annotated[
        o.Count,
        typer.Option("--window", metavar="N", help="Explain this row of windows.h5 alone, and write nothing"),
    ] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Explain test windows in words and draw report.html."""
    chosen: dict[str, object] = {"train.run": run, "explain.samples": samples, "cache": cache}
    loaded = load_settings(chosen)
    if window is None:
        _stage("explain", loaded, as_json, quiet, force)
        return
    if samples is not None:
        raise UsageError("--samples would not be used: --window names the one window")
    from vqtext.pipeline.explain_window import explain_window, lines

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
    confidence: Annotated[o.Number, o.setting("--confidence", "explain.code_confidence", "P")] = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
) -> None:
    """Show what each code is called, how surely, and where it occurs."""
    from vqtext.pipeline.codes import codes, lines

    chosen: dict[str, object] = {
        "train.run": run,
        "explain.code_confidence": confidence,
        "cache": cache,
    }
    answer = codes(load_settings(chosen).settings, words)
    say(answer, lines, as_json)


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
    epochs: o.Epochs = None,
    cache: o.Cache = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
    force: o.Force = False,
) -> None:
    """Do all of the above, in this order."""
    from vqtext.pipeline.flow import run_stages

    chosen: dict[str, object] = {
        "data.name": data,
        "data.path": path,
        "dedup.threshold": threshold,
        "train.run": run,
    }
    chosen |= {
        "train.test_subjects": test_subjects,
        "train.folds": folds,
        "train.split": split,
        "train.seeds": seeds,
        "train.epochs": epochs,
        "cache": cache,
    }
    loaded = load_settings(chosen)
    one_way_to_a_threshold(loaded)
    chosen_data = any(
        loaded.origins[name] != "default" for name in loaded.origins if name.startswith("data.")
    )
    answer = {}
    for stage, summary in run_stages(loaded.settings, Progress(quiet), force, chosen_data):
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
    if verify and any(entry["state"] == "damaged" for entry in answer["artifacts"]):
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
    from vqtext.pipeline.vqshape import import_vqshape, lines

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
    from vqtext.pipeline.vqshape import export, lines

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
