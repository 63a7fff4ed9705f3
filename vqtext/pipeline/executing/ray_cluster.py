"""A Ray cluster: the one at RAY_ADDRESS, or one on this machine that lives as long as the stage."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from vqtext.errors import UsageError, WorkerError
from vqtext.pipeline.executing.executor import AHEAD, TRIES, Result, Shard, poisoned

_MISSING = "Ray is not installed: `pip install vqtext[ray]`, or choose another --executor"


class RayCluster:
    """Tasks of a Ray cluster. Its machines have this package, and the data at the same paths.

    Args:
        workers: tasks at once; None takes as many as the cluster has cores.

    Raises:
        UsageError: Ray is not installed.
        WorkerError: no cluster answers.
    """

    def __init__(self, workers: int | None) -> None:
        try:
            import ray
        except ModuleNotFoundError:
            raise UsageError(_MISSING) from None
        self._ray = ray
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            address = os.environ.get("RAY_ADDRESS") or None
            check_answers(address)
            own: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
            try:
                ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
            except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                at = f"at RAY_ADDRESS {address} " if address else ""
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
                raise WorkerError(f"no Ray cluster {at}can be used ({reason})") from None
        self.workers = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))

    def map(
        self, function: Callable[[Shard], Result], shards: Iterable[Shard]
    ) -> Generator[Result, None, None]:
        ray = self._ray
        task = ray.remote(_at).options(num_cpus=1, max_retries=TRIES - 1)
        shared, folder = ray.put(function), str(Path.cwd())
        left = iter(shards)
        under_way: deque[tuple[Shard, Any]] = deque()
        try:
            while True:
                for shard in islice(left, AHEAD * self.workers - len(under_way)):
                    under_way.append((shard, task.remote(folder, shared, shard)))
                if not under_way:
                    return
                shard, reference = under_way.popleft()
                try:
                    result = ray.get(reference)
                except ray.exceptions.RayTaskError as error:
                    raise (error.cause or error) from None
                except (
                    ray.exceptions.WorkerCrashedError,
                    ray.exceptions.NodeDiedError,
                    ray.exceptions.OutOfMemoryError,
                ):
                    raise poisoned(shard) from None
                yield result
        finally:
            for _, reference in under_way:
                ray.cancel(reference, force=True)
            if self._is_ours:
                ray.shutdown()


def check_answers(address: str | None) -> None:
    """Ray itself tries for minutes.

    Raises:
        WorkerError: nothing answers at an address of the form ``host:port`` or ``ray://host:port``.
    """
    host, _, port = (address or "").removeprefix("ray://").rpartition(":")
    if not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except (OSError, OverflowError) as error:
        raise WorkerError(
            f"no Ray cluster answers at RAY_ADDRESS {address} ({error}): start one with `ray start "
            "--head`, or take the variable away for one on this machine"
        ) from None


def _at(folder: str, function: Callable[[Shard], Result], shard: Shard) -> Result:
    """Relative paths mean on every machine what they mean where the command was typed."""
    with suppress(OSError):
        os.chdir(folder)
    return function(shard)
