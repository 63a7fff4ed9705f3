"""Training: from arrays to a network. Lightning runs the loop."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vqtext.errors import TrainingError
from vqtext.model.config import MIN_PATCH, ModelConfig
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.grounding import base as grounding
from vqtext.model.network.network import Network
from vqtext.model.tensor_files import START, save_safetensors
from vqtext.model.training.augment import Augment
from vqtext.model.training.augment_tilt import tilt_spread
from vqtext.model.training.augment_yaw import own_yaw
from vqtext.model.training.checkpoint import LAST, AtomicIO, Checkpoints, Progress, Tell, read_checkpoint
from vqtext.model.training.dataset import WindowBatches, loader
from vqtext.model.training.ddp import InProcesses, Relay, no_process_stays, quiet, start_tracker
from vqtext.model.training.faults import explained
from vqtext.model.training.init_from_vqshape import start
from vqtext.model.training.lightning_alone import MisconfigurationException, Trainer, lightning
from vqtext.model.training.lightning_module import Revive, TrainingModule, calibrated_nll
from vqtext.model.training.loggers import failed, logging_to
from vqtext.model.training.losses import residual
from vqtext.model.training.training_data import TrainingData
from vqtext.settings.schema import TrainSettings

STEPS, EPOCHS = 600, (20, 300)  # least and most epochs of a training of that many steps
VALIDATIONS = 50  # in one training


def epochs_for(windows: int, settings: TrainSettings) -> int:
    """The number of epochs: as set, or as many as make about ``train.steps`` steps."""
    if settings.epochs is not None:
        return settings.epochs
    steps = -(-windows // (settings.batch_size * settings.accumulate))
    least, most = (max(1, round(epochs * settings.steps / STEPS)) for epochs in EPOCHS)
    return min(max(round(settings.steps / steps), least), most)


def fit(
    config: ModelConfig,
    data: TrainingData,
    settings: TrainSettings,
    drop: float,
    seed: int,
    folder: Path,
    tell: Tell,
    begin: Mapping[str, Mapping[str, Tensor]] | None = None,
) -> tuple[Network, Decoder, dict[str, float], grounding.Grounding]:
    """Train one network and return it as it was in the end, or, with ``patience``, at its best epoch.

    A training that was stopped at any moment, by a kill too, goes on where it was when it is called again
    with the same folder, and ends in the same weights; the caller passes the same arguments.

    Args:
        drop: share of the training windows that see no text.
        folder: for logs, checkpoints and, where it begins anew, the codebook of that moment (`START`).
        tell: called a few times a second and after each epoch.
        begin: weights that were trained before (`weights`); None begins anew.

    Returns:
        The network in eval mode, its decoder, the validation metrics and number of its epoch (with
        ``settings.overfit`` the loss of the first and of the last epoch instead), and the grounding.

    Raises:
        TrainingError: nothing can be learnt from these windows, a loss is not finite, memory is too small,
            the device is not there, or a logger fails.
        OSError: the disk is full; a training that is called again goes on from its last checkpoint.
    """
    quiet()
    folder = folder.absolute()  # to Lightning a path may begin with ~, "registry:" or a protocol
    if settings.overfit is not None:
        config, data, settings = _overfitted(config, data, settings, seed)
    lightning.seed_everything(seed, workers=True, verbose=False)
    training, validation = data.part(data.train, drop), data.part(data.validation)
    network, decoder, names = _untrained(config, data, settings, training, begin)
    title = f"{settings.run} seed {seed}"
    if begin is None:
        folder.mkdir(parents=True, exist_ok=True)
        save_safetensors({"vectors": network.trunk.vectors, "action": network.trunk.action}, folder / START)
    else:
        title += " of all windows"
    augment = _augment(config, data) if settings.augment else None
    module = TrainingModule(network, decoder, names, data.label_vectors, settings, seed, data.origin, augment)
    epochs = epochs_for(len(training), settings)
    state = _train(module, training, validation, epochs, folder, tell, title)
    scores = _with_best_weights(network, decoder, state, validation, settings)
    return network, decoder, scores | {"epochs": float(epochs)}, names


def _untrained(
    config: ModelConfig,
    data: TrainingData,
    settings: TrainSettings,
    training: WindowBatches,
    begin: Mapping[str, Mapping[str, Tensor]] | None,
) -> tuple[Network, Decoder, grounding.Grounding]:
    """Network, decoder and grounding before the first step."""
    network = Network(config, data.anchors, data.grammar.of_state)
    if config.settings.init is not None:
        start(network, config.settings.init)
    network.normalise.fit(block.signal for block in training.blocks())
    _check(config, training, network)
    names = grounding.make(settings.grounding, data.grammar, *data.evidence_of(data.train))
    decoder = Decoder(config, data.vocabulary)
    posterior = names.posterior
    decoder.learn(
        None if posterior is None else posterior.chain,
        data.anchors[:0] if posterior is None else posterior.states[posterior.known],
        data.label[data.train],
    )
    if begin is not None:
        network.load_state_dict(begin["network"])
        decoder.log_scale.data.copy_(begin["decoder"]["log_scale"])
    return network, decoder, names


def _train(
    module: TrainingModule,
    training: WindowBatches,
    validation: WindowBatches,
    epochs: int,
    folder: Path,
    tell: Tell,
    title: str,
) -> dict[str, Any]:
    """Run the loop, or the rest of one that was stopped: what `Checkpoints` saved at its end."""
    settings, seed = module.settings, module.seed
    share = settings.batch_size // settings.devices
    batches = loader(training, share, seed, shuffle=True, workers=settings.workers)
    held_out = None
    if len(validation):
        held_out = loader(validation, 256, seed, shuffle=False, workers=settings.workers)
    keeper = Checkpoints(folder / "checkpoints", settings.patience, batches.sampler)  # type: ignore[arg-type]
    stopped = read_checkpoint(keeper.folder)
    with ExitStack() as contexts:
        if settings.devices > 1:
            start_tracker()
            tell = contexts.enter_context(Relay(tell))
        step = stopped["global_step"] if stopped else None
        loggers = contexts.enter_context(logging_to(settings, title, folder, step))
        trainer = _trainer(settings, epochs, loggers, [Revive(), Progress(tell), keeper])
        contexts.enter_context(no_process_stays())
        try:
            last = keeper.folder / LAST if stopped else None
            trainer.fit(module, batches, held_out, ckpt_path=last, weights_only=True)
        except SystemExit as stop:  # Lightning turns Ctrl-C into exit(1); the caller must see the Ctrl-C
            raise KeyboardInterrupt from stop
        except Exception as error:
            if (problem := failed(error) or explained(error, settings, module.network.config)) is not None:
                raise problem from error
            raise
    if trainer.interrupted:
        raise KeyboardInterrupt
    state: dict[str, Any] = torch.load(keeper.folder / LAST, weights_only=True, map_location="cpu")["keeper"]
    return state


def _augment(config: ModelConfig, data: TrainingData) -> Augment:
    """Augmentation of the training windows, by how the people in them differ."""
    row = data.row_of(data.train)
    measured = data.train[row >= 0]
    mean = torch.cat([block.signal.nanmean(-1) for block in data.part(measured).blocks()])
    people = (mean, data.label[measured], data.evidence.group[row[row >= 0]], config.channels)
    return Augment(config.channels, config.anywhere, tilt_spread(*people), own_yaw(*people))


def _trainer(settings: TrainSettings, epochs: int, loggers: list[Any], callbacks: list[Any]) -> Any:
    """Lightning's trainer.

    Raises:
        TrainingError: there is no such device, or it cannot compute so.
    """
    try:
        return Trainer(
            accelerator=settings.accelerator,
            devices=settings.devices,
            strategy=InProcesses(start_method="spawn") if settings.devices > 1 else "auto",
            precision=settings.precision,
            use_distributed_sampler=False,  # our own sampler shares out
            accumulate_grad_batches=settings.accumulate,
            max_epochs=epochs,
            logger=loggers or False,
            plugins=[AtomicIO()],
            callbacks=callbacks,
            gradient_clip_val=1.0,
            log_every_n_steps=1,
            enable_model_summary=False,
            enable_progress_bar=False,
            deterministic="warn",  # the same seed gives the same weights, on two cores too
            check_val_every_n_epoch=max(1, epochs // VALIDATIONS),
            num_sanity_val_steps=0,
        )
    except (ValueError, RuntimeError, ImportError, MisconfigurationException) as error:
        device = f"accelerator {settings.accelerator}, devices {settings.devices}"
        reason = str(error).strip().splitlines()[0]
        raise TrainingError(
            f"cannot train with {device}, precision {settings.precision}: {reason}"
        ) from error


def _overfitted(
    config: ModelConfig, data: TrainingData, settings: TrainSettings, seed: int
) -> tuple[ModelConfig, TrainingData, TrainSettings]:
    """A few batches alone, and nothing that keeps a network from memorising them."""
    few = settings.batch_size * (settings.overfit or 1)
    read = data.train[data.row_of(data.train) >= 0]  # by the E-step: of others no name is known
    chosen = np.random.default_rng(seed).permutation(len(read))[:few]
    model = config.settings.model_copy(update={"dropout": 0.0, "mask": 0.0})
    return (
        replace(config, settings=model, token_dim=0),
        replace(data, train=read[chosen], validation=torch.arange(0), guidance=None),
        settings.model_copy(update={"augment": False}),
    )


def _check(config: ModelConfig, training: WindowBatches, network: Network) -> None:
    if config.steps < MIN_PATCH:
        raise TrainingError(
            f"windows of {config.steps} sample are shorter than a patch of {MIN_PATCH}: prepare longer ones "
            "with `vqtext prepare --window-s`"
        )
    if bool((network.normalise.std == 1).all()) and not any(
        _varies(block.signal) for block in training.blocks()
    ):
        raise TrainingError(
            f"no channel of the {len(training)} training windows varies: look at the recordings, and at "
            "which of their columns `vqtext prepare` read"
        )


def _varies(signal: Tensor) -> bool:
    """Whether any channel of any window ``(n, C, T)`` is more than a line."""
    seen = signal.isfinite()
    most = torch.where(seen, signal, -torch.inf).amax((0, 2))
    least = torch.where(seen, signal, torch.inf).amin((0, 2))
    return bool((most - least > 1e-5 * (1 + least.abs())).any())


def _with_best_weights(
    network: Network,
    decoder: Decoder,
    state: Mapping[str, Any],
    validation: WindowBatches,
    settings: TrainSettings,
) -> dict[str, float]:
    """Load the weights that `Checkpoints` chose, for use on a CPU; returns the scores they have."""
    best, rows = state["best"], state["rows"]
    for name, module in (("network", network), ("decoder", decoder)):
        module.load_state_dict(best["weights"][name])
        module.cpu().eval()
    if settings.overfit is not None:
        scores = {"first_loss": rows[0]["train/loss"], "last_loss": rows[-1]["train/loss"]}
    else:
        scores = _validate(network, validation) if len(validation) else {}
    return scores | {"epoch": float(best["epoch"])}


@torch.inference_mode()
def _validate(network: Network, windows: WindowBatches) -> dict[str, float]:
    total, count = 0.0, 0
    outputs = []
    for batch in windows.blocks():
        out = network(batch.signal)
        outputs.append((out.classes, batch.label))
        errors = residual(out.rebuilt, out.signal, out.seen)
        total, count = total + float(errors.sum()), count + len(errors)
    logits, label = (torch.cat(part) for part in zip(*outputs, strict=True))
    return {
        "nll": float(calibrated_nll(logits, label)),
        "accuracy": float((logits.argmax(-1) == label).float().mean()),
        "rebuild": total / max(count, 1),
    }
