"""What is said before anything is paid: plans, and what cannot be asked at all."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from llm.server import LLMServer
from test_gen_subactions import write_windows
from toy_author import Toy

from vqtext.errors import LLMError, UsageError, VQTextError, WordsError
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.stage import run
from vqtext.prompts.subactions import read_subactions


@pytest.mark.parametrize("provider", ["openai", "builtin"])
def test_two_labels_of_one_name_are_refused_before_anything_is_paid(
    settings_of: Any, toy: Toy, windows: Path, heard: Any, provider: str
) -> None:
    write_windows(windows.parent, ["Walking", "walking "])
    with pytest.raises(WordsError, match=r"'Walking'.*'walking '"):
        run(GenSubactions(settings_of(provider=provider), heard))
    assert toy.asked == []


def test_a_dry_run_sends_and_writes_nothing(
    settings_of: Any, llm_server: LLMServer, windows: Path, path: Path, heard: Any, make: Any, toy: Toy
) -> None:
    def files() -> Iterator[tuple[str, bytes]]:
        return ((file.name, file.read_bytes()) for file in sorted(windows.parent.iterdir()))

    before = dict(files())
    stage = GenSubactions(settings_of(drafts=3), heard)
    plan = stage.plan()
    assert plan["calls"] == 10 and plan["prompt_tokens"] > 5000
    assert 9 * 400 < plan["reply_tokens"] < 9 * 700 + 300, "five sub-actions a label: one wrist at 10 Hz"
    lines = stage.plan_lines(plan)
    assert f"toy-1 at {llm_server.url}" in lines[0], "nobody sends to a server unawares"
    assert [line.endswith('"walking"') for line in lines if line.startswith("Break this label")] == [True]
    (asked,) = [line for line in lines if line.startswith("--- asked in waves of 1, 2 labels")]
    assert "(0, 5 of them at most)" in asked
    assert llm_server.requests == [] and dict(files()) == before
    make()
    done = GenSubactions(settings_of(), heard)
    assert done.plan()["calls"] == 0
    assert done.plan_lines(done.plan()) == ["nothing would be asked of a language model"]
    assert GenSubactions(settings_of(), heard, ["walking"]).plan()["labels"] == ["walking"]


def test_a_dry_run_needs_windows_but_makes_none(settings_of: Any, windows: Path, heard: Any) -> None:
    windows.unlink()
    with pytest.raises(VQTextError, match="vqtext prepare"):
        GenSubactions(settings_of(), heard).plan()
    assert not windows.exists()


def test_without_a_model_s_name_all_can_be_planned_and_nothing_asked(
    settings_of: Any, heard: Any, make: Any
) -> None:
    settings = settings_of()
    nameless = settings.model_copy(update={"llm": settings.llm.model_copy(update={"model": None})})
    for _ in range(2):
        stage = GenSubactions(nameless, heard)
        assert "none is set: --model" in stage.plan_lines(stage.plan())[0]
        with pytest.raises(LLMError, match="--model"):
            run(stage)
        make()


def test_a_range_without_a_number_in_it_is_said_before_anything_is_paid(make: Any, toy: Toy) -> None:
    with pytest.raises(UsageError, match=r"words\.least.*words\.most"):
        make(least=9, most=5)
    assert toy.asked == []


def test_the_command_line(
    python: Callable[..., subprocess.Popen[str]], toy: Toy, llm_server: LLMServer, path: Path
) -> None:
    """The options reach the server, stdout is the answer alone, a failed label is exit code 1, and the key
    stands nowhere but in the request."""

    def call(*options: str) -> tuple[int, str, str]:
        asked = ["gen-subactions", "--provider", "openai", "--json", *options]
        process = python("from vqtext.cli import main; main()", *asked, OPENAI_API_KEY="sk-very-secret")
        said, told = process.communicate(timeout=60)
        return process.returncode, said, told

    code, said, told = call("--dry-run", "--base-url", "http://localhost:1/v1")
    assert code == 0 and json.loads(said)["calls"] == 4 and not path.exists(), told
    toy.says["running"] = ["nonsense", "nonsense"]
    options = ["--base-url", llm_server.url, "--model", "toy-1", "--concurrency", "2"]
    options += ["--language", "ko", "--drafts", "1", "--no-harmonise", "--max-tokens", "4000"]
    code, said, told = call(*options)
    assert (code, said) == (1, "") and "error: 1 of 3 labels could not be written ('running'" in told
    code, said, told = call(*options, "--refresh", "walking", "--refresh", "standing")
    assert code == 0 and json.loads(said)["labels"] == {"walking": 4, "running": 4, "standing": 4}, told
    assert toy.asked.count("walking") == toy.asked.count("standing") == 2 and "*" not in toy.asked
    assert {request["max_tokens"] for request in llm_server.requests} == {4000}
    assert read_subactions(path).labels[0].display == "걷기"
    assert {*llm_server.keys} == {"Bearer sk-very-secret"}
    written = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"very-secret" not in written and "very-secret" not in told
    assert call("--refresh", "hopping", *options)[0] == 2


def test_what_people_are_told(make: Any, settings_of: Any, heard: Any, path: Path) -> None:
    stage = GenSubactions(settings_of(), heard)
    assert stage.lines(make(drafts=2)) == [
        f"3 labels, 12 sub-actions: {path}",
        "written by toy-1-2026 (json_schema)",
        "2 drafts each; signature cells they disagreed on: 0",
    ]
