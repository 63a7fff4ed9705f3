"""Time and memory of ``vqtext dedup`` on many phrases, in groups that mean one thing and all distinct.

    python benchmarks/dedup_scale.py [--sizes 25000,50000,100000] [--json]

Each row is one ``vqtext dedup --threshold 0.85`` in a process of its own, from texts.h5 to anchors.h5, in 384
dimensions: seconds, peak resident memory of that process, and what was found.

- *groups*: 20 phrases mean one thing, random centres with noise (a cosine of 0.92 inside a group on average).
  Every second centre is the opposite of the one before, at a cosine of 0.93, and every second phrase names
  its opposite, so that the vetoes have work to do.
- *distinct*: random directions.

The last lines tell how time and memory grow, and 1,000,000 phrases on paper.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import resource
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vqtext.console.progress import Progress
from vqtext.pipeline import embed
from vqtext.pipeline.dedup import Dedup
from vqtext.pipeline.embed import Embed
from vqtext.pipeline.stage import run
from vqtext.settings.schema import Settings

DIM = 384
IN_GROUP = 20
IN_LABEL = 100
NOISE, OPPOSED = 0.3, 0.4  # lengths of what is added to a centre of length one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="25000,50000,100000")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    rows = []
    for kind in ("groups", "distinct"):
        for n in (int(size) for size in args.sizes.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                for task in (prepare, measure):
                    with spawn.Pool(1) as child:
                        row = child.apply(task, (kind, n, folder))
                rows.append(row)
            if not args.json:
                print("  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
    grown = {kind: growth([row for row in rows if row["kind"] == kind]) for kind in ("groups", "distinct")}
    if args.json:
        print(json.dumps({"cores": len(os.sched_getaffinity(0)), "rows": rows, "growth": grown}, indent=2))
    else:
        for kind, said in grown.items():
            print(kind, "  ".join(f"{key} {value}" for key, value in said.items()))


def prepare(kind: str, n: int, folder: str) -> None:
    """Write subactions.json, and texts.h5 by way of an encoder that knows the vectors already."""
    vectors = grouped(n) if kind == "groups" else directions(np.random.default_rng(0), n)
    group = np.arange(n) // IN_GROUP
    opposite = np.arange(n) + np.where(group % 2 == 0, IN_GROUP, -IN_GROUP)  # in the centre beside it
    entries = []
    for i in range(n):
        entry = {"phrase": _phrase(i)}
        if kind == "groups" and i % 2 and opposite[i] < n:
            entry["opposite"] = _phrase(opposite[i])
        entries.append(entry)
    labels = [
        {"label": f"label {i // IN_LABEL}", "subactions": entries[i : i + IN_LABEL]}
        for i in range(0, n, IN_LABEL)
    ]
    Path(folder, "subactions.json").write_text(json.dumps({"labels": labels}))
    known = _Known({_phrase(i): i for i in range(n)}, vectors)
    embed.choose = lambda *_: (known, "made for the benchmark")
    run(Embed(Settings(cache=Path(folder)), Progress(quiet=True)))


def measure(kind: str, n: int, folder: str) -> dict[str, object]:
    stage = Dedup(Settings(cache=Path(folder)), Progress(quiet=True))
    before = resource.getrusage(resource.RUSAGE_SELF)
    start = time.monotonic()
    summary = run(stage)
    seconds = time.monotonic() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "kind": kind,
        "phrases": n,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mb": after.ru_maxrss // 1024,
        "anchors": summary["anchors"],
        "vetoed": len(summary["vetoed"]),
    }


def growth(rows: Sequence[dict]) -> dict[str, object]:
    """How the last two sizes grow, and 1,000,000 phrases on paper.

    Comparing all pairs takes n², the rest n: both shares are solved for from two sizes. Memory is a line.
    """
    if len(rows) < 2:
        return {}
    (n, m), (one, two), (low, high) = (
        [row[key] for row in rows[-2:]] for key in ("phrases", "seconds", "peak_mb")
    )
    quadratic = max((two / m - one / n) / (m - n), 0)
    linear = two / m - quadratic * m
    per_phrase = (high - low) / (m - n)
    return {
        "time_exponent": round(math.log(two / one, m / n), 2),
        "memory_exponent": round(math.log(high / low, m / n), 2),
        "kb_a_phrase": round(1024 * per_phrase, 1),
        "million_hours": round((linear * 1e6 + quadratic * 1e12) / 3600, 2),
        "million_gb": round((high + per_phrase * (1_000_000 - m)) / 1024, 1),
    }


def grouped(n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    one = directions(rng, -(-n // IN_GROUP // 2) + 1)
    other = one + OPPOSED * directions(rng, len(one))
    centres = np.stack([one, _unit(other)], axis=1).reshape(-1, DIM)
    return _unit(centres[np.arange(n) // IN_GROUP] + NOISE * directions(rng, n))


def directions(rng: np.random.Generator, n: int) -> np.ndarray:
    return _unit(rng.standard_normal((n, DIM), dtype=np.float32))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _phrase(i: int) -> str:
    return f"movement{i // IN_GROUP}by{i % IN_GROUP}"  # one word, which says nothing of itself


def _elsewhere(text: str) -> np.ndarray:
    """The vector of a text that is none of the phrases."""
    return directions(np.random.default_rng(zlib.crc32(text.encode())), 1)[0]


class _Known:
    """An encoder that looks the vectors of phrases up."""

    name = "known"

    def __init__(self, row: dict[str, int], vectors: np.ndarray) -> None:
        self.row, self.vectors = row, vectors

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        token = np.ones((1, 4), dtype=np.float16)
        vectors = [self.vectors[self.row[t]] if t in self.row else _elsewhere(t) for t in texts]
        return np.stack(vectors), [token] * len(texts)


if __name__ == "__main__":
    main()
