"""What several processes gain on ``vqtext prepare`` and ``describe``, and what they cost on little data.

    python benchmarks/scale.py [--windows 100 1000 3000 9000] [--ray]

Takes the DSADS recordings below VQTEXT_DATA (default ../shared/data), some of them or all of them over and
over, and runs the real commands in processes of their own: by ``--executor serial``, as they are by default,
by ``--executor processes --workers 2``, and with ``--ray`` on a local cluster of two. Printed are seconds of
the clock and the speed-up by them; seconds of CPU, which other work on the machine disturbs less, and the
speed-up of two idle cores that share them evenly; and the memory of the largest process. Ray's own processes
are no children of the command: its CPU is not known. All executors must give the same artifacts.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from vqtext.cache.hdf5 import open_artifact

DATA = Path(os.environ.get("VQTEXT_DATA", "../shared/data")) / "dsads" / "data"
MAIN = "from vqtext.cli import main; main()"
EXECUTORS = {
    "serial": ("--executor", "serial"),
    "default": (),
    "processes": ("--executor", "processes", "--workers", "2"),
    "ray": ("--executor", "ray", "--workers", "2"),
}


@dataclass(frozen=True)
class Cost:
    """Of one command: seconds of the clock and of CPU, and megabytes of its largest process."""

    wall: float
    cpu: float
    megabytes: float


def linked(folder: Path, windows: int) -> int:
    """So many windows, or a few more, of whole recordings; copies of a person are persons. Says how many."""
    folders = sorted(DATA.glob("a*/p*"), key=lambda path: (path.name, path.parent.name))
    made = copies = 0
    while made < windows:
        for path in folders:
            place = folder / path.parent.name / f"p{int(path.name[1:]) + 8 * copies}"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path.resolve())
            made += sum(1 for _ in path.glob("s*.txt"))
            if made >= windows:
                break
        copies += 1
    return made


def run(*arguments: str) -> Cost:
    """Run ``vqtext`` in a process of its own."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", MAIN, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"failed: {' '.join(arguments)}")
    return Cost(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000)


def content(file: Path) -> str:
    """The fingerprint of an artifact."""
    with open_artifact(file, file.stem) as artifact:
        return artifact.content


def compare(count: int, executors: list[str]) -> None:
    """Prepare and describe about so many windows by each executor."""
    with tempfile.TemporaryDirectory() as place:
        data = Path(place) / "data"
        windows = linked(data, count)
        commands = {
            "prepare": (("--data", "dsads", "--path", str(data)), "windows.h5"),
            "describe": ((), "descriptions.h5"),
        }
        for command, (options, file) in commands.items():
            made: dict[str, str] = {}
            first: Cost | None = None
            for executor in executors:
                cache = Path(place) / "cache"
                fixed = ("--cache", str(cache), "--quiet", "--force")
                cost = run(command, *options, *fixed, *EXECUTORS[executor])
                made[executor] = content(cache / file)
                first = first or cost
                said = f"{command:8} {windows:6} windows  {executor:9}"
                cpu = "" if executor == "ray" else f", {cost.cpu:6.1f} s of CPU, {cost.megabytes:4.0f} MB"
                gain = f"; speed-up {first.wall / cost.wall:.2f}"
                if executor == "processes":
                    gain += f", of two idle cores {2 * first.cpu / cost.cpu:.2f}"
                print(f"{said} {cost.wall:6.1f} s{cpu}{'' if cost is first else gain}", flush=True)
        if len(set(made.values())) != 1:
            sys.exit(f"executors differ: {made}")


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--windows", type=int, nargs="+", default=[100, 1000, 3000, 9000])
    options.add_argument("--ray", action="store_true")
    chosen = options.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no DSADS below {DATA}: set VQTEXT_DATA")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for count in chosen.windows:
        compare(count, [name for name in EXECUTORS if name != "ray" or chosen.ray])


if __name__ == "__main__":
    main()
