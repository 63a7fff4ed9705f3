"""Kills stages at random moments, runs them again, and compares with an undisturbed run.

    python benchmarks/crash.py [--kills 100] [--seed 0]

A warm process forks a child for each run, so that kills fall into the work and not into imports. The moment
of a kill is spread evenly over the time that the undisturbed stage took. The data are one small CSV study.
After a kill every byte of the cache is checked, and the stage is run again. What is not covered yet: stages
that ask a language model, embed, train, evaluate and explain.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from vqtext.config import Settings
from vqtext.pipeline.progress import Progress
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import Stage, run
from vqtext.pipeline.status import states

COMMANDS = ("prepare", "gen-subactions", "describe")
LABELS = ("walking", "sitting", "jumping")
HEAD = (
    'name = "crash"\nrate_hz = 50\nrecordings = "*.csv"\nlabel_column = "label"\nsubject_column = "subject"\n'
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    each = -(-args.kills // len(COMMANDS))
    print(f"{'stage':16}{'kills':>6}{'in the work':>13}{'whole':>7}{'identical':>11}")
    fine = True
    with tempfile.TemporaryDirectory() as folder:
        settings = study(Path(folder))
        for command in COMMANDS:
            kind = next(entry for entry in STAGES if entry.command == command).load()
            killed, whole, identical = crash(kind(settings, Progress(quiet=True)), each, rng)
            print(f"{command:16}{each:6}{killed:13}{whole:7}{identical:11}", flush=True)
            fine &= whole == identical == each
    sys.exit(not fine)


def crash(stage: Stage, kills: int, rng: np.random.Generator) -> tuple[int, int, int]:
    """How many kills came before the end of the stage, left a whole cache, and ended in the same content."""
    run(stage, force=True)  # imports, and fills caches of the system
    started = time.monotonic()
    assert os.waitpid(forked(stage), 0)[1] == 0
    seconds, content = time.monotonic() - started, stage.record().content
    killed = whole = identical = 0
    for _ in range(kills):
        child = forked(stage)
        time.sleep(rng.uniform(0, seconds))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        whole += stage.record().content == content and is_whole(stage)
        stage.target.unlink()  # so that the next run has to make it, from what the killed one had done
        again = os.waitpid(forked(stage, force=False), 0)[1]
        left = [*stage.target.parent.glob(".*.partial-*"), *stage.target.parent.glob(".*.tmp-*")]
        identical += again == 0 and stage.record().content == content and is_whole(stage) and not left
    return killed, whole, identical


def forked(stage: Stage, force: bool = True) -> int:
    """Run a stage in a child; gives its number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            run(stage, force)
            code = 0
        finally:
            os._exit(code)
    return child


def is_whole(stage: Stage) -> bool:
    """Nothing in the cache is damaged."""
    return all(entry["state"] != "damaged" for entry in states(stage.settings, verify=True)["artifacts"])


def study(folder: Path) -> Settings:
    """A small study of one's own, and settings that read it."""
    data = folder / "study"
    data.mkdir()
    channels = "".join(
        f'[[channels]]\ncolumn = "g{a}"\nlocation = "right wrist"\nmodality = "gyro"\naxis = "{a}"\n'
        'unit = "rad/s"\n'
        for a in "xyz"
    )
    (data / "dataset.toml").write_text(HEAD + channels, encoding="utf-8")
    rng = np.random.default_rng(0)
    for subject in range(1, 9):
        for label in LABELS:
            rows = [
                ",".join([*(f"{v:.4f}" for v in row), label, str(subject)])
                for row in rng.normal(size=(2000, 3))
            ]
            (data / f"{subject}-{label}.csv").write_text("\n".join(["gx,gy,gz,label,subject", *rows]) + "\n")
    chosen = {"name": "csv", "path": data, "window_s": 2.0, "stride_s": 1.0}
    return Settings.model_validate({"cache": folder / "cache", "data": chosen})


if __name__ == "__main__":
    main()
