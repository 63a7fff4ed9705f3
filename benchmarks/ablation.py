"""What each part of the training is worth: the default, and each part taken away or put in its place.

    VQTEXT_DATA=FOLDER python benchmarks/ablation.py [--data gait,dsads,planted] [--rows default,…]
                                                     [--seeds 0,1,2] [--cache FOLDER]

FOLDER holds ``gait/`` and ``dsads/``. Gait in three folds, the others on one split of people; all by `vqtext
evaluate`, on people who chose nothing. Each row is trained by the ordinary pipeline.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from stages import MODEL, WORDS, stages

from vqtext.model.grounding import e_step
from vqtext.model.training import losses
from vqtext.settings.schema import Settings, TrainSettings

SPLITS: dict[str, dict[str, Any]] = {
    "gait": {"folds": 3},
    "dsads": {"test_subjects": ["7", "8"]},
    "planted": {"folds": 3},
}


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _without_steps() -> Iterator[None]:
    """The class by steps is decoded as ever, but no longer trained."""
    with mock.patch.dict(losses.WEIGHTS, {"steps": 0.0}):
        yield


@contextmanager
def _rejecting() -> Iterator[None]:
    """Written cells that the data contradict are left out."""
    with mock.patch.object(e_step.EStepConfig, "__init__", _rejecting_init):
        yield


_init = e_step.EStepConfig.__init__


def _rejecting_init(self: e_step.EStepConfig, **given: Any) -> None:
    _init(self, **{"reject_cells": True, **given})


ROWS: dict[str, tuple[dict[str, Any], Callable[[], Any]]] = {
    "default": ({}, _nothing),
    "steps-untrained": ({}, _without_steps),
    "cells-rejected": ({}, _rejecting),
    "no-guidance": ({"guidance": {"source": "none"}}, _nothing),
    "descriptions": ({"guidance": {"source": "both"}}, _nothing),
    "no-refit": ({"train": {"refit": False}}, _nothing),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="gait,dsads,planted")
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    seeds = [int(seed) for seed in args.seeds.split(",")]
    with tempfile.TemporaryDirectory() as folder:
        for name in args.data.split(","):
            data: dict[str, Any] = {"name": name}
            if name != "planted":
                data["path"] = Path(os.environ["VQTEXT_DATA"]) / name
            for row in args.rows.split(","):
                changed, how = ROWS[row]
                train = {"run": row, "seeds": seeds, **SPLITS[name], **changed.get("train", {})}
                settings = Settings(
                    cache=(args.cache or Path(folder)) / name,
                    data=data,
                    guidance=changed.get("guidance", {}),
                    train=TrainSettings(**train),
                )
                with how():
                    stages(settings, WORDS + MODEL)
                told(name, row, json.loads((settings.run_folder / "evaluate.json").read_text()))


def told(name: str, row: str, scores: dict[str, Any]) -> None:
    """Print one row."""
    parts = [
        f"{by} {scores['classification'][by]['macro_f1']['mean']:.3f}" for by in ("decoding", "steps", "head")
    ]
    if scores["grounding"]:
        for key in ("named_recall", "naming_gap"):
            m = scores["grounding"][key]
            parts.append(f"{key} {m['mean']:.3f} ± {m['std']:.3f}")
    agreement = scores["proxies"]["seed_agreement"]["mean"]
    if agreement is not None:
        parts.append(f"seeds agree {agreement:.3f}")
    print(f"{name:8} {row:16} macro-F1 {', '.join(parts)}", flush=True)


if __name__ == "__main__":
    main()
