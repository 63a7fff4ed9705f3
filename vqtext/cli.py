"""The command line: each command reads its options, calls one stage and prints its summary.

stdout holds the answer (one JSON object with ``--json``), stderr everything else. Exit codes are told in
`vqtext.console.exit_codes`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

import vqtext
from vqtext.console.exit_codes import run_guarded
from vqtext.console.options import How, command
from vqtext.console.output import print_json, print_lines, say
from vqtext.console.text import table, told
from vqtext.errors import UsageError
from vqtext.pipeline.registry import STAGES
from vqtext.settings.loading import Loaded, one_way_to_a_threshold, used_by

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
SPLIT = ("train.test_subjects", "train.folds", "train.split")
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Answer with one JSON object")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", metavar="", help="Show what a model would be asked, and send nothing")
]


@command(app, *DATA, "data.rate_hz", "data.window_s", "data.stride_s", "data.borders", "data.bridge_s")
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

        say(init_dataset(init), lines, how.as_json)
        return
    _stage("prepare", loaded, how)


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
    _stage("gen-subactions", loaded, how, dry_run, refresh=refresh or ())


@command(app, "describe.source", "describe.limit", *LLM, "llm.concurrency", "llm.max_tokens")
def describe(loaded: Loaded, how: How, dry_run: DryRun = False) -> None:
    """Say in words what the sensors of each window did."""
    used_by(loaded, "describe.source", "llm", ("llm.", "describe.limit"))
    _stage("describe", loaded, how, dry_run)


@command(app, "embed.encoder", "embed.batch_size")
def embed(loaded: Loaded, how: How) -> None:
    """Embed all texts with a frozen text encoder."""
    _stage("embed", loaded, how)


@command(
    app,
    *("dedup.threshold", "dedup.target", "dedup.calibrate"),
    *("dedup.keep", "dedup.drop", "dedup.merge", "dedup.contrast"),
)
def dedup(loaded: Loaded, how: How) -> None:
    """Merge near-duplicate phrases into anchors."""
    one_way_to_a_threshold(loaded)
    _stage("dedup", loaded, how)


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
    _stage("train", loaded, how)


@command(app, "train.run", "evaluate.truth", "evaluate.controls", "evaluate.robustness")
def evaluate(loaded: Loaded, how: How) -> None:
    """Score a run on windows it has never seen, by the signal alone."""
    _stage("evaluate", loaded, how)


@command(app, "train.run", "explain.samples")
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
) -> None:
    """Explain test windows in words and draw report.html; or explain a recording."""
    if why_not is not None and (window is None or recording is not None):
        raise UsageError("--why-not asks about one window: say which with --window N")
    if recording is not None:
        if window is not None:
            raise UsageError("--window would not be used: --recording names what is explained")
        from vqtext.pipeline.explaining.of_file import explain_file
        from vqtext.pipeline.explaining.of_file import lines as file_lines

        say(explain_file(loaded.settings, recording, dataset, how.progress), file_lines, how.as_json)
        return
    if dataset is not None:
        raise UsageError("--dataset would not be used: it says what the columns of a --recording are")
    if window is None:
        _stage("explain", loaded, how)
        return
    if loaded.origins["explain.samples"] == "command line":
        raise UsageError("--samples would not be used: --window names the one window")
    from vqtext.pipeline.explaining.of_window import explain_window, lines

    say(explain_window(loaded.settings, window, why_not), lines, how.as_json)


@command(app, "train.run", "explain.code_confidence", common=["as_json"])
def codes(
    loaded: Loaded,
    how: How,
    words: Annotated[
        bool,
        typer.Option(
            "--words",
            metavar="",
            help="Hold each written duration, direction and level of motion against what is found",
        ),
    ] = False,
) -> None:
    """Show what each code is called, how surely, and where it occurs."""
    from vqtext.pipeline.codes import codes, lines

    say(codes(loaded.settings, words), lines, how.as_json)


@command(app, "train.run", common=["as_json", "quiet"])
def search(
    loaded: Loaded,
    how: How,
    text: Annotated[
        str | None, typer.Argument(metavar="TEXT", help='A movement in free words: "swing the left leg"')
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", metavar="N", help="Moments to show, the best first (default: 20)")
    ] = None,
    window: Annotated[
        int | None,
        typer.Option("--window", metavar="N", help="Tell the words of this row of windows.h5, not moments"),
    ] = None,
    from_s: Annotated[
        float | None,
        typer.Option("--from", metavar="SECONDS", help="Where in the window its piece begins"),
    ] = None,
    to_s: Annotated[
        float | None, typer.Option("--to", metavar="SECONDS", help="Where in the window its piece ends")
    ] = None,
) -> None:
    """Find the moments that a text tells of; or, with --window, the words of a piece of signal."""
    if window is not None:
        if text is not None or top is not None:
            unused = "the text" if text is not None else "--top"
            raise UsageError(f"{unused} would not be used: --window asks for the words of a piece of signal")
        from vqtext.pipeline.searching.stretch import lines as words_lines
        from vqtext.pipeline.searching.stretch import words_at

        say(words_at(loaded.settings, window, from_s, to_s), words_lines, how.as_json)
        return
    if from_s is not None or to_s is not None:
        raise UsageError("--from and --to would not be used: they are seconds in the window of --window")
    if text is None:
        raise UsageError('say what to look for, such as vqtext search "swing the left leg"; or give --window')
    from vqtext.pipeline.searching.search import TOP, lines, search

    say(search(loaded.settings, text, TOP if top is None else top, how.progress), lines, how.as_json)


@command(app, "train.run", common=["as_json", "quiet"])
def draw(
    loaded: Loaded,
    how: How,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='A movement in free words: "raise the arm"')],
    top: Annotated[int, typer.Option("--top", metavar="N", help="Shapes to show, the best first")] = 3,
) -> None:
    """Draw the shapes that a text stands for: codes that say so, as signal in the sensors' units."""
    from vqtext.pipeline.searching.draw import draw, lines

    say(draw(loaded.settings, text, top, how.progress), lines, how.as_json)


@command(app, *SPLIT, common=["as_json"])
def preview(loaded: Loaded, how: How) -> None:
    """Show in seconds which steps the words find in the training windows, before anything is trained."""
    from vqtext.pipeline.preview import lines, preview

    say(preview(loaded.settings), lines, how.as_json)


@command(app, "train.run", common=["as_json"])
def figures(
    loaded: Loaded,
    how: How,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where they go")] = Path("paper"),
) -> None:
    """Draw the figures of a run for a paper, as PDF and SVG."""
    from vqtext.pipeline.figures.command import figures, lines

    say(figures(loaded.settings, out), lines, how.as_json)


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


@command(app, "train.run", *SPLIT, "train.seeds", "train.epochs", common=["as_json", "quiet"])
def sweep(
    loaded: Loaded,
    how: How,
    swept: Annotated[
        list[str],
        typer.Argument(metavar="SETTING=A,B,C", help="A setting of model, guidance or train, and its values"),
    ],
    test: Annotated[
        bool, typer.Option("--test", metavar="", help="Show scores on test windows too: not to choose by")
    ] = False,
) -> None:
    """Train and evaluate each combination of some settings' values, and show how well it validates."""
    from vqtext.pipeline.sweeping.grid import cells
    from vqtext.pipeline.sweeping.sweep import lines, sweep

    answer = sweep(cells(swept, loaded), how.progress, test)
    say(answer, lines, how.as_json)
    if any(entry["failed"] for entry in answer["cells"]):
        raise typer.Exit(1)


@command(app, common=["as_json"])
def status(
    loaded: Loaded,
    how: How,
    verify: Annotated[
        bool,
        typer.Option("--verify", metavar="", help="Read every byte against its checksum; exit 1 on damage"),
    ] = False,
) -> None:
    """Show each artifact: made, stale or missing, and what to do next."""
    from vqtext.pipeline.status import lines, states

    answer = states(loaded.settings, verify)
    say(answer, lines, how.as_json)
    if verify and any(entry["state"] in ("damaged", "unreadable") for entry in answer["artifacts"]):
        raise typer.Exit(1)


@command(app, common=["as_json"])
def config(loaded: Loaded, how: How) -> None:
    """Show every setting and where its value comes from."""
    answer = {
        name: {"value": value, "origin": loaded.origins[name]} for name, value in loaded.values().items()
    }
    say(
        answer,
        lambda said: table((name, told(one["value"]), one["origin"]) for name, one in said.items()),
        how.as_json,
    )


@app.command()
def import_vqshape(
    checkpoint: Annotated[Path, typer.Argument(metavar="CKPT", help="The original's VQShape.ckpt")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the model goes")],
    as_json: AsJson = False,
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
            help="onnx: signal to tokens; original: a checkpoint of VQShape's own code; "
            "hub-folder: a model and its card, to share",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="Where it goes")],
    as_json: AsJson = False,
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


def _stage(command: str, loaded: Loaded, how: How, dry_run: bool = False, **more: object) -> None:
    """Run one stage under the settings that hold, and print its summary; dry, print its plan."""
    from vqtext.pipeline.stage import run

    kind: Any = next(entry for entry in STAGES if entry.command == command).load()
    stage = kind(loaded.settings, how.progress, **more)
    stage.forced = how.force  # for the plan, which nobody runs
    answer = stage.plan() if dry_run else run(stage, how.force)
    say(answer, stage.plan_lines if dry_run else stage.lines, how.as_json)
