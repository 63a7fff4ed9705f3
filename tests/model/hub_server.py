"""A Hugging Face hub on loopback, as far as huggingface_hub asks one: repositories, commits, files.

Tests take it as ``HubServer``; ``HF_ENDPOINT`` names its ``url``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_secret0123456789"


class HubServer:
    """The hub, from the start of a ``with`` block to its end.

    Attributes:
        repos: name → commit → file → bytes, in the order of commits.
        asked: method and path of each request.
        status: what it answers to everything, in place of an answer; body: with which JSON.
        cut: it closes the connection in the midst of files.
        is_private: nobody without the token sees or changes anything.
    """

    def __init__(self) -> None:
        self.repos: dict[str, dict[str, dict[str, bytes]]] = {}
        self.asked: list[str] = []
        self.status: int | None = None
        self.body: Any = {}
        self.is_private = self.cut = False
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> HubServer:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def commit(self, repo: str, files: dict[str, bytes]) -> str:
        """Add files to what the repository holds; the number of the commit."""
        commits = self.repos.setdefault(repo, {})
        whole = {**(list(commits.values())[-1] if commits else {}), **files}
        sha = hashlib.sha1(repr((repo, len(commits))).encode()).hexdigest()
        commits[sha] = whole
        return sha


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: HubServer

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers["Content-Length"] or 0)))

    def _answer(self, sent: bytes) -> None:
        path = unquote(urlsplit(self.path).path).strip("/")
        self.hub.asked.append(f"{self.command} {path}")
        may = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        if self.hub.status is not None:
            return self._say(self.hub.body, self.hub.status)
        if (self.command == "POST" or self.hub.is_private) and not may:
            return self._say(
                {"error": "Invalid username or password."}, 401, {"X-Error-Code": "RepoNotFound"}
            )
        parts = path.split("/")
        if parts[:3] == ["api", "repos", "create"]:
            request = json.loads(sent)
            owner = request.get("organization")
            name = f"{owner}/{request['name']}" if owner else request["name"]
            there = name in self.hub.repos
            self.hub.repos.setdefault(name, {})
            return self._say({"url": f"{self.hub.url}/{name}"}, 409 if there else 200)
        if path == "api/validate-yaml":
            return self._say({"errors": [], "warnings": []})
        if parts[:2] == ["api", "models"]:
            repo, what, revision = "/".join(parts[2:4]), [*parts, "", ""][4], [*parts, "", ""][5]
        else:
            repo, what, revision = "/".join(parts[:2]), *parts[2:4]
        commits = self.hub.repos.get(repo)
        if commits is None:
            return self._say({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        if self.command == "POST":
            lines = [json.loads(line) for line in sent.splitlines()]
            if what == "preupload":
                regular = {"uploadMode": "regular", "shouldIgnore": False, "oid": None}
                return self._say({"files": [{"path": f["path"], **regular} for f in lines[0]["files"]]})
            added = [line["value"] for line in lines if line["key"] == "file"]
            sha = self.hub.commit(repo, {f["path"]: base64.b64decode(f["content"]) for f in added})
            return self._say({"commitUrl": f"{self.hub.url}/{repo}/commit/{sha}", "commitOid": sha})
        sha = list(commits)[-1] if commits and revision in ("", "main") else revision
        if sha not in commits:
            return self._say({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        files = commits[sha]
        if what == "tree":
            rows = [
                {"type": "file", "path": name, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                for name, data in files.items()
            ]
            return self._say(rows)
        if what == "resolve":
            data = files["/".join(parts[4:])]
            return self._say(data, 200, {"ETag": f'"{hashlib.sha1(data).hexdigest()}"', "X-Repo-Commit": sha})
        return self._say({"id": repo, "sha": sha, "siblings": [{"rfilename": name} for name in files]})

    def _say(self, body: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if isinstance(body, bytes) and self.hub.cut:
            data, self.close_connection = data[: len(data) // 2], True
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass
