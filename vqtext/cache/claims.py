"""Who is at work on an artifact: a file beside it, named after the process that made it.

A name is used once: by one process of one machine, which cannot start twice. So any process may remove
the claim of a dead one, however many do so at once, and never removes that of a living one.
"""

from __future__ import annotations

import os
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vqtext.cache.fingerprint import fingerprint

_NAME = re.compile(r"(?P<host>.+)-(?P<place>[0-9a-f]{8})-(?P<pid>[0-9]+)-(?P<start>[0-9a-f]{8}|)")
_LOCKED = b"locked"


@dataclass(frozen=True)
class Claim:
    """A claim that stands beside an artifact.

    Attributes:
        path: its file.
        host, pid: of the process that made it.
        place: where that number means a process: machine and container.
        start: when that process started, as `started` gives it.
        locked: it holds the file lock too, which the system frees when it dies, on whatever host.
        since: when it was made, in seconds since the epoch.
    """

    path: Path
    host: str
    pid: int
    place: str
    start: str
    locked: bool
    since: float

    def is_dead(self, locked: bool) -> bool | None:
        """Whether its process is gone; None where that cannot be known from here.

        Args:
            locked: we hold the file lock that it says it holds.
        """
        is_here = (self.host, self.place) == (_host(), _place())
        if is_here:
            now = started(self.pid)
            if now is None or "" not in (now, self.start):
                return now != self.start
        if locked and self.locked:
            return True
        return False if is_here else None


def claim(target: Path, locked: bool) -> Path:
    """Make the claim of this process.

    Raises:
        FileExistsError: this process has one on the target already.
        OSError: the folder cannot be written.
    """
    pid = os.getpid()
    path = target.with_name(f"{_start_of_name(target)}{_host()}-{_place()}-{pid}-{started(pid) or ''}")
    with path.open("xb", buffering=0) as file:
        try:
            file.write(_LOCKED if locked else b"")
        except OSError:
            path.unlink()
            raise
    return path


def claims(target: Path, locked: bool, own: Path | None = None) -> list[Claim]:
    """The claims of others on the target whose processes are not known to be dead; those of the dead are
    removed.

    Args:
        target: an artifact.
        locked: we hold the file lock.
        own: our claim.
    """
    entries = [_read(path, target) for path in target.parent.iterdir() if path != own]
    alive = []
    for entry in filter(None, entries):
        if entry.is_dead(locked):
            with suppress(OSError):  # of another user, perhaps; it counts for nothing
                entry.path.unlink(missing_ok=True)
        else:
            alive.append(entry)
    return alive


def _read(path: Path, target: Path) -> Claim | None:
    start = _start_of_name(target)
    parts = _NAME.fullmatch(path.name.removeprefix(start))
    if not path.name.startswith(start) or parts is None:
        return None
    try:
        since = path.stat().st_mtime
        locked = path.read_bytes() == _LOCKED
    except FileNotFoundError:  # its process is done
        return None
    except PermissionError:
        locked = False
    return Claim(path, parts["host"], int(parts["pid"]), parts["place"], parts["start"], locked, since)


def _start_of_name(target: Path) -> str:
    return f".{target.name}.lock-"


def _host() -> str:
    return re.sub(r"[^\w.-]", "_", socket.gethostname()) or "_"


def _place() -> str:
    """Machine and container: differs between two of one host name, not for a container that starts anew."""
    names = [_text("/etc/machine-id")]
    for kind in ("pid", "time"):
        with suppress(OSError):
            names.append(os.readlink(f"/proc/self/ns/{kind}"))  # noqa: PTH115  it is no path
    return fingerprint(names)[:8]


def started(pid: int) -> str | None:
    """When a process started, so that a number that was given anew is not taken for it: 8 hex digits, ""
    where the system does not say; None where there is no such process, or only its exit code is left."""
    if os.name == "nt":  # has file locks everywhere, and no harmless signal
        return ""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return None
    except OSError:  # alive, and someone else's
        pass
    state, *numbers = _text(f"/proc/{pid}/stat").rpartition(")")[2].split() or [""]
    if state in ("Z", "X"):
        return None
    return fingerprint(_text("/proc/sys/kernel/random/boot_id"), numbers[18])[:8] if numbers else ""


def _text(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
