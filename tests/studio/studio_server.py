"""A studio on loopback over a session without a model, and requests to it."""

from __future__ import annotations

import json
import threading
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from fake_session import FakeSession, words_of

from vqtext.studio.api import Api
from vqtext.studio.editor import Editor
from vqtext.studio.server import Server


class Connection(HTTPConnection):
    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1")  # as those who mean harm may send


class Studio:
    def __init__(self, cache: Path, session: FakeSession) -> None:
        self.cache, self.session = cache, session
        words = cache / "subactions.json"
        if not words.exists():
            words.write_text(json.dumps(words_of(session.steps())))
        self.editor = Editor(cache, session.check)
        self.api = Api(self.editor, lambda: session)
        self.server = Server(self.api.routes())
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return self.server.url

    def ask(
        self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str | None
    ) -> tuple[int, Any]:
        """Status and answer; headers are given with _ for -, None leaves one out."""
        sent = {"Host": f"127.0.0.1:{self.server.server_port}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}  # type: ignore[dict-item]
        connection = Connection("127.0.0.1", self.server.server_port, timeout=10)
        connection.putrequest(method, f"/{token or self.server.token}/{path}", skip_host=True)
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if data is not None and "Content-Length" not in sent and "Transfer-Encoding" not in sent:
            sent["Content-Length"] = str(len(data))
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.endheaders(data)
        response = connection.getresponse()
        self.headers = response.headers
        text = response.read()
        connection.close()
        is_json = response.headers.get_content_type() == "application/json"
        return response.status, json.loads(text) if is_json and text else text


def said(
    start: float = 1.0, end: float = 2.0, phrase: str = "swing the left leg", **more: Any
) -> dict[str, Any]:
    """What the page sends of a stretch."""
    whole = {"kind": "is", "recording": "P01 session 1", "subject": "P01", "start_s": start, "end_s": end}
    return {**whole, "label": "walking", "phrase": phrase, **more}
