"""What is asked of a language model, and what comes of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)
Message: TypeAlias = dict[str, str]
"""``{"role": "system" | "user" | "assistant", "content": ...}``"""
ReplyFormat: TypeAlias = Literal["json_schema", "json_object", "text"]
"""How the JSON came about: the server held the model to the schema, or to JSON, or it stood in the text."""

_FORM = "Reply with one JSON object and nothing else. It must fit this JSON schema:"
_AGAIN = "That reply cannot be used:"
_BETTER = "That reply can be used, and should be better:"
_ONCE_MORE = "Reply again with the whole JSON object, corrected, and nothing else."


@cache  # milliseconds, for each of many questions
def _schema(reply: type[BaseModel]) -> dict[str, Any]:
    return reply.model_json_schema()


def _good(value: Any) -> list[str]:
    return []


@dataclass(frozen=True)
class Question(Generic[T]):
    """One question, answered by JSON that fits a pydantic model.

    Attributes:
        about: its subject, for messages, such as "label 'walking'".
        system, user: the prompt. The JSON schema of the reply is added to the system's part, since some
            servers ignore without a word that they were asked for one.
        reply: the model that a reply must fit. Servers that hold their model to a schema want every property
            known by name: a list of pairs rather than a dictionary.
        temperature: 0 repeats itself, 1 varies.
        draft: of several questions with the same text, which one this is; each is a call of its own.
        check: problems beyond the schema, each a sentence for the model; none where the reply is good. It
            takes no part in what the journal knows the question by.
        weaknesses: what to ask for once more, each a sentence for the model; a reply that still has some is
            taken all the same.
        hint: stands at the end of the prompt. What the journal knows the question by is without it, so that a
            reply is not paid for again where only the hint changed.
        reply_tokens: about how long the reply will be; 0 where unknown. A long one is waited for longer.
    """

    about: str
    system: str
    user: str
    reply: type[T]
    temperature: float = 0.2
    draft: int = 0
    check: Callable[[T], list[str]] = _good
    weaknesses: Callable[[T], list[str]] = _good
    hint: str = ""
    reply_tokens: int = 0

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the reply; shared by all that ask for it, and so not to be changed."""
        return _schema(self.reply)

    def messages(self, with_hint: bool = True) -> list[Message]:
        """The whole prompt, as it is sent."""
        schema = json.dumps(self.schema(), ensure_ascii=False, separators=(",", ":"))
        user = f"{self.user}\n{self.hint}" if self.hint and with_hint else self.user
        return [
            {"role": "system", "content": f"{self.system.rstrip()}\n\n{_FORM}\n{schema}"},
            {"role": "user", "content": user},
        ]


def sent_back(
    messages: Sequence[Message], text: str, problems: Sequence[str], is_usable: bool = False
) -> list[Message]:
    """The conversation after a bad reply, or a weak one: the reply, and what is wrong with it."""
    wrong = "\n".join(
        [_BETTER if is_usable else _AGAIN, *(f"- {problem}" for problem in problems), _ONCE_MORE]
    )
    return [*messages, {"role": "assistant", "content": text}, {"role": "user", "content": wrong}]


@dataclass(frozen=True)
class Answer(Generic[T]):
    """A reply that passed all checks.

    Attributes:
        value: what it says.
        reply_format: how its JSON came about. A reply with anything around its JSON is "text", whatever the
            server was asked for.
        model: the model, as the server called it.
        paid: replies that came from the server now; 0 = all were in the journal.
        weaknesses: what it still has of what it was asked again for.
    """

    value: T
    reply_format: ReplyFormat
    model: str
    paid: int
    weaknesses: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A question without a usable reply, while others may have one.

    Attributes:
        about: as in the question.
        reason: why, in one line.
    """

    about: str
    reason: str
