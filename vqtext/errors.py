"""Every error a user can meet. Each message is one line: what was wrong, where, and what to do next."""

from __future__ import annotations

import errno

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_ELSEWHERE = "choose another place with --cache, with a copy of what is in this one"
_WAYS_OUT = {
    errno.ENOSPC: "free some space, and the same command goes on; or choose another place with --cache",
    errno.EDQUOT: "your quota is used up: free some space, and the same command goes on; or choose another "
    "place with --cache",
    errno.EFBIG: "the file system or `ulimit -f` allows no file this large: the same command goes on where "
    "it does",
    errno.EROFS: _ELSEWHERE,
    errno.EACCES: f"{_ELSEWHERE}, or change its permissions",
    errno.EPERM: f"{_ELSEWHERE}, or change its permissions",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EEXIST: "a file stands where a folder should be",
}


class VQTextError(Exception):
    """Base of the package's own errors. The CLI prints the message and exits with ``exit_code``."""

    exit_code = 1


class UsageError(VQTextError):
    """The command or its settings are wrong: exit code 2."""

    exit_code = 2


class ConfigError(UsageError):
    """A setting that does not exist or has a value it cannot have."""


class DataError(VQTextError):
    """Recordings that cannot be read or used."""


class InputError(DataError, ValueError):
    """Arrays that an estimator cannot learn from or say anything of; a ValueError, as scikit-learn has it."""


class WordsError(VQTextError):
    """Sub-actions that are missing, malformed or cannot be used."""


class ArtifactError(VQTextError):
    """An artifact that is missing, stale, damaged, foreign, or of another schema version."""


class UnreadableError(ArtifactError):
    """An artifact that cannot be read now, and may be whole: in use elsewhere, or the system refuses it."""


class EncoderError(VQTextError):
    """A text encoder that cannot be loaded."""


class HubError(VQTextError):
    """A hub that cannot be reached, refuses, or has no such model."""


class LLMError(VQTextError):
    """A language model that cannot be reached, or gives no usable reply."""


class TrainingError(VQTextError):
    """Training that cannot start or go on."""


class WorkerError(VQTextError):
    """A process that works for a stage cannot be had, or dies of what it is given."""


class ShapeError(VQTextError, ValueError):
    """An array of the wrong shape."""


def way_out(error: OSError) -> str:
    """What to do where something cannot be written, as the end of a message; empty where nothing helps."""
    known = _WAYS_OUT.get(error.errno or 0)
    return f"; {known}" if known else ""
