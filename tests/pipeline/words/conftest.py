"""A stage whose author is the toy model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm.server import LLMServer
from test_gen_subactions import write_windows
from toy_author import Toy

from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings


@pytest.fixture
def toy(llm_server: LLMServer) -> Toy:
    llm_server.reply = toy = Toy()
    return toy


@pytest.fixture
def settings_of(tmp_path: Path, llm_server: LLMServer) -> Callable[..., Settings]:
    def _settings(**words: Any) -> Settings:
        llm = {**llm_server.settings(), "retries": 0, "timeout_s": 20.0}
        return Settings.model_validate(
            {"cache": tmp_path / "cache", "words": {"provider": "openai", **words}, "llm": llm}
        )

    return _settings


@pytest.fixture
def make(settings_of: Callable[..., Settings], toy: Toy, heard: Any) -> Callable[..., dict[str, Any]]:
    """Run the stage, each time as a new process would; ``toy.asked`` then says what it asked for."""

    def _make(*refresh: str, force: bool = False, **words: Any) -> dict[str, Any]:
        toy.asked.clear()
        return run(GenSubactions(settings_of(**words), heard, refresh), force=force)

    return _make


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "subactions.json"


@pytest.fixture(autouse=True)
def windows(tmp_path: Path) -> Path:
    write_windows(tmp_path / "cache", ["walking", "running", "standing"])
    return tmp_path / "cache" / "windows.h5"
