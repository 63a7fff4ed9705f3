"""The three transformers: patches are encoded, read by tokens, and tokens are decoded into the series."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqtext.errors import ShapeError
from vqtext.model.vqshape.attention import DecoderLayer, EncoderLayer
from vqtext.model.vqshape.config import VQShapeConfig


def cut_patches(x: Tensor, config: VQShapeConfig) -> Tensor:
    """Series ``(B, T)`` → patches ``(B, P, patch)``, one every ``T // config.patches`` samples.

    Raises:
        ShapeError: series shorter than a patch, or of a length that gives more patches than there are places.
    """
    if x.ndim != 2:
        raise ShapeError(
            f"series must be (series, samples), not {x.ndim}-dimensional: flatten channels first"
        )
    steps = x.shape[-1]
    stretch = f"stretch series to {config.length} samples first, vqtext.model.vqshape.stretch does"
    if steps < max(config.patch, config.patches):
        short = f"a patch of {config.patch}" if steps < config.patch else f"{config.patches} patches"
        raise ShapeError(f"series of {steps} samples are too short for {short}: {stretch}")
    cut = x.unfold(-1, config.patch, steps // config.patches)
    if cut.shape[1] > config.patches:
        raise ShapeError(
            f"series of {steps} samples give {cut.shape[1]} patches, more than {config.patches}: {stretch}"
        )
    return cut


class PatchEncoder(nn.Module):
    """Patches, each with its place, through a transformer."""

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        c = config
        self.project = nn.Linear(c.patch, c.dim)
        self.position = nn.Embedding(c.patches, c.dim)
        self.layers = nn.ModuleList(
            EncoderLayer(c.dim, c.encoder_heads, c.dropout) for _ in range(c.encoder_layers)
        )

    def embed(self, patches: Tensor) -> Tensor:
        """Patches ``(B, P, patch)`` → ``(B, P, D)``; the place is added, so order may be lost afterwards."""
        return self.project(patches) + self.position.weight[: patches.shape[1]]

    def forward(self, embedded: Tensor, hidden: Tensor | None = None) -> Tensor:
        for layer in self.layers:
            embedded = layer(embedded, hidden)
        return embedded


class Tokenizer(nn.Module):
    """M learned queries read the patches: ``(B, P, D)`` → ``(B, M, D)``."""

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        c = config
        self.queries = nn.Parameter(torch.randn(1, c.tokens, c.dim) / c.dim)
        self.layers = nn.ModuleList(
            DecoderLayer(c.dim, c.tokenizer_heads, c.dropout) for _ in range(c.tokenizer_layers)
        )

    def forward(self, patches: Tensor, hidden: Tensor | None = None) -> Tensor:
        x = self.queries  # (1, M, D): until they meet the patches, the same for every series
        for layer in self.layers:
            x = layer(x, patches, hidden)
        return x


class SeriesDecoder(nn.Module):
    """Tokens ``(B, M, D)`` → series ``(B, T)``: each token gives its own T / M samples, one after the other.

    A learned token goes first and is left out of the result: the original has it, so weights do too.
    """

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        c = config
        self.first = nn.Parameter(torch.randn(1, 1, c.dim) / c.dim)
        self.layers = nn.ModuleList(
            EncoderLayer(c.dim, c.decoder_heads, c.dropout) for _ in range(c.decoder_layers)
        )
        self.out = nn.Linear(c.dim, c.length // c.tokens)

    def forward(self, tokens: Tensor) -> Tensor:
        x = torch.cat([self.first.expand(tokens.shape[0], -1, -1), tokens], 1)
        for layer in self.layers:
            x = layer(x)
        return self.out(x[:, 1:]).flatten(1)  # (B, M, T/M) → (B, T)
