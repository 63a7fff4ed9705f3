"""What an encoder is, and what all of ours share: batches by length, half precision on a GPU, and plain words
about texts they cut."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

import numpy as np

from vqtext.console.progress import Progress
from vqtext.errors import EncoderError
from vqtext.pipeline.encoders.opposites import unit

AT_ONCE = {"cpu": 2048, "cuda": 32768}
"""Most tokens in one forward pass, padding counted. A CPU is no faster with more, and pads more; a GPU needs
more to be busy."""
MAX_WARNINGS = 10
"""Warnings of one kind that an encoder gives: a million texts come in many calls."""


class Encoder(Protocol):
    """Anything that turns texts into vectors.

    Attributes:
        name: what artifacts record as the encoder's name.
    """

    name: str

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        """One vector a text, and the states of its tokens.

        Args:
            texts: n texts.

        Returns:
            Unit vectors ``(n, d)`` float32, and for each text its token states ``(L_i, h)`` float16, padding
            left out. ``h`` may differ from ``d``.
        """
        ...


class BatchedEncoder(ABC):
    """An encoder on a transformer: batches of texts of like length, deterministic on the CPU.

    Where there is a CUDA GPU it runs there, in half precision. Neither the order of the texts nor what else
    is in their batch changes a vector, but for the noise of the arithmetic (on the CPU about 1e-6).

    Args:
        name: what artifacts record as the encoder's name.
        limit: tokens the model can read of one text; what is longer is cut, with a warning.
        tokens: token states kept of one text.
        batch_size: texts in one forward pass.
    """

    def __init__(self, name: str, limit: float, tokens: int, batch_size: int, progress: Progress):
        self.name = name
        self.limit = limit
        self.tokens = tokens
        self.batch_size = batch_size
        self.progress = progress
        self._warned: Counter[str] = Counter()
        if device() == "cuda":
            progress.say(f"{name} runs on the GPU, in half precision")

    @abstractmethod
    def _length(self, text: str) -> int:
        """Tokens of a text before any cut."""

    @abstractmethod
    def _forward(self, texts: list[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Vectors ``(n, d)`` float32 of any length, and unpadded token states, of one batch."""

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        import torch

        if not texts:
            raise EncoderError("there are no texts to embed")
        lengths = [self._length(text) for text in texts]
        self._warn_cut([text for text, length in zip(texts, lengths, strict=True) if length > self.limit])
        # Sorted, so that a batch is padded little and does not depend on the order the texts came in.
        order = sorted(range(len(texts)), key=lambda i: (lengths[i], texts[i]))
        padded = [min(lengths[i], self.limit) for i in order]
        vectors: list[np.ndarray] = []
        states: list[np.ndarray] = []
        for part in batches(padded, self.batch_size, AT_ONCE[device()]):
            batch = order[part]
            try:
                with half_precision(device()):
                    vector, state = self._forward([texts[i] for i in batch])
            except torch.OutOfMemoryError:
                raise EncoderError(
                    f"{len(batch)} texts at once do not fit into the GPU's memory: "
                    "run `vqtext embed` with a smaller --batch-size"
                ) from None
            vectors.append(vector)
            states += [s[: self.tokens].astype(np.float16) for s in state]
        back = np.argsort(order)
        return unit(np.concatenate(vectors))[back], [states[i] for i in back]

    def _warn_cut(self, long: Sequence[str]) -> None:
        if long:
            self._warn("cut", f"reads {self.limit} tokens of a text; the rest was cut from {quote(long)}")

    def _warn(self, kind: str, text: str) -> None:
        self._warned[kind] += 1
        if self._warned[kind] <= MAX_WARNINGS:
            last = "; further ones are not reported" if self._warned[kind] == MAX_WARNINGS else ""
            self.progress.warn(f"{self.name} {text}{last}")


def batches(lengths: Sequence[float], most_texts: int, most_tokens: int) -> Iterator[slice]:
    """Texts that are computed together.

    Args:
        lengths: tokens of each text, ascending.
        most_texts: in a batch.
        most_tokens: in a batch, all of them padded to its longest; one text is never too many.
    """
    start = 0
    for stop, length in enumerate(lengths):
        if stop > start and (stop - start == most_texts or (stop + 1 - start) * length > most_tokens):
            yield slice(start, stop)
            start = stop
    if start < len(lengths):
        yield slice(start, len(lengths))


def device() -> str:
    """Where encoders run: "cuda" where there is such a GPU, else "cpu"."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def half_precision(device: str) -> AbstractContextManager[object]:
    """Half precision on a GPU, where it is faster; sums that need more keep more. Nothing on the CPU."""
    import torch

    return torch.autocast(device, torch.float16) if device == "cuda" else nullcontext()


def quote(texts: Sequence[str], most: int = 3) -> str:
    """A few texts for a message of one line: ``'raise the arm', 'lower the arm' and 7 more``."""
    shown = ", ".join(repr(t if len(t) <= 60 else t[:57] + "…") for t in texts[:most])
    return shown + (f" and {len(texts) - most} more" if len(texts) > most else "")


@contextmanager
def loading(name: str) -> Iterator[None]:
    """Load a model without noise; what libraries raise on the way becomes one `EncoderError`."""
    from safetensors import SafetensorError
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()  # its report of unused weights is a page long
    logging.disable_progress_bar()
    try:
        yield
    # No file or no network (OSError), foreign configuration (ValueError), weights of other shapes
    # (RuntimeError), damaged weights (SafetensorError), a package the model needs (ImportError).
    except (OSError, ValueError, RuntimeError, SafetensorError, ImportError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EncoderError(f"cannot load the text encoder {name}: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
