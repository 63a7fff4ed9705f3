"""Asking many questions: several at once, each reply journaled, checked, and sent back once where bad."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from vqtext.config import LLMSettings
from vqtext.errors import VQTextError
from vqtext.pipeline.llm.client import Client
from vqtext.pipeline.llm.estimate import Estimate, estimate
from vqtext.pipeline.llm.faults import Unanswered, one_line
from vqtext.pipeline.llm.journal import Journal, Reply, request_key
from vqtext.pipeline.llm.question import Answer, Failure, Message, Question, T, sent_back
from vqtext.pipeline.llm.replies import read, without_thoughts
from vqtext.pipeline.llm.server import find_server
from vqtext.pipeline.llm.turns import Turns
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
    if not questions:
        return []
    progress.say(f"asking {server.model} at {server.url}")
    asker = _Asker(Client(server, llm), Journal(journal), llm)
    arriving = _at_once(asker, questions, frozenset(refresh))
    outcomes = dict(progress.track(arriving, total=len(questions), text="asking"))
    return [outcomes[place] for place in range(len(questions))]


def _at_once(
    asker: _Asker, questions: Sequence[Question[T]], refresh: frozenset[int]
) -> Iterator[tuple[int, Outcome[T]]]:
    """Outcomes with their places, as they come.

    The threads are daemons, unlike an executor's: Ctrl-C ends the program at once, not when the last server
    has replied. After an error they finish what they have sent, so that it is journaled, and send no more.
    """
    waiting = deque(enumerate(questions))
    done: queue.SimpleQueue[tuple[int, Outcome[T] | BaseException]] = queue.SimpleQueue()

    def stop() -> None:
        waiting.clear()
        asker.client.stop()

    def work() -> None:
        while True:
            try:
                place, question = waiting.popleft()
            except IndexError:
                return
            try:
                done.put((place, asker.outcome(question, place in refresh)))
            except BaseException as error:  # carried over, and raised in the thread that asked
                stop()
                done.put((place, error))

    count = min(asker.llm.concurrency, len(questions))
    threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    patience_s = 0.0  # Ctrl-C waits for nobody
    try:
        for _ in questions:
            place, outcome = done.get()
            if isinstance(outcome, BaseException):
                raise outcome
            yield place, outcome
        patience_s = asker.llm.timeout_s
    except VQTextError:
        patience_s = asker.llm.timeout_s
        raise
    finally:
        stop()
        end = time.monotonic() + patience_s
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in threads):
            asker.close()


class _Asker:
    """One question at a time, through journal and server. Threads share it."""

    def __init__(self, client: Client, journal: Journal, llm: LLMSettings) -> None:
        self.client = client
        self.journal = journal
        self.llm = llm
        self._turns = Turns()
        self._new: set[str] = set()

    def close(self) -> None:
        """Drop connections and journal; only when no thread asks any more."""
        self.client.close()
        self.journal.close()

    def outcome(self, question: Question[T], is_fresh: bool) -> Outcome[T]:
        """Ask, check, and send back once."""
        messages = question.messages()
        known_as = [messages]
        paid = 0
        problems: list[str] = []
        for _ in range(2):
            try:
                reply, is_new = self._reply(question, messages, known_as, is_fresh)
            except Unanswered as error:
                return self._failed(question, str(error))
            paid += is_new
            if reason := self._unusable(reply, question):
                return self._failed(question, reason)
            found = read(reply.text, question.reply)
            problems, once_told = found.problems, found.once_told
            if found.value is not None:
                problems = once_told = question.check(found.value)
                if not problems:
                    reply_format = reply.reply_format if found.pure else "text"
                    return Answer(found.value, reply_format, reply.model, paid)
            said = without_thoughts(reply.text)
            # The words in which it is sent back may change; what was paid for is found all the same.
            assistant = {"role": "assistant", "content": reply.text}
            known_as = [[*messages, assistant], sent_back(messages, said, once_told)]
            messages = sent_back(messages, said, problems)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        reason = f"the reply is bad, also after it was sent back: {one_line(problems[0])}{more}"
        return self._failed(question, reason)

    def _failed(self, question: Question[Any], reason: str) -> Failure:
        return Failure(question.about, self.client.server.scrub(reason))

    def _reply(
        self,
        question: Question[Any],
        messages: Sequence[Message],
        known_as: Sequence[Sequence[Message]],
        is_fresh: bool,
    ) -> tuple[Reply, bool]:
        """The reply to a conversation, and whether it came from the server now.

        The journal keeps it as the reply to the first of ``known_as``, and may have it as that to another.
        """
        key, *others = (self._key(question, conversation) for conversation in known_as)
        with self._turns.of(key):  # of equal questions, one is asked, and the others find its reply
            if not is_fresh or key in self._new:
                known = next(filter(None, map(self.journal.find, (key, *others))), None)
                if known is not None:
                    return known, False
            reply = self.client.ask(question, messages)
            self.journal.keep(key, question.about, reply)
            self._new.add(key)
            return reply, True

    def _key(self, question: Question[Any], messages: Sequence[Message]) -> str:
        server, llm = self.client.server, self.llm
        return request_key(
            server.url,
            server.model,
            messages,
            question.schema(),
            question.temperature,
            llm.max_tokens,
            question.draft,
        )

    def _unusable(self, reply: Reply, question: Question[Any]) -> str | None:
        """Why a reply is of no use, whatever its text says; None where its text decides."""
        if reply.refusal:
            return f"the model refused: {one_line(reply.refusal)}"
        if reply.finish == "content_filter":
            return "the server's content filter stopped the reply"
        if reply.finish == "length":
            limit = self.llm.max_tokens
            by = "the server's own limit" if limit is None else f"llm.max_tokens = {limit}"
            broken = read(reply.text, question.reply).broken
            where = f" ({one_line(broken)})" if broken else ""
            return (
                f"the reply was cut off by {by}{where}: raise llm.max_tokens (--max-tokens), or ask for less"
            )
        if not reply.text.strip():
            return f"the reply is empty (the server says it finished with {reply.finish!r})"
        return None
