"""The default data from words to a trained model, once a session."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from running import FIRST, SMALL, succeed


@pytest.fixture(scope="session")
def printed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[tuple[str, ...], str]]:
    """A folder where the first four commands ran, and what each of them printed; notices begin with ``!``.

    Progress is left out: how many lines it takes depends on the machine."""
    pytest.importorskip("aeon", reason="the default data come with the extra demo")
    where, said = tmp_path_factory.mktemp("empty"), {}
    for words in FIRST:
        done = succeed(where, *words)
        notices = [line for line in done.stderr.splitlines() if not re.search(r": \d+/\d+", line)]
        said[words] = done.stdout + "".join(f"! {line}\n" for line in notices)
    return where, said


@pytest.fixture(scope="session")
def folder(printed: tuple[Path, dict[tuple[str, ...], str]]) -> Path:
    return printed[0]


@pytest.fixture
def small_call(
    folder: Path, call: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """`call` in that folder: quicker than a process."""
    monkeypatch.chdir(folder)
    for name, value in SMALL.items():
        monkeypatch.setenv(name, value)
    return call
