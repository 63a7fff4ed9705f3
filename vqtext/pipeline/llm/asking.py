"""Asking many questions: several at once, each reply journaled, checked, and sent back once where bad."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from vqtext.config import LLMSettings
from vqtext.pipeline.llm.client import Client
from vqtext.pipeline.llm.estimate import Estimate, estimate
from vqtext.pipeline.llm.faults import Unanswered, one_line
from vqtext.pipeline.llm.journal import Journal, Reply, request_key
from vqtext.pipeline.llm.question import Answer, Failure, Message, Question, T, sent_back
from vqtext.pipeline.llm.replies import read, without_thoughts
from vqtext.pipeline.llm.server import find_server
from vqtext.pipeline.progress import Progress

__all__ = ["Estimate", "ask_all", "estimate"]

Outcome: TypeAlias = Answer[T] | Failure


def ask_all(
    questions: Sequence[Question[T]],
    llm: LLMSettings,
    journal: Path,
    progress: Progress,
    refresh: Collection[int] = (),
) -> list[Answer[T] | Failure]:
    """Ask all questions, ``llm.concurrency`` at once.

    A reply that is in the journal is not asked for again, usable or not. A bad one is sent back once, with
    the reasons.

    Args:
        questions: what is asked.
        llm: the server, its model, and how patient to be.
        journal: where the replies are kept, ``<cache>/journal.sqlite``.
        progress: told the server and the model, and how far it is.
        refresh: positions of questions that are asked anew; what the journal holds for them is replaced.

    Returns:
        What came of each question, in their order.

    Raises:
        LLMError: what no other question can survive either: a wrong key, a wrong model name, no server, no
            quota left, no model set, an address that is none. Replies that were under way are in the journal.
        ArtifactError: the journal cannot be used.
    """
    server = find_server(llm)
    progress.say(f"asking {server.model} at {server.url}")
    with_journal = Journal(journal)
    asker = _Asker(Client(server, llm), with_journal, llm)
    outcomes: list[Outcome[T] | None] = [None] * len(questions)
    arriving = _at_once(asker, questions, frozenset(refresh), min(llm.concurrency, len(questions)))
    for place, outcome in progress.track(arriving, total=len(questions), text="asking"):
        outcomes[place] = outcome
    asker.client.close()
    with_journal.close()
    return [outcome for outcome in outcomes if outcome is not None]


def _at_once(
    asker: _Asker, questions: Sequence[Question[T]], refresh: frozenset[int], workers: int
) -> Iterator[tuple[int, Outcome[T]]]:
    """Outcomes with their places, as they come.

    The threads are daemons, unlike an executor's: Ctrl-C ends the program at once, not when the last server
    has replied. After an error they finish what they have sent, so that it is journaled, and send no more.
    """
    waiting = deque(enumerate(questions))
    done: queue.SimpleQueue[tuple[int, Outcome[T] | BaseException]] = queue.SimpleQueue()

    def work() -> None:
        while True:
            try:
                place, question = waiting.popleft()
            except IndexError:
                return
            try:
                done.put((place, asker.outcome(question, place in refresh)))
            except BaseException as error:  # carried over, and raised in the thread that asked
                done.put((place, error))

    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for _ in questions:
            place, outcome = done.get()
            if isinstance(outcome, BaseException):
                waiting.clear()
                asker.client.stop()
                for thread in threads:
                    thread.join(asker.llm.timeout_s)
                raise outcome
            yield place, outcome
    finally:
        waiting.clear()
        asker.client.stop()


class _Asker:
    """One question at a time, through journal and server. Threads share it."""

    def __init__(self, client: Client, journal: Journal, llm: LLMSettings) -> None:
        self.client = client
        self.journal = journal
        self.llm = llm

    def outcome(self, question: Question[T], is_fresh: bool) -> Outcome[T]:
        """Ask, check, and send back once."""
        messages = question.messages()
        paid = 0
        problems: list[str] = []
        for _ in range(2):
            try:
                reply, is_new = self._reply(question, messages, is_fresh)
            except Unanswered as error:
                return Failure(question.about, str(error))
            paid += is_new
            if reason := self._unusable(reply):
                return Failure(question.about, reason)
            found = read(reply.text, question.reply)
            problems = found.problems
            if found.value is not None:
                problems = question.check(found.value)
                if not problems:
                    reply_format = reply.reply_format if found.pure else "text"
                    return Answer(found.value, reply_format, reply.model, paid)
            messages = sent_back(messages, without_thoughts(reply.text), problems)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return Failure(
            question.about, f"the reply is bad, also after it was sent back: {one_line(problems[0])}{more}"
        )

    def _reply(
        self, question: Question[Any], messages: Sequence[Message], is_fresh: bool
    ) -> tuple[Reply, bool]:
        """The reply to a conversation, and whether it came from the server now."""
        server = self.client.server
        key = request_key(
            server.url,
            server.model,
            messages,
            question.schema(),
            question.temperature,
            self.llm.max_tokens,
            question.draft,
        )
        if not is_fresh and (known := self.journal.find(key)):
            return known, False
        reply = self.client.ask(question, messages)
        self.journal.keep(key, question.about, reply)
        return reply, True

    def _unusable(self, reply: Reply) -> str | None:
        """Why a reply is of no use, whatever its text says; None where its text decides."""
        if reply.refusal:
            return f"the model refused: {one_line(reply.refusal)}"
        if reply.finish == "content_filter":
            return "the server's content filter stopped the reply"
        if reply.finish == "length":
            limit = self.llm.max_tokens
            by = "the server's own limit" if limit is None else f"llm.max_tokens = {limit}"
            return f"the reply was cut off by {by}: raise llm.max_tokens (--max-tokens), or ask for less"
        if not reply.text.strip():
            return f"the reply is empty (the server says it finished with {reply.finish!r})"
        return None
