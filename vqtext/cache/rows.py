"""Arrays that stay in their artifact: rows are read when they are taken."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache.hdf5 import Artifact, open_artifact
from vqtext.errors import ArtifactError


class StoredRows:
    """One array of an artifact, indexed along its first axis like one in memory.

    It may be sent to other processes: each opens the file for itself, since a handle of HDF5 survives neither
    a fork nor a pickle.

    Args:
        path, kind: the artifact, as `open_artifact` takes them.
        name: of the array.

    Raises:
        ArtifactError: the artifact or the array is missing or damaged; on reading too, and where another
            artifact has taken its place.
    """

    def __init__(self, path: Path | str, kind: str, name: str) -> None:
        self.path, self.kind, self.name = Path(path).absolute(), kind, name
        self._artifact: Artifact | None = None
        self._process = -1
        self.content = ""
        artifact = self._opened()
        self.content = artifact.content
        self.shape, self.dtype = artifact.layout(name)

    @property
    def nbytes(self) -> int:
        """Bytes of the whole array."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> np.ndarray:
        rows, *inside = index if isinstance(index, tuple) else (index,)
        if isinstance(rows, int | np.integer):
            row = self._opened().rows(self.name, [range(len(self))[rows]])[0]
            return row[tuple(inside)] if inside else row
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                taken = self._opened().span(self.name, start, stop)
                return taken[(slice(None), *inside)] if inside else taken
            rows = np.arange(start, stop, step)
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        taken = self._opened().rows(self.name, rows)
        return taken[(slice(None), *inside)] if inside else taken

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_artifact": None, "_process": -1}

    def _opened(self) -> Artifact:
        if self._artifact is None or self._process != os.getpid():
            artifact = open_artifact(self.path, self.kind)
            if self.content and artifact.content != self.content:
                artifact.close()
                raise ArtifactError(f"{self.path} was made again while it was read: start once more")
            self._artifact, self._process = artifact, os.getpid()
        return self._artifact
