"""What the tests of the language model ask: for one word."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from vqtext.console.progress import Progress
from vqtext.pipeline.llm.ask import ask_all
from vqtext.pipeline.llm.question import Answer, Failure, Question
from vqtext.settings.schema import LLMSettings


class Word(BaseModel):
    word: str = Field(min_length=2)


GOOD = '{"word": "leg up"}'


def question(about: str = "walking", **more: Any) -> Question[Any]:
    asked = {"reply": Word, **more}
    return Question(about, "You name movements.", f"Name one of {about}.", **asked)


def echo(request: dict[str, Any]) -> str:
    """Replies with what it was asked about."""
    asked = next(m["content"] for m in request["messages"] if m["role"] == "user")
    return json.dumps({"word": asked.removeprefix("Name one of ").rstrip(".")})


def ask(
    folder: Path, settings: dict[str, Any], *questions: Question[Word], **more: Any
) -> list[Answer[Word] | Failure]:
    """Ask, with the journal in a folder, and without waiting to try again."""
    llm = LLMSettings(**{"retries": 0, "timeout_s": 10.0, **settings})
    return ask_all(questions or [question()], llm, folder / "journal.sqlite", Progress(quiet=True), **more)


def said(server: Any, place: int) -> list[str]:
    return [message["content"] for message in server.requests[place]["messages"]]


def start(folder: Path, server: Any, *names: str, **settings: Any) -> subprocess.Popen[str]:
    """Another process that asks, with the tests' modules at hand."""
    return subprocess.Popen(
        [sys.executable, __file__, str(folder), json.dumps(server.settings(**settings)), *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def main() -> None:
    """Ask about some names, in a process of its own: FOLDER SETTINGS-AS-JSON NAME …"""
    folder, settings, *names = sys.argv[1:]
    for outcome in ask(Path(folder), json.loads(settings), *map(question, names)):
        print(outcome.paid if isinstance(outcome, Answer) else outcome.reason, flush=True)


if __name__ == "__main__":
    main()
