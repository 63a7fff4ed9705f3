"""Fingerprints: short names for contents, equal where the contents are equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from vqtext.cache.reading import cannot_read
from vqtext.errors import ArtifactError

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
"""What may stand in an attribute, a recipe or a summary."""

_DIGITS = 16


def canonical(value: JSON) -> str:
    """The one JSON text of ``value``: sorted keys, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def fingerprint(*parts: JSON) -> str:
    """16 hex digits of the SHA-256 of the parts. The order of keys does not matter, that of parts does."""
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:_DIGITS]


def bytes_fingerprint(content: bytes) -> str:
    """As `file_fingerprint`, of what is not yet a file."""
    return hashlib.sha256(content).hexdigest()[:_DIGITS]


def file_fingerprint(path: Path | str) -> str:
    """16 hex digits of the SHA-256 of the bytes of a file.

    Raises:
        ArtifactError: the file is missing.
        UnreadableError: it cannot be read now.
    """
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]
    except FileNotFoundError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from error
    except OSError as error:
        raise cannot_read(Path(path), error) from error
