"""How an artifact that cannot be used is made again, and first what would be lost by it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

MAKERS = {"windows": "prepare", "descriptions": "describe", "texts": "embed", "anchors": "dedup"}
JOURNAL = "journal.sqlite"


def how_to_remake(path: Path, command: str | None = None) -> str:
    """What to do about an artifact: first what it holds that a command alone may not bring back.

    Args:
        path: the artifact; a file of a run stands for the run.
        command: what makes it; None where that follows from its name.
    """
    command = command or MAKERS.get(path.stem)
    if path.name == "windows.h5":
        return f"{_of_windows(path)}`vqtext {command} --force`"
    if path.name == "descriptions.h5":
        return _of_descriptions(path)
    if command is not None and command.startswith("train"):
        return (
            "the models in its folder are replaced by training anew, so move it away if you want to keep "
            f"them: `vqtext {command} --force`"
        )
    return f"make it again with `vqtext {command} --force`" if command else "make it again"


def _of_windows(path: Path) -> str:
    """Recordings stay where they are; windows that no command made stand nowhere else."""
    is_readable, made = _attribute(path, "provenance")
    if made is not None:
        return "its recordings are read again: make it again with "
    origin = "no command made it" if is_readable else "if it is not of `vqtext prepare`"
    return f"{origin}, none can bring back what it holds, so keep a copy; windows cut anew take its place by "


def _of_descriptions(path: Path) -> str:
    """The template's texts cost nothing; those of a model were paid for."""
    is_readable, made = _attribute(path, "provenance")
    source = ((made or {}).get("options") or {}).get("source")
    if is_readable and source != "llm":
        return "make it again with `vqtext describe --force`"
    models = _attribute(path, "models")[1]
    author = f"a language model ({', '.join(models)})" if models else "a language model"
    held, paid = f"it {'holds' if is_readable else 'may hold'} texts by {author}", _paid(path)
    if not paid:
        return (
            f"{held}, and no {JOURNAL} beside it has what was paid for, so keep a copy; `vqtext describe "
            "--force` makes it again with the template's texts"
        )
    return (
        f"{held}{paid}; `vqtext describe --source llm --force` makes it again, without `--source llm` with "
        "the template's texts"
    )


def _paid(path: Path) -> str:
    """What becomes of the replies that were paid for; nothing where there are none."""
    journal = path.with_name(JOURNAL)
    if not journal.exists():
        return ""
    try:
        with closing(sqlite3.connect(f"{journal.absolute().as_uri()}?mode=ro", uri=True)) as file:
            ((count,),) = file.execute("SELECT count(*) FROM replies").fetchall()
    except sqlite3.Error:
        return f"; what was paid for may be in {journal}, which cannot be read now"
    return f"; {count} paid replies are in {journal}, and those that serve are not paid for twice"


def _attribute(path: Path, name: str) -> tuple[bool, Any]:
    """Whether an attribute of a damaged file can still be read, and its value."""
    import h5py

    try:
        with h5py.File(path, "r", locking=False) as file:
            return True, json.loads(file.attrs[name]) if name in file.attrs else None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        return False, None
