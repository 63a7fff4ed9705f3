"""What can go wrong while a network trains, in one line: where, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from vqtext.errors import TrainingError
from vqtext.model.config import ModelConfig
from vqtext.model.distributed import gather_words
from vqtext.model.messages import listed
from vqtext.model.network.network import TrainingOutput
from vqtext.settings.schema import ModelSettings, TrainSettings

MAX_NAMED = 5  # windows that are named
MIN_DIM = 16  # of the settings
_NO_SHARED = ("unable to write to file </torch", "insufficient shared memory", "out of shared memory")
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@torch.no_grad()
def not_finite(
    terms: Mapping[str, Tensor], out: TrainingOutput, windows: Sequence[str], step: int
) -> TrainingError:
    """The error for a loss that is no number: which loss, when, and in which windows.

    Where only some windows have it, they are the cause; where all have it, the weights are, and the batch is
    named.
    """
    bad = sorted(set(gather_words([name for name, value in terms.items() if not value.detach().isfinite()])))
    error = torch.where(out.seen, out.rebuilt - out.signal, 0.0).square()
    parts = (error, out.classes, out.text, out.names)
    finite = torch.stack([part.flatten(1).isfinite().all(1) for part in parts]).all(0).tolist()
    causes = gather_words([name for name, fine in zip(windows, finite, strict=True) if not fine])
    batch = gather_words([*windows])
    begin = f"the loss ({', '.join(bad)}) is not finite at step {step}"
    if 0 < len(causes) < len(batch):
        return TrainingError(f"{begin} because of {listed(causes, MAX_NAMED)}: look for extreme values there")
    return TrainingError(
        f"{begin}, in a batch of {listed(batch, MAX_NAMED)}: lower train.learning_rate, or look for extreme "
        "values there"
    )


def explained(error: Exception, train: TrainSettings, config: ModelConfig) -> TrainingError | None:
    """The error for too little memory, on a GPU or on a processor, or between processes; None for others."""
    text = str(error).lower() if isinstance(error, RuntimeError) else ""
    short = isinstance(error, MemoryError | torch.OutOfMemoryError)
    if short or any(words in text for words in _NO_MEMORY):
        return _out_of_memory(train, config.settings, config.tokens)
    if any(words in text for words in _NO_SHARED):
        return TrainingError(
            "shared memory (/dev/shm) is full: set train.workers to 0 and train.devices to 1, or give it "
            "more room, as with docker's --shm-size"
        )
    return None


def cannot_compile(error: Exception) -> TrainingError | None:
    """The error for a network that ``torch.compile`` cannot compile, as without a C++ compiler; None for
    others."""
    from torch._dynamo.exc import TorchDynamoException

    if not isinstance(error, TorchDynamoException):
        return None
    inner = getattr(error, "inner_exception", error)
    reason = (str(inner).strip() or type(inner).__name__).splitlines()[0]
    return TrainingError(f"cannot compile the network: {reason}: train without --compile")


def _out_of_memory(train: TrainSettings, model: ModelSettings, tokens: int) -> TrainingError:
    """Which setting to lower next, and to what."""
    share, half = train.batch_size // train.devices, model.dim // 2
    if share > 1:
        fewer = f"train.batch_size to {share // 2 * train.devices}"
        way_out = f"lower {fewer} and set train.accumulate to {2 * train.accumulate}: as many windows a step"
    elif half >= MIN_DIM and half % model.heads == 0:
        way_out = f"lower model.dim to {half}"
    elif tokens > 1:
        way_out = f"set model.tokens to {tokens // 2}"
    else:
        way_out = "prepare shorter windows with --window-s"
    now = f"train.batch_size {train.batch_size}, model.dim {model.dim}, model.tokens {tokens}"
    return TrainingError(f"memory is too small for {now}: {way_out}")
