"""The cache, the settings, and models in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vqtext.commands.app import app
from vqtext.console.options import COMMON_OPTIONS, How, command, flag
from vqtext.console.output import print_answer
from vqtext.console.text import as_text, table
from vqtext.settings.loading import Loaded


@command(app, common=["as_json"])
def status(
    loaded: Loaded,
    how: How,
    verify: Annotated[
        bool, flag("--verify", "Read every byte against its checksum; exit 1 on damage")
    ] = False,
) -> None:
    """Show each artifact: made, stale or missing, and what to do next."""
    from vqtext.pipeline.status import lines, states

    answer = states(loaded.settings, verify)
    print_answer(answer, lines, how.as_json)
    if verify and any(entry["state"] in ("damaged", "unreadable") for entry in answer["artifacts"]):
        raise typer.Exit(1)


@command(app, common=["as_json"])
def config(loaded: Loaded, how: How) -> None:
    """Show every setting and where its value comes from."""
    answer = {
        name: {"value": value, "origin": loaded.origins[name]} for name, value in loaded.values().items()
    }
    print_answer(
        answer,
        lambda settings: table((name, as_text(s["value"]), s["origin"]) for name, s in settings.items()),
        how.as_json,
    )


@app.command()
def import_vqshape(
    checkpoint: Annotated[Path, typer.Argument(metavar="CKPT", help="The original's VQShape.ckpt")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the model goes")],
    as_json: Annotated[bool, flag(*COMMON_OPTIONS["as_json"])] = False,
) -> None:
    """Turn a checkpoint of the original VQShape into a folder of ours."""
    from vqtext.pipeline.convert import import_vqshape, lines

    answer = import_vqshape(checkpoint, out)
    print_answer(answer, lines, as_json)


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
    as_json: Annotated[bool, flag(*COMMON_OPTIONS["as_json"])] = False,
) -> None:
    """Write a model in another program's format."""
    from vqtext.pipeline.convert import export, lines

    answer = export(folder, to, out)
    print_answer(answer, lines, as_json)
