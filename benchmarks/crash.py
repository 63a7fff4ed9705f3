"""Kills every stage at random moments, runs it again, and compares with an undisturbed run.

    python benchmarks/crash.py [--kills 120] [--seed 0]

The data are one small CSV study; language models are asked of a server on loopback. A warm process forks a
child for each run, so that kills (SIGKILL) fall into the work and not into imports; the moment is drawn over
the time that the undisturbed stage takes. Before each kill an older artifact stands in its place. Then

- *whole*: what stands there is the older artifact or the new one, and every byte of the cache is right;
- *identical*: run again, without ``--force``, the stage ends in the content of the undisturbed run (of
  ``train``: the same weights, names and scores), and nothing half-done is left beside it;
- *kept*: how many of the kills left work (shards, models, replies) that the second run went on with;
- *paid twice*: calls to the model that the second run made although their replies were in the journal.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # threads do not survive a fork

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "pipeline"))
from llm.server import LLMServer

from vqtext.cache import hdf5
from vqtext.cache.fingerprint import file_fingerprint
from vqtext.config import Settings
from vqtext.errors import VQTextError
from vqtext.pipeline import prepare
from vqtext.pipeline.progress import Progress
from vqtext.pipeline.registry import STAGES
from vqtext.pipeline.stage import Stage, run
from vqtext.pipeline.status import states

WARM = ("openai", "torch", "lightning", "sentence_transformers", "sklearn.linear_model", "safetensors.torch")
LABELS = ("walking", "sitting", "jumping", "standing", "running", "rowing")
MODEL_FILES = ("model.safetensors", "config.json", "anchors.json", "scores.json")
TINY = {"dim": 16, "dim_code": 4, "codes": 8, "patches": 10, "tokens": 5, "layers": 1, "heads": 2}
PHRASES = ("lift the left arm", "lower the right arm", "bend both knees", "push off with the toes")
STEP = {"opposite": None, "body_part": "arm", "side": "none", "direction": "none", "signature": []}
REPLY = {
    "keyword": "moving",
    "sentence": "A person is moving about.",
    "paraphrases": ["Someone moves.", "Moving around.", "A body in motion."],
    "cyclic": True,
    "is_guess": False,
    "display": None,
    "subactions": [
        {**STEP, "phrase": phrase, "display": None, "paraphrases": [f"{phrase} {how}" for how in "abc"]}
        for phrase in PHRASES
    ],
}
HEAD = """
name = "crash"
rate_hz = 50
recordings = "*.csv"
label_column = "label"
subject_column = "subject"
"""
CHANNEL = """
[[channels]]
column = "g{0}"
location = "right wrist"
modality = "gyro"
axis = "{0}"
unit = "rad/s"
"""
DESCRIPTION = "The right wrist turns at up to {} rad/s, in one way at first and later on in another."


@dataclass(frozen=True)
class Case:
    """A stage under settings of its own, and its share of all kills."""

    name: str
    command: str
    share: float
    more: dict[str, Any]


CASES = (
    Case("prepare", "prepare", 0.22, {}),
    Case("gen-subactions, model", "gen-subactions", 0.14, {"words": {"provider": "openai", "drafts": 3}}),
    Case("gen-subactions, lexicon", "gen-subactions", 0.08, {}),
    Case("describe, model", "describe", 0.14, {"describe": {"source": "llm", "limit": 40}}),
    Case("describe, template", "describe", 0.08, {}),
    Case("embed", "embed", 0.08, {}),
    Case("dedup", "dedup", 0.08, {}),
    Case("train", "train", 0.1, {}),
    Case("evaluate", "evaluate", 0.05, {}),
    Case("explain", "explain", 0.05, {}),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", default=[], help="commands; those before them are not killed")
    args = parser.parse_args()
    sys.exit(not kill_all(args.kills, args.seed, args.only))


def kill_all(kills: int, seed: int, only: list[str]) -> bool:
    """Kill every case, print the table; whether all of it was survived."""
    cases = [case for case in CASES if not only or case.command in only]
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
        for case in cases:
            count = max(1, round(kills * case.share / sum(case.share for case in cases)))
            table = Killing(settings_of(folder, server, case.more), case.command, server).times(count, rng)
            row = zip((count, *table), widths.values(), strict=True)
            print(f"{case.name:26}" + "".join(f"{number:{width}}" for number, width in row), flush=True)
            total += count
            fine += count if table[1] == table[2] == count and not table[4] else 0
    print(
        f"{fine} of {total} kills survived" if fine == total else f"NOT survived: {total - fine} of {total}"
    )
    return fine == total


class Killing:
    """One stage that is killed over and over."""

    def __init__(self, settings: Settings, command: str, server: LLMServer) -> None:
        self.settings, self.server = settings, server
        self.kind = next(entry for entry in STAGES if entry.command == command).load()
        self.journal = settings.cache / "journal.sqlite"

    def stage(self) -> Stage:
        return self.kind(self.settings, Progress(quiet=True))

    def times(self, kills: int, rng: np.random.Generator) -> tuple[int, int, int, int, int]:
        """How many kills came within the work, left all whole, ended in the same content, left work that was
        kept; and how many calls were paid twice."""
        self.forget()
        if self.kind.command == "gen-subactions":  # words that are there would be kept
            self.stage().target.unlink(missing_ok=True)
        started = time.monotonic()
        if self.wait(self.forked()):
            sys.exit(f"{self.kind.command} fails undisturbed")
        undisturbed, seconds = self.content(), time.monotonic() - started
        calls = self.replies()
        target = self.stage().target
        in_work = whole = identical = kept = twice = 0
        for _ in range(kills):
            self.forget()
            self.older()
            child = self.forked()
            time.sleep(rng.uniform(0, seconds))
            os.kill(child, signal.SIGKILL)
            in_work += os.WIFSIGNALED(self.wait(child))
            there = target.exists() or self.kind.command == "gen-subactions"
            whole += there and self.is_whole()
            paid, before = self.replies(), len(self.server.requests)
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
        return in_work, whole, identical, kept, twice

    def forked(self) -> int:
        """Run the stage in a child; gives its number."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run(self.stage())
                code = 0
            except VQTextError as error:
                print(error, file=sys.stderr)
            finally:
                os._exit(code)
        return child

    def wait(self, child: int) -> int:
        return os.waitpid(child, 0)[1]

    def partial(self) -> list[Path]:
        return [path for folder in self.stage().staged() for path in folder.rglob("*")]

    def replies(self) -> int:
        """Replies in the journal."""
        if not self.journal.exists():
            return 0
        with closing(sqlite3.connect(self.journal)) as file:
            try:
                return file.execute("SELECT count(*) FROM replies").fetchone()[0]
            except sqlite3.OperationalError:  # killed before its table was made
                return 0

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
        """Nothing in the cache is damaged."""
        return all(entry["state"] != "damaged" for entry in states(self.settings, verify=True)["artifacts"])

    def content(self) -> Any:
        target = self.stage().target
        if target.is_dir():
            return [file_fingerprint(file) for name in MODEL_FILES for file in sorted(target.rglob(name))]
        return self.stage().record().content


def reply(request: dict[str, Any]) -> str:
    """What the model says: a description where one is asked for, else words; always the same to one
    question."""
    asked = " ".join(message["content"] for message in request["messages"])
    if peak := re.search(r"Largest rotation: .*?([0-9.]+) rad/s", asked):
        return json.dumps({"description": DESCRIPTION.format(peak[1])})
    return json.dumps(REPLY if "Break this label" in asked else {"replacements": []})


def settings_of(folder: Path, server: LLMServer, more: dict[str, Any]) -> Settings:
    """Settings that read a small study of one's own, which is made if it is not there."""
    study = folder / "study"
    if not study.exists():
        make_study(study)
    return Settings.model_validate(
        {
            "cache": folder / "cache",
            "data": {"name": "csv", "path": study, "window_s": 2.0, "stride_s": 1.0},
            "llm": {**server.settings(), "retries": 0, "concurrency": 2},
            "model": TINY,
            "train": {"epochs": 2, "seeds": [0, 1], "test_subjects": ["1"], "accelerator": "cpu"},
            "embed": {"encoder": "minilm"},
            **more,
        }
    )


def make_study(folder: Path) -> None:
    folder.mkdir()
    (folder / "dataset.toml").write_text(HEAD + "".join(map(CHANNEL.format, "xyz")), encoding="utf-8")
    rng = np.random.default_rng(0)
    for subject in range(1, 5):
        for label in LABELS:
            rows = [
                ",".join([*(f"{v:.4f}" for v in row), label, str(subject)])
                for row in rng.normal(size=(1000, 3))
            ]
            (folder / f"{subject}-{label}.csv").write_text(
                "\n".join(["gx,gy,gz,label,subject", *rows]) + "\n"
            )


if __name__ == "__main__":
    main()
