"""Asking many questions: several at once, each reply journaled, checked, and sent back once where bad."""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeAlias

from vqtext.console.progress import Progress
from vqtext.errors import VQTextError
from vqtext.pipeline.llm.client import Client
from vqtext.pipeline.llm.errors import Unanswered, one_line
from vqtext.pipeline.llm.estimate import Estimate, estimate
from vqtext.pipeline.llm.journal import Journal, Reply, request_key
from vqtext.pipeline.llm.key_locks import KeyLocks
from vqtext.pipeline.llm.question import Answer, Failure, Message, Question, T, sent_back
from vqtext.pipeline.llm.replies import read, without_thoughts
from vqtext.pipeline.llm.server import find_server
from vqtext.settings.schema import LLMSettings

__all__ = ["Asking", "Estimate", "ask_all", "estimate"]

Outcome: TypeAlias = Answer[T] | Failure


def ask_all(
    questions: Sequence[Question[T]],
    llm: LLMSettings,
    journal: Path,
    progress: Progress,
    refresh: Collection[int] = (),
) -> list[Answer[T] | Failure]:
    """Ask all questions, ``llm.concurrency`` at once: `Asking.ask` of one set."""
    with Asking(llm, journal, progress) as asking:
        return asking.ask(questions, refresh)


class Asking:
    """Asks sets of questions, one set after the other, over the same connections.

    The threads are daemons, unlike an executor's: Ctrl-C ends the program at once, not when the last server
    has replied. After an error they finish what they have sent, so that it is journaled, and send no more.

    Args:
        llm: the server, its model, and how patient to be.
        journal: where the replies are kept, ``<cache>/journal.sqlite``.
        progress: shows the server, the model and how far it is.

    Raises:
        LLMError: there is no model set, or the address is none.
    """

    def __init__(self, llm: LLMSettings, journal: Path, progress: Progress) -> None:
        self._server = find_server(llm)
        self._llm, self._journal, self._progress = llm, journal, progress
        self._asker: _Asker | None = None
        self._threads: list[threading.Thread] = []
        self._patience_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._asker is None:
            return
        self._asker.client.stop()
        is_waiting = kind is None or issubclass(kind, VQTextError)  # Ctrl-C does not wait
        end = time.monotonic() + (self._patience_s if is_waiting else 0.0)
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        if not any(thread.is_alive() for thread in self._threads):
            self._asker.close()

    def ask(self, questions: Sequence[Question[T]], refresh: Collection[int] = ()) -> list[Outcome[T]]:
        """Ask a set of questions, ``llm.concurrency`` at once.

        A reply that is in the journal is not asked for again, usable or not. A bad one is sent back once,
        with the reasons; so is a weak one, which is then taken all the same.

        Args:
            questions: what is asked.
            refresh: positions of questions that are asked anew; what the journal holds for them is replaced.

        Returns:
            What came of each question, in their order.

        Raises:
            LLMError: what no other question can survive either: a wrong key, a wrong model name, no server,
                no quota left. Replies that were under way are in the journal.
            ArtifactError: the journal cannot be used.
        """
        if not questions:
            return []
        if self._asker is None:
            self._progress.say(f"asking {self._server.model} at {self._server.url}")
            self._asker = _Asker(Client(self._server, self._llm), Journal(self._journal), self._llm)
        waits = map(self._asker.client.wait_s, questions)
        self._patience_s = max(self._patience_s, *waits)
        arriving = self._at_once(self._asker, questions, frozenset(refresh))
        outcomes = dict(self._progress.track(arriving, total=len(questions), text="asking"))
        return [outcomes[place] for place in range(len(questions))]

    def _at_once(
        self, asker: _Asker, questions: Sequence[Question[T]], refresh: frozenset[int]
    ) -> Iterator[tuple[int, Outcome[T]]]:
        """Outcomes with their places, as they come."""
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
                    waiting.clear()
                    asker.client.stop()
                    done.put((place, error))

        count = min(asker.llm.concurrency, len(questions))
        threads = [threading.Thread(target=work, daemon=True) for _ in range(count)]
        self._threads += threads
        for thread in threads:
            thread.start()
        try:
            for _ in questions:
                place, outcome = done.get()
                if isinstance(outcome, BaseException):
                    raise outcome
                yield place, outcome
        finally:
            waiting.clear()


class _Asker:
    """One question at a time, through journal and server. Threads share it."""

    def __init__(self, client: Client, journal: Journal, llm: LLMSettings) -> None:
        self.client = client
        self.journal = journal
        self.llm = llm
        self._locks = KeyLocks()
        self._new: set[str] = set()

    def close(self) -> None:
        """Drop connections and journal; only when no thread is asking any more."""
        self.client.close()
        self.journal.close()

    def outcome(self, question: Question[T], is_fresh: bool) -> Outcome[T]:
        """Ask, check, and send back once. A usable reply with weaknesses stands unless a better one comes."""
        messages, known = question.messages(), question.messages(with_hint=False)
        paid = 0
        usable: Answer[T] | None = None
        problems: list[str] = []
        for _ in range(2):
            try:
                reply, is_new = self._reply(question, messages, known, is_fresh)
            except Unanswered as error:
                return usable or self._failed(question, str(error))
            paid += is_new
            if reason := self._unusable(reply, question):
                return replace(usable, paid=paid) if usable else self._failed(question, reason)
            found = read(reply.text, question.reply)
            problems = found.problems
            if found.value is not None:
                problems = question.check(found.value)
                weak = question.weaknesses(found.value)
                if not problems:
                    reply_format = reply.reply_format if found.pure else "text"
                    answer = Answer(found.value, reply_format, reply.model, paid, tuple(weak))
                    if not weak:
                        return answer
                    if usable is None or len(weak) <= len(usable.weaknesses):
                        usable = answer
                problems = [*problems, *weak]
            content = without_thoughts(reply.text)
            # The words in which it is sent back may change; what was paid for is found all the same.
            known = [*known, {"role": "assistant", "content": reply.text}]
            messages = sent_back(messages, content, problems, usable is not None)
        if usable is not None:
            return replace(usable, paid=paid)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        reason = f"the reply is bad, also after it was sent back: {one_line(problems[0])}{more}"
        return self._failed(question, reason)

    def _failed(self, question: Question[Any], reason: str) -> Failure:
        return Failure(question.about, self.client.server.scrub(reason))

    def _reply(
        self,
        question: Question[Any],
        messages: Sequence[Message],
        known_as: Sequence[Message],
        is_fresh: bool,
    ) -> tuple[Reply, bool]:
        """The reply to a conversation, and whether it came from the server now. The journal keeps it as the
        reply to ``known_as``."""
        key = self._key(question, known_as)
        with self._locks.of(key):  # of equal questions, one is asked, and the others find its reply
            if not is_fresh or key in self._new:
                known = self.journal.find(key)
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
