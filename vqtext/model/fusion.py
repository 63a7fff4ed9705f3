"""Where text meets signal, in training only."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class TextFusion(nn.Module):
    """Cross-attention: the signal asks (query), the text answers (key, value).

    One learned "no text" token is always there to attend to, so that a window without text, which is every
    window at test time, takes the same path and never an empty softmax.
    """

    def __init__(self, dim: int, token_dim: int, heads: int) -> None:
        super().__init__()
        self.project = nn.Linear(token_dim, dim)
        self.none = nn.Parameter(torch.zeros(1, 1, dim))
        self.query_norm = nn.LayerNorm(dim)
        self.text_norm = nn.LayerNorm(dim)
        self.attention = nn.MultiheadAttention(dim, heads, batch_first=True)

    def forward(self, h: Tensor, text: Tensor | None, mask: Tensor | None) -> Tensor:
        """``h (S, P, D)``, text tokens ``(S, L, token_dim)``, mask ``(S, L)`` True where a token is."""
        memory = self.none.expand(len(h), 1, -1)
        unseen = torch.zeros(len(h), 1, dtype=torch.bool, device=h.device)
        if text is not None and mask is not None:
            memory = torch.cat([memory, self.project(text)], 1)
            unseen = torch.cat([unseen, ~mask], 1)
        memory = self.text_norm(memory)
        answer, _ = self.attention(
            self.query_norm(h), memory, memory, key_padding_mask=unseen, need_weights=False
        )
        return h + answer
