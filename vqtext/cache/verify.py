"""``vqtext status --verify``: reads every byte of an artifact against what the artifact says of itself.

HDF5 arrays have their SHA-256, the files of a run stand with theirs in its ``run.json``, and SQLite checks
its own pages. Other JSON files hold no checksum: they must parse.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from vqtext.cache.fingerprint import file_fingerprint
from vqtext.cache.hdf5 import open_artifact
from vqtext.cache.reading import cannot_read
from vqtext.cache.remake import how_to_remake
from vqtext.errors import ArtifactError, UnreadableError


def check_bytes(path: Path | str) -> None:
    """Check an artifact: a file, or the folder of a run.

    Raises:
        UnreadableError: one cannot be read now, and may be whole.
        ArtifactError: names the first file that is damaged.
    """
    path = Path(path)
    if path.is_dir():
        for name, stored in _json(path / "run.json").get("files", {}).items():
            if file_fingerprint(path / name) != stored:
                raise ArtifactError(
                    f"{path / name} is damaged (its bytes differ from their checksum): "
                    + how_to_remake(path, f"train --run {path.name}")
                )
    elif path.suffix == ".h5":
        with open_artifact(path, path.stem) as artifact:
            artifact.verify()
    elif path.suffix == ".json":
        _json(path)
    elif path.suffix == ".sqlite":
        _sqlite(path)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, ValueError) as error:
        raise ArtifactError(f"{path} is damaged ({' '.join(str(error).split())})") from None
    except OSError as error:
        raise cannot_read(path, error) from None


def _sqlite(path: Path) -> None:
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=1, uri=True)) as file:
            ((result,),) = file.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.OperationalError as error:  # locked by another program, or no right to read it
        why = " ".join(str(error).split())
        raise UnreadableError(f"{path} cannot be read: {why}; close what uses it, then try again") from None
    except sqlite3.Error as error:
        result = str(error)
    if result != "ok":
        raise ArtifactError(f"{path} is damaged ({' '.join(result.split())})")
