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

from vqtext.config import LLMSettings
from vqtext.errors import LLMError
from vqtext.pipeline.llm.faults import after_error, is_out_of_quota, no_completion
from vqtext.pipeline.llm.journal import Reply
from vqtext.pipeline.llm.manner import Learnt, Manner
from vqtext.pipeline.llm.question import Message, Question, T
from vqtext.pipeline.llm.server import Server, check_key

if TYPE_CHECKING:
    import httpx2
    import openai

_CONNECT_S = 5.0
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
        self._openai: openai.OpenAI | None = None
        self._is_stopped = threading.Event()

    def ask(self, question: Question[T], messages: Sequence[Message]) -> Reply:
        """Send a conversation and wait for the reply, in the way that the server has been found to take.

        Raises:
            Unanswered: no reply to this one; others may get theirs.
            LLMError: no request will be answered.
        """
        import openai

        client = self._connected()
        schema = _strict_schema(question.reply)
        while True:
            manner = self.manner.now
            options = manner.options(question.temperature, self.llm.max_tokens, schema)
            start = time.monotonic()
            problem: LLMError | None = None
            try:
                raw = client.chat.completions.with_raw_response.create(
                    model=self.server.model,
                    messages=cast(Any, list(messages)),
                    extra_body=options,  # as it is: the SDK would search the whole schema for names
                )
            except openai.OpenAIError as error:
                if (
                    isinstance(error, openai.APIStatusError)
                    and error.status_code in _NOT_THIS_WAY
                    and self.manner.heed(manner, json.dumps(error.body, default=str), error.param)
                ):
                    continue
                problem = after_error(error, self.server, self.llm)
            if problem is not None:  # raised out here, it has no context that would hold the key
                raise problem
            return self._reply(raw.http_response, manner, time.monotonic() - start)

    def stop(self) -> None:
        """Send nothing from here on; replies that are under way still arrive."""
        self._is_stopped.set()

    def close(self) -> None:
        """Drop the connections."""
        if self._openai is not None:
            self._openai.close()

    def _reply(self, response: httpx2.Response, manner: Manner, seconds: float) -> Reply:
        try:
            said = json.loads(response.content)
        except (ValueError, RecursionError):
            said = None
        choices = said.get("choices") if isinstance(said, dict) else None
        if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
            raise no_completion(said, response, self.server)
        message, usage = _table(choices[0].get("message")), _table(said.get("usage"))
        refusal = message.get("refusal")
        return Reply(
            text=self._clean(_text(message.get("content"))),
            finish=str(choices[0].get("finish_reason") or "stop"),
            refusal=None if refusal is None else self.server.scrub(self._clean(str(refusal))),
            reply_format=manner.reply_format,
            model=self._clean(str(said.get("model") or self.server.model)),
            prompt_tokens=_count(usage.get("prompt_tokens")),
            reply_tokens=_count(usage.get("completion_tokens")),
            seconds=seconds,
            arrived=datetime.now(UTC).isoformat(timespec="seconds"),
        )

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

        timeout = httpx2.Timeout(self.llm.timeout_s, connect=min(_CONNECT_S, self.llm.timeout_s))
        # Reading the certificates takes 50 ms, and without TLS nobody asks for them.
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


@cache  # milliseconds, for each of many questions
def _strict_schema(reply: type[BaseModel]) -> dict[str, Any]:
    """The schema as a server wants it that holds its model to one: nothing optional, nothing more."""
    import openai

    return dict(openai.pydantic_function_tool(reply)["function"]["parameters"])


def _after(response: httpx2.Response) -> None:
    """Keep the SDK from trying again where that is of no use."""
    if response.status_code == 429:
        response.read()
        if is_out_of_quota(response.text):
            response.headers["x-should-retry"] = "false"


def _text(content: Any) -> str:
    """The text of a message: servers give a string, nothing, or a list of parts."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _count(number: Any) -> int | None:
    return number if isinstance(number, int) and 0 <= number < 2**63 else None  # as much as SQLite holds
