"""Training in several processes: what they tell and what they raise comes back, and none of them stays."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from signal import SIGKILL
from typing import Any

from torch.multiprocessing import ProcessExitedException, ProcessRaisedException

from vqtext.errors import TrainingError
from vqtext.model.keeping import Tell

_RAISED = re.compile(r"^(?:[\w.]+\.)?(\w+): (.*)$")


class Relay:
    """A `Tell` that works across processes: sent to another one, it calls the first one's own.

    Only the process of rank 0 may call it.
    """

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.receiver, self.sender = get_context("spawn").Pipe(duplex=False)
        self.thread = threading.Thread(target=self._listen, daemon=True)

    def __call__(self, *words: Any) -> None:
        self.sender.send(words)

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
def no_process_stays(trainer: Any) -> Iterator[None]:
    """However training ends, its processes end; what one of them raised is raised here.

    Raises:
        TrainingError, RuntimeError: what the process said; the second where the error is not ours.
    """
    try:
        yield
    except ProcessRaisedException as error:
        raised = _RAISED.match(str(error).strip().splitlines()[-1])
        kind, said = raised.groups() if raised else ("", str(error))
        raise TrainingError(said) if kind == TrainingError.__name__ else RuntimeError(said) from error
    except ProcessExitedException as error:
        raise TrainingError(
            f"a process of the training died ({error}): if the system killed it for its memory, lower "
            "train.batch_size or train.devices"
        ) from error
    finally:
        launcher = trainer.strategy.launcher
        if launcher is not None:
            launcher.kill(SIGKILL)
