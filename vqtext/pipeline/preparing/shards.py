"""Windows on their way to windows.h5: shards that survive a killed process, joined at the end.

A shard holds the windows of some parts of the data (see `Reader`) and the state of the
cutter after them, so that the next run reads no part twice and gives the same windows. Memory holds one shard
and one part of the data, however large all of it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from vqtext.cache import hdf5
from vqtext.cache.publish import publish
from vqtext.data.windows.cutter import Cutter
from vqtext.pipeline.artifacts import arrays_of, names_of

BYTES = 1 << 26  # of windows in a shard, from which on it is written
ROWS = 1 << 22  # bytes of windows that are copied at once
_KIND = "shard"


@dataclass
class Shards:
    """The shards in one folder.

    Attributes:
        folder: where they lie.
        parts: parts of the data that are in them.
        longest: samples of the longest window in them.
        has_truth: whether any of them holds true sub-actions.
    """

    folder: Path
    parts: int = 0
    longest: int = 0
    has_truth: bool = False
    _files: list[Path] = field(default_factory=list)

    @classmethod
    def resume(cls, folder: Path, cutter: Cutter) -> Shards:
        """Those that an earlier run left, and ``cutter`` brought to where it was after them.

        Raises:
            ArtifactError: one of them is damaged.
        """
        shards = cls(folder)
        for path in sorted(folder.glob("shard-*.h5")):
            with hdf5.open_artifact(path, _KIND) as shard:
                shards._note(path, shard.attrs["parts"], shard)
                state = shard.attrs["state"]
        if shards._files:
            cutter.restore(state)
        return shards

    def write(self, cutter: Cutter, parts: int, recipe: str) -> None:
        """Write what the cutter has as one more shard; ``parts`` of the data are then in shards."""
        batch = cutter.batch()
        path = self.folder / f"shard-{len(self._files):06}.h5"
        arrays = {} if batch is None else arrays_of(batch)
        with publish(path) as beside:
            hdf5.write(
                beside, _KIND, arrays, {"parts": parts, "state": cutter.state()}, recipe, compress=False
            )
        with hdf5.open_artifact(path, _KIND) as shard:
            self._note(path, parts, shard)

    def join(self, target: Path, cutter: Cutter, recipe: str) -> None:
        """Write windows.h5 at exactly ``target``.

        Raises:
            ArtifactError: a shard is damaged.
            OSError: the disk is full or read-only; `publish` makes it one line.
        """
        with hdf5.growing(target, "windows", recipe) as out:
            for path in self._files:
                with hdf5.open_artifact(path, _KIND) as shard:
                    for rows in self._pieces(shard, cutter):
                        for name, values in rows.items():
                            out.grow(name, values)
            out.finish({**names_of(cutter.names()), "signal": cutter.summary()})

    def _note(self, path: Path, parts: int, shard: hdf5.Artifact) -> None:
        self._files.append(path)
        self.parts = parts
        if "signal" in shard.names():
            self.longest = max(self.longest, shard.layout("signal")[0][2])
        self.has_truth |= "truth" in shard.names()

    def _pieces(self, shard: hdf5.Artifact, cutter: Cutter) -> Iterator[dict[str, np.ndarray]]:
        """The arrays of a shard, a piece at a time, as windows.h5 has them."""
        if "signal" not in shard.names():
            return
        (count, channels, steps), _ = shard.layout("signal")
        at_once = max(1, ROWS // (4 * channels * self.longest))
        for start in range(0, count, at_once):
            rows = {name: shard.span(name, start, start + at_once) for name in shard.names()}
            beyond = self.longest - steps
            rows["signal"] = np.pad(rows["signal"], ((0, 0), (0, 0), (0, beyond)), constant_values=np.nan)
            if self.has_truth and "truth" not in rows:
                rows["truth"] = np.full((len(rows["signal"]), steps), -1, dtype=np.int16)
            if "sample_label" in rows:
                rows["sample_label"] = cutter.sample_labels(rows["sample_label"])
            for name in ("truth", "sample_label"):
                if name in rows:
                    rows[name] = np.pad(rows[name], ((0, 0), (0, beyond)), constant_values=-1)
            yield rows
