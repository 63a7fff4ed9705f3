"""Small recordings and windows made up for the tests of vqtext.data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import own_study
import pytest

from vqtext.data.recordings.recording import Recording
from vqtext.data.windows.windows import Windows
from vqtext.schema import Channel, Subject

AXES = tuple(Channel(f"acc_{axis}", "wrist", "acc", axis, "m/s2") for axis in "xy")


@pytest.fixture
def recording() -> Callable[..., Recording]:
    """A recording of ``samples`` at 10 Hz whose first channel counts its samples."""

    def make(name: str = "r", samples: int = 100, label: object = "walking", **more: object) -> Recording:
        signal = np.stack([np.arange(samples), np.random.default_rng(0).normal(size=samples)])
        given = {"signal": signal.astype(np.float32), "rate_hz": 10.0, "channels": AXES} | more
        return Recording(name=name, label=label, **given)  # type: ignore[arg-type]

    return make


@pytest.fixture
def windows() -> Callable[..., Windows]:
    """Windows with the given label, subject, recording and own split of each; no two overlap."""

    def make(
        label: list[int],
        subject: list[int] | None = None,
        recording: list[int] | None = None,
        split: list[int] | None = None,
        start_s: list[float] | None = None,
    ) -> Windows:
        n = len(label)
        subject = [-1] * n if subject is None else subject
        recording = list(range(n)) if recording is None else recording
        return Windows(
            dataset="made up",
            rate_hz=10.0,
            channels=list(AXES),
            labels=[f"label {i}" for i in range(max(label) + 1)],
            subjects=[Subject(str(i + 1)) for i in range(max(subject) + 1)],
            recordings=[f"r{i}" for i in range(max(recording) + 1)],
            signal=np.random.default_rng(0).normal(size=(n, 2, 20)).astype(np.float32),
            length=np.full(n, 20, dtype=np.int32),
            label=np.array(label, dtype=np.int32),
            subject=np.array(subject, dtype=np.int32),
            recording=np.array(recording, dtype=np.int32),
            start_s=2.0 * np.arange(n) if start_s is None else np.array(start_s),
            split=np.full(n, -1, dtype=np.int8) if split is None else np.array(split, dtype=np.int8),
        )

    return make


@pytest.fixture
def study(tmp_path):
    """Writes own data: recordings of 10 s, each of one column of samples."""

    def make(keys="", sections="", **files):
        (tmp_path / "dataset.toml").write_text(own_study.CONTENTS.format(keys=keys, sections=sections))
        for name, text in files.items():
            own_study.write(tmp_path, name.replace("__", "/") + ".csv", text)
        return tmp_path

    return make
