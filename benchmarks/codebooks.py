"""Ways to learn a codebook, in one model: are the others as good as gradients?

    python benchmarks/codebooks.py [--kinds gradient,ema,rotation,fsq] [--seeds 0,1,2] [--cache FOLDER]

The planted world, one fold of its people. Beside names and classes: how pure codes are, what share of the
variance their drawing misses, and how many are in use.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from drawing import missed
from stages import MODEL, WORDS, stages

from vqtext import load
from vqtext.config import DataSettings, ModelSettings, Settings, TrainSettings
from vqtext.data.folds import splits_for
from vqtext.model.codebook import perplexity
from vqtext.model.codebook_kinds import KINDS
from vqtext.pipeline.artifacts import read_windows
from vqtext.pipeline.runs import folds_of, read_run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        cache, data = args.cache or Path(folder), DataSettings(name="planted")
        stages(Settings(cache=cache, data=data), WORDS)
        windows = read_windows(cache / "windows.h5")
        test = splits_for(windows, TrainSettings(folds=3))[0].test
        people = sorted({windows.subjects[i].id for i in np.unique(windows.subject[test])})
        for kind in args.kinds.split(","):
            train = TrainSettings(run=kind, seeds=seeds, test_subjects=people)
            settings = Settings(cache=cache, data=data, train=train, model=ModelSettings(codebook=kind))
            tell(kind, stages(settings, MODEL), settings, windows)


def tell(kind: str, scores: dict, settings: Settings, windows) -> None:
    """One row: mean and spread over the seeds."""
    folder = settings.cache / "runs" / kind
    fold = folds_of(folder, read_run(folder), windows)[0]
    away, away_shuffled, used = [], [], []
    for name in fold.models.values():
        model = load(folder / name)
        drawn, _, shuffled, _ = missed(model, windows, fold.split.test)
        away.append(drawn), away_shuffled.append(shuffled)
        code = model.tokenize(windows.signal, fold.split.test).code
        used.append(perplexity(torch.from_numpy(np.bincount(code[code >= 0])).float()))
    of_names, of_class = scores["grounding"], scores["classification"]["decoding"]
    row = {
        "named_accuracy": of_names["named_accuracy"]["values"],
        "code_purity": of_names["code_purity"]["values"],
        "decoding": of_class["accuracy"]["values"],
        "missed": away,
        "missed, codes shuffled": away_shuffled,
        "codes in use": used,
    }
    told = (f"{name} {np.mean(values):.3f} ± {np.std(values):.3f}" for name, values in row.items())
    print(f"{kind:9} {', '.join(told)}", flush=True)


if __name__ == "__main__":
    main()
