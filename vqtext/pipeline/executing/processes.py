"""Processes of this machine, by loky, which comes with joblib.

Unlike a fork they inherit no threads and no open HDF5 file, and unlike the standard library's they do not run
the user's own script again to start.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from vqtext.errors import WorkerError
from vqtext.pipeline.executing.executor import AHEAD, TRIES, Result, Shard, poisoned

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass
class _Task:
    shard: Any
    future: Any = None  # once it is given to a worker

    def was_lost(self) -> bool:
        return not self.future or not self.future.done() or self.future.exception() is not None


class Processes:
    """Workers on this machine; one that dies is replaced, and its shard is worked on again."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def map(
        self, function: Callable[[Shard], Result], shards: Iterable[Shard]
    ) -> Generator[Result, None, None]:
        from joblib.externals.loky import BrokenProcessPool

        left, under_way = iter(shards), deque[_Task]()
        suspects = 0  # tasks at the front that a worker died of, perhaps: one at a time, to find out which
        deaths = 0  # of workers that had nothing but the first task
        pool = self._started(self.workers)
        try:
            while True:
                if not suspects:
                    more = AHEAD * self.workers - len(under_way)
                    under_way += [_Task(shard) for shard in islice(left, more)]
                if not under_way:
                    return
                try:
                    for task in islice(under_way, 1 if suspects else None):
                        task.future = task.future or pool.submit(function, task.shard)
                    result = under_way[0].future.result()
                except BrokenProcessPool:
                    deaths += bool(suspects)
                    if deaths == TRIES:
                        raise poisoned(under_way[0].shard) from None
                    _end(pool, under_way)
                    pool = self._started(1)  # the death of another worker would be taken for the task's fault
                    for task in filter(_Task.was_lost, under_way):
                        task.future = None
                    suspects = len(under_way)
                else:
                    under_way.popleft()
                    deaths = 0
                    if suspects:
                        suspects -= 1
                        if not suspects:
                            _end(pool, ())
                            pool = self._started(self.workers)
                    yield result
        finally:
            _end(pool, under_way)

    def _started(self, workers: int) -> Any:
        from joblib.externals.loky import ProcessPoolExecutor

        head = (os.getpid(),)
        try:
            return ProcessPoolExecutor(workers, initializer=_start, initargs=head, env=_ONE_THREAD)
        except (OSError, ImportError, NotImplementedError) as error:  # such as a container without semaphores
            raise WorkerError(
                f"no processes can be started here ({error}): `--executor serial` needs none"
            ) from None


def _end(pool: Any, under_way: Iterable[_Task]) -> None:
    """End the workers: by themselves where all is done, so that they put away what libraries made, else at
    once. A pool that is killed before its queue has all tasks says so with a traceback, and there is room in
    the queue for all of them."""
    latest = time.monotonic() + 5.0
    futures = [task.future for task in under_way if task.future]
    while not all(future.running() or future.done() for future in futures) and time.monotonic() < latest:
        time.sleep(0.005)
    pool.shutdown(kill_workers=bool(futures))


def _start(head: int) -> None:
    """Ctrl-C reaches a whole group of processes: the head answers for all. Where the head was killed, its
    workers go too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(head,), daemon=True).start()


def _leave_with(head: int) -> None:
    while os.getppid() == head:
        time.sleep(1.0)
    os._exit(1)
