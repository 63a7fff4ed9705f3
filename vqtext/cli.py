"""The command line. stdout holds the answer (one JSON object with ``--json``), stderr everything else.

Exit codes are in `vqtext.console.exit_codes`.
"""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, NoReturn

import typer

import vqtext
from vqtext.commands.app import app
from vqtext.console.exit_codes import run_guarded
from vqtext.console.output import print_lines

for _name in ("stages", "results", "upkeep"):  # each registers its commands, in the order of the help
    import_module(f"vqtext.commands.{_name}")


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
