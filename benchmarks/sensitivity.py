"""What each constant of the E-step is worth: halved and doubled, one at a time, with no network.

    VQTEXT_DATA=FOLDER python benchmarks/sensitivity.py [--data planted,gait] [--cache FOLDER]

FOLDER holds ``gait/``; of gait the training people of the first of three folds are looked at. Printed is
the named recall with the constants as they are, and what halving and doubling each adds to it: what changes
nothing could go, what loses much is fragile.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from first_names import FirstNames
from stages import WORDS, stages

from vqtext.data.splits.folds import splits_for
from vqtext.model.grounding.e_step import EStepConfig, e_step
from vqtext.pipeline.evaluation.frame_metrics import at_samples, named_recall
from vqtext.settings.schema import Settings, TrainSettings

KNOWS = frozenset({"order", "signal"})
FRAGILE, INERT = 0.02, 0.001


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="planted,gait")
    parser.add_argument("--cache", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in args.data.split(","):
            cache = (args.cache or Path(folder)) / name
            data: dict[str, Any] = {"name": name}
            if name != "planted":
                data["path"] = Path(os.environ["VQTEXT_DATA"]) / name
            settings = Settings(
                cache=cache,
                data=data,
                embed={"encoder": "minilm"},
                guidance={"source": "label"},
                train=TrainSettings(folds=3),
            )
            stages(settings, WORDS)
            swept(name, settings)


def swept(name: str, settings: Settings) -> None:
    """Print the row of each constant."""
    first = FirstNames(settings)
    learn = splits_for(first.windows, settings.train)[0].learn
    evidence, truth = first.data.evidence.of(learn), first.truth[learn]

    def recall(config: EStepConfig) -> float:
        found = e_step(evidence, first.data.grammar, KNOWS, config)
        return named_recall(first.word[at_samples(found.anchors().numpy(), first.windows.T)], truth)

    base = recall(EStepConfig())
    print(f"{name}: named recall of the E-step {base:.3f}", flush=True)
    for part, constant, value in constants(EStepConfig()):
        lost = []
        for factor in (0.5, 2.0):
            changed = scaled(value, factor)
            config = getattr(EStepConfig(), part)
            lost.append(
                0.0
                if changed == value
                else recall(replace(EStepConfig(), **{part: replace(config, **{constant: changed})})) - base
            )
        told = "fragile" if min(lost) < -FRAGILE else "inert" if np.abs(lost).max() < INERT else ""
        print(
            f"{name} {part}.{constant:18} {value!s:12} halved {lost[0]:+.3f} doubled {lost[1]:+.3f} {told}",
            flush=True,
        )


def constants(config: EStepConfig) -> Iterator[tuple[str, str, Any]]:
    """Part, name and value of each."""
    for part in ("emission", "durations", "chain"):
        own = getattr(config, part)
        for constant in fields(own):
            yield part, constant.name, getattr(own, constant.name)


def scaled(value: Any, factor: float) -> Any:
    """A number, or each of a pair, times the factor; a whole number stays one, and shares stay below 1."""
    if isinstance(value, tuple):
        return tuple(scaled(one, factor) for one in value)
    if isinstance(value, int):
        return max(1, round(value * factor))
    return min(value * factor, (1 + value) / 2) if 0 < value < 1 <= value * factor else value * factor


if __name__ == "__main__":
    main()
