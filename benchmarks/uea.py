"""Classes of UEA problems beside MiniRocket: their own train/test split, all chosen on training windows.

    python benchmarks/uea.py [--problems GunPoint,JapaneseVowels] [--seeds 0,1,2]

The problems come inside aeon's wheel. Their labels are numbers that no words describe, so each label gets one
step of its own: what is measured is the class, and what tokens cost, not names.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from stages import MODEL, WORDS, stages

from vqtext.data.windows.windows import Windows
from vqtext.pipeline.artifacts import read_windows
from vqtext.settings.schema import DataSettings, Settings, TrainSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", default="GunPoint,JapaneseVowels")
    parser.add_argument("--seeds", default="0,1,2")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    for problem in args.problems.split(","):
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(
                cache=Path(folder),
                data=DataSettings(name="uea", path=Path(problem)),
                train=TrainSettings(seeds=seeds, grounding="label"),
            )
            stages(settings, ("prepare",))
            windows = read_windows(settings.cache / "windows.h5")
            write_words(settings.cache / "subactions.json", windows.labels)
            stages(settings, WORDS[2:])
            start = time.monotonic()
            scores = stages(settings, MODEL)["classification"]
            seconds = (time.monotonic() - start) / len(seeds)
            print(f"\n{problem}: {windows.n} windows {windows.C} × {windows.T}, {seconds:.0f} s a seed")
            for name, score in scores.items():
                if name != "ece":
                    m = score["accuracy"]
                    print(f"  {name:12} accuracy {m['mean']:.3f} ± {m['std']:.3f}")
            print(f"  {'MiniRocket':12} accuracy {minirocket(windows):.3f}", flush=True)


def write_words(path: Path, labels: list[str]) -> None:
    """One step for each label, that says no more than which label it is."""
    steps = [{"label": label, "subactions": [{"phrase": f"series of class {label}"}]} for label in labels]
    path.write_text(json.dumps({"labels": steps}), encoding="utf-8")


def minirocket(windows: Windows) -> float:
    """Accuracy of aeon's MiniRocket; shorter series are followed by their last value."""
    from aeon.classification.convolution_based import MiniRocketClassifier

    signal = np.asarray(windows.signal[:], dtype=float)
    last = windows.length[:, None, None] - 1
    place = np.minimum(np.arange(windows.T), last)
    signal = np.take_along_axis(signal, np.broadcast_to(place, signal.shape), axis=2)
    train, test = windows.split == 0, windows.split == 1
    model = MiniRocketClassifier(random_state=0).fit(signal[train], windows.label[train])
    return float(np.mean(model.predict(signal[test]) == windows.label[test]))


if __name__ == "__main__":
    main()
