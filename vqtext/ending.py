"""How the command ends: by an exit code, and never by a traceback for what a user can meet.

0 done, 1 failed, 2 wrong use, 130 Ctrl-C, 143 terminated.
"""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from vqtext.errors import VQTextError
from vqtext.pipeline.lines import printable

_CTRL_C, _SIGTERM = 130, 143


class _Terminated(BaseException):
    """SIGTERM. Not an Exception, so that nothing on the way takes it for a failure."""


def run_guarded(command: Callable[[], object]) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    signal.signal(signal.SIGTERM, _terminate)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an arrow on a terminal that knows only ASCII
    sys.exit(_guarded(command))


def _guarded(command: Callable[[], object]) -> int:
    """Run the command; every error a user can meet becomes one line on stderr and an exit code."""
    try:
        command()
    except SystemExit as end:  # typer ends so, after Ctrl-C too
        if end.code == _CTRL_C:
            return _fail("interrupted; what was made before is whole", _CTRL_C)
        return end.code if isinstance(end.code, int) else 0
    except _Terminated:
        return _fail("terminated; what was made before is whole", _SIGTERM)
    except VQTextError as error:
        return _fail(f"error: {error}", error.exit_code)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"error: {where}{error.strerror or error}", 1)
    return 0


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise _Terminated


def _fail(message: str, code: int) -> int:
    print(printable(message), file=sys.stderr, flush=True)
    return code
