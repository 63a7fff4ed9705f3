"""Commands as users run them: processes, on a network that is small enough for tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SMALL = {
    "VQTEXT_TRAIN__EPOCHS": "2",
    "VQTEXT_MODEL__DIM": "16",
    "VQTEXT_MODEL__LAYERS": "1",
    "VQTEXT_MODEL__HEADS": "2",
    "VQTEXT_EMBED__ENCODER": "minilm",
}
FIRST = (("gen-subactions",), ("embed",), ("dedup", "--threshold", "0.85"), ("train",))


def command(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    code = [sys.executable, "-c", "from vqtext.cli import main; main()", *words]
    return subprocess.run(
        code,
        cwd=folder,
        env={**os.environ, **SMALL, **env},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )


def succeed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = command(folder, *words)
    assert done.returncode == 0, done.stderr
    return done
