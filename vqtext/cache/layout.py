"""How arrays and attributes lie in an HDF5 artifact: chunks, checksums, texts, and writing to a full disk."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vqtext.cache.fingerprint import JSON, canonical
from vqtext.errors import ArtifactError

if TYPE_CHECKING:
    import h5py

_CHUNK_BYTES = 1 << 18
_CHUNK_BYTES_AT_RANDOM = 1 << 14


class Sink(io.FileIO):
    """A file that remembers its first error and swallows what comes after.

    HDF5 cannot live with a write that fails: on a full disk it corrupts its own state and may crash the
    process when the file is closed. So it never hears of the failure, and `check` raises it.
    """

    def __init__(self, path: Path, mode: str) -> None:
        super().__init__(path, "w+" if mode == "w" else mode)
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left and self.error is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.error = error
        return size

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0

    def check(self) -> None:
        if self.error is not None:
            raise self.error


def put(file: h5py.File, name: str, value: JSON) -> None:
    """Store an attribute as JSON, of fixed length, as all texts here: HDF5 keeps texts of variable length in
    a heap without a checksum, and one wrong byte there can send it into an endless loop."""
    file.attrs[name] = np.bytes_(canonical(value))


def as_array(values: np.ndarray | Sequence[str], name: str, longest: int = 1) -> np.ndarray:
    """Numbers as they are, texts as UTF-8 ``(n,)`` of as many bytes as the longest has, or ``longest``.

    Raises:
        ArtifactError: a text cannot be stored.
    """
    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values)
    import h5py

    encoded = []
    for i, text in enumerate(values):
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ArtifactError(f"text {i} of {name!r} cannot be stored: it holds a NUL or half a character")
        encoded.append(text.encode())
    longest = max([longest, *map(len, encoded)])
    return np.array(encoded, dtype=h5py.string_dtype(length=longest))


def storage(array: np.ndarray, grows: bool = False, compress: bool = True) -> dict[str, Any]:
    """Chunks along the first axis, checksummed, and compressed where they are to stay.

    A row is read with its whole chunk. Arrays of rows, as the windows' signals, are read a few rows at
    random: about 16 kB, or one row where it is longer. Plain lists are read whole: about 256 kB.

    Args:
        array: the values; of an array that grows, its first piece.
        grows: whether more rows will follow.
        compress: with gzip, but for half precision.
    """
    if array.size == 0:  # nothing to cut, and HDF5 takes no empty chunk
        return {}
    size = _CHUNK_BYTES_AT_RANDOM if array.ndim > 1 else _CHUNK_BYTES
    rows = max(1, size // (array.nbytes // len(array)))
    # Half precision, as the states of texts: gzip takes 6 % off their size and four times as long to read.
    packed: dict[str, Any] = {}
    if compress and array.dtype != np.float16:
        packed = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    return {
        "chunks": (rows if grows else min(len(array), rows), *array.shape[1:]),
        "maxshape": (None, *array.shape[1:]) if grows else None,
        "fletcher32": True,
        **packed,
    }


class Digest:
    """SHA-256 over the bytes of an array, which may come in pieces, and over its type and shape."""

    def __init__(self) -> None:
        self._bytes = hashlib.sha256()
        self._rows = 0
        self._rest = ""

    def update(self, array: np.ndarray) -> None:
        """Rows of the array ``(n, …)``, after those that came before; all of one type and width."""
        self._rows += len(array)
        self._rest = f"{array.dtype.str}{array.shape[1:]}"
        if array.size:
            self._bytes.update(array.reshape(-1).view(np.uint8).data)

    def hexdigest(self) -> str:
        whole = self._bytes.copy()
        whole.update(f"{self._rows} rows of {self._rest}".encode())
        return whole.hexdigest()
