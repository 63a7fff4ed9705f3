"""Accuracy on BasicMotions: its own train/test split, three seeds, everything chosen on training windows.

    python benchmarks/basic_motions.py [--seeds 0,1,2] [--peer]

``--peer`` runs aeon's MiniRocket on the same split in the same run.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from stages import MODEL, WORDS, stages
from uea import minirocket

from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.evaluation.predictions import CLASSIFIERS
from vqtext.settings.schema import Settings, TrainSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--peer", action="store_true")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(cache=Path(folder), train=TrainSettings(seeds=seeds))
        scores, seconds = {}, {}
        for command in (*WORDS, *MODEL, "explain"):
            start = time.monotonic()
            scores = stages(settings, (command,)).get("classification", scores)
            seconds[command] = time.monotonic() - start
        windows = read_windows(settings.cache / "windows.h5")
    for name in CLASSIFIERS:
        told = ", ".join(f"{key} {m['mean']:.3f} ± {m['std']:.3f}" for key, m in scores[name].items())
        print(f"{name:12} {told}")
    if args.peer:
        print(f"{'MiniRocket':12} accuracy {minirocket(windows):.3f}")
    print("seconds:", ", ".join(f"{command} {value:.1f}" for command, value in seconds.items()))
    print(f"seconds a seed in train: {seconds['train'] / len(seeds):.1f}")


if __name__ == "__main__":
    main()
