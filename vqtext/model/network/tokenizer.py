"""Patch embeddings → tokens and their attributes ``z, mu, sigma, t, l``."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.config import ModelConfig
from vqtext.model.network import transformer
from vqtext.model.network.encoder import CHANNEL_DIM, virtual_channels
from vqtext.model.network.segments import SHAPE_STEPS, cut, measure

MIN_SPREAD = 0.05  # standard units; a calmer channel is noise, which no code should be chosen by
MIN_LENGTH = 1 / 64  # VQShape's least token length, a share of the window


@dataclass(frozen=True)
class Attributes:
    """What a token is before its code is chosen. S windows, M tokens, c channels.

    Attributes:
        z: unquantised code, ``(S, M, dim_code)``.
        t, l: start and length, shares of the window, ``(S, M)``.
        mu, sigma: mean and spread of each channel under the token, measured, ``(S, M, c)``.
        keep: False for a token that lies beyond its window's end, ``(S, M)``.
    """

    z: Tensor
    t: Tensor
    l: Tensor
    mu: Tensor
    sigma: Tensor
    keep: Tensor


class Tokenizer(nn.Module):
    """M learned queries read the patches; heads turn each into attributes.

    Tokens tile the window: token i starts near its own place and may move by half a place and last from half
    to twice as long, so that every moment of a window belongs to some token and can be named. Offset and
    scale are measured on the piece of the signal under the token. A code must draw the piece, so it is chosen
    by what tokens know of all the window and by the piece itself, in units of each channel's deviation in the
    window.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        s = config.settings
        self.tokens = config.tokens
        self.queries = nn.Parameter(torch.randn(1, config.tokens, s.dim) * 0.02)
        self.transformer = transformer.decoder(s)
        self.code_head = _mlp(s.dim, s.dim_code)
        self.place_head = _mlp(s.dim, 2)
        self.virtual = virtual_channels(config)
        self.mix = nn.Linear(CHANNEL_DIM, self.virtual)
        self.piece_head = nn.Sequential(
            nn.Linear(self.virtual * SHAPE_STEPS, 2 * s.dim), nn.GELU(), nn.Linear(2 * s.dim, s.dim_code)
        )

    def read(self, h: Tensor, patch_keep: Tensor) -> Tensor:
        """Patches ``(S, P, D)`` → tokens before their attributes, ``(S, M, D)``."""
        # a tile starts from what lies under it
        under = F.adaptive_avg_pool1d(h.transpose(1, 2), self.tokens).transpose(1, 2)
        return self.transformer(self.queries + under, h, memory_key_padding_mask=~patch_keep)

    def forward(self, h: Tensor, patch_keep: Tensor, x: Tensor, seen: Tensor, channels: Tensor) -> Attributes:
        """Tokens as `read` gives them, the series ``(S, c, T)`` they lie on, and what is known of channels,
        ``(c, CHANNEL_DIM)`` → their attributes."""
        t, l = self._place(self.place_head(h))
        pieces_seen = cut(seen.to(x.dtype), t, l)
        pieces = cut(x, t, l) / pieces_seen.clamp(min=1e-6)  # what is missing is 0 in x, and weighs nothing
        mu, sigma = measure(pieces, pieces_seen)
        end = patch_keep.flip(1).int().argmax(1)  # patches after the last one that was seen
        reach = 1 - end / patch_keep.shape[1]
        keep = t + l / 2 < reach[:, None]
        z = self.code_head(h) + self._of_pieces(pieces - mu[..., None], x, seen, channels)
        z = F.layer_norm(z, z.shape[-1:])  # else it grows ahead of its codes
        return Attributes(z, t, l, mu, sigma, keep)

    def _of_pieces(self, pieces: Tensor, x: Tensor, seen: Tensor, channels: Tensor) -> Tensor:
        """Pieces less their means ``(S, M, c, SHAPE_STEPS)`` → ``(S, M, dim_code)``."""
        deviation = measure(x, seen.to(x.dtype))[1].clamp(min=MIN_SPREAD)
        mixed = torch.einsum("smct,cr->smrt", pieces / deviation[:, None, :, None], self.mix(channels))
        return self.piece_head(mixed.flatten(2) / len(channels) ** 0.5)

    def _place(self, raw: Tensor) -> tuple[Tensor, Tensor]:
        place = torch.arange(self.tokens, device=raw.device) / self.tokens
        l = 2 ** raw[..., 1].tanh() / self.tokens
        t = (place + 0.5 * raw[..., 0].tanh() / self.tokens).clamp(min=0)
        t = torch.minimum(t, torch.full_like(t, 1 - MIN_LENGTH))
        return t, torch.minimum(l, 1 - t)


def _mlp(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inside, inside), nn.GELU(), nn.Linear(inside, outside))
