"""The network as Lightning trains it: losses by name, targets, validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from vqtext.model import distributed
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.grounding.base import Grounding
from vqtext.model.network.codebook import perplexity
from vqtext.model.network.frame_names import frame_states
from vqtext.model.network.network import Network
from vqtext.model.training.augment import Augment, turn_frames
from vqtext.model.training.dataset import Batch
from vqtext.model.training.faults import cannot_compile, not_finite
from vqtext.model.training.guidance_losses import guidance_metrics
from vqtext.model.training.lightning_alone import lightning
from vqtext.model.training.losses import WEIGHTS, losses, residual
from vqtext.settings.schema import TrainSettings

WARMUP = 0.05  # share of the steps in which the learning rate rises


class Averages:
    """Means over an epoch by name, which a resumed training goes on with."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}  # on the device, since reading one would wait for it
        self.counts: dict[str, int] = {}

    def add(self, means: Mapping[str, Tensor], count: int) -> None:
        """Means over ``count`` windows."""
        for name, total in zip(means, torch.stack([*means.values()]).detach().float() * count, strict=True):
            self.sums[name] = total + self.sums[name].to(total.device) if name in self.sums else total
            self.counts[name] = self.counts.get(name, 0) + count

    def means(self) -> dict[str, float]:
        """Over what this process saw."""
        return {name: float(total) / self.counts[name] for name, total in self.sums.items()}

    def means_of_all(self) -> dict[str, float]:
        """Over what all processes saw."""
        if distributed.world_size() == 1:
            return self.means()
        names = sorted(set(distributed.gather_words([*self.sums])))
        own = [[float(self.sums.get(name, 0)), self.counts.get(name, 0)] for name in names]
        totals = distributed.mean_over_ranks(torch.tensor(own, dtype=torch.double)).tolist()
        return {name: total / count for name, (total, count) in zip(names, totals, strict=True)}


class TrainingModule(lightning.LightningModule):
    """The network with its losses; validation sees the signal alone.

    What is random in a step follows from the seed, the epoch and the number of the batch alone, so that a
    training that was stopped goes on to the same numbers.

    Args:
        network, decoder: to be trained.
        grounding: chooses what each moment of a training window should be called.
        label_vectors: each label in text space, ``(n, d)``.
        settings, seed: how.
        origin: where the training window at a place comes from, for messages.
        augment: makes other recordings of a batch, or None.
    """

    label_vectors: Tensor
    codes: Tensor

    def __init__(
        self,
        network: Network,
        decoder: Decoder,
        grounding: Grounding,
        label_vectors: Tensor,
        settings: TrainSettings,
        seed: int,
        origin: Callable[[int], str],
        augment: Augment | None,
    ) -> None:
        super().__init__()
        self.network, self.decoder = network, decoder
        self.grounding = grounding
        self.settings, self.seed, self.origin = settings, seed, origin
        self.augment = augment
        self.averages = Averages()
        self.register_buffer("label_vectors", label_vectors, persistent=False)

    def on_fit_start(self) -> None:
        self.grounding.load_state_dict(self.grounding.state_dict())  # a copy: processes share what is sent
        run = self.network.forward
        self._run = torch.compile(run) if self.settings.compile else run

    def training_step(self, batch: Batch, number: int) -> dict[str, Tensor]:
        """One batch, the ``number``-th of its epoch."""
        place, signal, label, frame_keep, text, mask = batch
        _seed(self.device, self.seed, self.current_epoch, number, distributed.rank())
        turn = torch.zeros_like(place)
        if self.augment is not None:
            signal, turn = self.augment(signal, frame_keep)
        try:
            out = self._run(signal, text, mask)
        except Exception as error:
            if self.settings.compile and (problem := cannot_compile(error)) is not None:
                raise problem from error
            raise
        states = frame_states(out, frame_keep.shape[1])
        with torch.no_grad():
            target = turn_frames(self._targets(place, label, turn_frames(states, -turn)), turn)
        terms = losses(out, states, label, target, frame_keep, self.label_vectors, self.decoder)
        total = torch.stack([WEIGHTS[name] * value for name, value in terms.items()]).sum()
        if not distributed.mean_over_ranks(total.detach()).isfinite():
            raise not_finite(terms, out, [self.origin(int(i)) for i in place], self.global_step)
        right = (out.classes.argmax(-1) == label).float()
        self.averages.add({"loss": total, **terms, "accuracy": right.mean()}, len(signal))
        for name, (value, count) in guidance_metrics(out, label).items():
            self.averages.add({name: value}, count)
        return {"loss": total, "latent": out.latent[out.keep].detach(), "code": out.code[out.keep]}

    def _targets(self, place: Tensor, label: Tensor, states: Tensor) -> Tensor:
        """Target states of the windows of this process. Grounding counts over the whole batch, so every
        process computes those of all."""
        batch = map(distributed.gather, (place, label, states))
        own = slice(distributed.rank() * len(place), (distributed.rank() + 1) * len(place))
        return self.grounding.targets(*batch)[own]

    def on_train_epoch_end(self) -> None:
        means = self.averages.means_of_all()
        if {"accuracy_guided", "accuracy_signal_only"} <= means.keys():
            means["accuracy_gap"] = means["accuracy_guided"] - means["accuracy_signal_only"]
        self.log_dict({f"train/{name}": value for name, value in means.items()}, rank_zero_only=True)
        self.averages = Averages()

    def on_validation_epoch_start(self) -> None:
        self.outputs: list[tuple[Tensor, Tensor]] = []
        self.codes = torch.zeros(self.network.config.settings.codes)

    def validation_step(self, batch: Batch, _: int) -> None:
        """The signal alone."""
        signal, label = batch.signal, batch.label
        out = self.network(signal)
        self.outputs.append((out.classes, label))
        errors = residual(out.rebuilt, out.signal, out.seen)
        rebuild = errors.sum() / max(1, len(errors))  # 0 where nothing moved
        codes = out.code[out.keep].cpu()
        self.codes += torch.bincount(codes, minlength=len(self.codes))
        self.log_dict(
            {
                "validation/accuracy": (out.classes.argmax(-1) == label).float().mean(),
                "validation/rebuild": rebuild,
            },
            batch_size=len(signal),
            sync_dist=True,
        )

    def on_validation_epoch_end(self) -> None:
        logits, label = (distributed.gather(torch.cat(part)) for part in zip(*self.outputs, strict=True))
        nll = calibrated_nll(logits, label)
        self.log("validation/nll", nll)
        # the epoch is chosen on this: it must classify, and its codes must still draw the signal
        self.log("validation/score", -(nll + self.trainer.callback_metrics["validation/rebuild"]))
        codes = distributed.mean_over_ranks(self.codes.to(self.device))
        self.log("validation/perplexity", perplexity(codes), rank_zero_only=True)

    def configure_optimizers(self) -> Any:
        """AdamW under one cycle of the learning rate."""
        rate = self.settings.learning_rate
        whole = self.settings.precision == "32-true"  # a fused step cannot be clipped in mixed precision
        optimiser = torch.optim.AdamW(self.parameters(), lr=rate, weight_decay=0.01, fused=whole)
        total = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, rate, total_steps=total + 1, pct_start=WARMUP
        )
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["averages"] = {"sums": dict(self.averages.sums), "counts": dict(self.averages.counts)}
        checkpoint["grounding"] = self.grounding.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.averages.sums = dict(checkpoint["averages"]["sums"])
        self.averages.counts = dict(checkpoint["averages"]["counts"])
        self.grounding.load_state_dict(checkpoint["grounding"])


def weights(network: Network, decoder: Decoder) -> dict[str, dict[str, Tensor]]:
    """A copy of what was learned, on the CPU."""
    return {
        name: {key: value.cpu().clone() for key, value in part.state_dict().items()}
        for name, part in (("network", network), ("decoder", decoder))
    }


class Revive(lightning.Callback):
    """Dead codes are moved after each optimiser step, onto tokens of all that went into it."""

    def __init__(self) -> None:
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.steps = -1

    def on_train_start(self, trainer: Any, module: Any) -> None:
        self.steps = trainer.global_step

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, *_: Any) -> None:
        self.seen.append((outputs["latent"], outputs["code"]))
        if trainer.global_step == self.steps:  # gradients are still being gathered
            return
        latent, code = (distributed.gather(torch.cat(parts)) for parts in zip(*self.seen, strict=True))
        if len(code):  # windows too short for a single token leave none
            module.network.trunk.revive(latent.float(), code)
        self.seen, self.steps = [], trainer.global_step


def calibrated_nll(logits: Tensor, label: Tensor) -> Tensor:
    """Negative log likelihood at the temperature that suits it best, as decoding is calibrated."""
    temperatures = torch.logspace(-0.5, 1.5, 41, device=logits.device)
    each = [F.cross_entropy(logits.float() / t, label) for t in temperatures]
    return torch.stack(each).amin()


def _seed(device: torch.device, *numbers: int) -> None:
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
    if device.type == "cpu":  # `manual_seed` would record a stack trace each time, to seed a GPU later
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)
