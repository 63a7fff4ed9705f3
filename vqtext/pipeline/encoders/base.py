"""What an encoder is, and what all of ours share: batches by length, and plain words about texts they cut."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from vqtext.errors import EncoderError
from vqtext.pipeline.progress import Progress


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

    @abstractmethod
    def _length(self, text: str) -> int:
        """Tokens of a text before any cut."""

    @abstractmethod
    def _forward(self, texts: list[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        """Vectors ``(n, d)`` of any length, and unpadded token states, of one batch."""

    def encode(self, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
        if not texts:
            raise EncoderError("there are no texts to embed")
        self._warn_cut(texts)
        # Sorted, so that a batch is padded little and does not depend on the order the texts came in.
        order = sorted(range(len(texts)), key=lambda i: (len(texts[i]), texts[i]))
        starts = range(0, len(order), self.batch_size)
        vectors: list[np.ndarray] = []
        states: list[np.ndarray] = []
        for start in self.progress.track(starts, len(starts), f"embedding {len(texts)} texts"):
            batch = order[start : start + self.batch_size]
            vector, state = self._forward([texts[i] for i in batch])
            vectors.append(vector)
            states += [s[: self.tokens].astype(np.float16) for s in state]
        back = np.argsort(order)
        return unit(np.concatenate(vectors))[back], [states[i] for i in back]

    def _warn_cut(self, texts: Sequence[str]) -> None:
        # A token covers at least one byte, so only texts of many bytes need counting; 2 for start and end.
        long = [t for t in texts if len(t.encode()) + 2 > self.limit and self._length(t) > self.limit]
        if long:
            self.progress.warn(
                f"{self.name} reads {self.limit} tokens of a text; the rest was cut from {quote(long)}"
            )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Rows scaled to length one, ``(n, d)`` float32; a zero row stays zero."""
    norm = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(norm == 0, 1, norm)).astype(np.float32)


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
    # (RuntimeError), damaged weights (SafetensorError), a package the model asks for (ImportError).
    except (OSError, ValueError, RuntimeError, SafetensorError, ImportError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise EncoderError(f"cannot load the text encoder {name}: {reason}") from error
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
