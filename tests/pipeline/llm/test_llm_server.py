"""Which server is asked: said plainly, checked before anything is sent, past a proxy where near."""

from __future__ import annotations

import pytest
from llm.asked import GOOD, ask
from llm.server import LLMServer, Response, script

from vqtext.errors import LLMError
from vqtext.pipeline.llm.server import find_server
from vqtext.settings.schema import LLMSettings


@pytest.fixture
def no_server(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def test_settings_come_before_the_environment(no_server, monkeypatch):
    assert find_server(LLMSettings(model="m")).url == "https://api.openai.com/v1"
    monkeypatch.setenv("OPENAI_BASE_URL", "http://box:8000/v1/")
    assert find_server(LLMSettings(model="m")).url == "http://box:8000/v1"
    assert find_server(LLMSettings(model="m", base_url="https://other/v1")).url == "https://other/v1"


@pytest.mark.parametrize("model", [None, "", " "])  # "" is what an unset variable of the shell becomes
def test_no_model(no_server, model):
    with pytest.raises(LLMError, match=r"llm\.model"):
        find_server(LLMSettings(base_url="http://box:8000/v1", model=model))


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("localhost:8000/v1", "is no address of a server: it looks like http://localhost:8000/v1"),
        ("box", "is no address of a server"),
        ("", "is no address of a server"),
        ("http://", "is no address of a server"),
        ("ftp://box/v1", "is no address of a server"),
        ("http://box:port/v1", "is no address"),
        ("http://[::1/v1", "is no address"),
        ("http://box/v1?key=1", "must end with the path"),
    ],
)
@pytest.mark.parametrize("by_environment", [False, True])
def test_an_address_that_is_none(no_server, monkeypatch, url, line, by_environment):
    if by_environment and url:
        monkeypatch.setenv("OPENAI_BASE_URL", url)
    llm = LLMSettings(model="m", base_url=None if by_environment and url else url)
    with pytest.raises(LLMError) as raised:
        find_server(llm)
    assert line in str(raised.value) and "\n" not in str(raised.value)
    assert str(raised.value).startswith("OPENAI_BASE_URL" if by_environment and url else "llm.base_url")


@pytest.mark.parametrize(
    "url",
    [
        "http://me:hush@box/v1",
        "http://me:hush@box:port/v1",
        "http://box/v1?key=hush",
        "box/v1?hush\nhush",
        "http://box:sk-hush/v1",
        "sk-hush",
    ],
)
def test_a_secret_in_the_address_is_not_said(no_server, url):
    with pytest.raises(LLMError) as raised:
        find_server(LLMSettings(model="m", base_url=url))
    assert "hush" not in str(raised.value)


def test_the_key_is_not_in_the_repr(no_server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "A1b2C3d4E5f6")
    assert "A1b2" not in repr(find_server(LLMSettings(model="m", base_url="http://box/v1")))


@pytest.mark.parametrize(
    "text",
    ["ask-me-anything, risk-free", "wait ... and see", "1***2", "a task-based model; desk-bound", "none"],
)
def test_words_that_only_look_like_a_key_stay(no_server, monkeypatch, text):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-A1b2C3d4E5f6")
    assert find_server(LLMSettings(model="m", base_url="http://box/v1")).scrub(text) == text


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_near_server_is_reached_past_a_proxy(llm_server, tmp_path, monkeypatch, host):
    llm_server.reply = script(GOOD)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with LLMServer(lambda request: Response(status=502)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/v1"))
        settings = llm_server.settings(base_url=llm_server.url.replace("127.0.0.1", host))
        (answer,) = ask(tmp_path, settings)
        assert answer.value.word == "leg up" and proxy.requests == []


def test_a_far_one_is_reached_through_it(llm_server, tmp_path, monkeypatch):
    llm_server.reply = script(GOOD)  # plays the proxy, and answers for the far server
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, llm_server.url.removesuffix("/v1"))
    (answer,) = ask(tmp_path, {"base_url": "http://far.invalid/v1", "model": "toy-1"})
    assert answer.value.word == "leg up" and len(llm_server.requests) == 1


def test_a_proxy_that_does_not_answer_is_named(no_server, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://me:hush@127.0.0.1:9")
    with pytest.raises(LLMError, match=r"http://far\.invalid/v1.*HTTP_PROXY") as raised:
        ask(tmp_path, {"base_url": "http://far.invalid/v1", "model": "toy-1", "retries": 0})
    assert "hush" not in str(raised.value)


def test_a_proxy_that_is_none(no_server, tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "nonsense://box:1")
    with pytest.raises(LLMError, match="HTTP_PROXY"):
        ask(tmp_path, {"base_url": "http://far.invalid/v1", "model": "toy-1"})
