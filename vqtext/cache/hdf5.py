"""HDF5 artifacts: self-describing, checksummed, compressed, no pickle.

Arrays are chunked along their first axis (gzip, shuffle, fletcher32). Attributes are JSON texts. Every file
says its kind, schema version, package version, time, recipe and content. ``content`` is the SHA-256 over the
digests of all arrays and over the attributes; opening recomputes it from the stored digests, reading checks
each chunk, so that a damaged byte is an error and never a wrong number.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

import vqtext
from vqtext.cache.fingerprint import JSON, fingerprint
from vqtext.cache.layout import Digest, Sink, as_array, put, storage
from vqtext.cache.reading import cannot_read, open_h5
from vqtext.cache.remake import MAKERS, how_to_remake
from vqtext.errors import ArtifactError

if TYPE_CHECKING:
    import h5py

SCHEMA = 1
"""Raised when the layout of the files changes in a way that older code cannot read."""

_OWN = ("vqtext_kind", "vqtext_schema", "vqtext_version", "created", "recipe", "content", "provenance")
_TEXTS_AT_ONCE = 4096
_BLOCK_BYTES = 1 << 24
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)  # what h5py raises on a broken file


def write(
    path: Path | str,
    kind: str,
    arrays: Mapping[str, np.ndarray | Sequence[str]],
    attrs: Mapping[str, JSON],
    recipe: str,
    compress: bool = True,
) -> str:
    """Write an artifact at exactly ``path``; the caller publishes it.

    Args:
        path: a file that does not matter yet, such as `vqtext.cache.publish.publish` yields.
        kind: what the file holds, such as "texts"; `open_artifact` checks it.
        arrays: by name, which may be nested ("anchor/vector"); a sequence of str is stored as UTF-8 texts.
        attrs: plain data by name.
        recipe: fingerprint of what the artifact was made from.
        compress: most of what writing costs, and in vain where it is read but once.

    Returns:
        The content: 16 hex digits, equal for equal arrays and attributes.

    Raises:
        ArtifactError: a text cannot be stored.
        OSError: the disk is full or read-only; `publish` makes it one line.
    """
    with growing(path, kind, recipe, compress) as out:
        for name, values in arrays.items():
            out.put(name, values)
        return out.finish(attrs)


@contextmanager
def growing(path: Path | str, kind: str, recipe: str, compress: bool = True) -> Iterator[Growing]:
    """Write an artifact piece by piece, where all of it together would not fit into memory.

    Raises:
        OSError: the disk is full or read-only; `publish` makes it one line.
    """
    import h5py

    with Sink(Path(path), "w") as sink, h5py.File(sink, "w", libver=("v110", "v110")) as file:
        yield Growing(file, sink, kind, recipe, compress)
    sink.check()


class Growing:
    """An artifact that is being written; see `growing`."""

    def __init__(self, file: h5py.File, sink: Sink, kind: str, recipe: str, compress: bool) -> None:
        self._file = file
        self._sink = sink
        self._kind = kind
        self._recipe = recipe
        self._compress = compress
        self._digests: dict[str, Digest] = {}

    def put(self, name: str, values: np.ndarray | Sequence[str]) -> None:
        """A whole array, or texts. Raises ArtifactError where a text cannot be stored."""
        self._create(name, as_array(values, name), grows=False)

    def grow(self, name: str, values: np.ndarray | Sequence[str], longest: int = 1) -> None:
        """More rows of an array. Of texts, ``longest`` says how many bytes the longest of them all has.

        Raises:
            ArtifactError: a text cannot be stored.
        """
        rows = as_array(values, name, longest)
        if not len(rows):
            return
        if name not in self._digests:
            self._create(name, rows, grows=True)
            return
        dataset = self._file[name]
        if rows.dtype != dataset.dtype or rows.shape[1:] != dataset.shape[1:]:
            raise ValueError(
                f"{name} has rows of {dataset.dtype}{dataset.shape[1:]}, more came as "
                f"{rows.dtype}{rows.shape[1:]}"
            )
        dataset.resize(len(dataset) + len(rows), axis=0)
        dataset[-len(rows) :] = rows
        self._digests[name].update(rows)
        self._sink.check()

    def width(self, name: str) -> int:
        """Columns of an array of rows that was written."""
        return self._file[name].shape[1]

    def finish(self, attrs: Mapping[str, JSON]) -> str:
        """Write the attributes; returns the content."""
        if taken := attrs.keys() & set(_OWN):
            raise ValueError(f"attributes {taken} are the store's own")
        digests = {name: digest.hexdigest() for name, digest in self._digests.items()}
        for name, digest in digests.items():
            self._file[name].attrs["sha256"] = np.bytes_(digest)
        content = _content(digests, attrs)
        own: dict[str, JSON] = {
            "vqtext_kind": self._kind,
            "vqtext_schema": SCHEMA,
            "vqtext_version": vqtext.__version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "recipe": self._recipe,
            "content": content,
        }
        for name, value in (dict(attrs) | own).items():
            put(self._file, name, value)
        return content

    def _create(self, name: str, array: np.ndarray, grows: bool) -> None:
        self._file.create_dataset(name, data=array, **storage(array, grows, self._compress))
        self._digests[name] = Digest()
        self._digests[name].update(array)
        self._sink.check()


def stamp(path: Path | str, provenance: Mapping[str, JSON]) -> None:
    """Write down what an artifact was made from; its "recipe" replaces the one it was written with.

    Raises:
        OSError: the disk is full or read-only; `publish` makes it one line.
    """
    import h5py

    with Sink(Path(path), "r+") as sink, h5py.File(sink, "r+", libver=("v110", "v110")) as file:
        put(file, "recipe", provenance["recipe"])
        put(file, "provenance", provenance)
    sink.check()


def open_artifact(path: Path | str, kind: str) -> Artifact:
    """Open an artifact for reading; a context manager.

    Raises:
        UnreadableError: it cannot be read now, and may be whole: a program has it open for writing, or left
            it so, or the system refuses it.
        ArtifactError: it is missing, truncated, foreign, damaged, of another kind or schema version.

        The message names the file and the way out, and first what that would cost.
    """
    path = Path(path)
    try:
        file = open_h5(path)
    except FileNotFoundError:
        raise ArtifactError(f"{path} is missing: {_first(kind)}") from None
    if file is None:
        raise ArtifactError(f"{path} is no HDF5 file, or is cut off: {how_to_remake(path, MAKERS.get(kind))}")
    try:
        return Artifact(path, file, kind)
    except BaseException:
        file.close()
        raise


class Artifact:
    """An open artifact. Reading an array that is damaged raises ArtifactError.

    Attributes:
        path, kind: as `open_artifact` took them.
        attrs: the attributes it was written with.
        content: fingerprint of its arrays and attributes.
        recipe: fingerprint of what it was made from.
        created: when, ISO 8601, UTC.
        provenance: what it was made from, as `stamp` wrote it down; None where nothing was.
    """

    def __init__(self, path: Path, file: h5py.File, kind: str) -> None:
        self.path = path
        self.kind = kind
        self._file = file
        self._datasets: dict[str, h5py.Dataset] = {}
        with self._reading("header"):
            if "vqtext_kind" not in file.attrs:
                raise ArtifactError(f"{path} is not one of vqtext's files: move it away, then {_first(kind)}")
            attrs = {name: json.loads(value) for name, value in file.attrs.items()}
            own = {name: attrs.pop(name, None) for name in _OWN}
            if own["vqtext_schema"] != SCHEMA:
                raise ArtifactError(
                    f"{path} has schema version {own['vqtext_schema']}, this vqtext "
                    f"({vqtext.__version__}) reads {SCHEMA}: {self._again()}, or use vqtext "
                    f"{own['vqtext_version']}, which wrote it"
                )
            if own["vqtext_kind"] != kind:
                raise ArtifactError(
                    f"{path} holds {own['vqtext_kind']}, not {kind}: move it away, then {_first(kind)}"
                )
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
            return list(self.texts(name)) if dataset.dtype.kind == "S" else dataset[()]

    def texts(self, name: str) -> Iterator[str]:
        """An array of texts one by one, so that a million of them need no memory."""
        with self._reading(name):
            dataset = self._dataset(name)
            for start in range(0, len(dataset), _TEXTS_AT_ONCE):
                yield from (text.decode() for text in dataset[start : start + _TEXTS_AT_ONCE])

    def longest(self, name: str) -> int:
        """Bytes that the longest of an array of texts may have."""
        with self._reading(name):
            return self._dataset(name).dtype.itemsize

    def layout(self, name: str) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and type of an array, which is not read."""
        with self._reading(name):
            dataset = self._dataset(name)
            return dataset.shape, dataset.dtype

    def span(self, name: str, start: int, stop: int) -> np.ndarray:
        """Rows that follow each other, ``start`` to ``stop`` − 1."""
        with self._reading(name):
            return self._dataset(name)[start : max(start, stop)]

    def rows(self, name: str, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows along the first axis, in the order of ``indices``, which may repeat. Reads only those rows."""
        wanted, place = np.unique(np.asarray(indices, dtype=np.int64), return_inverse=True)
        with self._reading(name):
            dataset = self._dataset(name)
            if len(wanted) and not 0 <= wanted[0] <= wanted[-1] < len(dataset):
                raise IndexError(f"{name} has {len(dataset)} rows, asked for {wanted[0]} to {wanted[-1]}")
            return _read_runs(dataset, wanted)[place]

    def verify(self) -> None:
        """Read every byte of every array, in blocks, against its own SHA-256.

        Raises:
            ArtifactError: an array differs from what was written, or cannot be read.
        """
        for name, stored in self._digests.items():
            with self._reading(name):
                dataset, digest = self._file[name], Digest()
                rows = max(1, _BLOCK_BYTES * len(dataset) // max(1, dataset.nbytes))
                for start in range(0, max(1, len(dataset)), rows):  # an empty array too has type and shape
                    digest.update(np.ascontiguousarray(dataset[start : start + rows]))
                if digest.hexdigest() != stored:
                    raise ValueError("bytes differ from their digest")

    def close(self) -> None:
        self._datasets.clear()
        self._file.close()

    def __enter__(self) -> Artifact:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self._digests:
            raise ArtifactError(f"{self.path} has no array {name!r}: {self._again()}")
        if name not in self._datasets:  # looking one up costs as much as reading a row
            self._datasets[name] = self._file[name]
        return self._datasets[name]

    @contextmanager
    def _reading(self, part: str) -> Iterator[None]:
        """Whatever h5py says of a damaged part, with addresses and times, becomes one line."""
        try:
            yield
        except _DAMAGE as error:
            if isinstance(error, OSError) and error.errno:  # the disk or the network failed, not the file
                raise cannot_read(self.path, error) from None
            raise ArtifactError(f"{self.path} is damaged ({part}): {self._again()}") from None

    def _again(self) -> str:
        return how_to_remake(self.path, MAKERS.get(self.kind))


def _first(kind: str) -> str:
    return f"run `vqtext {MAKERS[kind]}`" if kind in MAKERS else "make it first"


def _read_runs(dataset: h5py.Dataset, wanted: np.ndarray) -> np.ndarray:
    """Rows by their sorted numbers, one selection for each unbroken run.

    h5py's own ``dataset[numbers]`` makes one selection of all, which costs HDF5 more than the reading.
    """
    import h5py

    rows = np.empty((len(wanted), *dataset.shape[1:]), dataset.dtype)
    ends = [*(np.flatnonzero(np.diff(wanted) != 1) + 1).tolist(), len(wanted)]
    space, rest, begin = dataset.id.get_space(), (0,) * (dataset.ndim - 1), 0
    for end in ends if rows.size else ():
        shape = (end - begin, *dataset.shape[1:])
        space.select_hyperslab((int(wanted[begin]), *rest), shape)
        dataset.id.read(h5py.h5s.create_simple(shape), space, rows[begin:end])
        begin = end
    return rows


def _content(digests: Mapping[str, str], attrs: Mapping[str, JSON]) -> str:
    return fingerprint(dict(digests), dict(attrs))


def _stored_digests(file: h5py.File) -> dict[str, str]:
    digests: dict[str, str] = {}

    def visit(name: str, item: Any) -> None:
        if "sha256" in item.attrs:
            digests[name] = item.attrs["sha256"].decode()

    file.visititems(visit)
    return digests
