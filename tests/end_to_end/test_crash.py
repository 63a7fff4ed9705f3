"""A user would lose: paid words, hours of reading, or the only copy of an artifact, to a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

CRASH = Path(__file__).parents[2] / "benchmarks" / "crash.py"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the benchmark forks")
def test_a_handful_of_kills_is_survived():
    options = ("--kills", "12", "--only", "prepare", "gen-subactions")
    done = subprocess.run([sys.executable, str(CRASH), *options], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and "kills survived" in done.stdout, done.stdout + done.stderr
