"""How fast ``vqtext prepare`` reads text, and whether its memory grows with the data.

    python benchmarks/prepare_data.py

Takes the DSADS recordings below VQTEXT_DATA (default ../shared/data), linked 1, 2 and 4 times over under
other names of people, and runs the real command on each, in a process of its own. Printed are megabytes of
text a second, beside numpy's own reader of the same files in the same run, and the peak memory of the
process.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

DATA = Path(os.environ.get("VQTEXT_DATA", "../shared/data")) / "dsads" / "data"
TIMES = (1, 2, 4)
PREPARE = "from vqtext.cli import main; main()"


def linked(folder: Path, times: int) -> Path:
    """The recordings ``times`` over, each copy of a person a person of its own."""
    for person in DATA.glob("a*/p*"):
        for copy in range(times):
            name = f"p{int(person.name[1:]) + 8 * copy}"
            (folder / person.parent.name).mkdir(parents=True, exist_ok=True)
            (folder / person.parent.name / name).symlink_to(person.resolve())
    return folder


def run(code: str, *arguments: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a process."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {arguments}")
    return time.perf_counter() - started, used.ru_maxrss / 1000


def main() -> None:
    files = sorted(DATA.glob("a*/p*/s*.txt"))
    if not files:
        sys.exit(f"no DSADS below {DATA}: set VQTEXT_DATA")
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    started = time.perf_counter()
    for file in files:
        np.loadtxt(file, delimiter=",")
    plain = time.perf_counter() - started
    nothing, idle = run("import vqtext.cli, vqtext.pipeline.prepare, h5py, scipy.signal")
    print(
        f"numpy.loadtxt alone: {megabytes / plain:.1f} MB/s; a process with the imports alone: {idle:.0f} MB"
    )
    for times in TIMES:
        with tempfile.TemporaryDirectory() as place:
            data = linked(Path(place) / "data", times)
            options = ("prepare", "--data", "dsads", "--path", str(data), "--cache", place, "--quiet")
            seconds, peak = run(PREPARE, *options)
            size = (Path(place) / "windows.h5").stat().st_size / 1e6
        rate = times * megabytes / (seconds - nothing)
        print(
            f"prepare, {times} × {len(files)} files, {times * megabytes:.0f} MB: {rate:.1f} MB/s, "
            f"{peak:.0f} MB at its peak, windows.h5 {size:.0f} MB"
        )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
