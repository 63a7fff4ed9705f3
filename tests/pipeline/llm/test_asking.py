from __future__ import annotations

import json

import pytest
from llm.server import LLMServer, Response, rejecting, script
from pydantic import BaseModel, Field

from vqtext.config import LLMSettings
from vqtext.pipeline.llm.asking import ask_all
from vqtext.pipeline.llm.question import Answer, Failure, Question


class Word(BaseModel):
    word: str = Field(min_length=2)


def question(about: str = "walking", **more) -> Question[Word]:
    return Question(about, "You name movements.", f"Name one of {about}.", Word, **more)


def echo(request: dict) -> str:
    """Replies with the movement that it was asked about."""
    asked = next(m["content"] for m in request["messages"] if m["role"] == "user")
    return json.dumps({"word": asked.removeprefix("Name one of ").rstrip(".")})


def test_answers_come_in_the_order_of_the_questions(llm_server: LLMServer, heard, tmp_path):
    delays = iter([0.3, 0.0, 0.2, 0.0, 0.1, 0.0])
    llm_server.reply = lambda request: Response(echo(request), after_s=next(delays))
    names = ["one", "two", "three", "four", "five", "six"]
    llm = LLMSettings(**llm_server.settings(concurrency=3))
    answers = ask_all([question(name) for name in names], llm, tmp_path / "j.sqlite", heard)
    assert [answer.value.word for answer in answers] == names
    assert answers[0] == Answer(Word(word="one"), "json_schema", "toy-1-2026", paid=1)
    assert llm_server.most_at_once == 3
    assert heard.said[0] == f"asking toy-1 at {llm_server.url}"
