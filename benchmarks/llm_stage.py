"""How much of the time goes to the server alone: asking, against a server of fixed latency.

    python benchmarks/llm_stage.py [--calls 32] [--concurrency 8] [--latency-s 0.5] [--repeats 3] [--json]

The server runs in a process of its own and replies to everything after the latency. Its time alone is
ceil(calls / concurrency) × latency; asking should take at most 1.05 times that. Timed is all of ``ask_all``:
opening the journal, connecting, sending, committing each reply to the disk, parsing. "first" also imports the
openai SDK and builds its client, as it happens once in the life of a process; "next" is every run after
it, with a journal, a client and connections of its own. "resumed" finds all replies in the journal.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import BaseModel

from vqtext.config import LLMSettings
from vqtext.pipeline.llm.asking import ask_all
from vqtext.pipeline.llm.question import Answer, Question
from vqtext.pipeline.progress import Progress

SERVER = Path(__file__).parent.parent / "tests" / "pipeline" / "llm" / "server.py"
LIMIT = 1.05


class Word(BaseModel):
    word: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=32)
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--latency-s", type=float, default=0.5)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ.pop("OPENAI_API_KEY", None)
    command = [
        sys.executable,
        str(SERVER),
        "--content",
        '{"word": "leg up"}',
        "--latency-s",
        str(args.latency_s),
    ]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        llm = LLMSettings(
            base_url=server.stdout.readline().strip(), model="toy", concurrency=args.concurrency
        )
        seconds = measure(llm, args.calls, args.repeats)
    finally:
        server.kill()
        server.wait()
    ideal = math.ceil(args.calls / args.concurrency) * args.latency_s
    found = {
        "calls": args.calls,
        "concurrency": args.concurrency,
        "latency_s": args.latency_s,
        "ideal_s": ideal,
        "limit": LIMIT,
        "seconds": seconds,
        "ratio": {name: [value / ideal for value in values] for name, values in seconds.items()},
        "holds": max(seconds["next"]) <= LIMIT * ideal,
    }
    if args.json:
        print(json.dumps(found))
        return
    print(f"{args.calls} calls, {args.concurrency} at once, {args.latency_s} s each: {ideal:.2f} s at best")
    for name, values in seconds.items():
        print(f"{name:8} " + "  ".join(f"{value:.3f} s (× {value / ideal:.3f})" for value in values))
    print(f"at most × {LIMIT} of the best, once the SDK is imported: {'yes' if found['holds'] else 'NO'}")


def measure(llm: LLMSettings, calls: int, repeats: int) -> dict[str, list[float]]:
    """Seconds of each run, by what it has to do."""
    seconds: dict[str, list[float]] = {"first": [], "next": [], "resumed": []}
    with tempfile.TemporaryDirectory() as folder:
        for run in range(1 + repeats):
            journal = Path(folder) / f"{run}.sqlite"
            seconds["next" if run else "first"].append(timed(llm, calls, journal, paid=1))
        seconds["resumed"].append(timed(llm, calls, journal, paid=0))
    return seconds


def timed(llm: LLMSettings, calls: int, journal: Path, paid: int) -> float:
    """Seconds of one run; each reply is checked to have come from where it should."""
    questions = [Question(f"{i}", "You name movements.", f"Name number {i}.", Word) for i in range(calls)]
    start = time.monotonic()
    answers = ask_all(questions, llm, journal, Progress(quiet=True))
    seconds = time.monotonic() - start
    assert all(isinstance(answer, Answer) and answer.paid == paid for answer in answers), answers
    return seconds


if __name__ == "__main__":
    main()
