"""One request to a server, through the openai SDK: a reply as it came, or one line that says why not.

The SDK sends, waits and tries again. What comes back is read here, since the SDK takes any answer with status
200 for a completion and then fails in ways of its own.
"""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from vqtext.errors import LLMError
from vqtext.pipeline.llm.errors import Unanswered, after_error, is_out_of_quota, no_completion, words
from vqtext.pipeline.llm.journal import Reply
from vqtext.pipeline.llm.question import Message, Question, T
from vqtext.pipeline.llm.replies import read
from vqtext.pipeline.llm.reply_text import refusal, table, text_of_choice
from vqtext.pipeline.llm.request_format import Learnt, Manner, is_about_format
from vqtext.pipeline.llm.server import Server, check_key
from vqtext.pipeline.llm.streamed import whole
from vqtext.settings.schema import LLMSettings

if TYPE_CHECKING:
    import httpx2
    import openai

_CONNECT_S = 5.0
_SHORT = 500
"""Tokens of a reply that `LLMSettings.timeout_s` is for; a longer one takes longer."""
# Some servers fail, rather than say no, over a parameter they do not know.
_NOT_THIS_WAY = (400, 422, 500, 501)


class Client:
    """Asks one server for completions; any number of threads at once.

    Nothing is imported, looked up or sent before the first request: a run whose replies are all in the
    journal needs neither key nor server.
    """

    def __init__(self, server: Server, llm: LLMSettings) -> None:
        self.server = server
        self.llm = llm
        self.manner = Learnt()
        self._lock = threading.Lock()
        self._trying = threading.Lock()
        self._openai: openai.OpenAI | None = None
        self._is_stopped = threading.Event()

    def ask(self, question: Question[T], messages: Sequence[Message]) -> Reply:
        """Send a conversation and wait for the reply, in the way that the server has been found to take.

        Raises:
            Unanswered: no reply to this one; others may get theirs.
            LLMError: no request will be answered.
        """
        import openai

        while True:
            manner = self.manner.now
            came = self._send(question, messages, manner, self.llm.retries)
            if isinstance(came, Reply):
                self.manner.worked(manner)
                return came
            failure = after_error(came, self.server, self.wait_s(question))
            if isinstance(came, openai.APIStatusError) and came.status_code in _NOT_THIS_WAY:
                if self.manner.heed(manner, json.dumps(came.body, default=str), came.param):
                    continue
                if isinstance(failure, Unanswered):
                    with self._trying:  # one at a time: what the first learns, the others need not try
                        if self.manner.now != manner:
                            continue
                        if reply := self._otherwise(question, messages, manner, came):
                            return reply
            del came  # the SDK's error holds the key
            raise failure

    def _otherwise(
        self, question: Question[T], messages: Sequence[Message], manner: Manner, error: openai.APIStatusError
    ) -> Reply | None:
        """Try other ways, once each, where a server fails and does not say over what."""
        import openai

        came: Reply | openai.OpenAIError = error
        while isinstance(came, openai.APIStatusError) and (
            other := self.manner.other(manner, words(came.body))
        ):
            manner = other
            came = self._send(question, messages, manner, 0)
        if isinstance(came, Reply):
            self.manner.worked(manner, is_trial=True)
            return came
        if came is not error:
            self.manner.failed()
        return None

    def _send(
        self, question: Question[T], messages: Sequence[Message], manner: Manner, retries: int
    ) -> Reply | openai.OpenAIError:
        """The reply, or the SDK's error."""
        import openai

        client = self._connected().with_options(
            max_retries=retries, timeout=_timeout(self.wait_s(question), self.llm)
        )
        start = time.monotonic()
        try:
            raw = client.chat.completions.with_raw_response.create(
                model=self.server.model,
                messages=cast(Any, list(messages)),
                # As it is: the SDK would search the whole schema for names.
                extra_body=manner.options(
                    question.temperature, self.llm.max_tokens, _strict_schema(question.reply)
                ),
            )
        except openai.OpenAIError as error:
            body = table(getattr(error, "body", None))
            return self._held_back(body, question, manner, time.monotonic() - start) or error
        return self._reply(raw.http_response, manner, time.monotonic() - start)

    def wait_s(self, question: Question[Any]) -> float:
        """Seconds to wait for a reply: as many times the setting as it is long."""
        return self.llm.timeout_s * max(1.0, question.reply_tokens / _SHORT)

    def stop(self) -> None:
        """Send nothing from here on; replies that are under way still arrive."""
        self._is_stopped.set()

    def close(self) -> None:
        """Drop the connections."""
        if self._openai is not None:
            self._openai.close()

    def _reply(self, response: httpx2.Response, manner: Manner, seconds: float) -> Reply:
        try:
            content = json.loads(response.content)
        except (ValueError, RecursionError):
            content = whole(response.text)
        if isinstance(content, list) and len(content) == 1:
            content = content[0]
        choices = content.get("choices") if isinstance(content, dict) else None
        if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
            raise no_completion(content, response, self.server)
        usage, refused = table(content.get("usage")), refusal(choices[0])
        return Reply(
            text=self._clean(text_of_choice(choices[0])),
            finish=str(choices[0].get("finish_reason") or "stop"),
            refusal=None if refused is None else self.server.scrub(self._clean(refused)),
            reply_format=manner.reply_format,
            model=self._clean(str(content.get("model") or self.server.model)),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            reply_tokens=_count(usage.get("completion_tokens")),
            seconds=seconds,
            arrived=_now(),
        )

    def _held_back(
        self, body: dict[str, Any], question: Question[T], manner: Manner, seconds: float
    ) -> Reply | None:
        """The reply that a server gives with an error over its form; None where it cannot be used."""
        text, model = body.get("failed_generation"), self.server.model
        if not isinstance(text, str) or read(text, question.reply).value is None:
            return None
        return Reply(self._clean(text), "stop", None, manner.reply_format, model, None, None, seconds, _now())

    def _clean(self, text: str) -> str:
        """Without the key, and without the halves of characters that JSON may hold and a file may not."""
        return self.server.scrub_reply(text.encode("utf-8", "replace").decode())

    def _connected(self) -> openai.OpenAI:
        with self._lock:
            if self._openai is None:
                check_key(self.server)
                self._openai = self._connect()
            return self._openai

    def _connect(self) -> openai.OpenAI:
        import httpx2
        import openai

        timeout = _timeout(self.llm.timeout_s, self.llm)
        # Reading the certificates takes 50 ms, and without TLS they are not used.
        is_plain = self.server.url.startswith("http:")
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else True
        try:
            http = openai.DefaultHttpxClient(
                trust_env=not self.server.is_near,
                verify=verify,
                timeout=timeout,
                event_hooks={"request": [self._before], "response": [_after]},
            )
        except (ValueError, OSError, httpx2.InvalidURL) as error:
            raise LLMError(
                f"no connection can be made ({self.server.scrub(str(error))}): look at HTTP_PROXY, "
                "HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE"
            ) from None
        return openai.OpenAI(
            api_key=self.server.key,
            base_url=self.server.url,
            timeout=timeout,
            max_retries=self.llm.retries,
            http_client=http,
        )

    def _before(self, request: httpx2.Request) -> None:
        import openai

        if self._is_stopped.is_set():
            raise openai.OpenAIError("stopped")  # the one kind that the SDK does not try again


def _timeout(wait_s: float, llm: LLMSettings) -> httpx2.Timeout:
    import httpx2

    return httpx2.Timeout(wait_s, connect=min(_CONNECT_S, llm.timeout_s))


@cache  # milliseconds, for each of many questions
def _strict_schema(reply: type[BaseModel]) -> dict[str, Any]:
    """The schema as a server wants it that holds its model to one: nothing optional, nothing more."""
    import openai

    return dict(openai.pydantic_function_tool(reply)["function"]["parameters"])


def _after(response: httpx2.Response) -> None:
    """Keep the SDK from trying again where that is of no use."""
    status = response.status_code
    if status != 429 and (status not in _NOT_THIS_WAY or b"response_format" not in response.request.content):
        return
    response.read()
    if is_out_of_quota(response.text) if status == 429 else is_about_format(response.text):
        response.headers["x-should-retry"] = "false"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _count(number: Any) -> int | None:
    return number if isinstance(number, int) and 0 <= number < 2**63 else None  # as much as SQLite holds
