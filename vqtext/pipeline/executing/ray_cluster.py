"""A Ray cluster: the one at RAY_ADDRESS, or one on this machine that lives as long as the stage."""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from vqtext.errors import UsageError, WorkerError
from vqtext.pipeline.executing.executor import AHEAD, TRIES, Result, Shard, poisoned

_MISSING = "Ray is not installed: `pip install vqtext[ray]`, or choose another --executor"


class RayCluster:
    """Tasks of a Ray cluster. Its machines have this package, and the data at the same paths.

    Args:
        workers: cores of a cluster on this machine; of another, half of the tasks it is given at once. None
            takes all cores.

    Raises:
        UsageError: Ray is not installed.
        WorkerError: no cluster answers.
    """

    def __init__(self, workers: int | None) -> None:
        if find_spec("ray") is None:
            raise UsageError(_MISSING)
        self.workers = workers
        check_answers(os.environ.get("RAY_ADDRESS"))

    def map(
        self, function: Callable[[Shard], Result], shards: Iterable[Shard]
    ) -> Generator[Result, None, None]:
        import ray

        is_ours = not ray.is_initialized()
        if is_ours:
            _start(self.workers)
        ahead = AHEAD * (self.workers or max(1, int(ray.cluster_resources().get("CPU", 1))))
        task = ray.remote(_at).options(num_cpus=1, max_retries=TRIES - 1)
        shared, folder = ray.put(function), str(Path.cwd())
        left = iter(shards)
        under_way: deque[tuple[Shard, Any]] = deque()
        try:
            while True:
                for shard in islice(left, ahead - len(under_way)):
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
            if is_ours:
                ray.shutdown()


def _start(workers: int | None) -> None:
    import ray

    address = os.environ.get("RAY_ADDRESS") or None
    own: dict[str, Any] = {} if address else {"num_cpus": workers, "include_dashboard": False}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR", **own)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        at = f"at RAY_ADDRESS {address} " if address else ""
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WorkerError(f"no Ray cluster {at}can be used ({reason})") from None


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
