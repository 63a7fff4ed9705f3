"""Training: from arrays to a network that names what it sees. Lightning runs the loop."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vqtext.config import TrainSettings
from vqtext.errors import TrainingError
from vqtext.model import grounding
from vqtext.model.augment import Augment, turn_frames
from vqtext.model.batches import Batch, Windows, loader
from vqtext.model.codebook import perplexity
from vqtext.model.config import ModelConfig
from vqtext.model.evidence import Evidence
from vqtext.model.grounding import Grounding
from vqtext.model.guidance import Guidance
from vqtext.model.guided_losses import guidance_metrics
from vqtext.model.lightning_alone import lightning
from vqtext.model.losses import WEIGHTS, frame_names, losses
from vqtext.model.network import Network
from vqtext.model.vocabulary import Grammar, Vocabulary
from vqtext.schema import Rows

STEPS = 600  # optimiser steps the default number of epochs aims at
EPOCHS = (20, 300)  # least and most
VALIDATIONS = 50  # looks at the validation windows in one training
WARMUP = 0.05  # share of the steps in which the learning rate rises


@dataclass(frozen=True)
class TrainingData:
    """All that training needs. N windows, of which some train and some choose the epoch; no test window.

    Attributes:
        signal: ``(·, C, T)`` in physical units, NaN where nothing was measured; in memory, or in a file.
        rows: which of its rows are the N windows.
        label: ``(N,)``.
        train, validation: places of the windows among the N.
        frame_keep: frames that lie inside their window, ``(N, F)``.
        vocabulary: anchors and transcripts; grammar: the same as chains over frames.
        anchors: unit vectors ``(K, d)``.
        label_vectors: each label in text space, unit vectors ``(n, d)``.
        guidance: text tokens, or None.
        evidence: what the sensors did against what the words say, for ``…+signal``.
    """

    signal: Rows
    rows: np.ndarray
    label: Tensor
    train: Tensor
    validation: Tensor
    frame_keep: Tensor
    vocabulary: Vocabulary
    grammar: Grammar
    anchors: Tensor
    label_vectors: Tensor
    guidance: Guidance | None
    evidence: Evidence

    def part(self, index: Tensor, drop: float | None = None) -> Windows:
        """The windows at these places; with text for a share 1 − ``drop`` of them where it is given."""
        guidance = self.guidance if drop is not None else None
        return Windows(
            self.signal, self.rows, self.label, self.frame_keep, index, guidance, drop if drop else 0.0
        )


class TrainingModule(lightning.LightningModule):
    """The network with its losses; validation sees the signal alone."""

    def __init__(
        self, network: Network, data: TrainingData, grounding: Grounding, settings: TrainSettings
    ) -> None:
        super().__init__()
        self.network = network
        self.augment = Augment(network.config.channels)
        self.grounding = grounding
        self.settings = settings
        self.register_buffer("label_vectors", data.label_vectors, persistent=False)

    label_vectors: Tensor
    codes: Tensor

    def training_step(self, batch: Batch, _: int) -> dict[str, Tensor]:
        place, signal, label, frame_keep, text, mask = batch
        signal, turn = self.augment(signal, frame_keep)
        out = self.network(signal, text, mask)
        with torch.no_grad():
            names = turn_frames(frame_names(out, out.names, frame_keep.shape[1]), -turn)
            target = turn_frames(self.grounding.targets(place, label, names), turn)
        terms = losses(out, label, target, frame_keep, self.label_vectors)
        total = torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum()
        if not total.isfinite():
            bad = [name for name, value in terms.items() if not value.isfinite()]
            raise TrainingError(
                f"the loss ({', '.join(bad)}) is not finite at step {self.global_step}: "
                "lower train.learning_rate, or look for extreme values in the recordings"
            )
        self.log_dict(
            {f"train/{name}": value.detach() for name, value in terms.items()},
            on_epoch=True,
            on_step=False,
            batch_size=len(signal),
        )
        for name, (value, count) in guidance_metrics(out, label).items():
            self.log(f"train/{name}", value, on_epoch=True, on_step=False, batch_size=count)
        return {"loss": total, "latent": out.latent[out.keep].detach(), "code": out.code[out.keep]}

    def on_train_epoch_start(self) -> None:
        progress = self.current_epoch / self.trainer.max_epochs
        before = (self.current_epoch - 1) / self.trainer.max_epochs
        if any(before < r <= progress for r in self.grounding.rounds):
            self.network.eval()
            with torch.inference_mode():
                frames = self.network.config.frames
                names = [
                    frame_names(out, out.names, frames).cpu()
                    for out in (self.network(b.signal.to(self.device)) for b in self.all_windows.blocks())
                ]
            self.network.train()
            self.grounding.refine(torch.cat(names).clone())

    def on_train_batch_end(self, outputs: Any, batch: Any, batch_idx: int) -> None:
        self.network.codebook.revive(outputs["latent"], outputs["code"])

    def on_train_epoch_end(self) -> None:
        told = self.trainer.callback_metrics
        paths = [told.get(f"train/accuracy_{path}") for path in ("guided", "signal_only")]
        if paths[0] is not None and paths[1] is not None:
            self.log("train/accuracy_gap", paths[0] - paths[1])

    def on_validation_epoch_start(self) -> None:
        self.codes = torch.zeros(self.network.config.settings.codes)

    def validation_step(self, batch: Batch, _: int) -> None:
        signal, label = batch.signal, batch.label
        out = self.network(signal)
        nll = F.cross_entropy(out.classes, label)
        rebuild = (out.rebuilt - out.signal)[out.seen].square().mean()
        codes = out.code[out.keep].cpu()
        self.codes += torch.bincount(codes, minlength=len(self.codes))
        self.log_dict(
            {
                "validation/nll": nll,
                "validation/accuracy": (out.classes.argmax(-1) == label).float().mean(),
                "validation/rebuild": rebuild,
                # the epoch is chosen on this: it must classify, and its codes must still draw the signal
                "validation/score": -(nll + rebuild),
            },
            batch_size=len(signal),
        )

    def on_validation_epoch_end(self) -> None:
        self.log("validation/perplexity", perplexity(self.codes))

    def configure_optimizers(self) -> Any:
        optimiser = torch.optim.AdamW(
            self.network.parameters(), lr=self.settings.learning_rate, weight_decay=0.01, fused=True
        )
        total = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, self.settings.learning_rate, total_steps=total + 1, pct_start=WARMUP
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def epochs_for(windows: int, settings: TrainSettings) -> int:
    """The number of epochs: as set, or as many as make about `STEPS` steps."""
    if settings.epochs is not None:
        return settings.epochs
    batches = -(-windows // settings.batch_size)
    return min(max(round(STEPS / batches), EPOCHS[0]), EPOCHS[1])


def fit(
    config: ModelConfig,
    data: TrainingData,
    settings: TrainSettings,
    drop: float,
    seed: int,
    folder: Path,
    on_epoch: Callable[[], object],
) -> tuple[Network, dict[str, float]]:
    """Train one network and return it as it was at its best epoch, by the validation windows alone.

    Args:
        folder: logs (TensorBoard and CSV) and checkpoints are written here.
        on_epoch: called after each epoch.

    Returns:
        The network in eval mode, and the validation metrics and number of its epoch.
    """
    _quiet()
    lightning.seed_everything(seed, workers=True, verbose=False)
    network = Network(config, data.anchors)
    training, validation = data.part(data.train, drop), data.part(data.validation)
    network.normalise.fit(block.signal for block in training.blocks())
    module = TrainingModule(
        network,
        data,
        grounding.make(settings.grounding, data.grammar, len(data.anchors), data.evidence),
        settings,
    )
    module.all_windows = data.part(data.train)
    watched = len(data.validation) > 0
    epochs = epochs_for(len(data.train), settings)
    best = lightning.pytorch.callbacks.ModelCheckpoint(
        folder / "checkpoints",
        "best",
        monitor="validation/score" if watched else None,
        mode="max",
        save_weights_only=True,
        enable_version_counter=False,
    )
    trainer = lightning.Trainer(
        accelerator=settings.accelerator,
        devices=1,
        max_epochs=epochs,
        logger=[
            lightning.pytorch.loggers.TensorBoardLogger(folder, name="", version=""),
            lightning.pytorch.loggers.CSVLogger(folder, name="", version=""),
        ],
        callbacks=[best, _Tell(on_epoch)],
        gradient_clip_val=1.0,
        log_every_n_steps=1,
        enable_model_summary=False,
        enable_progress_bar=False,
        deterministic="warn",  # the same seed gives the same weights, on two cores too
        check_val_every_n_epoch=max(1, epochs // VALIDATIONS),
        num_sanity_val_steps=0,
    )
    try:
        trainer.fit(
            module,
            loader(training, settings.batch_size, seed, shuffle=True, workers=settings.workers),
            loader(validation, 256, seed, shuffle=False, workers=settings.workers) if watched else None,
        )
    except SystemExit as stop:  # Lightning turns Ctrl-C into exit(1); the caller must see the Ctrl-C
        raise KeyboardInterrupt from stop
    if trainer.interrupted:
        raise KeyboardInterrupt
    kept = torch.load(best.best_model_path, weights_only=True, map_location="cpu")
    module.load_state_dict(kept["state_dict"])
    scores = _validate(network, validation) if watched else {}
    return network.eval(), {**scores, "epoch": float(kept["epoch"]), "epochs": float(epochs)}


@torch.inference_mode()
def _validate(network: Network, windows: Windows) -> dict[str, float]:
    network.eval().cpu()
    nll = right = away = seen = 0.0
    for batch in windows.blocks():
        out = network(batch.signal)
        nll += float(F.cross_entropy(out.classes, batch.label, reduction="sum"))
        right += float((out.classes.argmax(-1) == batch.label).sum())
        away += float((out.rebuilt - out.signal)[out.seen].square().sum())
        seen += float(out.seen.sum())
    return {"nll": nll / len(windows), "accuracy": right / len(windows), "rebuild": away / max(seen, 1)}


class _Tell(lightning.Callback):
    def __init__(self, on_epoch: Callable[[], object]) -> None:
        self.on_epoch = on_epoch

    def on_train_epoch_end(self, *_: Any) -> None:
        self.on_epoch()


def _quiet() -> None:
    """Lightning's tips and hints are for developers of training loops."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    logging.getLogger("lightning.fabric").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning.*")
    warnings.filterwarnings("ignore", message=".*LeafSpec.*")
