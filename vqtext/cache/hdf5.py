"""HDF5 artifacts: self-describing, checksummed, compressed, no pickle.

Arrays are chunked along their first axis (gzip, shuffle, fletcher32). Attributes are JSON texts. Every file
says its kind, schema version, package version, time, recipe and content. ``content`` is the SHA-256 over the
digests of all arrays and over the attributes; opening recomputes it from the stored digests, reading checks
each chunk, so that a damaged byte is an error and never a wrong number.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

import vqtext
from vqtext.cache.fingerprint import JSON, canonical, fingerprint
from vqtext.errors import ArtifactError

if TYPE_CHECKING:
    import h5py

SCHEMA = 1
"""Raised when the layout of the files changes in a way that older code cannot read."""

_OWN = ("vqtext_kind", "vqtext_schema", "vqtext_version", "created", "recipe", "content", "provenance")
_MAKERS = {"windows": "prepare", "descriptions": "describe", "texts": "embed", "anchors": "dedup"}
_CHUNK_BYTES = 1 << 18
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)  # what h5py raises on a broken file


def write(
    path: Path,
    kind: str,
    arrays: Mapping[str, np.ndarray | Sequence[str]],
    attrs: Mapping[str, JSON],
    recipe: str,
) -> str:
    """Write an artifact at exactly ``path``; the caller publishes it.

    Args:
        path: a file that does not matter yet, such as `vqtext.cache.publish.publish` yields.
        kind: what the file holds, such as "texts"; `open_artifact` asks for it.
        arrays: by name, which may be nested ("anchor/vector"); a sequence of str is stored as UTF-8 texts.
        attrs: plain data by name.
        recipe: fingerprint of what the artifact was made from.

    Returns:
        The content: 16 hex digits, equal for equal arrays and attributes.

    Raises:
        ArtifactError: a text cannot be stored.
        OSError: the disk is full or read-only; `publish` makes it one line.
    """
    import h5py

    if taken := attrs.keys() & set(_OWN):
        raise ValueError(f"attributes {taken} are the store's own")
    digests: dict[str, str] = {}
    with _Sink(path, "w") as sink, h5py.File(sink, "w", libver=("v110", "v110")) as file:
        for name, values in arrays.items():
            array = _as_array(values, name)
            digests[name] = _digest(array)
            dataset = file.create_dataset(name, data=array, **_storage(array))
            dataset.attrs["sha256"] = np.bytes_(digests[name])
            sink.check()
        content = _content(digests, attrs)
        own: dict[str, JSON] = {
            "vqtext_kind": kind,
            "vqtext_schema": SCHEMA,
            "vqtext_version": vqtext.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "recipe": recipe,
            "content": content,
        }
        for name, value in (dict(attrs) | own).items():
            _put(file, name, value)
    sink.check()
    return content


def stamp(path: Path, provenance: Mapping[str, JSON]) -> None:
    """Write down what an artifact was made from; its "recipe" replaces the one it was written with.

    Raises:
        OSError: the disk is full or read-only; `publish` makes it one line.
    """
    import h5py

    with _Sink(path, "r+") as sink, h5py.File(sink, "r+", libver=("v110", "v110")) as file:
        _put(file, "recipe", provenance["recipe"])
        _put(file, "provenance", provenance)
    sink.check()


def open_artifact(path: Path, kind: str) -> Artifact:
    """Open an artifact for reading; a context manager.

    Raises:
        ArtifactError: it is missing, truncated, foreign, damaged, of another kind or schema version. The
            message names the file and the way out.
    """
    import h5py

    maker = _MAKERS.get(kind)
    again = f"make it again with `vqtext {maker} --force`" if maker else "make it again"
    if not path.exists():
        raise ArtifactError(f"{path} is missing: " + (f"run `vqtext {maker}`" if maker else "make it first"))
    try:
        file = h5py.File(path, "r", locking=False)  # never changed in place, so a reader needs no lock
    except OSError as error:
        if error.errno:
            raise ArtifactError(f"{path} cannot be read: {os.strerror(error.errno)}") from None
        raise ArtifactError(f"{path} is no HDF5 file, or is cut off: {again}") from None
    try:
        return Artifact(path, file, kind, again)
    except BaseException:
        file.close()
        raise


class Artifact:
    """An open artifact. Reading an array that is damaged raises ArtifactError.

    Attributes:
        attrs: the attributes it was written with.
        content: fingerprint of its arrays and attributes.
        recipe: fingerprint of what it was made from.
        created: when, ISO 8601, UTC.
        provenance: what it was made from, as `stamp` wrote it down; None where nothing was.
    """

    def __init__(self, path: Path, file: h5py.File, kind: str, again: str) -> None:
        self.path = path
        self._file = file
        self._again = again
        with self._reading("header"):
            if "vqtext_kind" not in file.attrs:
                raise ArtifactError(f"{path} is not one of vqtext's files: move it away, then {again}")
            attrs = {name: json.loads(value) for name, value in file.attrs.items()}
            own = {name: attrs.pop(name, None) for name in _OWN}
            if own["vqtext_schema"] != SCHEMA:
                raise ArtifactError(
                    f"{path} has schema version {own['vqtext_schema']}, this vqtext "
                    f"({vqtext.__version__}) reads {SCHEMA}: {again}"
                )
            if own["vqtext_kind"] != kind:
                raise ArtifactError(f"{path} holds {own['vqtext_kind']}, not {kind}: {again}")
            self.attrs: dict[str, Any] = attrs
            self.content: str = own["content"]
            self.recipe: str = own["recipe"]
            self.created: str = own["created"]
            self.provenance: dict[str, Any] | None = own["provenance"]
            self._digests = _stored_digests(file)
            if _content(self._digests, self.attrs) != self.content:
                raise ValueError("contents differ from their fingerprint")

    def names(self) -> list[str]:
        """The names of all arrays."""
        return list(self._digests)

    def __getitem__(self, name: str) -> Any:
        """The whole array, as ndarray; texts as list[str]."""
        with self._reading(name):
            dataset = self._dataset(name)
            if dataset.dtype.kind == "S":
                return [text.decode() for text in dataset[()]]
            return dataset[()]

    def rows(self, name: str, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows along the first axis, in the order of ``indices``, which may repeat. Reads only those rows."""
        wanted, place = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        with self._reading(name):
            dataset = self._dataset(name)
            if len(wanted) and not 0 <= wanted[0] <= wanted[-1] < len(dataset):
                raise IndexError(f"{name} has {len(dataset)} rows, asked for {wanted[0]} to {wanted[-1]}")
            return dataset[wanted][place]

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Artifact:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self._digests:
            raise ArtifactError(f"{self.path} has no array {name!r}: {self._again}")
        return self._file[name]

    @contextmanager
    def _reading(self, part: str) -> Iterator[None]:
        """Whatever h5py says of a damaged part, with addresses and times, becomes one line."""
        try:
            yield
        except _DAMAGE:
            raise ArtifactError(f"{self.path} is damaged ({part}): {self._again}") from None


class _Sink(io.FileIO):
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


def _put(file: h5py.File, name: str, value: JSON) -> None:
    """Store an attribute as JSON, of fixed length, as all texts here: HDF5 keeps texts of variable length in
    a heap without a checksum, and one wrong byte there can send it into an endless loop."""
    file.attrs[name] = np.bytes_(canonical(value))


def _as_array(values: np.ndarray | Sequence[str], name: str) -> np.ndarray:
    """Numbers as they are, texts as UTF-8 ``(n,)``."""
    if isinstance(values, np.ndarray):
        return np.ascontiguousarray(values)
    import h5py

    encoded = []
    for i, text in enumerate(values):
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            raise ArtifactError(f"text {i} of {name!r} cannot be stored: it holds a NUL or half a character")
        encoded.append(text.encode())
    longest = max(map(len, encoded), default=0)
    return np.array(encoded, dtype=h5py.string_dtype(length=max(longest, 1)))


def _storage(array: np.ndarray) -> dict[str, Any]:
    """Chunks of about 256 kB along the first axis, compressed and checksummed."""
    if array.size == 0:  # nothing to cut, and HDF5 takes no empty chunk
        return {}
    rows = min(len(array), max(1, _CHUNK_BYTES // (array.nbytes // len(array))))
    return {
        "chunks": (rows, *array.shape[1:]),
        "compression": "gzip",
        "compression_opts": 1,
        "shuffle": True,
        "fletcher32": True,
    }


def _digest(array: np.ndarray) -> str:
    """SHA-256 over type, shape and bytes."""
    digest = hashlib.sha256(f"{array.dtype.str}{array.shape}".encode())
    if array.size:
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _content(digests: Mapping[str, str], attrs: Mapping[str, JSON]) -> str:
    return fingerprint(dict(digests), dict(attrs))


def _stored_digests(file: h5py.File) -> dict[str, str]:
    digests: dict[str, str] = {}

    def visit(name: str, item: Any) -> None:
        if "sha256" in item.attrs:
            digests[name] = item.attrs["sha256"].decode()

    file.visititems(visit)
    return digests
