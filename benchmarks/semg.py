"""Do words come true where sensors feel muscles? The knee, named by envelopes of four muscles of the thigh.

    python benchmarks/semg.py [--train] [--modality emg] [--data ../shared/data/semg]

The words are a language model's (`words/semg`), written to the prompt alone; the truth is a goniometer's,
which is no channel. For the E-step alone and, with ``--train``, for models of three folds on the people kept
out of them by the signal alone: mean recall over the truth words, the share of the time under a phrase that
straddles a border, and the recall over the rest; beside them the recall of the best constant name, and of the
best one for each label. ``--modality emg`` calls muscles what the data at hand call unknown.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from itertools import product
from pathlib import Path

import numpy as np
from authors import Scores, words_of
from stages import stages

from vqtext.pipeline.artifacts import read_windows
from vqtext.settings.schema import Settings

WORDS = Path(__file__).parent / "words" / "semg"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = Path(os.environ.get("VQTEXT_DATA", "../shared/data")) / "semg"
    parser.add_argument("--data", type=Path, default=data)
    parser.add_argument("--modality", choices=("unknown", "emg"), default="unknown")
    parser.add_argument("--threshold", type=float, default=0.85)
    parser.add_argument("--train", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        own, cache = Path(folder) / "data", Path(folder) / "cache"
        shutil.copytree(asked.data, own)
        if asked.modality == "emg":
            toml = (own / "dataset.toml").read_text(encoding="utf-8")
            toml = toml.replace('"unknown"', '"emg"').replace('unit = "1"', 'unit = "mV"')
            (own / "dataset.toml").write_text(toml, encoding="utf-8")
        settings = Settings(
            cache=cache,
            data={"name": "csv", "path": own, "window_s": 4, "stride_s": 2},
            dedup={"threshold": asked.threshold},
            embed={"encoder": "minilm"},
            train={"folds": 3},
        )
        stages(settings, ("prepare",))
        words_of(WORDS, cache)
        summary = stages(settings, ("describe", "embed", "dedup"))
        print(f"{asked.modality}: {summary['phrases']} phrases, {summary['anchors']} anchors")
        windows = read_windows(cache / "windows.h5")
        told("E-step", Scores.of_e_step(settings, WORDS))
        truth = np.asarray(windows.truth[:])
        label = np.broadcast_to(windows.label[:, None], truth.shape)
        constants = 1 / len(windows.truth_words), constant(label, truth)
        print("best constant name {:.3f}, one a label {:.3f}".format(*constants), flush=True)
        if asked.train:
            told("trained", Scores.of_training(settings, WORDS))


def told(by: str, scores: Scores) -> None:
    every = scores.recalls()
    words = ", ".join(f"{word} {recall:.3f}" for word, recall in zip(scores.words, every, strict=True))
    rest = f"straddling {scores.straddling():.3f}, rest {np.nanmean(scores.recalls(scores.clear)):.3f}"
    print(f"{by:7} recall {np.nanmean(every):.3f} ({words}), {rest}", flush=True)


def constant(label: np.ndarray, truth: np.ndarray) -> float:
    """Mean recall of the best constant name for each label, over all ways to choose them."""
    labels, words = label.max() + 1, truth.max() + 1
    share = np.zeros((labels, words))  # of each word's time, how much is in each label
    np.add.at(share, (label[truth >= 0], truth[truth >= 0]), 1)
    share /= share.sum(axis=0)
    return (
        max(sum(share[i, w] for i, w in enumerate(way)) for way in product(range(words), repeat=labels))
        / words
    )


if __name__ == "__main__":
    main()
