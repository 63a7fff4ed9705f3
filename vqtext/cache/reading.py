"""Opening HDF5 files, and telling one that cannot be read now from one that is damaged."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from vqtext.errors import UnreadableError

if TYPE_CHECKING:
    import h5py

_WRITTEN = "close it there, then go on; nothing says that it is damaged"
_WAYS_OUT = {
    errno.EACCES: "its owner can let you read it (chmod a+r)",
    errno.EPERM: "its owner can let you read it (chmod a+r)",
    errno.EAGAIN: f"another program has it open for writing (a notebook?): {_WRITTEN}",
    errno.ENOLCK: "set HDF5_USE_FILE_LOCKING=FALSE, as its file system has no locks",
    errno.ENOSYS: "set HDF5_USE_FILE_LOCKING=FALSE, as its file system has no locks",
    errno.ESTALE: "its file system lost it for a moment: try again, or mount it anew",
    errno.EIO: "the disk or the network failed: try again before you give it up",
    errno.EMFILE: "too many files are open: close some, or raise `ulimit -n`",
    errno.ENFILE: "too many files are open: close some",
}
_OPEN = "already open for"  # HDF5's words for the mark that a program leaves in a file which it may write to


def open_h5(path: Path) -> h5py.File | None:
    """Open an HDF5 file for reading; None where it is cut off, or is none.

    An artifact is never changed in place: a new one takes its name. So reading needs no lock, which some file
    systems do not know, and which would keep others from the file. Who opens it for writing all the same
    marks it, and HDF5 opens no marked file, locks or not.

    Raises:
        FileNotFoundError: there is none.
        UnreadableError: it may be whole, but cannot be read now; says why, and the way out.
    """
    import h5py

    try:
        return h5py.File(path, "r", locking=False)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        if error.errno:
            raise cannot_read(path, error) from None
        is_marked = _OPEN in str(error)
    with path.open("rb") as seen:
        if is_held(seen):
            raise UnreadableError(f"{path} is open for writing in another program (a notebook?): {_WRITTEN}")
    if not is_marked:
        return None
    raise UnreadableError(
        f"{path} is marked as open for writing, by a program that was stopped or still runs (a notebook?); "
        "it need not be made again: close that program where it still runs, then take the mark off with "
        f"HDF5's own `h5clear -s {path}`, and `vqtext status --verify` checks every byte"
    )


def cannot_read(path: Path, error: OSError) -> UnreadableError:
    """The error for what the system does not let us read, which says nothing about what is in it."""
    code = error.errno or 0
    way_out = _WAYS_OUT.get(code)
    reason = os.strerror(code) if code else str(error)
    return UnreadableError(f"{path} cannot be read: {reason}" + (f"; {way_out}" if way_out else ""))


def is_held(file: IO[bytes]) -> bool:
    """Whether a program holds HDF5's own lock for writing; never where the file system has no locks."""
    try:
        import fcntl
    except ImportError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False
