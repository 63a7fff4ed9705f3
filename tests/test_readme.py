"""README and docs: what they tell a newcomer to type exists, and the first data set is read as they say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import typer

import vqtext
from vqtext.cli import app
from vqtext.pipeline.correcting.corrections import read_corrections
from vqtext.prompts.subactions import read_subactions
from vqtext.settings.loading import load_settings

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs/reference").glob("*.md")),
]
# Pages that are made when the site is built, which checks links to them.
MADE = {"tutorial.md", "cli.md", "settings.md", "changes.md"}
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)


def commands() -> list[str]:
    """Every vqtext command, in blocks and in running text."""
    lines = [line for block in blocks("bash") for line in block.splitlines() if line.startswith("vqtext ")]
    return lines + re.findall(r"`(vqtext [a-z][^`]*)`", TEXT)


@pytest.mark.parametrize("line", commands())
def test_every_command_and_option_exists(line: str) -> None:
    words = shlex.split(line, comments=True)
    tree = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert words[1] in tree
    known = {name for option in tree[words[1]].params for name in [*option.opts, *option.secondary_opts]}
    assert {word for word in words if word.startswith("--")} <= known


def test_python_blocks_use_what_there_is() -> None:
    for block in blocks("python"):
        compile(block, "README.md", "exec")
        for name in re.findall(r"vqtext\.(\w+)", block):
            assert hasattr(vqtext, name)


def test_the_study_of_the_readme_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call) -> None:
    contents = next(block for block in blocks("toml") if "recordings" in block)
    study = tmp_path / "my-study"
    (study / "recordings").mkdir(parents=True)
    (study / "dataset.toml").write_text(contents)
    for subject in (7, 8):
        rows = [f"{value:.3f},0,9.8,walking,{subject}" for value in np.sin(np.arange(1000))]
        (study / "recordings" / f"{subject}.csv").write_text(
            "lf_acc_x,lf_acc_y,lf_acc_z,label,subject\n" + "\n".join(rows) + "\n"
        )
    line = next(line for line in commands() if line.startswith("vqtext prepare --data csv"))
    code, out, err = call(*shlex.split(line)[1:])
    assert code == 0, err
    assert "windows" in out


def test_settings_and_words_are_what_the_commands_read(tmp_path: Path, monkeypatch, call) -> None:
    monkeypatch.chdir(tmp_path)
    Path("vqtext.toml").write_text(next(block for block in blocks("toml") if "[dedup]" in block))
    Path("cache").mkdir()
    of_label, of_moment = (
        next(b for b in blocks("json") if f'"{key}"' in b) for key in ("subactions", "corrections")
    )
    Path("cache/subactions.json").write_text(of_label, encoding="utf-8")
    Path("cache/corrections.json").write_text(of_moment, encoding="utf-8")
    assert load_settings().settings.dedup.target == 30
    (label,) = read_subactions(Path("cache/subactions.json")).labels
    assert label.display and label.subactions[0].signature
    assert len(read_corrections(Path("cache")).of_kind("is")) == 1


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists() or Path(target).name in MADE, target


def test_the_readme_is_short() -> None:
    """A newcomer would not read it to the end."""
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) <= 120
