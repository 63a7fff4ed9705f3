"""What is read off a window's tokens: one transformer over (code, t, l, mu, sigma), and nothing else.

Class, names and the signal itself are all read here, so that each of them is a function of what the codebook
let through. Beside it a head of the same depth reads tokens that were given no code, to tell what quantising
costs: nothing else hears it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vqtext.model.config import ModelConfig

FAINT = 0.02  # standard units; smaller spreads are all alike to the logarithm


class TokenReader(nn.Module):
    """Token features ``(S, M, f)`` → what each token means among its neighbours, ``(S, M, D)``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        s, self.c = config.settings, config.series_channels
        self.code = s.dim_code
        self.inside = nn.Linear(config.feature_dim + self.c, s.dim)
        self.position = nn.Parameter(torch.randn(1, config.window_tokens, s.dim) * 0.02)
        self.transformer = _transformer(config)

    def forward(self, features: Tensor, keep: Tensor) -> Tensor:
        """``keep (S, M)``: tokens that lie inside their window; the others are read by none."""
        sigma = features[..., self.code + self.c : self.code + 2 * self.c]
        # how strong a movement is matters by ratios: twice as strong is one step, wherever it starts
        x = self.inside(torch.cat([features, (sigma + FAINT).log()], -1)) + self.position
        return self.transformer(x, src_key_padding_mask=_unread(keep))


class Head(nn.Module):
    """Tokens before they were given a code ``(S, M, D)`` → ``(S, M, outside)``."""

    def __init__(self, config: ModelConfig, outside: int) -> None:
        super().__init__()
        self.transformer = _transformer(config)
        self.outside = nn.Linear(config.settings.dim, outside)

    def forward(self, h: Tensor, keep: Tensor) -> Tensor:
        return self.outside(self.transformer(h, src_key_padding_mask=_unread(keep)))


def _transformer(config: ModelConfig) -> nn.TransformerEncoder:
    s = config.settings
    layer = nn.TransformerEncoderLayer(
        s.dim, s.heads, 2 * s.dim, s.dropout, "gelu", batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(layer, s.layers, norm=nn.LayerNorm(s.dim), enable_nested_tensor=False)


def _unread(keep: Tensor) -> Tensor:
    """Tokens to leave out; a window of none is read whole, since an empty softmax has no value."""
    return ~(keep | ~keep.any(1, keepdim=True))
