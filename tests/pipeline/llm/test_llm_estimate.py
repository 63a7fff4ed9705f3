from __future__ import annotations

from typing import Literal

from llm.asked import Word, question
from pydantic import BaseModel, Field

from vqtext.pipeline.llm.ask import estimate
from vqtext.pipeline.llm.estimate import Estimate, tokens


def test_a_question_is_its_whole_prompt():
    prompt = sum(len(message["content"]) for message in question().messages())
    assert abs(estimate([question()]).prompt_tokens - prompt / 4) < 12
    assert estimate([question(), question()]).calls == 2
    assert estimate([question()] * 3).prompt_tokens == 3 * estimate([question()]).prompt_tokens
    assert estimate([]) == Estimate(0, 0, 0)


def test_korean_is_counted_by_character():
    assert tokens("다리를 들어") == 6 and tokens("lift leg") == 2


def test_a_reply_is_as_long_as_its_schema():
    class Node(BaseModel):
        children: list[Node] = []

    class Steps(BaseModel):
        level: Literal["still", "strong"] | None
        steps: list[Word] = Field(min_length=10, max_length=12)

    word, steps, node = (estimate([question(reply=kind)]).reply_tokens for kind in (Word, Steps, Node))
    assert 8 <= word <= 20 and 11 * word < steps < 13 * word and 0 < node < 10**6
