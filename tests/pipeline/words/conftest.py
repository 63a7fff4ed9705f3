"""A stage whose author is the toy model."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from llm.server import LLMServer, Response
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


@pytest.fixture
def kill_at(settings_of: Callable[..., Settings], toy: Toy, llm_server: LLMServer) -> Callable[[str], None]:
    """Kill a stage of its own process while a label is being asked for; its server then answers nothing."""
    code = (
        "import sys; from vqtext.settings.schema import Settings\n"
        "from vqtext.console.progress import Progress\n"
        "from vqtext.pipeline.gen_subactions import GenSubactions; from vqtext.pipeline.stage import run\n"
        "run(GenSubactions(Settings.model_validate_json(sys.argv[1]), Progress()))"
    )

    def kill(label: str) -> None:
        toy.says[label] = Response(fault="hang")
        settings = settings_of()
        settings = settings.model_copy(update={"llm": settings.llm.model_copy(update={"concurrency": 1})})
        with subprocess.Popen([sys.executable, "-c", code, settings.model_dump_json()]) as process:
            while label not in toy.asked:
                assert process.poll() is None
                llm_server._ended.wait(0.02)
            os.kill(process.pid, signal.SIGKILL)

    return kill
