from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from llm import asked
from llm.asked import GOOD, Word, ask, echo, question
from llm.server import LLMServer, Response, rejecting, script

from vqtext.errors import LLMError
from vqtext.pipeline.llm.ask import ask_all
from vqtext.pipeline.llm.journal import Journal, Reply, request_key
from vqtext.pipeline.llm.question import Answer, Failure, sent_back
from vqtext.settings.schema import LLMSettings


def said(server: LLMServer, place: int) -> list[str]:
    return [message["content"] for message in server.requests[place]["messages"]]


def start(folder: Path, server: LLMServer, *names: str, **settings) -> subprocess.Popen[str]:
    """Another process that asks, with the tests' modules at hand."""
    return subprocess.Popen(
        [sys.executable, asked.__file__, str(folder), json.dumps(server.settings(**settings)), *names],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


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


class TestNothingIsPaidTwice:
    def test_a_second_run_sends_nothing(self, llm_server, tmp_path):
        llm_server.reply = script("no", GOOD, Response(status=500))
        (first,) = ask(tmp_path, llm_server.settings())
        (again,) = ask(tmp_path, llm_server.settings())
        assert again.value == first.value and (first.paid, again.paid) == (2, 0)
        assert len(llm_server.requests) == 2

    @pytest.mark.parametrize(
        "reply",
        [
            Response("no"),
            Response(refusal="I will not."),
            Response('{"word": "le', finish_reason="length"),
            Response(None, finish_reason="content_filter"),
            Response(None),
        ],
    )
    def test_not_even_for_replies_of_no_use(self, llm_server, tmp_path, reply):
        llm_server.reply = script(reply)
        first = ask(tmp_path, llm_server.settings())
        sent = len(llm_server.requests)
        assert isinstance(first[0], Failure) and ask(tmp_path, llm_server.settings()) == first
        assert len(llm_server.requests) == sent

    def test_a_conversation_goes_on_where_it_was(self, llm_server, tmp_path):
        llm_server.reply = script("no", Response(status=500), GOOD)
        (failure,) = ask(tmp_path, llm_server.settings())
        assert isinstance(failure, Failure)
        (answer,) = ask(tmp_path, llm_server.settings())
        assert answer.paid == 1 and len(llm_server.requests) == 3
        assert said(llm_server, 2) == said(llm_server, 1)

    @pytest.mark.parametrize(
        ("bad", "told"),
        [
            ("no", "There is no JSON object in it."),
            ('{"word": "a"}', 'word: String should have at least 2 characters (it is "a").'),
            ('{"word" "leg up"}', "It is not valid JSON: Expecting ':' delimiter at '\"leg up\"}'."),
            ('{"word": leg}', "It is not valid JSON: Expecting value at 'leg}'."),
            ('{"words": [{"word": "a"}]}', "word: Field required."),
        ],
    )
    def test_a_journal_of_an_earlier_version_is_read(self, llm_server, tmp_path, bad, told):
        """It knows what was asked the second time by the words of then."""
        journal, asked = Journal(tmp_path / "journal.sqlite"), question()
        first = asked.messages()
        for messages, text in [(first, bad), (sent_back(first, bad, [told]), GOOD)]:
            key = request_key(llm_server.url, "toy-1", messages, asked.schema(), 0.2, None, 0)
            reply = Reply(text, "stop", None, "json_schema", "toy-1", 10, 5, 0.1, "2026-01-01")
            journal.keep(key, asked.about, reply)
        journal.close()
        (answer,) = ask(tmp_path, llm_server.settings())
        assert (answer.value.word, answer.paid) == ("leg up", 0) and llm_server.requests == []

    def test_an_empty_reply_of_an_earlier_version_stays_one(self, llm_server, tmp_path):
        journal, asked = Journal(tmp_path / "journal.sqlite"), question()
        key = request_key(llm_server.url, "toy-1", asked.messages(), asked.schema(), 0.2, None, 0)
        journal.keep(key, asked.about, Reply("", "stop", None, "json_schema", "toy-1", 10, 961, 0.1, "2026"))
        journal.close()
        (failure,) = ask(tmp_path, llm_server.settings())
        assert "the reply is empty" in failure.reason and llm_server.requests == []

    def test_a_failed_request_is_sent_again_next_time(self, llm_server, tmp_path):
        llm_server.reply = script(Response(status=500), GOOD)
        (failure,) = ask(tmp_path, llm_server.settings())
        (answer,) = ask(tmp_path, llm_server.settings())
        assert isinstance(failure, Failure) and answer.paid == 1

    def test_equal_questions_are_asked_once(self, llm_server, tmp_path):
        llm_server.reply, llm_server.latency_s = echo, 0.1
        answers = ask(tmp_path, llm_server.settings(), question(), question(), question(), refresh=[0, 1])
        assert sorted(answer.paid for answer in answers) == [0, 0, 1] and len(llm_server.requests) == 1

    @pytest.mark.parametrize(
        ("settings", "more"),
        [
            ({"model": "toy-2"}, {}),
            ({"max_tokens": 50}, {}),
            ({}, {"temperature": 0.9}),
            ({}, {"draft": 1}),
            ({}, {"about": "running"}),
        ],
    )
    def test_but_another_question_is_another_call(self, llm_server, tmp_path, settings, more):
        llm_server.reply = script(GOOD)
        ask(tmp_path, llm_server.settings())
        (answer,) = ask(tmp_path, llm_server.settings(**settings), question(**more))
        assert answer.paid == 1

    def test_unless_asked_to(self, llm_server, tmp_path):
        llm_server.reply = script(GOOD, GOOD, '{"word": "leg down"}')
        questions = [question("up"), question("down")]
        settings = llm_server.settings(concurrency=1)
        ask(tmp_path, settings, *questions)
        kept, fresh = ask(tmp_path, settings, *questions, refresh=[1])
        assert (kept.value.word, kept.paid) == ("leg up", 0)
        assert (fresh.value.word, fresh.paid) == ("leg down", 1)
        _, replaced = ask(tmp_path, settings, *questions)
        assert replaced.value.word == "leg down" and len(llm_server.requests) == 3

    def test_after_a_kill(self, llm_server, tmp_path):
        """Killed with replies in the journal and others under way: only those under way are asked again."""
        names = [f"name {i}" for i in range(12)]
        stuck = threading.Event()

        def reply(request: dict) -> str | Response:
            if len(llm_server.requests) <= 7:
                return echo(request)
            stuck.set()
            return Response(fault="hang")

        llm_server.reply = reply
        process = start(tmp_path, llm_server, *names, concurrency=1)
        assert stuck.wait(30)  # the eighth was sent, so the seventh is in the journal
        process.kill()
        process.communicate()
        llm_server.reply = echo
        answers = ask(tmp_path, llm_server.settings(), *map(question, names))
        assert [answer.value.word for answer in answers] == names
        assert [answer.paid for answer in answers] == [0] * 7 + [1] * 5
        assert len(llm_server.requests) == 8 + 5

    def test_two_processes_share_a_journal(self, llm_server, tmp_path):
        llm_server.reply, llm_server.latency_s = echo, 0.05
        names = [f"name {i}" for i in range(10)]
        processes = [start(tmp_path, llm_server, *names[part:], concurrency=2) for part in (0, 5)]
        told = [process.communicate(timeout=60) for process in processes]
        assert [errors for _, errors in told] == ["", ""]
        assert [len(out.splitlines()) for out, _ in told] == [10, 5]
        assert all(answer.paid == 0 for answer in ask(tmp_path, llm_server.settings(), *map(question, names)))


class TestHowJSONIsAskedFor:
    @pytest.mark.parametrize(
        ("rejected", "got"),
        [((), "json_schema"), (("json_schema",), "json_object"), (("json_schema", "json_object"), "text")],
    )
    @pytest.mark.parametrize("status", [400, 422, 500, 501])
    def test_falls_back_for_the_whole_run(self, llm_server, tmp_path, rejected, got, status):
        llm_server.reply = rejecting(*rejected, otherwise=GOOD, status=status)
        names = [f"name {i}" for i in range(12)]
        answers = ask(tmp_path, llm_server.settings(concurrency=3, retries=0), *map(question, names))
        assert {answer.reply_format for answer in answers} == {got}
        assert {answer.paid for answer in answers} == {1}
        assert len(llm_server.requests) <= 12 + 3 * len(rejected)

    def test_a_server_that_ignores_it_gives_text(self, llm_server, tmp_path):
        llm_server.reply = script(f"Sure!\n```json\n{GOOD}\n```\nAnything else?")
        (answer,) = ask(tmp_path, llm_server.settings())
        assert answer.value.word == "leg up" and answer.reply_format == "text"

    @pytest.mark.parametrize(
        ("status", "body"),
        [
            (500, {"error": {"message": "output that does not match the expected peg-native format"}}),
            (500, "Internal Server Error"),
            (400, [{"error": {"message": "Unknown name \"x\" at 'generation_config.response_schema'"}}]),
            (400, [{"error": {"message": "Request contains an invalid argument."}}]),
            (400, {"error": {"code": "json_validate_failed", "failed_generation": "{", "message": "See …"}}),
            (400, {"error": "'response_format.type' must be 'text'"}),
        ],
        ids=["llama.cpp", "silent", "gemini", "gemini silent", "groq", "lm studio"],
    )
    @pytest.mark.parametrize("refused", [("json_schema",), ("json_schema", "json_object")])
    def test_a_server_that_fails_over_it_is_asked_another_way(
        self, llm_server, tmp_path, status, body, refused
    ):
        """Else no label gets its words from that server, however often it is asked."""

        def reply(request: dict) -> str | Response:
            asked_for = request.get("response_format", {}).get("type")
            return Response(status=status, body=body) if asked_for in refused else GOOD

        llm_server.reply = reply
        settings = llm_server.settings(concurrency=1, retries=0)
        answers = ask(tmp_path, settings, *map(question, ("up", "down", "in")))
        assert [answer.paid for answer in answers] == [1, 1, 1]
        assert {answer.reply_format for answer in answers} == {"text" if len(refused) > 1 else "json_object"}
        assert len(llm_server.requests) == 3 + len(refused)

    def test_a_server_that_says_so_is_not_asked_the_same_way_again(self, llm_server, tmp_path):
        told = {"error": {"message": "output that does not match the expected peg-native format"}}
        llm_server.reply = lambda request: (
            Response(status=500, body=told) if "response_format" in request else GOOD
        )
        (answer,) = ask(tmp_path, llm_server.settings(retries=5))
        assert answer.reply_format == "text" and len(llm_server.requests) == 3

    @pytest.mark.parametrize("status", [400, 500])
    def test_one_that_fails_anyway_is_asked_little_more(self, llm_server, tmp_path, status):
        llm_server.reply = script(Response(status=status, body={"error": {"message": "out of memory"}}))
        failures = ask(tmp_path, llm_server.settings(concurrency=4), *map(question, "abcdefgh"))
        assert all("out of memory" in failure.reason for failure in failures)
        assert len(llm_server.requests) == 8 + 2

    def test_one_that_failed_once_is_asked_as_before(self, llm_server, tmp_path):
        """A reply came in the usual way: that one failed is no reason to give it up."""
        failed = Response(status=500, body={"error": {"message": "oops"}})
        llm_server.reply = script(GOOD, failed, GOOD, GOOD)
        answers = ask(tmp_path, llm_server.settings(concurrency=1), *map(question, "abc"))
        assert [answer.reply_format for answer in answers] == ["json_schema", "json_object", "json_schema"]

    def test_a_reply_that_is_held_back_over_its_form_is_used(self, llm_server, tmp_path):
        """It is all there, but for a comma, and paid for."""
        error = {"code": "json_validate_failed", "failed_generation": '{"word": "leg up",}'}
        llm_server.reply = script(Response(status=400, body={"error": error}))
        (answer,) = ask(tmp_path, llm_server.settings())
        assert (answer.value.word, answer.reply_format, answer.paid) == ("leg up", "text", 1)
        (again,) = ask(tmp_path, llm_server.settings())
        assert again.paid == 0 and len(llm_server.requests) == 1

    @pytest.mark.parametrize(
        ("complaint", "gone", "instead"),
        [
            (
                {"message": "Unsupported value: 'temperature' does not support 0.2", "param": "temperature"},
                "temperature",
                None,
            ),
            (
                {"message": "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."},
                "max_tokens",
                "max_completion_tokens",
            ),
        ],
    )
    def test_what_a_model_does_not_take_is_left_out(self, llm_server, tmp_path, complaint, gone, instead):
        llm_server.reply = lambda request: (
            Response(status=400, body={"error": complaint}) if gone in request else GOOD
        )
        settings = llm_server.settings(max_tokens=100, concurrency=1)
        answers = ask(tmp_path, settings, question("up"), question("down"))
        assert [answer.paid for answer in answers] == [1, 1] and len(llm_server.requests) == 3
        assert gone not in llm_server.requests[-1] and (instead is None or instead in llm_server.requests[-1])
        assert "response_format" in llm_server.requests[-1]

    def test_a_limit_that_is_too_high_is_no_matter_of_its_name(self, llm_server, tmp_path):
        told = "'max_tokens' or 'max_completion_tokens' is too large: 9000. The context length is 4096."
        llm_server.reply = script(Response(status=400, body={"error": {"message": told}}))
        (failure,) = ask(tmp_path, llm_server.settings(max_tokens=9000))
        assert told in failure.reason and len(llm_server.requests) == 1


def test_half_a_character_is_no_reason_to_lose_a_reply(llm_server, tmp_path):
    llm_server.reply = script('{"word": "leg \ud83d up"}')
    (answer,) = ask(tmp_path, llm_server.settings())
    assert answer.value.word == "leg ? up"


class TestStopping:
    def test_an_error_for_all_sends_no_more_and_keeps_what_was_under_way(self, llm_server, tmp_path):
        under_way = threading.Event()

        def reply(request: dict) -> Response:
            if "slow" in request["messages"][1]["content"]:
                under_way.set()
                return Response(echo(request), after_s=0.3)
            under_way.wait(10)
            return Response(status=401, body={"error": {"message": "wrong key"}})

        llm_server.reply = reply
        names = ["slow", *(f"name {i}" for i in range(20))]
        with pytest.raises(LLMError, match="wrong key"):
            ask(tmp_path, llm_server.settings(concurrency=2), *map(question, names))
        assert len(llm_server.requests) == 2
        (answer,) = ask(tmp_path, llm_server.settings(), question("slow"))
        assert answer.paid == 0

    def test_ctrl_c_does_not_wait_for_the_server(self, llm_server, tmp_path):
        arrived = threading.Event()

        def reply(request: dict) -> Response:
            if len(llm_server.requests) == 4:
                arrived.set()
            return Response(fault="hang")

        llm_server.reply = reply
        process = start(tmp_path, llm_server, *"abcdefgh", concurrency=4, timeout_s=600, retries=5)
        assert arrived.wait(30)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)  # the server would take 600 s
        assert process.returncode in (130, -signal.SIGINT) and "KeyboardInterrupt" in errors
        assert len(llm_server.requests) == 4
