"""``vqtext describe``: windows.h5 → descriptions.h5, signal to text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import JSON
from vqtext.data.facts import facts
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.sentences import describe
from vqtext.pipeline.stage import Stage


class Describe(Stage):
    """Say in words what the sensors of each window did. The labels are never looked at."""

    command = "describe"

    @property
    def target(self) -> Path:
        return self.settings.cache / "descriptions.h5"

    def sources(self) -> Sequence[Stage]:
        return (Prepare(self.settings, self.progress),)

    def options(self) -> JSON:
        return self.settings.describe.model_dump(mode="json")

    def make(self, target: Path) -> None:
        windows = read_windows(self.settings.cache / "windows.h5")
        found = facts(windows, self.settings.describe.segments)
        texts: dict[str, int] = {}
        index = [
            texts.setdefault(describe(windows, found, i), len(texts))
            for i in self.progress.track(range(windows.n), windows.n, "describing windows")
        ]
        arrays: dict[str, np.ndarray | Sequence[str]] = {
            "text": list(texts),
            "index": np.array(index, dtype=np.int32),
            "border_s": (found.border / windows.T).astype(np.float64),
            "level": found.level,
        }
        hdf5.write(target, "descriptions", arrays, {"locations": found.locations}, self.recipe())

    def summary(self) -> dict[str, Any]:
        with hdf5.open_artifact(self.target, "descriptions") as file:
            return {
                "windows": len(file["index"]),
                "texts": len(file["text"]),
                "segments": len(file["border_s"]) - 1,
                "locations": file.attrs["locations"],
            }
