"""Each thing that a server can do wrong is one line, and the key is in none of them."""

from __future__ import annotations

import socket
import time
import traceback

import pytest
from llm.asked import GOOD, ask, question
from llm.server import Response, script

from vqtext.errors import LLMError
from vqtext.pipeline.llm.question import Failure

KEY = "sk-proj-A1b2C3d4E5f6G7h8"


def error(status: int, message: str, **more) -> Response:
    return Response(status=status, body={"error": {"message": message, **more}})


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (Response(None, refusal="I cannot\nhelp."), "the model refused: I cannot help."),
        (Response('{"word": "le', finish_reason="length"), "the reply was cut off by the server's own limit"),
        (Response(GOOD, finish_reason="length"), "the reply was cut off"),
        (Response("", finish_reason="content_filter"), "the server's content filter stopped the reply"),
        (Response('{"word": "le'), "It is not valid JSON: it is cut off"),
        (Response('{"word": "a"}'), "word: String should have at least 2 characters"),
        (Response('{"wort": "leg up"}'), "word: Field required"),
        (Response("[]"), "Input should be an object"),
        (Response("A leg."), "There is no JSON object in it."),
        (Response(""), "the reply is empty (the server says it finished with 'stop')"),
        (Response(None), "the reply is empty"),
        (
            Response(body={"error": {"message": "overloaded"}}),
            "gave an error in place of a reply: overloaded",
        ),
        (Response(body={"error": "overloaded"}), "gave an error in place of a reply: overloaded"),
        (Response(body={"model": "toy-1"}), "holds no reply (it has no choices)"),
        (Response(body=[1]), "holds no reply (it has no choices)"),
        (Response(body={"choices": []}), "holds no reply (its choices are empty)"),
        (Response(body={"choices": [{}]}), "the reply is empty"),
        (Response(body={"choices": [{"message": "A leg."}]}), "the reply is empty"),
        (Response(body={"choices": [{"message": {}}], "usage": [5]}), "the reply is empty"),
        (
            Response(body={"choices": [{"message": {}}], "usage": {"prompt_tokens": 10**30}}),
            "the reply is empty",
        ),
        (Response(body="[" * 100_000), "the server's answer is no JSON"),
        (Response(body="{'single': quotes}"), "the server's answer is no JSON"),
        (error(400, "context length is 4096"), "turned the request down (400): context length is 4096"),
        (
            Response(status=400, body="<html>no</html>"),
            "turned the request down (400): it answers with a web",
        ),
        (Response(status=422, body={"detail": [{"loc": ["n"]}]}), "turned the request down (422): [{'loc'"),
        (Response(status=400, body=[{"error": {"message": "bad\nwords"}}]), "down (400): bad words"),
        (Response(status=500, body=[{"error": {"message": "oops"}}]), "the server failed (500): oops"),
        (Response(status=422, body={"detail": [{"msg": "no n"}, {"msg": "no m"}]}), "(422): no n; no m"),
        (Response(body=[{"error": {"message": "overloaded"}}]), "in place of a reply: overloaded"),
        (error(408, "slow"), "the server failed (408): slow"),
        (error(409, "locked"), "the server failed (409): locked"),
        (error(429, "slow down"), "too many requests (429): slow down"),
        (error(500, "oops"), "the server failed (500): oops"),
        (
            Response(status=503, body=""),
            "the server failed (503): it does not say why",
        ),
        (Response(fault="drop"), "the connection broke before the whole reply was there"),
        (Response(GOOD, fault="half"), "the connection broke before the whole reply was there"),
        (Response(fault="hang"), "no reply within 1 s"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_one_question_fails_and_others_do_not(llm_server, tmp_path, fault, line):
    def reply(request: dict) -> str | Response:
        return GOOD if "good" in request["messages"][1]["content"] else fault

    llm_server.reply = reply
    patience = 1.0 if getattr(fault, "fault", None) == "hang" else 30.0  # a busy machine needs a while
    bad, good = ask(tmp_path, llm_server.settings(timeout_s=patience), question("bad"), question("good"))
    assert isinstance(bad, Failure) and bad.about == "bad"
    assert line in bad.reason and "\n" not in bad.reason
    assert good.value.word == "leg up"


def test_a_long_reply_is_waited_for_longer(llm_server, tmp_path):
    """A local model that wrote many steps of many places failed by the client's own timeout."""
    llm_server.reply = lambda request: Response(GOOD, after_s=0.8)
    short, long = question("short"), question("long", reply_tokens=20_000)
    failed, answer = ask(tmp_path, llm_server.settings(timeout_s=0.4), short, long)
    assert "0.4 s" in failed.reason and answer.value.word == "leg up"


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (error(401, "Incorrect key"), "does not take the key in OPENAI_API_KEY: Incorrect key"),
        (
            Response(status=400, body=[{"error": {"message": "API key not valid."}}]),
            "does not take the key in OPENAI_API_KEY: API key not valid.",
        ),
        (error(402, "Insufficient Balance"), "has nothing left to pay with"),
        (error(403, "not in your country"), "does not let this key use 'toy-1': not in your country"),
        (error(404, "no such model"), "has no model 'toy-1', or the address is wrong"),
        (Response(status=404, body="<html>nginx</html>"), "the address is wrong (it often ends in /v1)"),
        (error(400, "The model `toy-1` does not exist"), "has no model 'toy-1'"),
        (error(429, "Check your plan.", code="insufficient_quota"), "has nothing left to pay with"),
        (Response(body={"error": {"code": "insufficient_quota"}}), "has nothing left to pay with"),
        (
            Response(body="<!DOCTYPE html><p>Sign in", headers={"Content-Type": "text/html"}),
            "with a web page",
        ),
    ],
)
def test_what_no_question_survives_ends_the_run_at_once(llm_server, tmp_path, fault, line):
    llm_server.reply = script(fault)
    with pytest.raises(LLMError) as raised:
        ask(tmp_path, llm_server.settings(concurrency=1, retries=5), question("one"), question("two"))
    assert line in str(raised.value) and llm_server.url in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(llm_server.requests) == 1  # nothing is sent again, since it would not help


def test_no_server(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(LLMError, match=r"http://127\.0\.0\.1"):
        ask(tmp_path, {"base_url": url, "model": "toy-1"})


def test_no_such_host(tmp_path):
    with pytest.raises(LLMError, match=r"http://nowhere\.invalid/v1"):
        ask(tmp_path, {"base_url": "http://nowhere.invalid/v1", "model": "toy-1"})


@pytest.mark.parametrize("fault", [error(status, "later") for status in (408, 409, 429, 500, 503)])
def test_a_request_that_failed_is_sent_again(llm_server, tmp_path, fault):
    again = Response(status=fault.status, body=fault.body, headers={"retry-after-ms": "1"})
    llm_server.reply = script(again, again, GOOD)
    (answer,) = ask(tmp_path, llm_server.settings(retries=2))
    assert answer.paid == 1 and len(llm_server.requests) == 3


@pytest.mark.parametrize("fault", ["drop", "half", "hang"])
def test_so_is_one_whose_reply_was_lost(llm_server, tmp_path, fault):
    llm_server.reply = script(Response(GOOD, fault=fault), GOOD)
    (answer,) = ask(tmp_path, llm_server.settings(retries=1, timeout_s=0.5))
    assert answer.value.word == "leg up" and len(llm_server.requests) == 2


@pytest.mark.parametrize(
    ("wait", "shown"),
    [("3600", "3600 s"), ("Wed, 21 Oct 2037 07:28:00 GMT", "Wed, 21 Oct 2037 07:28:00 GMT")],
)
def test_a_wait_that_is_too_long_is_said(llm_server, tmp_path, wait, shown):
    """Nobody is told that it was asked again where it was not."""
    llm_server.reply = script(Response(status=429, headers={"Retry-After": wait}, body={}))
    (failure,) = ask(tmp_path, llm_server.settings(retries=2))
    assert f"wait {shown}" in failure.reason and len(llm_server.requests) == 1
    assert "again" not in failure.reason


def test_but_not_before_the_server_said(llm_server, tmp_path):
    """A server that is asked again too early counts that against its user."""
    came = []

    def reply(request: dict) -> str | Response:
        came.append(time.monotonic())
        return GOOD if len(came) > 1 else Response(status=429, headers={"Retry-After": "1.2"}, body={})

    llm_server.reply = reply
    ask(tmp_path, llm_server.settings(retries=1))
    assert came[1] - came[0] >= 1.2  # by itself it would wait half a second at most


class TestTheKey:
    def test_is_sent_and_nothing_else_names_it(self, llm_server, tmp_path, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\n")
        llm_server.reply = lambda request: f'{{"word": "leg up {KEY}"}}'
        (answer,) = ask(tmp_path, llm_server.settings())
        assert llm_server.keys == [f"Bearer {KEY}"] and answer.value.word == "leg up [key]"
        files = list(tmp_path.rglob("*"))
        assert files and not any(KEY.encode() in file.read_bytes() for file in files)

    @pytest.mark.parametrize(
        ("key", "echoed"),
        [
            (KEY, KEY),
            (KEY, "sk-proj-***************G7h8"),
            (KEY, "sk-pr...G7h8"),
            ("A1b2C3d4E5f6G7h8", "A1b2C3d4E5f6G7h8"),
            ("A1b2C3d4E5f6G7h8", "A1b2****G7h8"),
            ("A1b2C3d4E5f6G7h8", "************G7h8"),
            ("A1b2C3d4E5f6G7h8", "A1b2…"),
            ("A1b2C3d4E5f6G7h8", "a1b2c3d4e5f6g7h8"),
            ("A1b2/C3d4+E5f6=G7h8", "A1b2%2FC3d4%2BE5f6%3DG7h8"),
        ],
    )
    @pytest.mark.parametrize(
        "fault",
        [
            lambda said: error(401, said),
            lambda said: error(400, said),
            lambda said: error(500, said),
            lambda said: Response(status=403, body=said),
            lambda said: Response(status=422, body={"detail": {"authorization": said}}),
            lambda said: Response(body={"error": {"message": said}}),
            lambda said: Response(status=400, body=[{"error": {"message": said}}]),
            lambda said: Response("x", refusal=said),
        ],
    )
    def test_is_taken_out_of_what_a_server_says(
        self, llm_server, tmp_path, monkeypatch, caplog, key, echoed, fault
    ):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        llm_server.reply = script(fault(f"Incorrect API key provided: {echoed}. You can find it."))
        try:
            (failure,) = ask(tmp_path, llm_server.settings())
            told = failure.reason
        except LLMError as raised:
            told = "".join(traceback.format_exception(raised))
            assert raised.__context__ is None  # or a debugger would show the request, and the key in it
        assert "Incorrect API key provided: [key]" in told and "You can find it." in told
        told += caplog.text
        assert not any(part in told for part in (key, key[-4:], key[:4]) if part != "sk-p")

    def test_is_not_left_where_a_long_line_is_cut(self, llm_server, tmp_path, monkeypatch):
        key = "A1b2C3d4E5f6G7h8"
        monkeypatch.setenv("OPENAI_API_KEY", key)
        for length in range(290, 301):
            llm_server.reply = script(error(500, "x" * (length - 1) + " " + key))
            (failure,) = ask(tmp_path, llm_server.settings())
            assert key[:4] not in failure.reason

    def test_is_not_needed_by_other_servers(self, llm_server, tmp_path):
        llm_server.reply = script(Response(status=500, body={"error": {"message": "none of it"}}))
        (failure,) = ask(tmp_path, llm_server.settings())
        assert "none of it" in failure.reason  # the word that is sent in place of a key is no secret

    @pytest.mark.parametrize("url", [None, "https://api.openai.com/v1"])
    def test_is_needed_by_openai(self, llm_server, tmp_path, url):
        with pytest.raises(LLMError, match=r"https://api\.openai\.com/v1.*OPENAI_API_KEY"):
            ask(tmp_path, {"base_url": url, "model": "gpt-5"})

    @pytest.mark.parametrize("key", ["sk–typographic", "schlüssel", "two words", "a\nb"])
    def test_that_cannot_be_one(self, llm_server, tmp_path, monkeypatch, key):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        with pytest.raises(LLMError, match="OPENAI_API_KEY") as raised:
            ask(tmp_path, llm_server.settings())
        assert key not in str(raised.value) and llm_server.requests == []
