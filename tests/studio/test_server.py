"""A user would lose: that only who was given the address reads recordings and changes what was said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from studio_server import Studio, said

from vqtext.errors import UsageError
from vqtext.studio.server import ASSETS, MAX_BYTES, PAGE, Server


def unchanged(studio: Studio) -> bool:
    return not (studio.cache / "corrections.json").exists()


@pytest.mark.parametrize("token", ["wrong", "x" * 5000, "%2e%2e", "é", "..", "undefined"])
@pytest.mark.parametrize("path", ["", "main.js", "api/state"])
def test_without_the_token_nothing_is_served(studio: Studio, token: str, path: str) -> None:
    status, answer = studio.ask("GET", path, token=token.encode().decode("latin-1"))
    assert status == 403 and "wrong token" in answer["error"]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "", "[::1]", None]
)
def test_a_foreign_name_of_this_machine_is_refused(studio: Studio, host: str | None) -> None:
    """A name of another site that resolves to 127.0.0.1 makes its page one of the same origin."""
    status, _ = studio.ask("GET", "api/state", Host=host)
    assert status == 403


def test_a_port_that_is_forwarded_is_served(studio: Studio) -> None:
    status, _ = studio.ask("GET", "api/state", Host="localhost:9999", Origin="http://localhost:9999")
    assert status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://127.0.0.1"])
def test_a_page_of_another_site_changes_nothing(studio: Studio, origin: str) -> None:
    status, _ = studio.ask("POST", "api/correct", {"corrections": [said()]}, Origin=origin)
    assert status == 403 and unchanged(studio)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None]
)
def test_a_form_of_another_site_changes_nothing(studio: Studio, kind: str | None) -> None:
    status, _ = studio.ask("POST", "api/correct", {"corrections": [said()]}, Content_Type=kind)
    assert status == 415 and unchanged(studio)


@pytest.mark.parametrize(
    "path",
    [
        *("../subactions.json", "..%2fsubactions.json", "%2e%2e/server.py", "//etc/passwd", "/etc/passwd"),
        *(
            "main.js/../../server.py",
            "api/../main.js",
            "page/main.js",
            "index.html",
            "api/",
            "api/state/",
            "main.js%00",
        ),
        *("..\\server.py", "api/correct", "api", "apistate", "state"),
    ],
)
def test_no_path_leaves_the_table(studio: Studio, path: str) -> None:
    status, answer = studio.ask("GET", path)
    assert status == 404 and "nothing here" in answer["error"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_another_method_is_refused(studio: Studio, method: str) -> None:
    assert studio.ask(method, "api/state")[0] == 405
    assert studio.ask("POST", "api/state", {})[0] == 404
    assert studio.ask("GET", "api/undo")[0] == 404


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content_Length": str(MAX_BYTES + 1)}, 413),
        (b"{}", {"Content_Length": "9" * 5000}, 413),
        (b"{}", {"Content_Length": "-1"}, 411),
        (b"{}", {"Content_Length": "٣"}, 411),
        (b"0\r\n\r\n", {"Transfer_Encoding": "chunked", "Content_Length": None}, 411),
        (b"not json", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[]", {}, 400),
    ],
)
def test_a_body_that_is_none_is_refused(
    studio: Studio, body: bytes, headers: dict[str, Any], status: int
) -> None:
    if "٣" in headers.values():
        headers = {"Content_Length": "٣".encode().decode("latin-1")}
    answered, answer = studio.ask("POST", "api/correct", body, **headers)
    assert answered == status and "\n" not in answer["error"] and unchanged(studio)


def test_the_page_may_run_its_own_scripts_alone(studio: Studio) -> None:
    status, page = studio.ask("GET", "")
    rules = studio.headers["Content-Security-Policy"]
    assert status == 200 and b"<canvas" in page
    assert "default-src 'none'" in rules and "script-src 'self';" in rules and "unsafe" not in rules
    assert studio.headers["Referrer-Policy"] == "no-referrer"  # the address holds the token
    assert studio.headers["Cache-Control"] == "no-store"
    assert studio.headers["Cross-Origin-Resource-Policy"] == "same-origin"


def test_every_file_of_the_page_is_in_the_table() -> None:
    assert {path.name for path in PAGE.iterdir()} == {*ASSETS.values()}


def test_it_listens_on_this_machine_alone_and_two_have_two_tokens(studio: Studio) -> None:
    other = Server({})
    assert studio.server.server_address[0] == other.server_address[0] == "127.0.0.1"
    assert studio.server.token != other.token and len(other.token) >= 32
    with pytest.raises(UsageError):
        Server({}, other.server_port)
    other.server_close()


def test_a_failure_is_one_line_and_the_next_request_is_served(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(studio.session, "names", lambda _: 1 / 0)
    status, answer = studio.ask("GET", "api/names?recording=0")
    assert status == 500 and "ZeroDivisionError" in answer["error"] and "saved" in answer["error"]
    assert studio.ask("GET", "api/state")[0] == 200
    assert capsys.readouterr().err.count("\n") == 1


def test_the_address_is_not_written_anywhere(
    studio: Studio, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    studio.ask("GET", "api/state")
    studio.ask("GET", "api/none")
    assert studio.server.token not in "".join(capfd.readouterr())
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(studio.server.token.encode() not in path.read_bytes() for path in files)
