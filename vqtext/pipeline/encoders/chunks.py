"""Vectors of many texts, chunk by chunk: what `embed` lets any process compute."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

import numpy as np

from vqtext.console.progress import Progress
from vqtext.errors import EncoderError
from vqtext.pipeline.encoders.base import MAX_WARNINGS, Encoder
from vqtext.pipeline.encoders.choice import choose
from vqtext.pipeline.executing.executor import Executor


@dataclass(frozen=True)
class Chunk:
    """Texts that are encoded together."""

    texts: tuple[str, ...]

    def __str__(self) -> str:
        return f"the chunk of texts from {self.texts[0][:60]!r} on"


@dataclass(frozen=True)
class Encoded:
    """Of a chunk: its texts, their unit vectors ``(n, d)``, their token states ``(L_i, h)``, and warnings."""

    texts: tuple[str, ...]
    vectors: np.ndarray
    states: list[np.ndarray]
    warned: list[str]


@dataclass(frozen=True)
class Encode:
    """Encodes one chunk; may be sent to another process, which loads the encoder for itself and keeps it.

    Attributes:
        name, tokens, batch_size: as `choose` takes them.
        called: the encoder's own name: "auto" may be another one on another machine.
        half: compute in bfloat16 on a CPU.
        here: the encoder of this process, which warns by itself.
    """

    name: str
    tokens: int
    batch_size: int
    called: str
    half: bool = False
    here: Encoder | None = None

    def __call__(self, chunk: Chunk) -> Encoded:
        import torch

        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            return self._encoded(chunk)

    def _encoded(self, chunk: Chunk) -> Encoded:
        if self.here is not None:
            return Encoded(chunk.texts, *encode(self.here, chunk.texts), [])
        encoder, kept = _loaded(self.name, self.tokens, self.batch_size)
        if encoder.name != self.called:
            raise EncoderError(
                f"a worker has the encoder {encoder.name}, this process {self.called}: name one that all of "
                "them have with --encoder"
            )
        kept.lines.clear()
        return Encoded(chunk.texts, *encode(encoder, chunk.texts), list(kept.lines))

    def __reduce__(self) -> tuple[Any, ...]:
        return Encode, (self.name, self.tokens, self.batch_size, self.called, self.half)


def encode_chunks(
    executor: Executor, encoder: Encode, texts: Iterator[str], at_once: int, progress: Progress
) -> Generator[Encoded, None, None]:
    """Encode texts, ``at_once`` of them in a chunk, in order; warnings of workers are passed on."""
    warned: dict[str, None] = {}
    done = executor.map(encoder, _chunks(texts, at_once))
    try:
        for encoded in done:
            for line in encoded.warned:
                if line not in warned and len(warned) < MAX_WARNINGS:
                    warned[line] = None
                    progress.warn(line)
            yield encoded
    finally:
        done.close()


def encode(encoder: Encoder, texts: Sequence[str]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Encode and check: unit vectors ``(n, d)`` and the token states ``(L_i, h)`` of each text.

    Raises:
        EncoderError: a text got a vector that is zero or not finite; the message names it.
    """
    vectors, states = encoder.encode(texts)
    for text, vector, state in zip(texts, vectors, states, strict=True):
        if not (np.isfinite(vector).all() and vector.any() and np.isfinite(state).all()):
            raise EncoderError(
                f"{encoder.name} gives no usable vector (zero, NaN or infinite) for {text[:60]!r}: "
                "say it in other words, or use another encoder"
            )
    return vectors, states


def _chunks(texts: Iterable[str], at_once: int) -> Iterator[Chunk]:
    left = iter(texts)
    while chunk := tuple(islice(left, at_once)):
        yield Chunk(chunk)


@dataclass
class _Kept(Progress):
    """Keeps what a worker warns of."""

    quiet: bool = True
    lines: list[str] = field(default_factory=list)

    def warn(self, text: str) -> None:
        self.lines.append(text)


@lru_cache(maxsize=1)
def _loaded(name: str, tokens: int, batch_size: int) -> tuple[Encoder, _Kept]:
    warnings = _Kept()
    return choose(name, warnings, tokens, batch_size)[0], warnings
