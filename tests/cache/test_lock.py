from __future__ import annotations

import pytest

from vqtext.cache.lock import lock
from vqtext.errors import ArtifactError

HOLD = """
import sys
from pathlib import Path
from vqtext.cache.lock import lock
with lock(Path("cache/texts.h5")):
    print("held", flush=True)
    import time
    time.sleep(60)
"""


def test_two_processes_and_one_lock(tmp_path, python):
    other = python(HOLD)
    assert other.stdout.readline() == "held\n"
    for _ in range(2):  # trying must not disturb what the holder wrote down
        with pytest.raises(
            ArtifactError, match=rf"texts\.h5 is being made by another process \(pid {other.pid}\)"
        ):
            lock(tmp_path / "cache" / "texts.h5").__enter__()
    with lock(tmp_path / "cache" / "anchors.h5"):
        pass
    other.kill()
    other.wait()
    with lock(tmp_path / "cache" / "texts.h5"):
        pass


def test_it_is_free_again_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), lock(tmp_path / "a"):
        raise KeyboardInterrupt
    with lock(tmp_path / "a"):
        pass


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "cache").touch()
    with (
        pytest.raises(ArtifactError, match=r"cannot be written: .*a file stands where"),
        lock(tmp_path / "cache" / "a"),
    ):
        pass
