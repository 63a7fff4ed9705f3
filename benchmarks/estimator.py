"""The estimator beside ``vqtext train``: accuracy with the same windows, words, settings and seeds.

    python benchmarks/estimator.py [--problems basic_motions,JapaneseVowels,GunPoint] [--seeds 0]

The problems come inside aeon's wheel, with their own train/test split; BasicMotions has the lexicon's words,
the others one step a label, as in `uea`. *without words* is the estimator as it is called without any.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from stages import WORDS, stages
from uea import write_words

import vqtext
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.artifacts import read_windows
from vqtext.settings.schema import DataSettings, Settings, TrainSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", default="basic_motions,JapaneseVowels,GunPoint")
    parser.add_argument("--seeds", default="0")
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    for problem in args.problems.split(","):
        with tempfile.TemporaryDirectory() as folder:
            settings = settings_of(problem, Path(folder), seeds)
            stages(settings, ("prepare",))
            windows = read_windows(settings.cache / "windows.h5")
            words = settings.cache / "subactions.json"
            if settings.train.grounding == "label":
                write_words(words, windows.labels)
            print(
                f"\n{problem}: {windows.n} windows {windows.C} × {windows.T}, seeds {args.seeds}", flush=True
            )
            start = time.monotonic()
            stages(settings, (*WORDS[1:], "train"))
            models = [vqtext.load(settings.run_folder / f"seed-{seed}") for seed in seeds]
            test = np.flatnonzero(windows.split == 1)
            truth = np.array(windows.labels)[windows.label[test]]
            right = [float(np.mean(model.predict(windows.signal, test) == truth)) for model in models]
            told("vqtext train", right, start)
            same = {
                "train.grounding": settings.train.grounding,
                "guidance.source": settings.guidance.source,
                "embed.encoder": settings.embed.encoder,
            }
            for name, given in (
                ("estimator", {"subactions": words, "settings": same}),
                ("without words", {}),
            ):
                start = time.monotonic()
                told(name, [accuracy(windows, seed, **given) for seed in seeds], start)


def settings_of(problem: str, cache: Path, seeds: list[int]) -> Settings:
    if problem == "basic_motions":
        return Settings(cache=cache, train=TrainSettings(seeds=seeds))
    data = DataSettings(name="uea", path=Path(problem))
    return Settings(cache=cache, data=data, train=TrainSettings(seeds=seeds, grounding="label"))


def accuracy(windows: Windows, seed: int, **given: Any) -> float:
    """Of an estimator that is fitted on the windows of the data's own split."""
    series = [x[:, :length] for x, length in zip(windows.signal[:], windows.length, strict=True)]
    label = np.array(windows.labels)[windows.label]
    own = [windows.channels, windows.rate_hz, windows.T]
    model = vqtext.VQTextClassifier(
        channels=own[0], rate_hz=own[1], longest=own[2], random_state=seed, **given
    )
    train, test = (np.flatnonzero(windows.split == part) for part in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        model.fit([series[i] for i in train], label[train])
    return float(np.mean(model.predict([series[i] for i in test]) == label[test]))


def told(name: str, scores: list[float], start: float) -> None:
    seconds = (time.monotonic() - start) / len(scores)
    print(f"  {name:14} accuracy {np.mean(scores):.3f}, {seconds:.0f} s a seed", flush=True)


if __name__ == "__main__":
    main()
