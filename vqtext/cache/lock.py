"""One writer at a time: a lock beside each artifact."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vqtext.cache.publish import cannot_write
from vqtext.errors import ArtifactError


@contextmanager
def lock(target: Path) -> Iterator[None]:
    """Hold the lock of ``target``: the file ``.NAME.lock`` beside it, which stays, with the holder's number.

    The system frees the lock of a process that dies. Nobody waits: the work of the other would be done twice.

    Raises:
        ArtifactError: another process holds it (named by its number), or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    path = target.with_name(f".{target.name}.lock")
    held = FileLock(path, timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held.acquire()
    except Timeout:
        raise ArtifactError(
            f"{target} is being made by another process ({_holder(path)}): wait for it, or stop it"
        ) from None
    except OSError as error:
        raise cannot_write(target, error) from error
    try:
        path.write_text(f"{os.getpid()}\n")
        yield
    finally:
        held.release()


def _holder(path: Path) -> str:
    number = path.read_text(errors="replace").strip()
    return f"pid {number}" if number.isdecimal() else "it does not say which"
