"""VQShape, whole: one univariate series in, tokens ``(z, mu, sigma, t, l)`` out.

- patches → transformer → M learned queries read them → each query's attributes; z takes the nearest code
- from the attributes alone: the series again, by a transformer, and each token's shape, by convolutions
- pretraining hides a share of the patches; the rest need not be in order, each carries its place
- to the letter of NeurIPS 2024's code: its checkpoints load, see `vqtext.model.vqshape.original`
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.errors import ShapeError
from vqtext.model.vqshape.attributes import AttributeDecoder, AttributeEncoder
from vqtext.model.vqshape.codebook import Codebook
from vqtext.model.vqshape.config import VQShapeConfig
from vqtext.model.vqshape.losses import Losses, spread
from vqtext.model.vqshape.original import load_original, save_original
from vqtext.model.vqshape.shapes import ShapeDecoder, cut_pieces
from vqtext.model.vqshape.transformers import PatchEncoder, SeriesDecoder, Tokenizer, cut_patches
from vqtext.model.vqshape.weights import load, save

Mode = Literal["pretrain", "evaluate", "tokenize", "forecast", "impute"]


@dataclass(frozen=True)
class Output:
    """Outputs for B series. M tokens a series.

    Attributes:
        code: index of each token's code, ``(B, M)``.
        latent: each token's own z, before quantisation, ``(B, M, code_dim)``.
        z: the code's vector z', with gradients to ``latent``, ``(B, M, code_dim)``.
        t, l: start and length, shares of the series, ``(B, M)``.
        mu, sigma: offset and scale, in units of the series' own deviation, ``(B, M)``.
        rebuilt: the series from its tokens, ``(B, length)``, in its own units; None if not decoded.
        shapes: each token's drawn shape, ``(B, M, shape_length)``, in those units; None if not decoded.
        pieces: the pieces that shapes are compared with, as ``shapes``; no gradients; None without losses.
        losses: None without losses.
    """

    code: Tensor
    latent: Tensor
    z: Tensor
    t: Tensor
    l: Tensor
    mu: Tensor
    sigma: Tensor
    rebuilt: Tensor | None = None
    shapes: Tensor | None = None
    pieces: Tensor | None = None
    losses: Losses | None = None

    @property
    def features(self) -> Tensor:
        """Token representation, ``(B, M, code_dim + 4)``: code vector, t, l, mu, sigma."""
        return torch.cat([self.z, torch.stack([self.t, self.l, self.mu, self.sigma], -1)], -1)

    def histogram(self, codes: int) -> Tensor:
        """Histogram representation: how many tokens have each of the ``codes`` codes, ``(B, codes)``."""
        count = self.code.new_zeros(len(self.code), codes)
        return count.scatter_add_(1, self.code, torch.ones_like(self.code))


def stretch(x: Tensor, length: int) -> Tensor:
    """Series ``(B, T)``, or ``(B, C, T)``, to ``length`` samples, by straight lines as in the original."""
    flat = x.reshape(-1, 1, x.shape[-1])
    return F.interpolate(flat, length, mode="linear").reshape(*x.shape[:-1], length)


def mean_and_deviation(x: Tensor, seen: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """What each series is scaled by, over its last axis, which stays with length 1.

    A series of one value gets a deviation that is not 0. ``seen`` is False where a sample is missing and
    counts for nothing, of x's shape; None where none is, as the original knows it.
    """
    if seen is None:
        mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True)
    else:
        count = seen.sum(-1, keepdim=True)
        mean = (x * seen).sum(-1, keepdim=True) / count.clamp(min=1)
        variance = ((x - mean).square() * seen).sum(-1, keepdim=True) / (count - 1).clamp(min=1)
    return mean, (variance + 1e-5).sqrt()


class VQShape(nn.Module):
    """See the head of this file. Series are ``(B, T)``; each channel is a series of its own.

    It has codes and shapes, but neither names nor classes: there is no ``explain`` and no ``predict``. A
    model that has them starts from it by ``vqtext train --channels independent --init FOLDER``.
    """

    def __init__(self, config: VQShapeConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = PatchEncoder(config)
        self.tokenizer = Tokenizer(config)
        self.attribute_decoder = AttributeDecoder(config)
        self.codebook = Codebook(config)
        self.attribute_encoder = AttributeEncoder(config)
        self.decoder = SeriesDecoder(config)
        self.shape_decoder = ShapeDecoder(config)

    @classmethod
    def from_original(cls, path: Path | str) -> VQShape:
        """Load a checkpoint of the original; see `vqtext.model.vqshape.original.load_original`."""
        return load_original(cls, path)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> VQShape:
        """Load a folder that `save` wrote; see `vqtext.model.vqshape.weights.load`."""
        return load(cls, folder)

    def save(self, folder: Path | str) -> None:
        """Write ``model.safetensors`` and ``config.json`` into an existing or new folder."""
        save(self, self.config, folder)

    def save_original(self, path: Path | str) -> None:
        """Write a checkpoint of the original; see `vqtext.model.vqshape.original.save_original`."""
        save_original(self, self.config, path)

    def forward(
        self,
        x: Tensor,
        mode: Mode = "pretrain",
        *,
        seen_patches: int | None = None,
        missing: Tensor | None = None,
        with_losses: bool = False,
        decode: bool = False,
    ) -> Output:
        """One of the modes below by its name."""
        if mode == "forecast" and seen_patches is not None:
            return self.forecast(x, seen_patches, with_losses)
        if mode == "impute" and missing is not None:
            return self.impute(x, missing, with_losses)
        if mode == "tokenize":
            return self.tokenize(x, decode)
        plain = {"pretrain": self.pretrain, "evaluate": self.evaluate}
        if mode not in plain:
            raise ShapeError(
                f"mode {mode!r} cannot run so: forecast needs seen_patches, impute needs missing, "
                "and the others are pretrain, evaluate and tokenize"
            )
        return plain[mode](x)

    def tokenize(self, x: Tensor, decode: bool = False) -> Output:
        """Tokens of series ``(B, T)``.

        Args:
            x: the series.
            decode: also make ``rebuilt`` and ``shapes`` of them. The original always does; no representation
                uses them.

        Raises:
            ShapeError: series shorter than a patch, or of a length that the model has no places for.
        """
        return self._read(x, self._encode(x), *mean_and_deviation(x), None, False, decode)

    def evaluate(self, x: Tensor) -> Output:
        """As `tokenize`, with losses; all patches are seen. Series must have ``config.length`` samples."""
        return self._read(x, self._encode(x), *mean_and_deviation(x), None, True)

    def pretrain(self, x: Tensor) -> Output:
        """As `evaluate`, with a share of the patches hidden, others in each series: they must be guessed."""
        mean, deviation = mean_and_deviation(x)
        embedded = self.encoder.embed(cut_patches((x - mean) / deviation, self.config))  # (B, P, D)
        batch, patches, dim = embedded.shape
        order = torch.rand(batch, patches, device=x.device).argsort(-1)
        seen = order[:, int(self.config.mask * patches) :]
        embedded = embedded.gather(1, seen[..., None].expand(-1, -1, dim))
        return self._read(x, self.encoder(embedded), mean, deviation, None, True)

    def forecast(self, x: Tensor, seen_patches: int, with_losses: bool = False) -> Output:
        """The whole series from its first patches.

        Args:
            x: series with their future, ``(B, T)``. The future reaches the tokens nowhere, as long as patches
                do not overlap; without losses it may be anything.
            seen_patches: patches that are seen, from the first.
            with_losses: for fine-tuning.
        """
        mean, deviation = mean_and_deviation(x[:, : seen_patches * self.config.patch])
        embedded = self.encoder.embed(cut_patches((x - mean) / deviation, self.config))[:, :seen_patches]
        return self._read(x, self.encoder(embedded), mean, deviation, None, with_losses)

    def impute(self, x: Tensor, missing: Tensor, with_losses: bool = False) -> Output:
        """Series with the samples filled in that are missing.

        Args:
            x: series ``(B, T)``, any finite value where samples are missing.
            missing: not 0 where they are, ``(B, T)``; a patch with one such sample is not seen. As in the
                original, mean and deviation are those of the whole batch, not of each series.
            with_losses: for fine-tuning; they compare with ``x`` also where it is missing.
        """
        mean, deviation = mean_and_deviation(x[missing == 0])
        hidden = cut_patches(missing, self.config).sum(-1) > 0  # (B, P)
        embedded = self.encoder.embed(cut_patches((x - mean) / deviation, self.config))
        return self._read(x, self.encoder(embedded, hidden), mean, deviation, hidden, with_losses)

    def code_shapes(self) -> Tensor:
        """Each code drawn, of mean 0 and deviation 1, ``(codes, shape_length)``."""
        return self.shape_decoder(self.codebook.vectors)

    def _encode(self, x: Tensor) -> Tensor:
        mean, deviation = mean_and_deviation(x)
        return self.encoder(self.encoder.embed(cut_patches((x - mean) / deviation, self.config)))

    def _read(
        self,
        x: Tensor,
        patches: Tensor,
        mean: Tensor,
        deviation: Tensor,
        hidden: Tensor | None,
        with_losses: bool,
        decode: bool = True,
    ) -> Output:
        """Encoded patches ``(B, P, D)`` → tokens, and from them shapes and series in the units of x."""
        c = self.config
        if with_losses and x.shape[-1] != c.length:
            raise ShapeError(f"series have {x.shape[-1]} samples, losses need {c.length}: stretch them first")
        a = self.attribute_decoder(self.tokenizer(patches, hidden))
        q = self.codebook(a.z)
        t, l, mu, sigma = (part.squeeze(-1) for part in a[1:])
        tokens = Output(q.code, a.z, q.z, t, l, mu, sigma)
        if not decode:
            return tokens
        rebuilt = self.decoder(self.attribute_encoder(q.z, a)) * deviation + mean
        curves = self.shape_decoder.of_tokens(q.z.flatten(0, 1), q.code.flatten(), self.codebook.vectors)
        shapes = curves.view(*q.code.shape, -1) * a.sigma + a.mu  # (B, M, shape_length)
        shapes = shapes * deviation.unsqueeze(1) + mean.unsqueeze(1)
        pieces, losses = None, None
        if with_losses:
            with torch.no_grad():
                pieces = cut_pieces(x, a.t, a.l, c.shape_length, c.smoothing)
            losses = Losses(
                signal=F.mse_loss(rebuilt, x),
                latent=self.codebook.loss(a.z, q),
                shape=F.mse_loss(shapes, pieces),
                spread=spread(a.t, a.l),
            )
        return replace(tokens, rebuilt=rebuilt, shapes=shapes, pieces=pieces, losses=losses)
