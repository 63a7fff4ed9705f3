"""How the command ends: by an exit code, and never by a traceback for what a user can meet.

0 done, 1 failed, 2 wrong use, 130 Ctrl-C; 128 and the signal's number where one ended it: 143 SIGTERM, and
138 SIGUSR1, 140 SIGUSR2, 152 SIGXCPU (on Linux), by which SLURM and other clusters say that a job's time is
nearly over. After each of these the same command goes on with what is there; the cluster's own options make a
job come back by itself.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from vqtext.console.text import printable
from vqtext.errors import NO_ROOM, VQTextError, way_out

_CTRL_C = 130
SIGNALS = ("SIGTERM", "SIGUSR1", "SIGUSR2", "SIGXCPU")
_WHOLE = "what was made before is whole"


class _Stopped(BaseException):
    """A signal. Not an Exception, so that nothing on the way takes it for a failure."""

    def __init__(self, number: int) -> None:
        name = signal.Signals(number).name
        super().__init__(
            f"terminated; {_WHOLE}"
            if number == signal.SIGTERM
            else f"stopped by {name}; {_WHOLE}, and the same command goes on"
        )
        self.exit_code = 128 + number


def run_guarded(command: Callable[[], object]) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    _handle(_stopping(os.getpid()))
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an arrow on a terminal that knows only ASCII
    sys.exit(_guarded(command))


def _guarded(command: Callable[[], object]) -> int:
    """Run the command; every error a user can meet becomes one line on stderr and an exit code."""
    try:
        command()
    except SystemExit as end:  # typer ends so, after Ctrl-C too
        if end.code == _CTRL_C:
            return _fail(f"interrupted; {_WHOLE}", _CTRL_C)
        return end.code if isinstance(end.code, int) else 0
    except _Stopped as stop:
        _handle(signal.SIG_IGN)  # clusters send more than one
        return _fail(str(stop), stop.exit_code)
    except VQTextError as error:
        return _fail(f"error: {error}", error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        out = way_out(error) if error.errno in NO_ROOM else ""  # others may be of what was read
        return _fail(f"error: {where}{error.strerror or error}{out}", 1)
    return 0


def _handle(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Set the handler of the signals, but for those that the parent process has us ignore."""
    for name in SIGNALS:
        number = getattr(signal, name, None)  # Windows has the first alone
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _stopping(process: int) -> Callable[[int, FrameType | None], None]:
    """What a signal does to this process. Of those that it forked, as those that read batches, only SIGTERM
    ends one: a cluster's warning goes to all of them, and this one ends the others."""

    def stop(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGTERM or os.getpid() == process:
            raise _Stopped(number)

    return stop


def _fail(message: str, code: int) -> int:
    print(printable(message), file=sys.stderr, flush=True)
    return code
