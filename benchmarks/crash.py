"""Stops every stage at random moments, runs it again, and compares with an undisturbed run.

    python benchmarks/crash.py [--kills 160] [--seed 0] [--only train]

The data are one small CSV study; language models are asked of a server on loopback. A warm process forks a
child for each run, so that kills (SIGKILL) fall into the work and not into imports; the moment is drawn over
the time that the undisturbed stage takes. Before each kill an older artifact stands in its place. Trainings
are also stopped as clusters do it, by SIGUSR1 and SIGTERM under SLURM's variables, and by a disk on which a
random number of bytes is left; and stages are killed on a file system without ``flock``. Then

- *whole*: what stands there is the older artifact or the new one, every byte of the cache is right, and the
  working folder, in which Lightning would find a checkpoint, is as it was; a signal that can be heard and a
  full disk were told in one line, with the exit code that `vqtext.console.exit_codes` promises;
- *identical*: run again, without ``--force``, the stage ends in the content of the undisturbed run (of
  ``train``: the same weights, names and scores), and nothing half-done is left beside it;
- *kept*: how many of the kills left work (shards, models, replies) that the second run went on with;
- *paid twice*: calls to the model that the second run made although their replies were in the journal.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # threads do not survive a fork

import numpy as np
from crash_study import LLMServer, replies_in, reply, settings_of

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import file_fingerprint
from vqtext.console.exit_codes import run_guarded
from vqtext.console.progress import Progress
from vqtext.pipeline import prepare
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import Stage, run
from vqtext.pipeline.status import states
from vqtext.settings.schema import Settings

WARM = ("openai", "torch", "lightning", "sentence_transformers", "sklearn.linear_model", "safetensors.torch")
MODEL_FILES = ("model.safetensors", "config.json", "anchors.json", "scores.json", "metrics.csv")
SLURM = {
    "SLURM_JOB_ID": "7",
    "SLURM_JOB_NAME": "train",
    "SLURM_NTASKS": "1",
    "SLURM_PROCID": "0",
    "SLURM_LOCALID": "0",
    "SLURM_NODEID": "0",
    "SLURM_NODELIST": "n1",
}
FOREIGN = "hpc_ckpt_1.ckpt"  # Lightning's own, in the working folder
# Loaded before the C library: without NO_FLOCK as it is, with it every flock fails with that error's number.
NO_FLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

int flock(int file, int how) {
    const char *number = getenv("NO_FLOCK");
    if (number == NULL) return ((int (*)(int, int)) dlsym(RTLD_NEXT, "flock"))(file, how);
    errno = atoi(number);
    return -1;
}
"""


@dataclass(frozen=True)
class Case:
    """A stage under settings of its own, its share of all kills, and how it is stopped: by a signal, or by a
    full disk; variables hold in the first run and in the second."""

    name: str
    command: str
    share: float
    more: dict[str, Any] = field(default_factory=dict)
    how: signal.Signals | None = signal.SIGKILL
    variables: dict[str, str] = field(default_factory=dict)


CASES = (
    Case("prepare", "prepare", 0.22),
    Case("gen-subactions, model", "gen-subactions", 0.14, {"words": {"provider": "openai", "drafts": 3}}),
    Case("gen-subactions, lexicon", "gen-subactions", 0.08),
    Case("describe, model", "describe", 0.14, {"describe": {"source": "llm", "limit": 40}}),
    Case("describe, template", "describe", 0.08),
    Case("embed", "embed", 0.08),
    Case("dedup", "dedup", 0.08),
    Case("dedup, no flock", "dedup", 0.04, variables={"NO_FLOCK": str(errno.ENOSYS)}),
    Case("train", "train", 0.1),
    Case("train, SLURM's SIGUSR1", "train", 0.1, how=signal.SIGUSR1, variables=SLURM),
    Case("train, SLURM's SIGTERM", "train", 0.1, how=signal.SIGTERM, variables=SLURM),
    Case("train, full disk", "train", 0.1, how=None),
    Case("train, no flock", "train", 0.08, variables={"NO_FLOCK": str(errno.ENOLCK)}),
    Case("evaluate", "evaluate", 0.05),
    Case("explain", "explain", 0.05),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], help="commands; those before them are not killed")
    args = parser.parse_args()
    without_flock()
    sys.exit(not kill_all(args.kills, args.seed, args.only))


def kill_all(kills: int, seed: int, only: list[str]) -> bool:
    """Kill every case, print the table; whether all of it was survived."""
    chosen = [case for case in CASES if not only or case.command in only]
    if "LD_PRELOAD" not in os.environ:
        print("no C compiler: no file system without flock can be played", file=sys.stderr)
        chosen = [case for case in chosen if "NO_FLOCK" not in case.variables]
    for module in WARM:
        import_module(module)
    rng = np.random.default_rng(seed)
    prepare.BYTES = 1 << 16  # several shards out of a small study
    widths = {"kills": 6, "in the work": 13, "whole": 7, "identical": 11, "kept": 6, "paid twice": 12}
    print(f"{'stage':26}" + "".join(f"{name:>{width}}" for name, width in widths.items()))
    total = fine = 0
    with tempfile.TemporaryDirectory() as place, LLMServer(reply, latency_s=0.02) as server:
        folder = Path(place)
        server._http.handle_error = lambda *_: None  # who asked may be dead
        for case in CASES[: CASES.index(chosen[-1]) + 1]:
            killing = Killing(settings_of(folder, server, case.more), case, server, folder / "here")
            if case not in chosen:
                if case.how == signal.SIGKILL and not case.variables:
                    killing.undisturbed()  # later ones read what it makes
                continue
            count = max(1, round(kills * case.share / sum(case.share for case in chosen)))
            total += count
            try:
                with killing.place():
                    table = killing.times(count, rng)
            except Undisturbed as error:
                print(f"{case.name}: fails undisturbed: {error}", flush=True)
                continue
            row = zip((count, *table), widths.values(), strict=True)
            print(f"{case.name:26}" + "".join(f"{number:{width}}" for number, width in row), flush=True)
            fine += count if table[1] == table[2] == count and not table[4] else 0
    print(
        f"{fine} of {total} kills survived" if fine == total else f"NOT survived: {total - fine} of {total}"
    )
    return fine == total


class Undisturbed(Exception):
    """A stage that fails although nobody stops it."""


class Killing:
    """One stage that is stopped over and over, in a working folder that is not to be touched."""

    def __init__(self, settings: Settings, case: Case, server: LLMServer, here: Path) -> None:
        self.settings, self.case, self.server, self.here = settings, case, server, here
        self.kind = next(entry for entry in STAGES if entry.command == case.command).load()
        self.journal = settings.cache / "journal.sqlite"
        self.told = here.with_name("told")
        self.mounted = False

    def stage(self) -> Stage:
        return self.kind(self.settings, Progress(quiet=True))

    def times(self, kills: int, rng: np.random.Generator) -> tuple[int, int, int, int, int]:
        """How many kills came within the work, left all whole, ended in the same content, left work that was
        kept; and how many calls were paid twice."""
        undisturbed, seconds = self.undisturbed()
        calls = replies_in(self.journal)
        target = self.stage().target
        in_work = whole = identical = kept = twice = 0
        for _ in range(kills):
            self.forget()
            self.older()
            status = self.stopped(seconds, rng)
            in_work += status != 0
            there = target.exists() or self.kind.command == "gen-subactions"
            whole += there and self.is_whole() and self.is_told(status)
            paid, before = replies_in(self.journal), len(self.server.requests)
            kept += bool(paid) or any(path.is_file() for path in self.partial())
            again = self.wait(self.forked())
            twice += max(0, len(self.server.requests) - before - (calls - paid))
            left = [
                *self.stage().target.parent.glob(".*.partial-*"),
                *self.stage().target.parent.glob(".*.tmp-*"),
            ]
            same, right = self.content() == undisturbed, self.is_whole()
            identical += again == 0 and same and right and not left
            if again or not same or not right or left:
                print(f"run again: status {again}, same {same}, right {right}, left {left}", file=sys.stderr)
                print(self.told.read_text(), file=sys.stderr)
        return in_work, whole, identical, kept, twice

    def undisturbed(self) -> tuple[Any, float]:
        """What the stage makes when nobody stops it, and the seconds that it takes."""
        self.forget()
        if self.stage().target.exists():  # it is to be made, which takes the time that kills are drawn over
            self.older()
        started = time.monotonic()
        if self.wait(self.forked()):
            raise Undisturbed(self.told.read_text().strip())
        return self.content(), time.monotonic() - started

    def stopped(self, seconds: float, rng: np.random.Generator) -> int:
        """Run the stage in a child that does not come to its end, most often; gives its status."""
        if self.case.how is not None:
            child = self.forked()
            time.sleep(rng.uniform(0, seconds))
            os.kill(child, self.case.how)
            return self.wait(child)
        runs = self.stage().target.parent
        sizes = [path.stat().st_size for path in runs.rglob("*") if path.is_file()]
        if not self.mounted:
            return self.wait(self.forked(int(rng.uniform(0, 2 * max(sizes)))))
        # what is there already stays: a file takes what is too much of the rest
        room = int(rng.uniform(0, 3 * sum(sizes)))
        filler = runs / "filler"
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(runs).free - room))
        status = self.wait(self.forked())
        filler.unlink()
        return status

    @contextmanager
    def place(self) -> Iterator[None]:
        """For a full disk, a small one that runs are made on; where none can be mounted, no file may grow."""
        runs = self.stage().target.parent
        if self.case.how is None:
            shutil.rmtree(runs, ignore_errors=True)
            runs.mkdir(parents=True)
            how = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", runs]
            self.mounted = (
                bool(shutil.which("mount")) and not subprocess.run(how, capture_output=True).returncode
            )
        try:
            yield
        finally:
            if self.mounted:
                subprocess.run(["umount", runs], check=True)

    def forked(self, largest: int | None = None) -> int:
        """Run the stage in a child, as the command line does; gives its number.

        Args:
            largest: bytes that no file may grow beyond.
        """
        self.here.mkdir(exist_ok=True)
        (self.here / FOREIGN).write_text("of another training")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with self.told.open("w") as told:
                    os.dup2(told.fileno(), 2)
                os.chdir(self.here)
                os.environ.update(self.case.variables)
                if largest is not None:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
                run_guarded(lambda: run(self.stage()))
            except SystemExit as end:
                code = int(end.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        return child

    def wait(self, child: int) -> int:
        """How the child ended: its exit code, or the number of a signal, less than zero."""
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def is_told(self, status: int) -> bool:
        """Whether a child that could speak said in one line why it ended."""
        if status in (0, -signal.SIGKILL):
            return True
        said = [line for line in self.told.read_text().splitlines() if not line.startswith("warning:")]
        code = 1 if self.case.how is None else 128 + self.case.how
        how = "the same command goes on" if self.case.how is None else "; what was made before is whole"
        # a signal that came before the first line of the child ends it as every process
        fine = (status == code and len(said) == 1 and how in said[0]) or status == -(self.case.how or 0)
        if not fine:
            print(f"status {status}, said {said[-3:]}", file=sys.stderr)
        return fine

    def partial(self) -> list[Path]:
        return [path for folder in self.stage().staged() for path in folder.rglob("*")]

    def forget(self) -> None:
        """No journal, nor what a killed process left beside it."""
        for path in self.journal.parent.glob(f"{self.journal.name}*"):
            path.unlink()

    def older(self) -> None:
        """Put an artifact of another recipe in the place; none where it would be taken for a person's."""
        target = self.stage().target
        if target.suffix == ".h5":
            with hdf5.open_artifact(target, target.stem) as artifact:
                provenance = dict(artifact.provenance or {})
            copy = target.with_suffix(".copy")
            shutil.copy(target, copy)
            hdf5.stamp(copy, {**provenance, "recipe": "older"})
            copy.replace(target)
        elif self.kind.command == "gen-subactions":
            target.unlink()
        else:
            path = target / "run.json" if target.is_dir() else target
            path.write_text(json.dumps({**json.loads(path.read_text()), "recipe": "older"}))

    def is_whole(self) -> bool:
        """Nothing in the cache is damaged, and nothing is in the working folder that was not there."""
        if [path.name for path in self.here.iterdir()] != [FOREIGN]:
            print(f"working folder: {[*self.here.iterdir()]}", file=sys.stderr)
            return False
        return all(entry["state"] != "damaged" for entry in states(self.settings, verify=True)["artifacts"])

    def content(self) -> Any:
        target = self.stage().target
        if target.is_dir():
            return [file_fingerprint(file) for name in MODEL_FILES for file in sorted(target.rglob(name))]
        return self.stage().record().content


def without_flock() -> None:
    """Start anew with a flock that can be made to fail, where there is a C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or "LD_PRELOAD" in os.environ:
        return
    library = Path(tempfile.mkdtemp()) / "noflock.so"
    make = [compiler, "-shared", "-fPIC", "-xc", "-", "-o", library, "-ldl"]
    if subprocess.run(make, input=NO_FLOCK, text=True, check=False).returncode:
        return
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "LD_PRELOAD": str(library)})


if __name__ == "__main__":
    main()
