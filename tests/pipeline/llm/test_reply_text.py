from __future__ import annotations

import json
import sqlite3

import pytest
from llm.asked import GOOD, ask
from llm.server import Response, script

from vqtext.pipeline.llm.question import Answer, Failure
from vqtext.pipeline.llm.reply_text import text_of_choice

CALL = {"id": "c", "type": "function", "function": {"name": "reply", "arguments": GOOD}}


def completion(**message) -> Response:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": "stop"}
    return Response(body={"choices": [choice], "usage": {"completion_tokens": 961}})


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "reasoning_content": GOOD},
        {"content": "", "reasoning": f"Let me see.\n```json\n{GOOD}\n```"},
        {"content": "\n\n", "reasoning_content": None, "reasoning": GOOD},
        {"content": None, "reasoning_details": [{"type": "reasoning.text", "text": GOOD}]},
        {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": GOOD}]}]},
        {"content": [{"type": "reasoning", "text": '{"word": "no"}'}, {"type": "text", "text": GOOD}]},
        {"content": [{"type": "output_text", "text": {"value": GOOD}}]},
        {"content": json.loads(GOOD)},
        {"content": None, "tool_calls": [CALL]},
        {"content": "I call a tool.", "tool_calls": [CALL]},
        {"content": "<think>A leg, {perhaps", "tool_calls": [CALL]},
        {"content": "", "tool_calls": [{"function": {"arguments": json.loads(GOOD)}}]},
        {"content": None, "function_call": {"name": "reply", "arguments": GOOD}},
        {"content": GOOD, "tool_calls": [], "reasoning_content": '{"word": "a draft"}', "refusal": ""},
    ],
)
def test_a_reply_is_heard_in_whichever_field_it_comes(llm_server, tmp_path, message):
    """It was paid for: dropped, it is asked for again, and comes in the same field."""
    llm_server.reply = script(completion(**message))
    (answer,) = ask(tmp_path, llm_server.settings())
    assert isinstance(answer, Answer) and answer.value.word == "leg up" and answer.paid == 1
    with sqlite3.connect(tmp_path / "journal.sqlite") as journal:
        ((text, tokens),) = journal.execute("SELECT text, reply_tokens FROM replies")
    assert "leg up" in text and tokens == 961


@pytest.mark.parametrize(
    "message",
    [
        {"content": "", "reasoning_content": f"Perhaps {GOOD} or not. Let me see"},
        {"content": [{"type": "thinking", "thinking": f"{GOOD}? No, it is"}]},
    ],
)
def test_thoughts_that_go_on_are_kept_and_are_no_reply(llm_server, tmp_path, message):
    """A draft that the model was about to correct would be taken for its word."""
    llm_server.reply = script(completion(**message))
    (failure,) = ask(tmp_path, llm_server.settings())
    assert isinstance(failure, Failure) and "It holds only thoughts" in failure.reason
    with sqlite3.connect(tmp_path / "journal.sqlite") as journal:
        assert all("leg up" in text for (text,) in journal.execute("SELECT text FROM replies"))


def test_a_refusal_among_the_parts(llm_server, tmp_path):
    llm_server.reply = script(completion(content=[{"type": "refusal", "refusal": "I cannot."}]))
    (failure,) = ask(tmp_path, llm_server.settings())
    assert failure.reason == "the model refused: I cannot."


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"content": 5, "tool_calls": "x", "function_call": [], "reasoning": {}},
        {"content": [None, 5, {"type": "image_url", "image_url": {}}], "tool_calls": [None, {"function": 1}]},
        {"content": None, "reasoning_details": [{"type": "reasoning.encrypted", "data": "{}"}]},
    ],
)
def test_what_says_nothing(message):
    assert text_of_choice({"message": message}) == ""


def test_the_key_is_taken_out_of_every_field(llm_server, tmp_path, monkeypatch):
    key = "A1b2C3d4E5f6G7h8"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    told = GOOD.replace("leg", key)
    for number, message in enumerate(
        [
            {"reasoning_content": told},
            {"reasoning": f"my key is {key}"},
            {"tool_calls": [{"function": {"arguments": told}}]},
        ]
    ):
        llm_server.reply = script(completion(content=None, **message))
        ask(tmp_path / str(number), llm_server.settings())
    held_back = {"error": {"message": f"no JSON {key}", "failed_generation": told}}
    llm_server.reply = script(Response(status=400, body=held_back))
    (answer,) = ask(tmp_path / "error", llm_server.settings())
    assert answer.value.word == "[key] up"
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert files and not any(key.encode() in file.read_bytes() for file in files)


def streamed(*deltas: dict, end: str = "data: [DONE]\n\n") -> Response:
    pieces = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    events = "".join(f"data: {json.dumps(piece)}\r\n\r\n" for piece in pieces)
    return Response(body=f": hello\n\n{events}{end}", headers={"Content-Type": "text/event-stream"})


def called(arguments: str, **more) -> dict:
    return {"tool_calls": [{"index": 0, "function": {"arguments": arguments}, **more}]}


@pytest.mark.parametrize(
    "deltas",
    [
        [{"role": "assistant", "content": GOOD[:9]}, {"content": GOOD[9:]}, {"content": None}, {}],
        [{"reasoning_content": GOOD[:9], "content": None}, {"reasoning_content": GOOD[9:]}],
        [called(GOOD[:9], id="c"), called(GOOD[9:])],
    ],
)
@pytest.mark.parametrize("only_if_asked", [False, True])
def test_a_server_that_only_streams(llm_server, tmp_path, deltas, only_if_asked):
    """Some models answer in pieces alone, and turn a request for a whole reply down."""
    said = "This model only support stream mode, please enable the stream parameter to access the model."
    no = Response(status=400, body={"error": {"message": said}})
    llm_server.reply = lambda request: (
        no if only_if_asked and not request.get("stream") else streamed(*deltas)
    )
    (answer,) = ask(tmp_path, llm_server.settings())
    assert isinstance(answer, Answer) and answer.value.word == "leg up"
    assert len(llm_server.requests) == 1 + only_if_asked


@pytest.mark.parametrize(
    ("end", "reason"),
    [("", "only half of it"), ('data: {"error": {"message": "out of memory"}}\n\n', "out of memory")],
)
def test_a_stream_that_ends_early_is_no_reply(llm_server, tmp_path, end, reason):
    llm_server.reply = script(streamed({"content": GOOD}, end=end))
    (failure,) = ask(tmp_path, llm_server.settings())
    assert isinstance(failure, Failure) and reason in failure.reason
