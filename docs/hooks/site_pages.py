"""Pages of the site that are made when it is built: reference, changes, and the tutorial with its outputs.

``reference/cli.md`` and ``reference/settings.md`` come from the code, ``changes.md`` is ``CHANGELOG.md``, and
``tutorial.md`` is ``tutorial.ipynb``, with outputs where ``make notebook`` has run it.
"""

from __future__ import annotations

import logging
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter
from reference_pages import cli_page, settings_page

ROOT = Path(__file__).parents[2]
STORED = ROOT / "docs" / "tutorial.ipynb"
RUN = ROOT / "build" / "tutorial"  # where `run_notebook.py` leaves the notebook with its outputs
REPORT = RUN / "cache" / "runs" / "default" / "report.html"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that stand in no file of ``docs/``."""
    pages = {
        "reference/cli.md": cli_page(),
        "reference/settings.md": settings_page(),
        "changes.md": (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
        "tutorial.md": tutorial_page(),
    }
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    if REPORT.exists():
        files.append(File.generated(config, "tutorial-report.html", abs_src_path=str(REPORT)))
    return files


def tutorial_page() -> str:
    """The tutorial as Markdown."""
    executed = RUN / STORED.name
    if not executed.exists():
        logging.getLogger("mkdocs.hooks").info("tutorial without outputs: `make notebook` makes them")
    notebook = nbformat.read(executed if executed.exists() else STORED, as_version=4)
    text: str = MarkdownExporter().from_notebook_node(notebook)[0]
    if REPORT.exists():
        text += "\n[The report that this run wrote](tutorial-report.html)\n"
    return text
