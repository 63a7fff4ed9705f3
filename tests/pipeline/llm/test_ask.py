"""Questions to a language model are sent as they should be; a bad or weak reply goes back once."""

from __future__ import annotations

import pytest
from llm.asked import GOOD, Word, ask, echo, question, said
from llm.server import Response, script

from vqtext.pipeline.llm.ask import ask_all
from vqtext.pipeline.llm.question import Answer, Failure
from vqtext.settings.schema import LLMSettings


def test_answers_come_in_the_order_of_the_questions(llm_server, heard, tmp_path):
    delays = iter([0.3, 0.0, 0.2, 0.0, 0.1, 0.0])
    llm_server.reply = lambda request: Response(echo(request), after_s=next(delays))
    names = ["one", "two", "three", "four", "five", "six"]
    llm = LLMSettings(**llm_server.settings(concurrency=3))
    answers = ask_all([question(name) for name in names], llm, tmp_path / "cache" / "journal.sqlite", heard)
    assert [answer.value.word for answer in answers] == names
    assert answers[0] == Answer(Word(word="one"), "json_schema", "toy-1-2026", paid=1)
    assert llm_server.most_at_once == 3
    assert heard.said == [f"asking toy-1 at {llm_server.url}", "asking"]


def test_the_schema_stands_in_the_prompt_and_in_the_request(llm_server, tmp_path):
    llm_server.reply = script(GOOD)
    ask(tmp_path, llm_server.settings(max_tokens=99), question(temperature=0.7))
    (request,) = llm_server.requests
    assert request["model"] == "toy-1" and request["temperature"] == 0.7 and request["max_tokens"] == 99
    held_to = request["response_format"]["json_schema"]
    assert held_to["strict"] is True and held_to["schema"]["additionalProperties"] is False
    assert '"minLength":2' in said(llm_server, 0)[0] and said(llm_server, 0)[1] == "Name one of walking."


def test_nothing_to_ask(llm_server, heard, tmp_path):
    llm = LLMSettings(**llm_server.settings())
    assert ask_all([], llm, tmp_path / "journal.sqlite", heard) == []
    assert llm_server.requests == []


class TestABadReply:
    def test_goes_back_with_the_reasons(self, llm_server, tmp_path):
        llm_server.reply = script('<think>short</think>{"word": "a"}', GOOD)
        (answer,) = ask(tmp_path, llm_server.settings())
        assert answer.value.word == "leg up" and answer.paid == 2
        *before, reply, reasons = said(llm_server, 1)
        assert before == said(llm_server, 0) and reply == '{"word": "a"}'
        assert 'word: String should have at least 2 characters (it is "a").' in reasons

    def test_is_also_one_that_a_check_does_not_like(self, llm_server, tmp_path):
        llm_server.reply = script('{"word": "walking"}', GOOD)

        def check(reply: Word) -> list[str]:
            return ["The word repeats the label."] if reply.word == "walking" else []

        (answer,) = ask(tmp_path, llm_server.settings(), question(check=check))
        assert answer.value.word == "leg up"
        assert "The word repeats the label." in said(llm_server, 1)[-1]

    def test_goes_back_once_and_then_fails_alone(self, llm_server, tmp_path):
        llm_server.reply = lambda request: (
            "no" if "bad" in request["messages"][1]["content"] else echo(request)
        )
        good, bad, better = ask(tmp_path, llm_server.settings(), *map(question, ("up", "bad", "down")))
        assert (good.value.word, better.value.word) == ("up", "down")
        assert bad == Failure(
            "bad", "the reply is bad, also after it was sent back: There is no JSON object in it."
        )
        assert len(llm_server.requests) == 4


class TestAWeakReply:
    """It passes all checks, and could be better: asked for once more, never refused."""

    @staticmethod
    def weak(reply: Word) -> list[str]:
        return ["The word is too long."] * (len(reply.word) - 6)

    @pytest.mark.parametrize(
        ("second", "word", "left"),
        [
            (GOOD, "leg up", 0),
            ('{"word": "longest"}', "longest", 1),
            ('{"word": "much longer"}', "longerr", 1),
            ("no", "longerr", 1),
            (Response(status=503), "longerr", 1),
            (Response(refusal="I will not."), "longerr", 1),
        ],
    )
    def test_is_taken_if_none_better_comes(self, llm_server, tmp_path, second, word, left):
        llm_server.reply = script('{"word": "longerr"}', second)
        asked = question(weaknesses=self.weak)
        (answer,) = ask(tmp_path, llm_server.settings(), asked)
        assert (answer.value.word, len(answer.weaknesses)) == (word, left)
        assert "can be used, and should be better:\n- The word is too long." in said(llm_server, 1)[-1]
        assert len(llm_server.requests) == 2
        if not isinstance(second, Response):
            (again,) = ask(tmp_path, llm_server.settings(), asked)
            assert (again.value, again.paid, answer.paid) == (answer.value, 0, 2)

    def test_of_which_a_check_says_more_is_no_answer(self, llm_server, tmp_path):
        llm_server.reply = script('{"word": "longest"}', '{"word": "longest"}')
        (failure,) = ask(
            tmp_path, llm_server.settings(), question(weaknesses=self.weak, check=lambda _: ["No."])
        )
        assert isinstance(failure, Failure) and "No." in failure.reason and "too long" not in failure.reason


def test_a_hint_is_sent_and_takes_no_part_in_what_the_journal_knows(llm_server, tmp_path):
    llm_server.reply = script('{"word": "a"}', GOOD)
    (first,) = ask(tmp_path, llm_server.settings(), question(hint="Others say: leg up."))
    assert said(llm_server, 0)[1] == said(llm_server, 1)[1] == "Name one of walking.\nOthers say: leg up."
    (again,) = ask(tmp_path, llm_server.settings(), question(hint="Others say: arm up."))
    assert (again.value, first.paid, again.paid) == (first.value, 2, 0)


def test_half_a_character_is_no_reason_to_lose_a_reply(llm_server, tmp_path):
    llm_server.reply = script('{"word": "leg \ud83d up"}')
    (answer,) = ask(tmp_path, llm_server.settings())
    assert answer.value.word == "leg ? up"
