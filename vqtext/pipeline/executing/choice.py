"""Which executor the settings mean."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable
from multiprocessing import current_process

from vqtext.pipeline.executing.executor import Executor, Result, Serial, Shard
from vqtext.pipeline.executing.processes import Processes
from vqtext.settings.schema import Settings

HEAD_START_S = 2.0
"""Seconds of computing after which workers are worth what their start costs."""


class Auto:
    """This process first; processes of this machine take over what is left after `HEAD_START_S` of computing.

    Starting a worker costs most of a second, which small data never earn back.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(
        self, function: Callable[[Shard], Result], shards: Iterable[Shard]
    ) -> Generator[Result, None, None]:
        left, start = iter(shards), time.process_time()
        for shard in left:
            yield function(shard)
            if time.process_time() - start > HEAD_START_S:
                yield from Processes(self.workers).map(function, left)


def choose(settings: Settings) -> Executor:
    """The executor that the settings mean.

    Raises:
        UsageError: it is Ray, which is not installed.
        WorkerError: there is no cluster at RAY_ADDRESS.
    """
    workers = settings.workers or cores()
    if settings.executor == "ray":
        from vqtext.pipeline.executing.ray_cluster import RayCluster

        return RayCluster(settings.workers)
    if settings.executor == "processes":
        return Processes(workers)
    alone = workers == 1 or current_process().daemon  # of those that may start no process
    return Serial() if settings.executor == "serial" or alone else Auto(workers)


class OneThread:
    """Another executor; what torch computes in this process it computes in one thread, as workers do: sums of
    several threads differ in their last digits."""

    def __init__(self, executor: Executor) -> None:
        self.executor = executor

    def map(
        self, function: Callable[[Shard], Result], shards: Iterable[Shard]
    ) -> Generator[Result, None, None]:
        import torch

        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield from self.executor.map(function, shards)
        finally:
            torch.set_num_threads(threads)


def choose_for_torch(settings: Settings) -> Executor:
    """As `choose`, for what torch computes. It has all cores of this machine at work already, so an executor
    must be asked for; all that may be give the same to the byte."""
    return OneThread(choose(settings)) if settings.executor or settings.workers else Serial()


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
