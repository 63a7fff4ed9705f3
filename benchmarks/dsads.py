"""DSADS by the signal alone: trained on subjects 1 to 6, tested on 7 and 8, all chosen on training subjects.

    VQTEXT_DATA=FOLDER python benchmarks/dsads.py [--seeds 0,1,2] [--peers] [--cache FOLDER] [--loso]

FOLDER holds ``dsads/``. ``--peers`` fits aeon's MiniRocket, MultiRocketHydra and QUANT on the same windows in
one run with ours; ``--loso`` leaves one subject out at a time, for ours and MiniRocket. Beside scores it says
how much of each series' own variance in its window is missed on test subjects: by the pieces that codes draw
alone, by what tokens tell together, and with codes shuffled; and of each activity how alike seeds name it.
Seconds a model and windows a second of `predict` and `explain` stand beside those of the peers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from drawing import missed
from stages import MODEL, WORDS, stages

from vqtext import load
from vqtext.data.windows.windows import Windows
from vqtext.model.load import VQText
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.evaluation.frame_metrics import agreement
from vqtext.pipeline.training.run_record import folds_of, read_run
from vqtext.settings.schema import DataSettings, Settings, TrainSettings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--loso", action="store_true")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    data = DataSettings(name="dsads", path=Path(os.environ["VQTEXT_DATA"]) / "dsads")
    with tempfile.TemporaryDirectory() as folder:
        cache = args.cache or Path(folder)
        apart = TrainSettings(seeds=seeds, test_subjects=["7", "8"])
        seconds = told(Settings(cache=cache, data=data, train=apart), seeds)
        windows = read_windows(cache / "windows.h5")
        who = np.array([int(subject.id) for subject in windows.subjects])[windows.subject]
        if args.peers:
            peers(windows, who >= 7, ("MiniRocket", "MultiRocketHydra", "QUANT"), seconds=seconds)
        if args.loso:
            alone = Settings(cache=cache, data=data, train=TrainSettings(run="loso", folds="loso"))
            told(alone, [])
            by_subject(alone, windows)
            for subject in sorted(set(who)):
                peers(windows, who == subject, ("MiniRocket",), f" without subject {subject}")


def told(settings: Settings, seeds: list[int]) -> float:
    """Train, evaluate, and print scores, times, what is missed of the signal, and how names agree; seconds a
    model."""
    summary = stages(settings, WORDS + MODEL)
    for name, scores in summary["classification"].items():
        if name != "ece":
            said = ", ".join(f"{key} {m['mean']:.3f} ± {m['std']:.3f}" for key, m in scores.items())
            print(f"{settings.train.run} {name:12} {said}", flush=True)
    folder = settings.run_folder
    record = read_run(folder)
    seconds = float(record["seconds"]) / len(record["validation"])
    print(f"{settings.train.run} seconds a model: {seconds:.0f}")
    windows = read_windows(settings.cache / "windows.h5")
    test = folds_of(folder, record, windows)[0].split.test
    trained = {seed: load(folder / f"seed-{seed}") for seed in seeds}
    for seed, model in trained.items():
        alone, read, alone_shuffled, read_shuffled = missed(model, windows, test)
        print(
            f"seed {seed} missed of the variance: codes alone {alone:.3f} (shuffled {alone_shuffled:.3f}), "
            f"read together {read:.3f} (shuffled {read_shuffled:.3f})"
        )
    for ask in ("predict", "explain") if trained else ():
        start = time.monotonic()
        getattr(trained[seeds[0]], ask)(windows.signal, test)
        print(f"{ask}: {len(test) / (time.monotonic() - start):.0f} windows a second", flush=True)
    if len(seeds) > 1:
        alike(list(trained.values()), windows, test)
    return seconds


def alike(models: Sequence[VQText], windows: Windows, test: np.ndarray) -> None:
    """Print for each label how much of the time two models say the same, and how sure they are."""
    said = [model.decode(windows.signal, test) for model in models]
    for number, label in enumerate(windows.labels):
        own = windows.label[test] == number
        keep = said[0].keep[own]
        same = np.mean(agreement([s.anchor[own] for s in said], keep))
        sure = np.mean([s.confidence[own][keep].mean() for s in said])
        print(f"named alike {same:.2f}, confidence {sure:.2f}: {label}")


def by_subject(settings: Settings, windows: Windows) -> None:
    """Print the macro-F1 of the decoding on each subject that was left out, as peers have it."""
    from sklearn.metrics import f1_score

    folder = settings.run_folder
    for fold in folds_of(folder, read_run(folder), windows):
        test = fold.split.test
        subject = windows.subjects[windows.subject[test[0]]].id
        said = load(folder / fold.models[0]).decode(windows.signal, test).label
        score = f1_score(windows.label[test], said, average="macro")
        print(f"decoding         without subject {subject} macro_f1 {score:.3f}", flush=True)


def peers(
    windows: Windows, test: np.ndarray, names: tuple[str, ...], told: str = "", seconds: float | None = None
) -> None:
    """Fit aeon's classifiers on all windows that are not ``test``, and print their scores on it.

    Args:
        seconds: of fitting one model of ours, to be told as a multiple of theirs.
    """
    from aeon.classification.convolution_based import MiniRocketClassifier, MultiRocketHydraClassifier
    from aeon.classification.interval_based import QUANTClassifier
    from sklearn.metrics import f1_score

    made = {
        "MiniRocket": MiniRocketClassifier,
        "MultiRocketHydra": MultiRocketHydraClassifier,
        "QUANT": QUANTClassifier,
    }
    signal, label = np.asarray(windows.signal[:], dtype=float), windows.label
    for name in names:
        start = time.monotonic()
        model = made[name](random_state=0).fit(signal[~test], label[~test])
        fitting = time.monotonic() - start
        said = model.predict(signal[test])
        asked = test.sum() / (time.monotonic() - start - fitting)
        score = f1_score(label[test], said, average="macro")
        times = f", ours takes {seconds / fitting:.1f} times as long" if seconds is not None else ""
        print(
            f"{name:16}{told} macro_f1 {score:.3f}, fit {fitting:.0f} s{times}, {asked:.0f} windows a second",
            flush=True,
        )


if __name__ == "__main__":
    main()
