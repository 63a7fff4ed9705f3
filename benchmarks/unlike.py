"""Is it said when a window is out of distribution? People that a model has not seen, and noise.

    VQTEXT_DATA=FOLDER python benchmarks/unlike.py [--data gait|dsads] [--seed 0] [--cache FOLDER]

FOLDER holds ``gait/`` and ``dsads/``. One model is trained; four people of the gait data, or subjects 7 and
8 of DSADS, are kept apart. Of their windows as they are, and of windows made of them that no sensor gave, it
prints how many are told as out of distribution, how sure of its class the model is on average, and how
sure it would be if it could not tell.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from stages import WORDS, stages

from vqtext import load
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.training.run_record import folds_of, read_run
from vqtext.settings.schema import DataSettings, Settings, TrainSettings

WINDOWS = 300
APART = {"gait": ["10", "3", "5", "8"], "dsads": ["7", "8"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", choices=APART, default="gait")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    data = DataSettings(name=args.data, path=Path(os.environ["VQTEXT_DATA"]) / args.data)
    train = TrainSettings(seeds=[args.seed], test_subjects=APART[args.data])
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(cache=args.cache or Path(folder), data=data, train=train)
        stages(settings, (*WORDS, "train"))
        windows = read_windows(settings.cache / "windows.h5")
        fold = folds_of(settings.run_folder, read_run(settings.run_folder), windows)[0]
        model = load(settings.run_folder / fold.best)
    rng = np.random.default_rng(0)
    test = np.sort(rng.permutation(fold.split.test)[:WINDOWS])
    signal = np.asarray(windows.signal[test])
    for name, other in spoilt(signal, rng).items():
        said = model.decode(other)
        sure = np.exp(said.log_posterior).max(1)
        labels = len(model.config.labels)
        blind = (sure - (1 - said.familiar) / labels) / said.familiar
        unlike = (said.familiar < 1).mean()
        print(f"{name:28} unlike {unlike:.3f}  sure {sure.mean():.3f}, blindly {blind.mean():.3f}")


def spoilt(signal: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Windows ``(n, C, T)`` as they are, and made into what no sensor of theirs gives."""
    mean, std = np.nanmean(signal, (0, 2), keepdims=True), np.nanstd(signal, (0, 2), keepdims=True)
    noise = rng.standard_normal(signal.shape)
    walk = noise.cumsum(2) / np.sqrt(signal.shape[2])
    half = signal.copy()
    half[..., signal.shape[2] // 2 :] = np.nan
    made = {
        "as they are": signal,
        "white noise": mean + std * noise,
        "random walks": mean + std * walk,
        "m/s² where g was learned": 9.81 * signal,
        "g where m/s² was learned": signal / 9.81,
        "channels in another order": signal[:, rng.permutation(signal.shape[1])],
        "nothing moves": np.broadcast_to(np.nanmean(signal, 2, keepdims=True), signal.shape),
        "backwards": signal[..., ::-1],
        "half of the window lost": half,
    }
    return {name: np.ascontiguousarray(x, dtype=np.float32) for name, x in made.items()}


if __name__ == "__main__":
    main()
