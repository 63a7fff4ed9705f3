"""Training in several processes: progress and errors come back, and no process stays."""

from __future__ import annotations

import logging
import os
import re
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import active_children, get_context, resource_tracker
from pathlib import Path
from typing import Any

from torch import multiprocessing
from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

from vqtext.errors import TrainingError
from vqtext.model.training.checkpoint import Tell
from vqtext.model.training.lightning_alone import lightning

_RAISED = re.compile(r"^(?:[\w.]+\.)?(\w+): (?:\[Errno (\d+)\] )?(.*)$")

_SIGNALS = [getattr(signal, x) for x in ("SIGUSR1", "SIGUSR2", "SIGXCPU") if hasattr(signal, x)]
_print_failed = threading.excepthook


def quiet() -> None:
    """Lightning's tips and hints are for developers of training loops."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    logging.getLogger("torch.multiprocessing.spawn").setLevel(logging.ERROR)  # which processes it ends
    warnings.filterwarnings("ignore", module="lightning.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
    warnings.filterwarnings("ignore", message=".*resuming from a checkpoint that ended before.*")  # we can
    threading.excepthook = _print_others


def _print_others(failed: threading.ExceptHookArgs) -> None:
    """Print the error of a thread, unless it is TensorBoard's writer, whose next caller gets the error."""
    if type(failed.thread).__name__ != "_AsyncWriterThread":
        _print_failed(failed)


class InProcesses(lightning.pytorch.strategies.DDPStrategy):
    """Lightning's, as quiet in each process as in the first.

    Signals of a cluster (`vqtext.console.exit_codes`) go to all processes of a job; only the first handles
    them, and ends the others.
    """

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A process begins here, before Lightning looks for ``srun`` and warns."""
        quiet()
        self.__dict__.update(state)

    def setup_environment(self) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        os.environ.pop("TORCHELASTIC_USE_AGENT_STORE", None)  # our processes do not meet where torchrun's do
        super().setup_environment()


class Relay:
    """A `Tell` across processes: sent to another process, it calls that of the first one.

    Only the process of rank 0 may call it.
    """

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.receiver, self.sender = get_context("spawn").Pipe(duplex=False)
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __call__(self, *progress: Any) -> None:
        self.sender.send(progress)

    def __enter__(self) -> Relay:
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.sender.close()
        self.thread.join(timeout=5)

    def __getstate__(self) -> dict[str, Any]:
        return {"sender": self.sender}

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                self.tell(*self.receiver.recv())


@contextmanager
def no_process_stays() -> Iterator[None]:
    """However training ends, its processes end, even half of them started; what one raised is raised here.

    Raises:
        TrainingError, OSError, RuntimeError: the error of the process; the last where it is not ours.
    """
    before = _spawned()
    sharing = multiprocessing.get_sharing_strategy()
    # by names: of file descriptors none may be sent twice, and tensors that are sent may be views of one
    multiprocessing.set_sharing_strategy("file_system")
    try:
        yield
    except ProcessRaisedException as error:
        raised = _RAISED.match(str(error).strip().splitlines()[-1])
        kind, number, message = raised.groups() if raised else ("", None, str(error))
        if number:
            raise OSError(int(number), message) from error
        raise TrainingError(message) if kind == TrainingError.__name__ else RuntimeError(message) from error
    except ProcessExitedException as error:
        raise TrainingError(
            f"a process of the training died ({error}): if the system killed it for its memory, lower "
            "train.batch_size or train.devices"
        ) from error
    finally:
        multiprocessing.set_sharing_strategy(sharing)
        for process in _spawned() - before:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _spawned() -> set[int]:
    """Ids of the processes that this one has started. Python lists one only seconds after its start, once it
    has sent it its work."""
    pids = {process.pid for process in active_children() if process.pid is not None}
    with suppress(OSError):
        for children in Path("/proc/self/task").glob("*/children"):  # none but on Linux
            numbers = map(int, children.read_text().split())
            pids |= {x for x in numbers if b"spawn_main" in Path(f"/proc/{x}/cmdline").read_bytes()}
    return pids


def start_tracker() -> None:
    """Start Python's resource tracker with a cluster's signals blocked: if one ended it, the next tracker
    would report that."""
    if _SIGNALS:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            resource_tracker.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
