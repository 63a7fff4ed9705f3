"""The form of request that a server takes, learnt from what it turns down.

Four things differ: how JSON is asked for (``json_schema``, else ``json_object``, else nothing but the words
of the prompt), whether a temperature may be set, what the limit on a reply's length is called, and whether
replies must be streamed.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Any

from vqtext.pipeline.llm.question import ReplyFormat

_NEXT: dict[ReplyFormat, ReplyFormat] = {"json_schema": "json_object", "json_object": "text"}
_FORMAT = re.compile(
    r"response_?format|\bformat\b|schema|json[_ ]?(?:object|mode|validate)|(?:generat|validat)\w* json|"
    r"structured[_ ]outputs?|grammar|guided|constrain|generation_?config|additional_?properties"
)
_STREAM = re.compile(
    r"(?:only|must|requires?|enable|non)\W[^.]{0,40}\bstream|\bstream\w*\b[^.]{0,40}\b(?:only|must|required?|true)"
)
# A complaint about length has nothing to do with the format.
_LENGTH = re.compile(r"max_(?:completion_)?tokens|context|too (?:long|large|many)|exceed")
_UNKNOWN = re.compile(
    r"instead|unsupported|not support|unrecogni[sz]ed|unknown|unexpected|not permitted|extra_forbidden"
)


@dataclass(frozen=True)
class Manner:
    """One way to ask.

    Attributes:
        reply_format: how JSON is asked for.
        sets_temperature: whether the temperature is sent.
        limit: the name under which the limit on the reply's length is sent.
        streams: whether the reply is asked for in pieces.
    """

    reply_format: ReplyFormat = "json_schema"
    sets_temperature: bool = True
    limit: str = "max_tokens"
    streams: bool = False

    def options(self, temperature: float, max_tokens: int | None, schema: dict[str, Any]) -> dict[str, Any]:
        """What is sent beside model and messages."""
        options: dict[str, Any] = {}
        if self.reply_format == "json_schema":
            held_to = {"name": "reply", "strict": True, "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": held_to}
        elif self.reply_format == "json_object":
            options["response_format"] = {"type": "json_object"}
        if self.sets_temperature:
            options["temperature"] = temperature
        if max_tokens is not None:
            options[self.limit] = max_tokens
        if self.streams:
            options["stream"] = True
        return options

    def after(self, complaint: str, parameter: str | None) -> Manner | None:
        """The way to ask that heeds a complaint.

        Args:
            complaint: the server's reason for turning the request down.
            parameter: the parameter it named, where it names one.

        Returns:
            None where the complaint is about something else: asking otherwise would not help.
        """
        text = (parameter or complaint).casefold()
        if not self.streams and _STREAM.search(complaint.casefold()):
            return replace(self, streams=True)
        if self.reply_format in _NEXT and is_about_format(text):
            return replace(self, reply_format=_NEXT[self.reply_format])
        if self.sets_temperature and "temperature" in text:
            return replace(self, sets_temperature=False)
        # A limit that is merely too high is no reason: it would be too high under any name.
        if self.limit == "max_tokens" and "max_tokens" in text and _UNKNOWN.search(complaint.casefold()):
            return replace(self, limit="max_completion_tokens")
        return None

    def other(self, complaint: str) -> Manner | None:
        """The way to try where a server does not name the format as the reason, though it may be.

        Args:
            complaint: its words; one without any is down rather than confused.
        """
        is_doubtful = self.reply_format in _NEXT and complaint and not _LENGTH.search(complaint.casefold())
        return replace(self, reply_format=_NEXT[self.reply_format]) if is_doubtful else None


def is_about_format(text: str) -> bool:
    """Whether a server's words are about how JSON is asked for."""
    return _FORMAT.search(text.casefold()) is not None


class Learnt:
    """The manner of one run, shared by its threads.

    Requests that were under way when the first was turned down are turned down too: at most as many as run at
    once, for each step. Nobody waits for one to try alone, since that would cost every run a reply's time,
    and a request that is turned down costs nothing.
    """

    def __init__(self) -> None:
        self.now = Manner()
        self._lock = threading.Lock()
        self._has_reply = False
        self._fails_anyway = False

    def heed(self, tried: Manner, complaint: str, parameter: str | None) -> bool:
        """Learn from a complaint about one way to ask; True where there is another way now."""
        with self._lock:
            if self.now == tried:
                self.now = tried.after(complaint, parameter) or tried
            return self.now != tried

    def other(self, tried: Manner, complaint: str) -> Manner | None:
        """The way to try, for one question, where a server does not say what it fails over."""
        return None if self._fails_anyway else tried.other(complaint)

    def worked(self, tried: Manner, is_trial: bool = False) -> None:
        """A reply came. In a trial it is no proof against a way in which others came."""
        with self._lock:
            if is_trial and not self._has_reply:
                self.now = tried
            self._has_reply = True

    def failed(self) -> None:
        """No other way helped: the format is not what the server fails over."""
        self._fails_anyway = True
