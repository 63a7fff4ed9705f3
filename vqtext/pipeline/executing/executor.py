"""The seam between what a stage computes and where that happens.

A stage gives a function of one shard, which depends on nothing else, and takes the results in the order of
the shards. Publishing, resuming and checksums stay with the stage, in its own process, so what it writes is
the same to the byte wherever the function runs.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Protocol, TypeVar

from vqtext.errors import WorkerError

Shard = TypeVar("Shard")
Result = TypeVar("Result")

AHEAD = 2
"""Shards under way for each worker: what bounds the results that wait in memory."""
TRIES = 5
"""Times that one shard may end the process that works on it before the stage gives up."""


class Executor(Protocol):
    """Runs one function on many shards."""

    def map(
        self, function: Callable[[Shard], Result], shards: Iterable[Shard]
    ) -> Generator[Result, None, None]:
        """The results, in the order of the shards. No more than `AHEAD` shards a worker are under way, so
        that memory does not grow with their number. Closing it ends the workers.

        Args:
            function: a function or an object that pickle knows, of nothing but its shard.
            shards: small and plain; messages call one by its ``str``.

        Raises:
            WorkerError: a shard ended its worker `TRIES` times.
            Exception: what the function raises, when it is its shard's turn.
        """
        ...


class Serial:
    """One shard after the other, in this process."""

    def map(
        self, function: Callable[[Shard], Result], shards: Iterable[Shard]
    ) -> Generator[Result, None, None]:
        yield from map(function, shards)


def poisoned(shard: object) -> WorkerError:
    """The error for a shard that ends whatever works on it."""
    return WorkerError(
        f"{shard} ended the process that worked on it {TRIES} times: it may need more memory than there is, "
        "or a library fails on it; `--executor serial` shows what happens. What was done before is kept"
    )
