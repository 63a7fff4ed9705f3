"""Kills random workers, and the command itself, of `prepare` and of `describe` with a language model.

    python benchmarks/crash_workers.py [--kills 50] [--heads 5] [--ray] [--windows 1500] [--seed 0]

Takes some of the DSADS recordings below VQTEXT_DATA (default ../shared/data) and runs the real commands with
two workers, processes of this machine or those of a local Ray cluster. While a command runs, a worker that is
drawn at random is killed (SIGKILL) at a random moment, twice at most: a shard might be taken for a bad one;
in other runs the command is killed, its workers have to end by themselves, and it is run again. Each time the
artifact must be that of an undisturbed ``--executor serial``, and no question may go to the model whose reply
the journal already has. The model is a server on loopback.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from crash_study import LLMServer, replies_in, reply
from scale import DATA, MAIN, content, linked

ARTIFACTS = {"prepare": "windows.h5", "describe": "descriptions.h5"}
WORKERS = ("LokyProcess", "ray::_at", "ray::IDLE")
MOST = 2  # kills in one run


@dataclass
class Study:
    """Where the commands are run, and what they give undisturbed.

    Attributes:
        executor: whose workers are killed.
        wanted: content of each command's artifact.
        seconds: that each command takes with workers.
        asked: questions to the model, undisturbed.
    """

    place: Path
    server: LLMServer
    executor: str
    rng: np.random.Generator
    wanted: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    asked: int = 0

    def start(self, command: str, executor: str) -> subprocess.Popen[bytes]:
        llm = self.server.settings()
        options = {
            "prepare": ("--data", "dsads", "--path", str(self.place / "data")),
            "describe": (
                "--source",
                "llm",
                "--limit",
                "40",
                "--base-url",
                llm["base_url"],
                "--model",
                llm["model"],
            ),
        }
        fixed = ("--cache", str(self.place / "cache"), "--quiet", "--executor", executor)
        workers = () if executor == "serial" else ("--workers", "2")
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, command, *options[command], *fixed, *workers],
            stdout=subprocess.DEVNULL,
        )

    def forget(self, command: str) -> None:
        """No artifact, no reply."""
        for path in (self.place / "cache").glob(f"{ARTIFACTS[command]}*"):
            path.unlink()
        for path in (self.place / "cache").glob("journal.sqlite*" if command == "describe" else "none"):
            path.unlink()
        self.server.requests.clear()

    def undisturbed(self) -> None:
        for executor in ("serial", self.executor):
            for command, artifact in ARTIFACTS.items():
                self.forget(command)
                started = time.monotonic()
                if self.start(command, executor).wait():
                    sys.exit(f"{command} fails undisturbed")
                self.seconds[command] = time.monotonic() - started
                made = content(self.place / "cache" / artifact)
                if self.wanted.setdefault(command, made) != made:
                    sys.exit(f"{command}: {executor} gives something else")
        self.asked = len(self.server.requests)

    def is_right(self, command: str, asked_before: int = 0) -> bool:
        """Whether a command ended in the right artifact, and no more was asked than was lost."""
        made = content(self.place / "cache" / ARTIFACTS[command])
        paid_twice = len(self.server.requests) - (self.asked - asked_before) if command == "describe" else 0
        if made != self.wanted[command] or paid_twice > 0:
            print(f"{command}: content {made}, {paid_twice} calls paid twice", file=sys.stderr)
        return made == self.wanted[command] and paid_twice <= 0

    def kill_workers(self, command: str) -> tuple[int, bool]:
        """How many workers were killed in one run, and whether nothing came of it."""
        self.forget(command)
        process, killed = self.start(command, self.executor), 0
        while process.poll() is None:
            time.sleep(self.rng.uniform(0, self.seconds[command] / 3))
            found = workers_of(process.pid)
            if found and killed < MOST:
                os.kill(int(self.rng.choice(found)), signal.SIGKILL)
                killed += 1
        return killed, process.returncode == 0 and self.is_right(command)

    def kill_head(self, command: str) -> bool:
        """Whether nothing came of a killed command, and its workers ended."""
        self.forget(command)
        process = self.start(command, self.executor)
        time.sleep(self.rng.uniform(0.2, 1) * self.seconds[command])
        workers = workers_of(process.pid)
        process.kill()
        process.wait()
        latest = time.monotonic() + 20
        while any(is_alive(worker) for worker in workers) and time.monotonic() < latest:
            time.sleep(0.1)
        left = [worker for worker in workers if is_alive(worker)]
        replies = replies_in(self.place / "cache" / "journal.sqlite")
        self.server.requests.clear()
        again = self.start(command, self.executor).wait()
        if again or left:
            print(f"{command}: run again: status {again}, workers left {left}", file=sys.stderr)
        return again == 0 and not left and self.is_right(command, replies)


def workers_of(process: int) -> list[int]:
    """Ids of the workers among the children of a process, and of these."""
    found: list[int] = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            try:
                called = Path(f"/proc/{child}/cmdline").read_bytes().decode(errors="replace")
            except OSError:  # it has ended
                continue
            found += [child] * any(name in called for name in WORKERS)
            found += workers_of(child)
    return found


def is_alive(process: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--heads", type=int, default=5)
    options.add_argument("--windows", type=int, default=1500)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--ray", action="store_true")
    chosen = options.parse_args()
    if not DATA.is_dir():
        sys.exit(f"no DSADS below {DATA}: set VQTEXT_DATA")
    os.environ |= {"OPENAI_API_KEY": "none", "VQTEXT_LLM__RETRIES": "0"}
    executor = "ray" if chosen.ray else "processes"
    with tempfile.TemporaryDirectory() as place, LLMServer(reply, latency_s=0.02) as server:
        server._http.handle_error = lambda *_: None  # who asked may be dead
        study = Study(Path(place), server, executor, np.random.default_rng(chosen.seed))
        linked(Path(place) / "data", chosen.windows)
        study.undisturbed()
        print(f"undisturbed: {study.seconds}, {study.asked} questions", flush=True)
        killed = runs = fine = 0
        while killed < chosen.kills:
            count, right = study.kill_workers([*ARTIFACTS][runs % 2])
            killed, runs, fine = killed + count, runs + 1, fine + right
            print(f"{killed} workers killed in {runs} runs, {fine} runs as undisturbed", flush=True)
        heads = [study.kill_head([*ARTIFACTS][number % 2]) for number in range(chosen.heads)]
    print(f"{killed} workers killed: {fine} of {runs} runs as undisturbed", end="; ")
    print(f"{len(heads)} commands killed: {sum(heads)} as undisturbed")
    sys.exit(not (fine == runs and all(heads)))


if __name__ == "__main__":
    main()
