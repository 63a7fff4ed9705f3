"""windows.h5 in and out: where `vqtext.data.windows.windows.Windows` and the artifact store meet."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import JSON
from vqtext.cache.rows import StoredRows
from vqtext.data.windows.windows import Windows
from vqtext.schema import Channel, Subject

_ARRAYS = {
    "signal": np.float32,
    "length": np.int32,
    "label": np.int32,
    "subject": np.int32,
    "recording": np.int32,
    "start_s": np.float64,
    "split": np.int8,
    "truth": np.int16,
    "sample_label": np.int16,
}
_IN_FILE = ("signal", "truth", "sample_label")


def write_windows(path: Path | str, windows: Windows, recipe: str) -> str:
    """Write windows as an artifact at exactly ``path``; returns the content, as `vqtext.cache.hdf5.write`."""
    return hdf5.write(Path(path), "windows", arrays_of(windows), names_of(vars(windows)), recipe)


def arrays_of(windows: Windows) -> dict[str, np.ndarray]:
    """What is stored of windows in memory, by name, and each in the type it is stored in."""
    found = {name: getattr(windows, name) for name in _ARRAYS}
    return {name: np.asarray(rows[:], _ARRAYS[name]) for name, rows in found.items() if rows is not None}


def names_of(names: Mapping[str, Any]) -> dict[str, JSON]:
    """The attributes of windows.h5, out of the fields of `Windows`."""
    return {
        "dataset": names["dataset"],
        "rate_hz": float(names["rate_hz"]),
        "channels": [channel.to_dict() for channel in names["channels"]],
        "labels": list(names["labels"]),
        "subjects": [subject.to_dict() for subject in names["subjects"]],
        "recordings": list(names["recordings"]),
        "truth_words": list(names["truth_words"]),
    }


def read_windows(path: Path | str) -> Windows:
    """Read them back; what has a value a sample stays in the file until rows of them are taken.

    Raises:
        ArtifactError: missing, damaged, foreign, or of another schema version.
    """
    path = Path(path)
    with hdf5.open_artifact(path, "windows") as artifact:
        attrs = artifact.attrs
        arrays: dict[str, Any] = {
            name: StoredRows(path, "windows", name) if name in _IN_FILE else artifact[name]
            for name in _ARRAYS
            if name in artifact.names()
        }
        return Windows(
            dataset=attrs["dataset"],
            rate_hz=attrs["rate_hz"],
            channels=[Channel(**channel) for channel in attrs["channels"]],
            labels=attrs["labels"],
            subjects=[Subject(**subject) for subject in attrs["subjects"]],
            recordings=attrs["recordings"],
            truth_words=attrs["truth_words"],
            **arrays,
        )
