"""One writer at a time, also where the file system has no locks.

Where it has them, the file ``.NAME.lock`` is locked, and the system frees it when its holder dies. Some do
not (Lustre without ``-o flock``, NFS without its lock daemon), or not on every machine that shares them. So
a holder makes a claim too (`vqtext.cache.claims`), and goes on only if it then finds no claim but its own.
Of two that start at once at least one sees the other, and one of them gives way. Only the dead lose their
claims, so nothing is taken twice.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from vqtext.cache.claims import Claim, claim, claims
from vqtext.cache.publish import cannot_write
from vqtext.errors import ArtifactError

if TYPE_CHECKING:
    from filelock import FileLock

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
_PATIENCE_S = 0.3  # for one that started with us, finds our claim and gives way
_LOOK_S = 0.02


class HeldError(ArtifactError):
    """Another process is at work on the artifact."""


@contextmanager
def lock(target: Path | str, wait_s: float = 0, doing: str = "is being made by") -> Iterator[None]:
    """Hold the lock of ``target``.

    Args:
        target: an artifact, or any other file that one process at a time may write.
        wait_s: seconds to wait for another that holds it. An artifact is not waited for: the work of the
            other would be done twice.
        doing: what the other process does with it, for the message.

    Raises:
        HeldError: another process holds it, or may hold it: the message names it, and the way out.
        ArtifactError: the folder cannot be written.
    """
    from filelock import FileLock

    target = Path(target)
    path = target.with_name(f".{target.name}.lock")
    # Its own stand-in, where there are no locks, cannot clear away a dead holder's mark on NFS and Lustre.
    system = FileLock(path, timeout=0, fallback_to_soft=False)
    until = time.monotonic() + wait_s
    own = None
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            while own is None:
                try:
                    own = _take(target, system, doing)
                except HeldError:
                    system.release()
                    if time.monotonic() >= until:
                        raise
                    time.sleep(_LOOK_S)
        except OSError as error:
            raise cannot_write(target, error) from error
        yield
    finally:
        if own is not None:
            with suppress(OSError):  # it counts for nothing once we are gone
                own.unlink()
        system.release()


def _take(target: Path, system: FileLock, doing: str) -> Path:
    """Take the lock; returns our claim."""
    from filelock import Timeout

    try:
        system.acquire()
    except Timeout:
        raise _held(target, claims(target, False), doing, is_alive=True) from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
    locked = system.is_locked
    claims(target, locked)  # for what it removes
    try:
        own = claim(target, locked)
    except FileExistsError:
        raise _held(target, claims(target, locked), doing) from None
    try:
        until = time.monotonic() + _PATIENCE_S
        while others := claims(target, locked, own):
            gives_way = any((not entry.locked, entry.path) < (not locked, own) for entry in others)
            if gives_way or time.monotonic() > until:
                raise _held(target, others, doing)
            time.sleep(_LOOK_S)
    except BaseException:
        own.unlink(missing_ok=True)
        raise
    return own


def _held(target: Path, holders: Sequence[Claim], doing: str, is_alive: bool = False) -> HeldError:
    """The error that names the holder: one that surely lives, the first that came."""
    if not holders:
        who, dead = " (it does not say which)", None
    else:
        first = min(holders, key=lambda entry: (entry.is_dead(False) is None, entry.since))
        since = datetime.fromtimestamp(first.since).astimezone().strftime("%Y-%m-%d %H:%M:%S")
        who = f" (pid {first.pid}) on {first.host} since {since}"
        dead = first.is_dead(False)
    message = f"{target} {doing} another process{who}: wait for it, or stop it"
    if holders and dead is None and not is_alive:
        message += (
            f"; whether it still runs cannot be seen from here: if it surely does not, delete {first.path}"
        )
    return HeldError(message)
