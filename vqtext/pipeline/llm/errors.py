"""What can go wrong with a request, each as one line; the key is in none of them.

Two kinds: `Unanswered`, where other questions may still be answered, and plain `LLMError`, where none can be.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from vqtext.errors import LLMError
from vqtext.pipeline.llm.server import KEY, Server

if TYPE_CHECKING:
    import httpx2
    import openai

_MAX_CHARACTERS = 300  # characters of what a server says
_QUOTA = re.compile(
    r"insufficient[_ ](?:user_)?quota|billing_hard_limit|exceeded your current quota|insufficient balance"
)
_KEY = re.compile(
    r"(?:invalid|incorrect|missing|expired) api[ _]?key|"
    r"\bapi[ _]?key.{0,20}\b(?:valid|invalid|missing|expired|required|not found)\b",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(
    r"model_not_found|model .{0,80}(?:not found|not exist|unknown)|(?:unknown|no such|invalid) model\b"
)


class Unanswered(LLMError):
    """One question without a reply, while others may get theirs."""


def one_line(text: str) -> str:
    """A server's words, or a model's, on one line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_CHARACTERS else f"{line[:_MAX_CHARACTERS]}…"


def is_out_of_quota(text: str) -> bool:
    """Whether what a server says with its 429 means that waiting does not help."""
    return _QUOTA.search(text.casefold()) is not None


def after_error(error: openai.OpenAIError, server: Server, wait_s: float) -> LLMError:
    """What the SDK's error means; ``wait_s`` is how long a reply was waited for."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return _after_status(error, server)
    if isinstance(error, openai.APITimeoutError):
        return _after_timeout(error, server, wait_s)
    if isinstance(error, openai.APIConnectionError):
        return _after_connection(error, server)
    return Unanswered(server.scrub(one_line(str(error))))


def _after_status(error: openai.APIStatusError, server: Server) -> LLMError:
    text = server.scrub(_error_text(error.body))
    status, where = error.status_code, server.url
    if status == 401 or (status == 400 and _KEY.search(text)):
        return LLMError(f"{where} does not take the key in {KEY}: {text}")
    if status == 403:
        return LLMError(f"{where} does not let this key use {server.model!r}: {text}")
    if status == 402 or is_out_of_quota(f"{error.code} {text}"):
        return LLMError(f"the account at {where} has nothing left to pay with; what arrived is kept: {text}")
    if status == 404 or (status in (400, 422) and _NO_MODEL.search(f"{error.code} {text}".casefold())):
        return LLMError(
            f"{where} has no model {server.model!r}, or the address is wrong (it often ends in /v1): {text}"
        )
    if status == 429:
        wait = error.response.headers.get("retry-after")
        unit = " s" if wait and wait.strip().isdecimal() else ""
        asks = f"; it asks to wait {server.scrub(one_line(wait))}{unit}" if wait else ""
        return Unanswered(f"too many requests (429){_again(error)}: {text}{asks}; lower llm.concurrency")
    if status in (408, 409) or status >= 500:
        return Unanswered(f"the server failed ({status}){_again(error)}: {text}")
    return Unanswered(f"the server turned the request down ({status}): {text}")


def _after_timeout(error: openai.APITimeoutError, server: Server, wait_s: float) -> LLMError:
    import httpx2

    if isinstance(error.__cause__, httpx2.ConnectTimeout):
        return LLMError(
            f"no server answers at {server.url}{_by_way(server)}: is it running, and is the address right?"
        )
    return Unanswered(
        f"no reply within {round(wait_s, 2):g} s{_again(error)}: raise llm.timeout_s if the model is slow"
    )


def _after_connection(error: openai.APIConnectionError, server: Server) -> LLMError:
    import httpx2

    cause = error.__cause__
    why = server.scrub(one_line(str(cause) or type(cause).__name__))
    if isinstance(cause, (httpx2.ConnectError, httpx2.UnsupportedProtocol, httpx2.TooManyRedirects)):
        return LLMError(
            f"no server answers at {server.url}{_by_way(server)} ({why}): is it running, and is the address "
            "right?"
        )
    if isinstance(cause, httpx2.ProxyError):
        return LLMError(
            f"the proxy lets nothing through to {server.url} ({why}): look at HTTPS_PROXY and NO_PROXY"
        )
    return Unanswered(f"the connection broke before the whole reply was there{_again(error)} ({why})")


def _by_way(server: Server) -> str:
    """Says that a proxy was asked, since it may be the one that does not answer."""
    parts, proxies = urlsplit(server.url), getproxies()
    is_asked = parts.scheme in proxies or "all" in proxies
    if server.is_near or not is_asked or proxy_bypass(parts.hostname or ""):
        return ""
    return f" through the proxy of {parts.scheme.upper()}_PROXY or ALL_PROXY"


def _again(error: openai.APIError) -> str:
    """Says so where the SDK sent it again; it does not where it would have to wait for minutes."""
    return (
        ", also when asked again" if error.request.headers.get("x-stainless-retry-count", "0") != "0" else ""
    )


def no_completion(content: Any, response: httpx2.Response, server: Server) -> LLMError:
    """What an answer with status 200 means that is no completion."""
    if content is None:
        start = response.text.lstrip()[:15].casefold()
        if "html" in response.headers.get("content-type", "") or start.startswith(("<!doctype", "<html")):
            return LLMError(
                f"{server.url} answers with a web page: is the address right (it often ends in /v1), or does "
                "the network want you to sign in first?"
            )
        if "\ufffd" in response.text:
            return Unanswered("the server's answer is not UTF-8 text")
        return Unanswered("the server's answer is no JSON, or only half of it")
    if isinstance(content, dict) and content.get("error"):
        text = server.scrub(_error_text(content["error"]))
        if is_out_of_quota(text):
            return LLMError(
                f"the account at {server.url} has nothing left to pay with; what arrived is kept: {text}"
            )
        return Unanswered(f"the server gave an error in place of a reply: {text}")
    if isinstance(content, dict) and content.get("choices") == []:
        return Unanswered("the server's answer holds no reply (its choices are empty)")
    return Unanswered(
        "the server's answer holds no reply (it has no choices): does it speak OpenAI's protocol?"
    )


def _error_text(body: object) -> str:
    """What there is to show of the body of an error."""
    text = words(body)
    if not text and isinstance(body, dict):
        body = next((body[name] for name in ("detail", "error") if body.get(name)), body)
    text = text or str(body or "it does not say why")
    return "it answers with a web page" if "<html" in text.casefold() else one_line(text)


def words(body: object) -> str:
    """The server's own words in the body of an error, however it wraps them; "" where it says nothing."""
    if isinstance(body, list):
        return "; ".join(dict.fromkeys(filter(None, map(words, body))))
    if isinstance(body, dict):
        inner = (body[name] for name in ("message", "msg", "detail", "error", "errors") if body.get(name))
        return next(filter(None, map(words, inner)), "")
    return body if isinstance(body, str) else ""
