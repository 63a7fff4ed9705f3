"""Every error a user can meet. Each message is one line: what was wrong, where, and what to do next."""

from __future__ import annotations


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


class WordsError(VQTextError):
    """Sub-actions that are missing, malformed or cannot be used."""


class ArtifactError(VQTextError):
    """An artifact that is missing, stale, damaged, foreign, or of another schema version."""


class UnreadableError(ArtifactError):
    """An artifact that cannot be read now, and may be whole: in use elsewhere, or the system refuses it."""


class EncoderError(VQTextError):
    """A text encoder that cannot be loaded."""


class LLMError(VQTextError):
    """A language model that cannot be reached, or gives no usable reply."""


class TrainingError(VQTextError):
    """Training that cannot start or go on."""


class ShapeError(VQTextError, ValueError):
    """An array of the wrong shape."""
