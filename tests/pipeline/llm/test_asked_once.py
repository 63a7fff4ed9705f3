"""Nothing is paid twice: not after a failure, a kill or Ctrl-C, nor by two processes."""

from __future__ import annotations

import signal
import threading

import pytest
from llm.asked import GOOD, ask, echo, question, said, start
from llm.server import Response, script

from vqtext.errors import LLMError
from vqtext.pipeline.llm.question import Failure


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
        with pytest.raises(LLMError):
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
