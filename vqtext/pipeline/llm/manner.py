"""How a server wants to be asked. Nobody says it beforehand: it is learnt from what servers turn down.

Three things differ: how JSON is asked for (``json_schema``, else ``json_object``, else nothing but the words
of the prompt), whether a temperature may be set, and what the limit on a reply's length is called.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, replace
from typing import Any

from vqtext.pipeline.llm.question import ReplyFormat

_NEXT: dict[ReplyFormat, ReplyFormat] = {"json_schema": "json_object", "json_object": "text"}
_FORMAT = re.compile(
    r"response[_ ]?format|json[_ ]schema|json[_ ]object|json mode|structured output|grammar|guided"
)
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
    """

    reply_format: ReplyFormat = "json_schema"
    sets_temperature: bool = True
    limit: str = "max_tokens"

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
        return options

    def after(self, complaint: str, parameter: str | None) -> Manner | None:
        """The way to ask that heeds a complaint.

        Args:
            complaint: what the server said when it turned the request down.
            parameter: the parameter it named, where it names one.

        Returns:
            None where the complaint is about something else: asking otherwise would not help.
        """
        said = (parameter or complaint).casefold()
        if self.reply_format in _NEXT and _FORMAT.search(said):
            return replace(self, reply_format=_NEXT[self.reply_format])
        if self.sets_temperature and "temperature" in said:
            return replace(self, sets_temperature=False)
        # A limit that is merely too high is no reason: it would be too high under any name.
        if self.limit == "max_tokens" and "max_tokens" in said and _UNKNOWN.search(complaint.casefold()):
            return replace(self, limit="max_completion_tokens")
        return None


class Learnt:
    """The manner of one run, shared by its threads.

    Requests that were under way when the first was turned down are turned down too: at most as many as run at
    once, for each step. Nobody waits for one to try alone, since that would cost every run a reply's time,
    and a request that is turned down costs nothing.
    """

    def __init__(self) -> None:
        self.now = Manner()
        self._lock = threading.Lock()

    def heed(self, tried: Manner, complaint: str, parameter: str | None) -> bool:
        """Learn from a complaint about one way to ask; True where there is another way now."""
        with self._lock:
            if self.now == tried:
                self.now = tried.after(complaint, parameter) or tried
            return self.now != tried
