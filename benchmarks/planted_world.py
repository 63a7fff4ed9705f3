"""Does the planted world move as its words say, and how fast is it made?

    python benchmarks/planted_world.py [--subjects 12] [--seed 0]

For each world: windows of 5 s that are made a second, the mean log motion of each step and location beside
the level that is written, and the share of pairs of levels that are found in the order in which they are
written; beside it the same for words of which a quarter of the levels is wrong.
"""

from __future__ import annotations

import argparse
import time

from corruption import corrupted
from levels import agreement, levels

from vqtext.data.planted.simulate import record
from vqtext.data.planted.world import WORLDS, Options
from vqtext.prompts.lexicon import lexicon


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    for name, world in WORLDS.items():
        options = Options(world=name, seed=asked.seed, subjects=asked.subjects)
        began = time.perf_counter()
        recordings = [record(number, options) for number in range(options.subjects)]
        took = time.perf_counter() - began
        windows = sum(r.signal.shape[1] / r.rate_hz for r in recordings) / 5
        print(f"\n# {name}: {windows:.0f} windows of 5 s in {took:.1f} s, {windows / took:.0f} a second")
        words = lexicon("planted", list(world.labels))
        found = levels(recordings, words.labels)
        for level in sorted(found, key=lambda x: (x.label, x.location, -x.found)):
            row = f"{level.label:16} {level.location:20} {level.phrase:32} {level.written:9}"
            print(f"{row} {level.found:+.2f}")
        wrong = agreement(levels(recordings, corrupted(words, 0.25, asked.seed).labels))
        for what, (right, pairs) in {"as written": agreement(found), "a quarter wrong": wrong}.items():
            share = f" = {right / pairs:.3f}" if pairs else ""
            print(f"{name}, {what}: {right} of {pairs} pairs in order{share}")


if __name__ == "__main__":
    main()
