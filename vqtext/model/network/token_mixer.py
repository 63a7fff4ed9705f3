"""The reader of a window's tokens: `MixerLayer` over (code, t, l, mu, sigma), and nothing else.

Class, names and the signal itself are all read here, so that each of them is a function of what the codebook
let through.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.config import ModelConfig
from vqtext.model.network import transformer

NEIGHBOURS = 5  # tokens that are read as one stretch, this one in their middle
MIN_SPREAD = 0.02  # standard units; smaller spreads are all alike to the logarithm


class MixerLayer(nn.Module):
    """Tokens ``(S, M, D)``, each read with its neighbours, then with all of the window.

    Where a step begins shows in how a token differs from the ones beside it. A convolution sees that from the
    first batch on; attention would have to learn from positions alone who lies beside whom.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        dim, self.tokens = config.settings.dim, config.tokens
        self.near = nn.Sequential(
            nn.Conv1d(dim, 2 * dim, NEIGHBOURS, padding=NEIGHBOURS // 2),
            nn.GELU(),
            nn.Conv1d(2 * dim, dim, 1),
        )
        self.transformer = transformer.encoder(config.settings, nn.LayerNorm(dim))

    def forward(self, x: Tensor, keep: Tensor) -> Tensor:
        """``keep (S, M)``: tokens that lie inside their window; the others are read by none."""
        # where channels are independent a window's series come one after the other, and are no neighbours
        series = (x * keep[..., None]).reshape(-1, self.tokens, x.shape[-1])
        x = x + self.near(series.transpose(1, 2)).transpose(1, 2).reshape(x.shape)
        # a window of no token is read whole, since an empty softmax has no value
        return self.transformer(x, src_key_padding_mask=~(keep | ~keep.any(1, keepdim=True)))


class TokenMixer(nn.Module):
    """Tokens → what each means among its neighbours, ``(S, M, D)``.

    Of its code a token brings the action vectors, not the shape, beside mu, sigma, t and l.

    Args:
        action_dim: width of an action vector.
    """

    def __init__(self, config: ModelConfig, action_dim: int) -> None:
        super().__init__()
        s, self.c = config.settings, config.series_channels
        self.code = s.dim_code
        beside = config.feature_dim - self.code + self.c
        self.inside = nn.Linear(config.substeps * action_dim + beside, s.dim)
        self.position = nn.Parameter(torch.randn(1, config.window_tokens, s.dim) * 0.02)
        self.reading = MixerLayer(config)

    def forward(self, features: Tensor, action: Tensor, keep: Tensor) -> Tensor:
        """Args:
        features: of tokens, ``(S, M, f)``; action: of their codes, ``(S, M, sub-steps, r)``.
        keep: ``(S, M)``, as for `MixerLayer`.
        """
        beside = features[..., self.code :]
        sigma = beside[..., self.c : 2 * self.c]
        action = F.normalize(action, dim=-1).flatten(2) * keep[..., None]
        # how strong a movement is matters by ratios: twice as strong is one step, wherever it starts
        x = self.inside(torch.cat([action, beside, (sigma + MIN_SPREAD).log()], -1)) + self.position
        return self.reading(x, keep)
