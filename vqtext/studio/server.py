"""The studio's server: for this machine alone, and for whoever has the address with its token.

A page of another site must not reach it: the token is checked in every request, an ``Origin`` must be the
server's own, and the name in ``Host`` must be this machine's, so that no foreign name that resolves to
127.0.0.1 serves as a way in. No path of a request reaches the file system: assets stand in a fixed table.
"""

from __future__ import annotations

import errno
import json
import secrets
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from vqtext.console.text import cut_short, printable
from vqtext.errors import UsageError, VQTextError

PAGE = Path(__file__).parent / "page"
HOSTS = ("127.0.0.1", "localhost")
MAX_BYTES = 32 << 20  # of a request's body: a CSV of some hundred thousand segments
ASSETS = {
    "": "index.html",
    **{
        name: name
        for name in (
            *("studio.css", "main.js", "api.js", "dom.js", "draw.js", "looks.js", "panel.js", "texts.js"),
            *("tile.js", "view.js", "words.js"),
        )
    },
}
"""What stands behind the token → its file in `PAGE`."""
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class RefusedError(Exception):
    """A request that is not answered: its HTTP status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Reply:
    """What a request is answered with, where it is no JSON."""

    body: bytes
    kind: str = "application/octet-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


Route: TypeAlias = Callable[[dict[str, Any]], Any]
"""Answers the parameters of a GET, or the JSON object of a POST, by something for JSON or a `Reply`."""


class Server(ThreadingHTTPServer):
    """Serves the page and the routes, until `shutdown`.

    Args:
        routes: ``"GET state"`` → what answers it.
        port: 0 takes a free one.

    Raises:
        UsageError: the port cannot be taken.
    """

    daemon_threads = True

    def __init__(self, routes: Mapping[str, Route], port: int = 0) -> None:
        try:
            super().__init__((HOSTS[0], port), _Handler)
        except (OSError, OverflowError) as error:
            in_use = getattr(error, "errno", None) == errno.EADDRINUSE
            why = "another program has it" if in_use else getattr(error, "strerror", None) or str(error)
            raise UsageError(
                f"port {port} cannot be taken ({why}): choose another, or leave --port out"
            ) from None
        self.routes = routes
        self.token = secrets.token_urlsafe(24)

    def server_bind(self) -> None:
        """As the base's, without its look-up of our own name, which may wait for a name server."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOSTS[0], int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that leaves in the middle of an answer is no news."""

    @property
    def url(self) -> str:
        return f"http://{HOSTS[0]}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "vqtext", ""
    timeout = 60  # seconds that an idle connection is kept

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_GET

    def _answer(self) -> None:
        status, answer = 200, None
        try:
            answer = self._respond()
        except RefusedError as error:
            status, answer = error.status, {"error": str(error)}
            self.close_connection = True  # a body may be left unread
        except VQTextError as error:
            status, answer = 422, {"error": str(error)}
        except Exception as error:  # one request's failure is its own
            message = cut_short(printable(f"{type(error).__name__}: {error}"), 300)
            print(f"error: {message}", file=sys.stderr, flush=True)
            status, answer = 500, {"error": f"this failed ({message}); what was corrected before is saved"}
        if not isinstance(answer, Reply):
            body = json.dumps(answer, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            answer = Reply(body.encode("utf-8", "replace"), "application/json")
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": answer.kind, **answer.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _respond(self) -> Any:
        host = self.headers.get("Host", "")
        if host.rpartition(":")[0] not in HOSTS and host not in HOSTS:
            raise RefusedError(
                403, "not asked by the name of this machine: open the address that was printed"
            )
        if self.headers.get("Origin", f"http://{host}") != f"http://{host}":
            raise RefusedError(403, "asked by a page of another site")
        _, token, name = [*self.path.partition("?")[0].split("/", 2), "?", "?"][:3]
        if not secrets.compare_digest(token.encode("latin-1"), self.server.token.encode()):
            raise RefusedError(403, "wrong token: open the whole address that `vqtext studio` printed last")
        if self.command not in ("GET", "POST"):
            raise RefusedError(405, f"{self.command} is not answered")
        if self.command == "GET" and name in ASSETS:
            asset = PAGE / ASSETS[name]
            return Reply(asset.read_bytes(), f"{_TYPES[asset.suffix]}; charset=utf-8")
        route = self.server.routes.get(f"{self.command} {name.removeprefix('api/')}")
        if route is None or not name.startswith("api/"):
            raise RefusedError(404, "there is nothing here: open the whole address, with / at its end")
        return route(self._body() if self.command == "POST" else dict(parse_qsl(urlsplit(self.path).query)))

    def _body(self) -> dict[str, Any]:
        """The JSON object that was sent. Its content type is one that no form of another site can send."""
        if self.headers.get_content_type() != "application/json":
            raise RefusedError(415, "the body must be application/json")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            raise RefusedError(411, "the body must come with its length")
        if len(length) > 12 or int(length) > MAX_BYTES:
            raise RefusedError(413, f"more than {MAX_BYTES >> 20} MiB: send less at once")
        try:
            content = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError):
            raise RefusedError(400, "the body is not JSON") from None
        if not isinstance(content, dict):
            raise RefusedError(400, "the body must be a JSON object")
        return content

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the request's line holds the token."""
