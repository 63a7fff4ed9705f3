"""Checkpoints of a training: its weights, the place to resume at, and its numbers.

All of it is in one file, which is written at most every `SAVE_EVERY_S` seconds, between two steps or two
epochs, and replaces the one before in one rename.
"""

from __future__ import annotations

import csv
import pickle
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch

from vqtext.model.distributed import rank_zero
from vqtext.model.tensor_files import save_torch
from vqtext.model.training.dataset import SeededSampler
from vqtext.model.training.lightning_alone import lightning
from vqtext.model.training.lightning_module import weights

SAVE_EVERY_S = 20.0  # between two checkpoints
WRITE_EVERY_S = 2.0  # between two writings of metrics.csv
TELL_EVERY_S = 0.2  # between two reports of progress
LAST = "last.ckpt"

Tell: TypeAlias = Callable[[int, int, Mapping[str, float]], object]
"""Progress: steps done, of how many, and losses by name."""


class AtomicIO(lightning.pytorch.plugins.TorchCheckpointIO):
    """Checkpoints that are written in one rename, and flushed to the disk.

    Raises:
        OSError: the disk is full or read-only; nothing is left of what was half written.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        try:
            save_torch(checkpoint, part)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


class Checkpoints(lightning.pytorch.callbacks.Checkpoint):
    """Saves the weights that count and the place to resume at, and stops early.

    The weights of the last epoch count, at which the learning rate has come down: a few validation people
    would choose an early one by chance. With ``patience`` those of the best one do.

    Args:
        folder: where the checkpoints go.
        patience: validations in a row without a better score after which training ends; None for never.
        sampler: of the training windows; a resumed training sets where in an epoch it goes on.
    """

    def __init__(self, folder: Path, patience: int | None, sampler: SeededSampler) -> None:
        self.folder, self.patience, self.sampler = folder, patience, sampler
        self.score: float | None = None  # the best
        self.best: dict[str, Any] = {}  # its epoch and the weights it had
        self.without = 0  # validations in a row without a better score
        self.rows: list[dict[str, float]] = []  # numbers of each epoch
        self.saved_at = self.written_at = -SAVE_EVERY_S  # the first is due at once: the place can be written
        self.steps = 0

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self.steps = trainer.global_step
        trainer.should_stop = self._is_over()

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        stepped, self.steps = trainer.global_step > self.steps, trainer.global_step
        if stepped and not trainer.is_last_batch and self._is_due(trainer):
            self._save(trainer)

    def on_validation_end(self, trainer: Any, module: Any) -> None:
        if self.patience is None:
            return
        score = float(trainer.callback_metrics["validation/score"])
        if self.score is None or score > self.score:
            self.score, self.without = score, 0
            self._keep(trainer, module)
        else:
            self.without += 1
        trainer.should_stop = trainer.should_stop or self._is_over()

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        numbers = {name: float(value) for name, value in trainer.callback_metrics.items()}
        self.rows.append({"epoch": trainer.current_epoch, "step": trainer.global_step, **numbers})
        is_last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        if is_last and not self.best:
            self._keep(trainer, module)
        # before the checkpoint: a training that is over does not write them again
        if rank_zero() and (is_last or time.monotonic() - self.written_at >= WRITE_EVERY_S):
            self._write_rows()
        if self._is_due(trainer, is_last):
            self._save(trainer)

    def _keep(self, trainer: Any, module: Any) -> None:
        self.best = {"epoch": trainer.current_epoch, "weights": weights(module.network, module.decoder)}

    def _is_over(self) -> bool:
        return self.patience is not None and self.without >= self.patience

    def _is_due(self, trainer: Any, is_last: bool = False) -> bool:
        due = is_last or time.monotonic() - self.saved_at >= SAVE_EVERY_S
        return bool(trainer.strategy.reduce_boolean_decision(due, all=False))

    def _save(self, trainer: Any) -> None:
        trainer.save_checkpoint(self.folder / LAST)
        self.saved_at = time.monotonic()

    def _write_rows(self) -> None:
        self.written_at = time.monotonic()
        names = sorted({name for row in self.rows for name in row} - {"epoch", "step"})
        with (self.folder.parent / "metrics.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["epoch", "step", *names])
            writer.writeheader()
            writer.writerows(self.rows)

    def on_save_checkpoint(self, trainer: Any, module: Any, checkpoint: dict[str, Any]) -> None:
        done = trainer.fit_loop.epoch_loop.batch_progress.current.processed
        checkpoint["keeper"] = {
            "score": self.score,
            "best": self.best,
            "without": self.without,
            "rows": self.rows,
            "batches": 0 if trainer.is_last_batch else done,
        }

    def on_load_checkpoint(self, trainer: Any, module: Any, checkpoint: dict[str, Any]) -> None:
        state = checkpoint["keeper"]
        self.score, self.best = state["score"], state["best"]
        self.without, self.rows = state["without"], list(state["rows"])
        self.sampler.skip = state["batches"]


class Progress(lightning.Callback):
    """Reports how far the training is, with its losses by name."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.last_s = 0.0

    def on_train_batch_end(self, trainer: Any, module: Any, *_: Any) -> None:
        if rank_zero() and time.monotonic() - self.last_s >= TELL_EVERY_S:
            self.last_s = time.monotonic()
            self._tell(trainer, module.averages.means())

    def on_train_epoch_end(self, trainer: Any, module: Any) -> None:
        if rank_zero():
            self._tell(trainer, {})

    def _tell(self, trainer: Any, means: Mapping[str, float]) -> None:
        numbers = {name: means[name] for name in ("class", "name", "rebuild") if name in means}
        self.tell(trainer.global_step, int(trainer.estimated_stepping_batches), numbers)


def read_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The checkpoint that a training can resume from, or None where it must begin anew."""
    try:
        checkpoint = torch.load(folder / LAST, weights_only=True, map_location="cpu")
        return checkpoint if isinstance(checkpoint["keeper"], dict) else None
    except (OSError, RuntimeError, LookupError, EOFError, ValueError, TypeError, pickle.UnpicklingError):
        return None
