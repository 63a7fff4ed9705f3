"""One model of a run: fitted, its heads chosen, trained on with the validation windows, saved."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from vqtext.console.progress import Progress
from vqtext.pipeline.training.run_record import SCORES
from vqtext.settings.schema import Settings

if TYPE_CHECKING:
    from vqtext.model.config import ModelConfig
    from vqtext.model.load import VQText
    from vqtext.model.training.training_data import TrainingData

REFIT_AFTER = 0.6  # share of the epochs after which the validation windows have chosen, and train too
REFIT_RATE = 0.5  # learning rate from then on, as a share of what it was
WHOLE = "whole"  # folder of what was logged once all windows trained


def train_model(
    settings: Settings,
    seed: int,
    config: ModelConfig,
    data: TrainingData,
    folder: Path,
    name: str,
    progress: Progress,
) -> None:
    """Train one model beside ``folder`` and move it there when it is whole.

    Validation windows choose the heads after `REFIT_AFTER` of the epochs; then training goes on with them."""
    from vqtext.model.grounding import base as grounding
    from vqtext.model.load import VQText
    from vqtext.model.training.fit import epochs_for, fit
    from vqtext.model.training.lightning_module import weights
    from vqtext.pipeline.training.post_fit import choose, finish

    work = folder.with_name(f".{folder.name}.work")
    train, drop = settings.train, settings.guidance.drop
    epochs = epochs_for(len(data.train), train)
    refit = train.refit and train.overfit is None and len(data.validation) > 0 and epochs > 1
    first = min(ceil(REFIT_AFTER * epochs), max(1, epochs - 1)) if refit else epochs
    if work.exists():
        progress.say(f"{name}: going on where it was stopped")
    how = train.model_copy(update={"epochs": first})
    with progress.bar(f"{name}: steps") as tell:
        network, decoder, scores, names = fit(config, data, how, drop, seed, work, tell)
    model = VQText(network, decoder)
    begin = weights(network, decoder)
    if train.overfit is not None:
        data = replace(data, validation=data.validation[:0])  # that check holds no window out
    chosen = choose(model, data)
    if chosen is not None:
        scores |= {"nll": chosen.nll, "accuracy": chosen.accuracy}
    if refit:
        del names  # the posterior of each window is as large as its signal
        data = data.whole()
        scores["refit_epochs"] = float(epochs - first)
        how = train.model_copy(
            update={"epochs": epochs - first, "learning_rate": REFIT_RATE * train.learning_rate}
        )
        with progress.bar(f"{name}: steps of all windows") as tell:
            network, decoder, _, names = fit(config, data, how, drop, seed, work / WHOLE, tell, begin)
        model = VQText(network, decoder)
    evident = names
    if chosen is not None and not refit:  # training had no use for the evidence of the validation windows
        evident = grounding.make(train.grounding, data.grammar, *data.evidence_of())
    finish(model, data, chosen, evident)
    _store(model, scores, data, work, folder)


def _store(model: VQText, scores: dict[str, float], data: TrainingData, work: Path, folder: Path) -> None:
    """Save a model in ``work``, clean it of what training left, and move it to ``folder``."""
    model.save(work)
    for part in (work, work / WHOLE):
        shutil.rmtree(part / "checkpoints", ignore_errors=True)
    words = {"round_s": data.round_s, "absent": data.absent}
    (work / SCORES).write_text(json.dumps({"validation": scores, "words": words}) + "\n", encoding="utf-8")
    work.rename(folder)
