"""A real HTTP server on loopback that speaks chat completions, and does wrong what it is told to.

Tests under ``tests/pipeline`` take the fixture ``llm_server``, or import this as ``llm.server``. What it
replies is a function of the request's JSON::

    llm_server.reply = lambda request: '{"word": "leg up"}'
    llm_server.reply = lambda request: Response(status=429, headers={"Retry-After": "1"}, body={"error": {}})
    llm_server.reply = script("not JSON", Response(fault="drop"), '{"word": "leg up"}')

As a script it replies the same text to everything, from a process of its own.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal


@dataclass(frozen=True)
class Response:
    """What the server does with one request.

    Attributes:
        content, finish_reason, refusal: of the completion.
        status, headers: of the answer.
        body: the whole body in place of a completion: text as it is, anything else as JSON.
        fault: never answer ("hang"), close the connection at once ("drop") or in the body's midst ("half").
        after_s: seconds before the answer.
    """

    content: Any = None
    finish_reason: str | None = "stop"
    refusal: str | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    fault: Literal["hang", "drop", "half"] | None = None
    after_s: float = 0.0


Reply = Callable[[dict[str, Any]], "str | Response"]


def script(*steps: str | Response) -> Reply:
    """One step a request, in their order; the last one for all that follow."""
    left = list(steps)
    lock = threading.Lock()

    def reply(request: dict[str, Any]) -> str | Response:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return reply


def rejecting(*parameters: str, otherwise: str, status: int = 400) -> Reply:
    """A server that turns requests down which have one of these parameters, or a ``response_format`` of this
    type, in OpenAI's words."""

    def reply(request: dict[str, Any]) -> str | Response:
        sent = {*request, f"{request.get('response_format', {}).get('type')}"}
        for name in parameters:
            if name in sent:
                said = f"'{name}' is not supported with this model, as response_format or otherwise."
                said = said if name.startswith("json") else f"Unsupported parameter: '{name}'."
                return Response(status=status, body={"error": {"message": said, "code": "unsupported"}})
        return otherwise

    return reply


class LLMServer:
    """The server, from the start of a ``with`` block to its end.

    Attributes:
        url: its base URL.
        requests: the JSON of each request, in the order they came.
        keys: the Authorization header of each.
        reply: what it does; may be replaced at any time.
        latency_s: seconds before each answer.
    """

    def __init__(self, reply: Reply = lambda request: "{}", latency_s: float = 0.0) -> None:
        self.reply = reply
        self.latency_s = latency_s
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._http = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"llm": self}))
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def __enter__(self) -> LLMServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._http.shutdown()
        self._http.server_close()

    def settings(self, **more: Any) -> dict[str, Any]:
        """Settings of a language model that is asked here."""
        return {"base_url": self.url, "model": "toy-1", **more}

    def answer(self, request: dict[str, Any], key: str) -> Response:
        """What is done with a request."""
        with self._lock:
            self.requests.append(request)
            self.keys.append(key)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        said = self.reply(request)
        response = said if isinstance(said, Response) else Response(said)
        if response.fault == "hang":
            self._ended.wait()
        time.sleep(self.latency_s + response.after_s)
        with self._lock:
            self._now -= 1
        return response


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512  # a burst of connections must not wait for a second SYN


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body in one packet
    llm: LLMServer

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        response = self.llm.answer(request, self.headers.get("Authorization", ""))
        if response.fault in ("hang", "drop"):
            self.close_connection = True
            return
        body = response.body if response.body is not None else _completion(request, response)
        sent = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(response.status)
        for name, value in {"Content-Type": "application/json", **response.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(sent)))
        self.end_headers()
        if response.fault == "half":
            sent, self.close_connection = sent[: len(sent) // 2], True
        self.wfile.write(sent)

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        pass


def _completion(request: dict[str, Any], response: Response) -> dict[str, Any]:
    message = {"role": "assistant", "content": response.content, "refusal": response.refusal}
    return {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": f"{request['model']}-2026",
        "choices": [{"index": 0, "finish_reason": response.finish_reason, "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--content", default="{}")
    parser.add_argument("--latency-s", type=float, default=0.0)
    args = parser.parse_args()
    with LLMServer(lambda request: args.content, args.latency_s) as server:
        print(server.url, flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    main()
