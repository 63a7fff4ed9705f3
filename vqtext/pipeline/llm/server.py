"""Which server is asked, with which key, and how the key is kept out of all messages and files."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from vqtext.errors import LLMError
from vqtext.settings.schema import LLMSettings

OPENAI = "https://api.openai.com/v1"
KEY = "OPENAI_API_KEY"
_NO_KEY = "none"  # the SDK needs one even where the server does not

_WORD = r"[^\s\"'`<>(){}\[\],;]*"
_LOOKS_SECRET = re.compile(rf"(?<![a-zA-Z0-9])sk-{_WORD}")
_MASKED = re.compile(rf"{_WORD}(?:\*{{2,}}|\.{{3}}|…){_WORD}")
_KNOWN_BY = 3  # characters at either end that a masked key shows


@dataclass(frozen=True)
class Server:
    """A server that speaks OpenAI's protocol.

    Attributes:
        url: its base, without a slash at the end.
        model: the model that is asked, as the server calls it.
        key: never shown: not by ``repr``, and `scrub` takes it out of what others say.
        is_near: it runs on this machine, where no proxy is needed.
    """

    url: str
    model: str
    key: str = field(repr=False)
    is_near: bool

    def scrub(self, text: str) -> str:
        """The text without the key, whole, masked or as part of an address: servers say it back in their
        errors."""
        text = self.scrub_reply(text)
        if self.key != _NO_KEY:
            spellings = "|".join(map(re.escape, (self.key, quote(self.key, safe=""))))
            text = re.sub(spellings, "[key]", text, flags=re.IGNORECASE)
        text = _LOOKS_SECRET.sub("[key]", text)
        return _MASKED.sub(lambda found: "[key]" if self._is_masked(found[0]) else found[0], text)

    def scrub_reply(self, text: str) -> str:
        """The text without the whole key. Nothing else is touched: a reply is kept as it came."""
        return text if self.key == _NO_KEY else text.replace(self.key, "[key]")

    def _is_masked(self, word: str) -> bool:
        ends = re.split(r"\*+|\.{3,}|…", word)
        return self.key != _NO_KEY and (self.key[:_KNOWN_BY] in ends[0] or self.key[-_KNOWN_BY:] in ends[-1])


def find_server(llm: LLMSettings) -> Server:
    """The server that the settings and the environment name. Sends nothing.

    Raises:
        LLMError: no model is set, or the address cannot be one of a server.
    """
    if llm.model is None or not llm.model.strip():
        raise LLMError("no model is set: say which with llm.model (--model), as its server calls it")
    url = address(llm)
    key = os.environ.get(KEY, "").strip()
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise LLMError(
            f"{KEY} has characters that no key has (such as spaces or typographic dashes): copy it again"
        )
    return Server(url, llm.model, key or _NO_KEY, _is_near(urlsplit(url).hostname or ""))


def address(llm: LLMSettings) -> str:
    """The base of the server that the settings or the environment name, without a slash at the end.

    Raises:
        LLMError: it cannot be the address of a server.
    """
    url, named_by = llm.base_url, "llm.base_url"
    if url is None:
        url, named_by = os.environ.get("OPENAI_BASE_URL") or OPENAI, "OPENAI_BASE_URL"
    url = url.strip().rstrip("/")
    _check_address(url, named_by)
    return url


def check_key(server: Server) -> None:
    """A server may need no key; OpenAI's own does.

    Raises:
        LLMError: it is OpenAI's own, and there is no key.
    """
    if server.key == _NO_KEY and urlsplit(server.url).hostname == urlsplit(OPENAI).hostname:
        raise LLMError(f"{server.url} needs a key: set {KEY}, or name a server of your own with llm.base_url")


def _check_address(url: str, named_by: str) -> None:
    shown = f"{named_by} {_without_secrets(url)!r}"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise LLMError(
            f"{shown} is no address ({_without_secrets(str(error))}): such as http://localhost:8000/v1"
        ) from None
    if parts.username or parts.password:
        raise LLMError(f"{named_by} must not hold a name or a password: the key belongs into {KEY}")
    if parts.scheme not in ("http", "https") or not host:
        raise LLMError(f"{shown} is no address of a server: it looks like http://localhost:8000/v1")
    if parts.query or parts.fragment:
        raise LLMError(f"{shown} must end with the path, as in http://localhost:8000/v1, without ? and #")


def _without_secrets(url: str) -> str:
    """For messages: keys get into addresses, as a password, after a question mark, or in place of one."""
    url = re.sub(r"//.*@", "//…@", url)
    return _LOOKS_SECRET.sub("[key]", re.sub(r"[?#].*", "?…", url, flags=re.DOTALL))


def _is_near(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
