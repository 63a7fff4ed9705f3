"""Pages made from the code, and the decisions: a reader would look up what is not so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import figures
import pytest
import typer
from reference_pages import cli_page, settings_page

from vqtext.cli import app
from vqtext.settings.loading import fields

DOCS = Path(__file__).parents[1] / "docs"
RECORDS = sorted((DOCS / "decisions").glob("0*.md"))
COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", fields())
def test_a_setting_stands_in_the_reference_with_one_plain_line(name: str) -> None:
    line = next(line for line in settings_page().splitlines() if line.startswith(f"| `{name}` |"))
    meaning = line.split(" | ")[-1].removesuffix(" |")
    assert 10 < len(meaning) < 250 and "\n" not in meaning and not meaning.endswith(".")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_stands_in_the_reference_with_every_option(command: str) -> None:
    section = cli_page().partition(f"## vqtext {command}\n")[2].partition("\n## ")[0]
    assert COMMANDS[command].help.splitlines()[0] in section
    for option in COMMANDS[command].params:
        for spelled in [*option.opts, *option.secondary_opts] if option.opts[0].startswith("-") else []:
            assert re.search(rf"^\|.*`{spelled}[` ].* \| \S", section, re.MULTILINE), spelled


def test_bounds_and_defaults_are_told() -> None:
    page = settings_page()
    assert "| `dedup.threshold` | number > 0, ≤ 1 | `0.85` |" in page
    assert "| `train.folds` | whole number ≥ 2 or `loso` | none |" in page
    assert "| `words.drafts` | whole number ≥ 1, ≤ 9 | `1` |" in page
    assert "| `data.borders` | `drop`, `keep` | none |" in page


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem[:4])
def test_a_decision_says_whether_it_holds(record: Path) -> None:
    """Half of them describe what the code no longer does."""
    title, _, status, kind = record.read_text(encoding="utf-8").splitlines()[:4]
    number = int(record.name[:4])
    assert title.startswith(f"# {number}. ")
    told = re.fullmatch(r"Status: ((kept|no effect|superseded by \[\d{4}\]\(\S+\))(?![\w-]).*)\.<br>", status)
    assert told, status
    assert all((record.parent / link).exists() for link in re.findall(r"\]\(([^)]+)\)", status))
    sections = (DOCS / "decisions" / "README.md").read_text(encoding="utf-8").split("\n## ")[1:]
    mine = {"Kind: architecture": sections[0], "Kind: experiment": sections[1]}[kind]
    text = title.partition(". ")[2]
    assert f"| [{record.name[:4]}]({record.name}) | {text} | {told[1]} |" in mine.splitlines()


def test_the_figures_are_those_that_the_script_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FOLDER", tmp_path)
    figures.main()
    for drawn in tmp_path.iterdir():
        assert drawn.read_text(encoding="utf-8") == (DOCS / "figures" / drawn.name).read_text(
            encoding="utf-8"
        )


def test_the_tutorial_is_stored_without_outputs() -> None:
    """Outputs that are stored could be those of another version; the site shows those of the build."""
    cells = json.loads((DOCS / "tutorial.ipynb").read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 10
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
