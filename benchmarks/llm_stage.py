"""What asking adds to the time of the server: one of fixed latency, in a process of its own.

    python benchmarks/llm_stage.py [--calls 32] [--concurrency 8] [--latency-s 0.5] [--stage] [--json]

At best it takes ceil(calls / concurrency) × latency; the median of the runs should be at most 1.05 times
that. Timed is all of ``ask_all``: opening a new journal, connecting, sending, committing each reply to the
disk, parsing. "first" is apart: once in the life of a process the openai SDK is imported as well. "ask_all"
are the runs after it, each with a journal, a client and connections of its own; a full garbage collection,
some 50 ms of what the import left behind, falls into one of them. "resumed" finds all replies in the journal.

``--stage`` times ``vqtext gen-subactions --provider openai`` too, without and with the harmonising pass,
which is one more request after all others: BasicMotions' four labels, each asked for as often as makes the
calls.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vqtext.console.progress import Progress
from vqtext.pipeline.gen_subactions import GenSubactions
from vqtext.pipeline.llm.ask import ask_all
from vqtext.pipeline.llm.question import Answer, Question
from vqtext.pipeline.prepare import Prepare
from vqtext.pipeline.stage import run
from vqtext.prompts.replies import LabelReply
from vqtext.settings.schema import LLMSettings, Settings, WordsSettings

SERVER = Path(__file__).parent.parent / "tests" / "pipeline" / "llm" / "server.py"
LIMIT = 1.05
LABELS = 4  # of BasicMotions
QUIET = Progress(quiet=True)
PHRASES = ("lift the left arm", "lower the right arm", "bend both knees", "push off with the toes")
STEP = {"opposite": None, "body_part": "arm", "side": "none", "direction": "none", "signature": []}
REPLY = {
    "keyword": "moving",
    "sentence": "A person is moving about.",
    "paraphrases": ["Someone moves.", "Moving around.", "A body in motion."],
    "cyclic": True,
    "subactions": [
        {**STEP, "phrase": phrase, "paraphrases": [f"{phrase} {how}" for how in ("now", "again", "once")]}
        for phrase in PHRASES
    ],
    "replacements": [],  # the harmonising pass reads only this
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=32)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--latency-s", type=float, default=0.5)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--stage", action="store_true")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ.pop("OPENAI_API_KEY", None)
    rounds = math.ceil(args.calls / args.concurrency)
    with serving(args.latency_s) as url, tempfile.TemporaryDirectory() as folder:
        llm = LLMSettings(base_url=url, model="toy", concurrency=args.concurrency)
        seconds = ask(llm, args.calls, args.runs, Path(folder))
        at_best = dict.fromkeys(seconds, rounds * args.latency_s)
        if args.stage:
            for name, harmonise in (("stage", False), ("harmonised", True)):
                seconds[name] = stage(llm, args.calls, harmonise, args.runs, Path(folder))
                at_best[name] = (rounds + harmonise) * args.latency_s
    found = {
        name: {
            "seconds": values,
            "at_best": at_best[name],
            "ratio": statistics.median(values) / at_best[name],
        }
        for name, values in seconds.items()
    }
    judged = found["stage" if args.stage else "ask_all"]["ratio"]
    if args.json:
        asked = {"calls": args.calls, "concurrency": args.concurrency, "latency_s": args.latency_s}
        print(json.dumps({**asked, "found": found, "limit": LIMIT, "holds": judged <= LIMIT}))
        return
    print(f"{args.calls} calls, {args.concurrency} at once, {args.latency_s} s each")
    for name, figures in found.items():
        runs = " ".join(f"{value:.3f}" for value in figures["seconds"])
        print(f"{name:10} × {figures['ratio']:.3f} of {figures['at_best']:.2f} s   ({runs})")
    print(f"at most × {LIMIT}: {'yes' if judged <= LIMIT else 'NO'}")


@contextmanager
def serving(latency_s: float) -> Iterator[str]:
    """A server in a process of its own; gives its address."""
    arguments = ["--content", json.dumps(REPLY), "--latency-s", str(latency_s)]
    server = subprocess.Popen([sys.executable, str(SERVER), *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
    finally:
        server.kill()
        server.wait()


def ask(llm: LLMSettings, calls: int, runs: int, folder: Path) -> dict[str, list[float]]:
    """Seconds of `ask_all`; each reply is checked to have come from where it should."""
    questions = [Question(f"{i}", "You name movements.", f"Name {i}.", LabelReply) for i in range(calls)]
    seconds: dict[str, list[float]] = {"first": [], "ask_all": [], "resumed": []}
    names = ["first", *["ask_all"] * runs, "resumed"]
    for place, name in enumerate(names):
        journal = folder / f"{min(place, runs)}.sqlite"  # the last run finds the journal of the one before
        start = time.monotonic()
        answers = ask_all(questions, llm, journal, QUIET)
        seconds[name].append(time.monotonic() - start)
        paid = {answer.paid if isinstance(answer, Answer) else answer.reason for answer in answers}
        assert paid == {0 if name == "resumed" else 1}, paid
    return seconds


def stage(llm: LLMSettings, calls: int, harmonise: bool, runs: int, folder: Path) -> list[float]:
    """Seconds of ``vqtext gen-subactions``, once the windows are there and all is imported."""
    words = WordsSettings(provider="openai", drafts=calls // LABELS, harmonise=harmonise, least=2)
    cache = folder / f"cache-{harmonise}"
    settings = Settings(cache=cache, words=words, llm=llm)
    run(Prepare(settings, QUIET))
    seconds = []
    for _ in range(runs):
        for file in [*cache.glob("*subactions*"), *cache.glob("journal*")]:
            file.unlink()
        start = time.monotonic()
        run(GenSubactions(settings, QUIET))
        seconds.append(time.monotonic() - start)
    return seconds


if __name__ == "__main__":
    main()
