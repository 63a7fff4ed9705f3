"""Which text guides best, and how: every combination of source, facts, fusion and place.

    python benchmarks/guidance.py [--data basic_motions|dsads] [--grid full|reduced] [--cells NAME,…]
                                  [--seeds 0,1,2] [--epochs N] [--cache FOLDER] [--test]

Cells are compared by the signal alone on validation windows, on validation subjects where the data names its
subjects. Guided accuracy knows the label from its words and means nothing by itself: it is shown beside
signal-only accuracy on the same training epoch, with the gap. No model is trained anew on the validation
windows that compare it, and no cell sees the test windows; ``--test`` lets
the winner see them, once, at the end.

DSADS is taken from below VQTEXT_DATA (default ../shared/data), with subjects 7 and 8 for the test.
``--cache`` keeps artifacts and runs in a folder, and a second call takes up where the first one stopped. The
reduced grid, which is the default, changes one choice at a time.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from stages import WORDS, stages

from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.descriptions.subject_facts import facts_of
from vqtext.pipeline.evaluation.predictions import CLASSIFIERS
from vqtext.settings.schema import DataSettings, GuidanceSettings, Settings, TrainSettings

SOURCES = ("both", "label", "description")
FACTS = ("facts", "nofacts")
FUSIONS = ("signal", "bidirectional", "text-contrast")
PLACES = ("patches", "tokens")
FULL = ["none", *map(".".join, itertools.product(SOURCES, FACTS, FUSIONS, PLACES))]
REDUCED = [
    "none",
    "both.facts.signal.patches",
    "label.facts.signal.patches",
    "description.facts.signal.patches",
    "both.nofacts.signal.patches",
    "both.facts.bidirectional.patches",
    "both.facts.text-contrast.patches",
    "both.facts.signal.tokens",
]
COLUMNS = ("nll", "accuracy", "guided", "signal-only", "gap")


def data_settings(name: str) -> tuple[DataSettings, list[str] | None]:
    """Where the recordings are, and whom the test keeps."""
    if name == "basic_motions":
        return DataSettings(), None
    path = Path(os.environ.get("VQTEXT_DATA", "../shared/data")) / "dsads" / "data"
    return DataSettings(name="dsads", path=path), ["7", "8"]


def guidance_of(cell: str) -> GuidanceSettings:
    if cell == "none":
        return GuidanceSettings(source="none")
    source, facts, fusion, place = cell.split(".")
    return GuidanceSettings(source=source, facts=facts == "facts", fusion=fusion, place=place)


def scores(folder: Path) -> list[dict[str, float]]:
    """For each seed of a run: its validation scores, and the two paths in the epoch that was chosen."""
    validation = json.loads((folder / "run.json").read_text())["validation"]
    found = []
    for model, said in validation.items():
        with (folder / model / "metrics.csv").open() as file:
            epoch = [row for row in csv.DictReader(file) if row["epoch"] == f"{said['epoch']:.0f}"]

        def logged(name: str, epoch=epoch) -> float:
            return float(next((row[name] for row in epoch if row.get(name)), "nan"))

        found.append(
            {
                **{name: said[name] for name in ("nll", "accuracy")},
                "guided": logged("train/accuracy_guided"),
                "signal-only": logged("train/accuracy_signal_only"),
                "gap": logged("train/accuracy_gap"),
            }
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=("basic_motions", "dsads"), default="basic_motions")
    parser.add_argument("--grid", choices=("full", "reduced"), default="reduced")
    parser.add_argument("--cells", help="names of cells, such as none,both.facts.signal.patches")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--test", action="store_true", help="test windows for the winner, once")
    args = parser.parse_args()
    grid = FULL if args.grid == "full" else REDUCED
    cells = args.cells.split(",") if args.cells else grid
    if wrong := [cell for cell in cells if cell not in FULL]:
        parser.error(f"no such cell: {', '.join(wrong)}; the full grid has {', '.join(FULL)}")
    with tempfile.TemporaryDirectory() as folder:
        compare(args, cells, args.cache or Path(folder))


def compare(args: argparse.Namespace, cells: list[str], cache: Path) -> None:
    data, test_subjects = data_settings(args.data)
    seeds = [int(seed) for seed in args.seeds.split(",")]

    def settings(cell: str) -> Settings:
        train = TrainSettings(
            run=cell, seeds=seeds, epochs=args.epochs, test_subjects=test_subjects, refit=False
        )
        return Settings(cache=cache, data=data, guidance=guidance_of(cell), train=train)

    stages(settings("both.facts.signal.patches"), WORDS)
    subjects = read_windows(cache / "windows.h5").subjects
    if not any(any(facts_of(subject)) for subject in subjects):
        cells = [cell for cell in cells if ".nofacts." not in cell]
        print("nothing is known of the subjects: cells with and without facts are one")
    print(
        f"{args.data}, seeds {args.seeds}, signal alone on validation: nll, accuracy; in training: the rest"
    )
    print(f"{'cell':40}" + "".join(f"{name:>16}" for name in COLUMNS) + f"{'s a seed':>10}")
    nll = {}
    for cell in cells:
        start = time.monotonic()
        stages(settings(cell), ("train",))
        seconds = (time.monotonic() - start) / len(seeds)
        found = scores(cache / "runs" / cell)
        values = {name: np.array([seed[name] for seed in found]) for name in COLUMNS}
        told = [
            "–" if np.isnan(value).any() else f"{value.mean():.3f} ± {value.std():.3f}"
            for value in values.values()
        ]
        print(f"{cell:40}" + "".join(f"{text:>16}" for text in told) + f"{seconds:10.1f}", flush=True)
        nll[cell] = values["nll"].mean()
    winner = min(nll, key=lambda cell: nll[cell])
    print(f"least validation nll: {winner}")
    if args.test:
        classification = stages(settings(winner), ("evaluate",))["classification"]
        for name in CLASSIFIERS:
            scored = classification[name].items()
            told = ", ".join(f"{key} {m['mean']:.3f} ± {m['std']:.3f}" for key, m in scored)
            print(f"test, {winner}, {name}: {told}")


if __name__ == "__main__":
    main()
