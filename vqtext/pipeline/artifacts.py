"""windows.h5 in and out: where `vqtext.data.windows.Windows` and the artifact store meet."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import JSON
from vqtext.data.windows import Windows
from vqtext.schema import Channel, Subject

_ARRAYS = {
    "signal": np.float32,
    "length": np.int32,
    "label": np.int32,
    "subject": np.int32,
    "recording": np.int32,
    "start_s": np.float64,
    "split": np.int8,
}


def write_windows(path: Path, windows: Windows, recipe: str) -> str:
    """Write windows as an artifact at exactly ``path``; returns the content, as `vqtext.cache.hdf5.write`."""
    arrays = {name: getattr(windows, name).astype(kind, copy=False) for name, kind in _ARRAYS.items()}
    if windows.truth is not None:
        arrays["truth"] = windows.truth.astype(np.int16, copy=False)
    attrs: dict[str, JSON] = {
        "dataset": windows.dataset,
        "rate_hz": float(windows.rate_hz),
        "channels": [channel.to_dict() for channel in windows.channels],
        "labels": list(windows.labels),
        "subjects": [subject.to_dict() for subject in windows.subjects],
        "recordings": list(windows.recordings),
        "truth_words": list(windows.truth_words),
    }
    return hdf5.write(path, "windows", arrays, attrs, recipe)


def read_windows(path: Path) -> Windows:
    """Read them back, all of them into memory.

    Raises:
        ArtifactError: missing, damaged, foreign, or of another schema version.
    """
    with hdf5.open_artifact(path, "windows") as artifact:
        attrs = artifact.attrs
        return Windows(
            dataset=attrs["dataset"],
            rate_hz=attrs["rate_hz"],
            channels=[Channel(**channel) for channel in attrs["channels"]],
            labels=attrs["labels"],
            subjects=[Subject(**subject) for subject in attrs["subjects"]],
            recordings=attrs["recordings"],
            truth=artifact["truth"] if "truth" in artifact.names() else None,
            truth_words=attrs["truth_words"],
            **{name: artifact[name] for name in _ARRAYS},
        )
