"""What is asked of a run: its codes, free text, figures; and of words before there is one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqtext.commands.app import SPLIT, app
from vqtext.console.options import How, command, flag
from vqtext.console.output import print_answer, print_lines
from vqtext.errors import UsageError
from vqtext.settings.loading import Loaded


@command(app, "train.run", "explain.code_confidence", common=["as_json"])
def codes(
    loaded: Loaded,
    how: How,
    words: Annotated[
        bool,
        flag("--words", "Hold each written duration, direction and level of motion against what is found"),
    ] = False,
) -> None:
    """Show what each code is called, how surely, and where it occurs."""
    from vqtext.pipeline.codes import codes, lines

    print_answer(codes(loaded.settings, words), lines, how.as_json)


@command(app, common=["quiet"])
def studio(
    loaded: Loaded,
    how: How,
    port: Annotated[
        int, typer.Option(metavar="N", min=0, max=65535, help="Port on this machine; 0 takes a free one")
    ] = 0,
    opens: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in the browser", show_default="open")
    ] = True,
) -> None:
    """Show the steps of each recording on a local page, and mend them there; Ctrl-C closes it."""
    from vqtext.studio.launch import serve

    serve(loaded.settings, how.progress, port, lambda url: print_lines([url]), opens)


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
        typer.Option("--window", metavar="N", help="Name the steps of this row of windows.h5 instead"),
    ] = None,
    from_s: Annotated[
        float | None,
        typer.Option("--from", metavar="SECONDS", help="Where in the window its piece begins"),
    ] = None,
    to_s: Annotated[
        float | None, typer.Option("--to", metavar="SECONDS", help="Where in the window its piece ends")
    ] = None,
) -> None:
    """Find the moments that a text describes; or, with --window, name the steps of a piece of signal."""
    if window is not None:
        if text is not None or top is not None:
            unused = "the text" if text is not None else "--top"
            raise UsageError(f"{unused} would not be used: --window asks for the words of a piece of signal")
        from vqtext.pipeline.searching.stretch import lines as words_lines
        from vqtext.pipeline.searching.stretch import words_at

        print_answer(words_at(loaded.settings, window, from_s, to_s), words_lines, how.as_json)
        return
    if from_s is not None or to_s is not None:
        raise UsageError("--from and --to would not be used: they are seconds in the window of --window")
    if text is None:
        raise UsageError('say what to look for, such as vqtext search "swing the left leg"; or give --window')
    from vqtext.pipeline.searching.search import TOP, lines, search

    print_answer(search(loaded.settings, text, TOP if top is None else top, how.progress), lines, how.as_json)


@command(app, "train.run", common=["as_json", "quiet"])
def draw(
    loaded: Loaded,
    how: How,
    text: Annotated[str, typer.Argument(metavar="TEXT", help='A movement in free words: "raise the arm"')],
    top: Annotated[int, typer.Option("--top", metavar="N", help="Shapes to show, the best first")] = 3,
) -> None:
    """Draw the shapes that a text stands for: codes of that name, as signal in the sensors' units."""
    from vqtext.pipeline.searching.draw import draw, lines

    print_answer(draw(loaded.settings, text, top, how.progress), lines, how.as_json)


@command(app, *SPLIT, common=["as_json"])
def preview(loaded: Loaded, how: How) -> None:
    """Show in seconds which steps the words find in the training windows, before anything is trained."""
    from vqtext.pipeline.preview import lines, preview

    print_answer(preview(loaded.settings), lines, how.as_json)


@command(app, "train.run", common=["as_json"])
def figures(
    loaded: Loaded,
    how: How,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where they go")] = Path("paper"),
) -> None:
    """Draw the figures of a run for a paper, as PDF and SVG."""
    from vqtext.pipeline.figures.command import figures, lines

    print_answer(figures(loaded.settings, out), lines, how.as_json)


@command(app, "train.run", *SPLIT, "train.seeds", "train.epochs", common=["as_json", "quiet"])
def sweep(
    loaded: Loaded,
    how: How,
    swept: Annotated[
        list[str],
        typer.Argument(metavar="SETTING=A,B,C", help="A setting of model, guidance or train, and its values"),
    ],
    test: Annotated[bool, flag("--test", "Show scores on test windows too: not to choose by")] = False,
) -> None:
    """Train and evaluate each combination of some settings' values, and show how well it validates."""
    from vqtext.pipeline.sweeping.grid import cells
    from vqtext.pipeline.sweeping.sweep import lines, sweep

    answer = sweep(cells(swept, loaded), how.progress, test)
    print_answer(answer, lines, how.as_json)
    if any(entry["failed"] for entry in answer["cells"]):
        raise typer.Exit(1)
