"""A model of a run trained again, with its words destroyed by a control."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vqtext.data.splits.splits import Split
from vqtext.data.windows.windows import Windows
from vqtext.pipeline.evaluation.controls import Control
from vqtext.pipeline.stage import Stage
from vqtext.pipeline.training.assemble import training_data
from vqtext.pipeline.training.run_record import SCORES
from vqtext.pipeline.training.train_model import train_model
from vqtext.pipeline.vocabulary.anchor_words import Words
from vqtext.settings.schema import Settings


def retrain(
    control: Control,
    run: Mapping[str, Any],
    windows: Windows,
    split: Split,
    words: Words,
    seed: int,
    folder: Path,
    stage: Stage,
) -> None:
    """Train a model into ``folder`` by the settings of the run, unless a whole one is there.

    Args:
        control: what is destroyed; what is random about it is drawn from the seed.
        run: what the run wrote down.
        windows, split, words: what it was trained on.
        stage: says where the cache is, where to compute, and tells of progress.
    """
    if (folder / SCORES).exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    settings = settings_of(run, stage.settings, control.without_text)
    rng = np.random.default_rng(seed)
    destroyed = control.words(words, rng) if control.words is not None else words
    config, data = training_data(windows, split, settings, destroyed)
    if control.data is not None:
        data = control.data(data, rng)
    name = f"{control.what}, seed {seed}"
    train_model(settings, seed, config, data, folder, name, stage.progress)


def settings_of(run: Mapping[str, Any], now: Settings, without_text: bool) -> Settings:
    """The settings of a run, to be followed in the cache and on the machine of now."""
    values = {**run["settings"], "cache": now.cache}
    where = {name: getattr(now.train, name) for name in ("accelerator", "devices", "workers")}
    values["train"] = {**values["train"], **where, "logger": ["csv"], "logger_online": False}
    values["model"] = {name: x for name, x in values["model"].items() if name != "codebook"}  # runs of before
    if without_text:
        values["train"] |= {"grounding": "nearest"}
        values["guidance"] = {**values["guidance"], "source": "none"}
    return Settings.model_validate(values)
