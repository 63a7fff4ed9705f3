"""The command line: each command reads its options, calls one stage and prints its summary.

stdout holds the answer (one JSON object with ``--json``), stderr everything else. Exit codes: 0 done,
1 failed, 2 wrong use, 130 Ctrl-C, 143 terminated.
"""

from __future__ import annotations

import io
import json
import math
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, Literal, NoReturn, get_args, get_origin

import typer

import vqtext
from vqtext.errors import UsageError, VQTextError
from vqtext.pipeline.lines import printable, table, told
from vqtext.pipeline.progress import Progress
from vqtext.pipeline.registry import STAGES
from vqtext.settings import Loaded, fields, load_settings, one_way_to_a_threshold, used_by

_CTRL_C, _SIGTERM = 130, 143

app = typer.Typer(
    help="VQShape tokens with a meaning: every code of the codebook is named in words a person can read.",
    epilog="In an empty folder: vqtext gen-subactions, vqtext embed, vqtext dedup, vqtext train. "
    "Then vqtext evaluate and vqtext explain. For your own recordings: vqtext prepare --help",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _setting(flag: str, name: str, metavar: str | None = None) -> Any:
    """An option that sets ``name``, in the words of the settings themselves."""
    field = fields()[name]
    description = field.description or ""
    parts = (field.annotation, *get_args(field.annotation))
    choices = [choice for part in parts if get_origin(part) is Literal for choice in get_args(part)]
    notes = [", ".join(choices)] if choices else []
    notes += [f"default: {told(field.default)}"] if field.default is not None else []
    told_notes = f" ({'; '.join(notes)})" if notes else ""
    return typer.Option(flag, metavar=metavar, help=description[:1].upper() + description[1:] + told_notes)


def _common(*flags: str, text: str, metavar: str = "") -> Any:
    return typer.Option(*flags, metavar=metavar, help=text, rich_help_panel="For every command")


Text = str | None
Number = float | None
Count = int | None
Switch = bool | None
Phrases = list[str] | None
Cache = Annotated[
    Path | None, _common("--cache", metavar="DIR", text="Folder of the artifacts (default: cache)")
]
AsJson = Annotated[bool, _common("--json", text="Answer with one JSON object")]
Quiet = Annotated[bool, _common("--quiet", text="No progress, only warnings")]
Force = Annotated[bool, _common("--force", text="Make it again, even if it is up to date")]

Model = Annotated[Text, _setting("--model", "llm.model", "NAME")]
BaseUrl = Annotated[Text, _setting("--base-url", "llm.base_url", "URL")]
Concurrency = Annotated[Count, _setting("--concurrency", "llm.concurrency", "N")]
MaxTokens = Annotated[Count, _setting("--max-tokens", "llm.max_tokens", "N")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", metavar="", help="Show what a model would be asked, and send nothing")
]

Data = Annotated[Text, _setting("--data", "data.name", "NAME")]
DataPath = Annotated[Path | None, _setting("--path", "data.path", "FOLDER")]
Run = Annotated[Text, _setting("--run", "train.run", "NAME")]
TestSubjects = Annotated[Text, _setting("--test-subjects", "train.test_subjects", "IDS")]
Folds = Annotated[Text, _setting("--folds", "train.folds", "K")]
Split = Annotated[Text, _setting("--split", "train.split", "HOW")]
Seeds = Annotated[Text, _setting("--seeds", "train.seeds", "LIST")]
Epochs = Annotated[Count, _setting("--epochs", "train.epochs", "N")]
Threshold = Annotated[Number, _setting("--threshold", "dedup.threshold", "COSINE")]


@app.command()
def prepare(
    data: Data = None,
    path: DataPath = None,
    rate: Annotated[Number, _setting("--rate", "data.rate_hz", "HZ")] = None,
    window_s: Annotated[Number, _setting("--window-s", "data.window_s", "SECONDS")] = None,
    stride_s: Annotated[Number, _setting("--stride-s", "data.stride_s", "SECONDS")] = None,
    borders: Annotated[Text, _setting("--borders", "data.borders", "HOW")] = None,
    bridge_s: Annotated[Number, _setting("--bridge-s", "data.bridge_s", "SECONDS")] = None,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
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
    provider: Annotated[Text, _setting("--provider", "words.provider", "NAME")] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    language: Annotated[Text, _setting("--language", "words.language", "CODE")] = None,
    drafts: Annotated[Count, _setting("--drafts", "words.drafts", "N")] = None,
    harmonise: Annotated[Switch, _setting("--harmonise/--no-harmonise", "words.harmonise")] = None,
    concurrency: Concurrency = None,
    max_tokens: MaxTokens = None,
    refresh: Annotated[
        Phrases,
        typer.Option(
            metavar="LABEL",
            help="Write this label anew, whoever wrote it; may be given several times, or with commas",
        ),
    ] = None,
    dry_run: DryRun = False,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Turn each label into its ordered sub-actions; the result is made to be edited by hand."""
    chosen: dict[str, object] = {
        "words.provider": provider,
        "words.language": language,
        "words.drafts": drafts,
        "words.harmonise": harmonise,
        "cache": cache,
    }
    loaded = load_settings(chosen | _of_model(model, base_url, concurrency, max_tokens))
    used_by(loaded, "words.provider", "openai", ("llm.", "words.drafts", "words.harmonise"))
    _stage("gen-subactions", loaded, as_json, quiet, force, dry_run, refresh=refresh or ())


@app.command()
def describe(
    source: Annotated[Text, _setting("--source", "describe.source", "NAME")] = None,
    limit: Annotated[Count, _setting("--limit", "describe.limit", "N")] = None,
    model: Model = None,
    base_url: BaseUrl = None,
    concurrency: Concurrency = None,
    max_tokens: MaxTokens = None,
    dry_run: DryRun = False,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Say in words what the sensors of each window did."""
    chosen: dict[str, object] = {"describe.source": source, "describe.limit": limit, "cache": cache}
    loaded = load_settings(chosen | _of_model(model, base_url, concurrency, max_tokens))
    used_by(loaded, "describe.source", "llm", ("llm.", "describe.limit"))
    _stage("describe", loaded, as_json, quiet, force, dry_run)


@app.command()
def embed(
    encoder: Annotated[Text, _setting("--encoder", "embed.encoder", "NAME")] = None,
    batch_size: Annotated[Count, _setting("--batch-size", "embed.batch_size", "N")] = None,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Embed all texts with a frozen text encoder."""
    chosen: dict[str, object] = {"embed.encoder": encoder, "embed.batch_size": batch_size, "cache": cache}
    _stage("embed", load_settings(chosen), as_json, quiet, force)


@app.command()
def dedup(
    threshold: Threshold = None,
    target: Annotated[Count, _setting("--target", "dedup.target", "N")] = None,
    calibrate: Annotated[Switch, _setting("--calibrate/--no-calibrate", "dedup.calibrate")] = None,
    keep: Annotated[Phrases, _setting("--keep", "dedup.keep", "PHRASE")] = None,
    drop: Annotated[Phrases, _setting("--drop", "dedup.drop", "PHRASE")] = None,
    merge: Annotated[Phrases, _setting("--merge", "dedup.merge", "A=B")] = None,
    contrast: Annotated[Number, _setting("--contrast", "dedup.contrast", "X")] = None,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
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
    run: Run = None,
    test_subjects: TestSubjects = None,
    folds: Folds = None,
    split: Split = None,
    seeds: Seeds = None,
    grounding: Annotated[Text, _setting("--grounding", "train.grounding", "MODE")] = None,
    channels: Annotated[Text, _setting("--channels", "model.channels", "MODE")] = None,
    init: Annotated[Path | None, _setting("--init", "model.init", "FOLDER")] = None,
    epochs: Epochs = None,
    preset: Annotated[Text, _setting("--preset", "train.preset", "NAME")] = None,
    patience: Annotated[Count, _setting("--patience", "train.patience", "N")] = None,
    batch_size: Annotated[Count, _setting("--batch-size", "train.batch_size", "N")] = None,
    accumulate: Annotated[Count, _setting("--accumulate", "train.accumulate", "N")] = None,
    learning_rate: Annotated[Number, _setting("--learning-rate", "train.learning_rate", "X")] = None,
    overfit: Annotated[Count, _setting("--overfit", "train.overfit", "N")] = None,
    accelerator: Annotated[Text, _setting("--accelerator", "train.accelerator", "NAME")] = None,
    devices: Annotated[Count, _setting("--devices", "train.devices", "N")] = None,
    precision: Annotated[Text, _setting("--precision", "train.precision", "NAME")] = None,
    workers: Annotated[Count, _setting("--workers", "train.workers", "N")] = None,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
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
        "train.workers": workers,
        "cache": cache,
    }
    _stage("train", load_settings(chosen), as_json, quiet, force)


@app.command()
def evaluate(
    run: Run = None,
    truth: Annotated[Path | None, _setting("--truth", "evaluate.truth", "FILE")] = None,
    controls: Annotated[Switch, _setting("--controls/--no-controls", "evaluate.controls")] = None,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
) -> None:
    """Score a run on windows it has never seen, by the signal alone."""
    chosen: dict[str, object] = {"train.run": run, "evaluate.truth": truth, "evaluate.controls": controls}
    _stage("evaluate", load_settings({**chosen, "cache": cache}), as_json, quiet, force)


@app.command()
def explain(
    run: Run = None,
    samples: Annotated[Count, _setting("--samples", "explain.samples", "N")] = None,
    window: Annotated[
        Count,
        typer.Option("--window", metavar="N", help="Explain this row of windows.h5 alone, and write nothing"),
    ] = None,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
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
    _print_json(answer) if as_json else _print(lines(answer))


@app.command()
def codes(
    run: Run = None,
    words: Annotated[
        bool,
        typer.Option(
            "--words", metavar="", help="Hold each written level of motion against the one that is found"
        ),
    ] = False,
    confidence: Annotated[Number, _setting("--confidence", "explain.code_confidence", "P")] = None,
    cache: Cache = None,
    as_json: AsJson = False,
) -> None:
    """Show what each code is called, how surely, and where it occurs."""
    from vqtext.pipeline.codes import codes, lines

    chosen: dict[str, object] = {
        "train.run": run,
        "explain.code_confidence": confidence,
        "cache": cache,
    }
    answer = codes(load_settings(chosen).settings, words)
    _print_json(answer) if as_json else _print(lines(answer))


@app.command("run")
def run_all(
    data: Data = None,
    path: DataPath = None,
    threshold: Threshold = None,
    run: Run = None,
    test_subjects: TestSubjects = None,
    folds: Folds = None,
    split: Split = None,
    seeds: Seeds = None,
    epochs: Epochs = None,
    cache: Cache = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    force: Force = False,
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
            _print([stage.command, *(f"  {line}" for line in stage.lines(summary))])
    if as_json:
        _print_json(answer)


@app.command()
def status(
    verify: Annotated[
        bool,
        typer.Option("--verify", metavar="", help="Read every byte against its checksum; exit 1 on damage"),
    ] = False,
    cache: Cache = None,
    as_json: AsJson = False,
) -> None:
    """Show each artifact: made, stale or missing, and what to do next."""
    from vqtext.pipeline.status import lines, states

    answer = states(load_settings({"cache": cache}).settings, verify)
    if as_json:
        _print_json(answer)
    else:
        _print(lines(answer))
    if verify and any(entry["state"] == "damaged" for entry in answer["artifacts"]):
        raise typer.Exit(1)


@app.command()
def config(cache: Cache = None, as_json: AsJson = False) -> None:
    """Show every setting and where its value comes from."""
    loaded = load_settings({"cache": cache})
    answer = {
        name: {"value": value, "origin": loaded.origins[name]} for name, value in loaded.values().items()
    }
    if as_json:
        _print_json(answer)
    else:
        _print(table((name, told(said["value"]), said["origin"]) for name, said in answer.items()))


@app.command()
def import_vqshape(
    checkpoint: Annotated[Path, typer.Argument(metavar="CKPT", help="The original's VQShape.ckpt")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the model goes")],
    as_json: AsJson = False,
) -> None:
    """Turn a checkpoint of the original VQShape into a folder of ours."""
    from vqtext.pipeline.vqshape import import_vqshape, lines

    answer = import_vqshape(checkpoint, out)
    _print_json(answer) if as_json else _print(lines(answer))


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
    as_json: AsJson = False,
) -> None:
    """Write a model in another program's format."""
    from vqtext.pipeline.vqshape import export, lines

    answer = export(folder, to, out)
    _print_json(answer) if as_json else _print(lines(answer))


def _say_version(wanted: bool) -> None:
    if wanted:
        _print([f"vqtext {vqtext.__version__}"])
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
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an arrow on a terminal that knows only ASCII
    sys.exit(_guarded())


class _Terminated(BaseException):
    """SIGTERM. Not an Exception, so that nothing on the way takes it for a failure."""


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise _Terminated


def _guarded() -> int:
    """Run the command; every error a user can meet becomes one line on stderr and an exit code."""
    try:
        app()
    except SystemExit as end:  # typer ends so, after Ctrl-C too
        if end.code == _CTRL_C:
            return _fail("interrupted; what was made before is whole", _CTRL_C)
        return end.code if isinstance(end.code, int) else 0
    except _Terminated:
        return _fail("terminated; what was made before is whole", _SIGTERM)
    except VQTextError as error:
        return _fail(f"error: {error}", error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"error: {where}{error.strerror or error}", 1)
    return 0


def _fail(message: str, code: int) -> int:
    print(printable(message), file=sys.stderr, flush=True)
    return code


def _of_model(
    model: str | None, base_url: str | None, concurrency: int | None, max_tokens: int | None
) -> dict[str, object]:
    """What may be typed wherever a language model is asked."""
    return {
        "llm.model": model,
        "llm.base_url": base_url,
        "llm.concurrency": concurrency,
        "llm.max_tokens": max_tokens,
    }


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
    if as_json:
        _print_json(answer)
    else:
        _print(stage.plan_lines(answer) if dry_run else stage.lines(answer))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(printable(line))
    sys.stdout.flush()  # here, where a closed pipe is still handled


def _print_json(answer: Mapping[str, Any]) -> None:
    print(json.dumps(_finite(answer), indent=2, allow_nan=False), flush=True)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return value
