"""``vqtext status --verify``: reads every byte of an artifact against what the file says of itself.

HDF5 arrays have their SHA-256 and safetensors their sizes; JSON must parse; SQLite checks its own pages.
Weights and JSON hold no checksum of their values: a changed value in them is not found here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from vqtext.cache.hdf5 import open_artifact
from vqtext.errors import ArtifactError


def check_bytes(path: Path) -> None:
    """Check a file, or every file in a folder that is known here.

    Raises:
        ArtifactError: names the first file that is damaged.
    """
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    for file in files:
        check = _CHECKS.get(file.suffix)
        if check is None or not file.is_file():
            continue
        try:
            check(file)
        except ArtifactError:
            raise
        except Exception as error:
            told = " ".join(str(error).split())
            raise ArtifactError(f"{file} is damaged ({told})") from None


def _hdf5(path: Path) -> None:
    with open_artifact(path, path.stem) as artifact:
        artifact.verify()


def _json(path: Path) -> None:
    json.loads(path.read_text(encoding="utf-8-sig"))


def _safetensors(path: Path) -> None:
    from safetensors import safe_open

    with safe_open(path, "numpy"):  # compares the header with the size of the file
        pass


def _sqlite(path: Path) -> None:
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as file:
        ((told,),) = file.execute("PRAGMA integrity_check(1)").fetchall()
    if told != "ok":
        raise ValueError(told)


_CHECKS: dict[str, Callable[[Path], None]] = {
    ".h5": _hdf5,
    ".json": _json,
    ".safetensors": _safetensors,
    ".sqlite": _sqlite,
}
