"""Run the tutorial: ``python docs/hooks/run_notebook.py``. A cell that fails ends it with the cell's error.

The notebook is stored without outputs. It runs in ``build/tutorial``, emptied first, and is left there with
its outputs, which the site shows.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "tutorial.ipynb"
FOLDER = ROOT / "build" / "tutorial"


def main() -> None:
    """Run it with the ``vqtext`` that belongs to this Python."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    os.environ |= {"NO_COLOR": "1", "COLUMNS": "110"}
    notebook = nbformat.read(STORED, as_version=4)
    where = {"metadata": {"path": str(FOLDER)}}
    with TemporaryDirectory() as sockets:  # a TCP port would be open to everybody on the machine
        pipes = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
        how: dict[str, Any] = {"timeout": 600, "coalesce_streams": True, "resources": where, "config": pipes}
        NotebookClient(notebook, **how).execute()
    nbformat.write(notebook, FOLDER / STORED.name)


if __name__ == "__main__":
    main()
