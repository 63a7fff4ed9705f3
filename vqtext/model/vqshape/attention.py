"""Transformer layers as VQShape's: norm after each sum, exact GELU, four times as wide inside."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.vqshape.dropout import dropped


class Attention(nn.Module):
    """Multi-head attention. One matrix projects to queries, keys and values, as in checkpoints."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.qkv = nn.Linear(dim, 3 * dim)
        self.out = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.qkv.weight)
        nn.init.zeros_(self.qkv.bias)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, x: Tensor, memory: Tensor | None = None, hidden: Tensor | None = None, copies: int = 1
    ) -> Tensor:
        """Queries ``x (B, N, D)`` attend to ``memory (B, P, D)``, or themselves; not where ``hidden (B, P)``.

        ``copies``: x stands for this many series, ``(1, N, D)``; with dropout the result has one row each.
        """
        dim = x.shape[-1]
        if memory is None:
            q, k, v = self.qkv(x).chunk(3, -1)
        else:
            q = F.linear(x, self.qkv.weight[:dim], self.qkv.bias[:dim])
            k, v = F.linear(memory, self.qkv.weight[dim:], self.qkv.bias[dim:]).chunk(2, -1)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in (q, k, v))  # (B, H, ·, D/H)
        seen = None if hidden is None else ~hidden[:, None, None]  # (B, 1, 1, P)
        if self.training and self.dropout and q.device.type == "cpu":  # where the kernel has no dropout
            weights = (q * q.shape[-1] ** -0.5) @ k.transpose(-1, -2)  # (B, H, N, P)
            weights = weights if seen is None else weights.masked_fill(~seen, -torch.inf)
            weights = weights.softmax(-1).expand(max(copies, weights.shape[0]), -1, -1, -1)
            answer = dropped(weights, self.dropout) @ v
        else:
            share = self.dropout if self.training else 0.0
            q = q.expand(max(copies if share else 1, k.shape[0]), -1, -1, -1)
            k, v = (part.expand(q.shape[0], -1, -1, -1) for part in (k, v))
            answer = F.scaled_dot_product_attention(q, k, v, attn_mask=seen, dropout_p=share)
        return self.out(answer.transpose(1, 2).flatten(2))  # (B, H, N, D/H) → (B, N, D)


class FeedForward(nn.Module):
    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.dropout = dropout
        self.up = nn.Linear(dim, 4 * dim)
        self.down = nn.Linear(4 * dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(dropped(F.gelu(self.up(x)), self.dropout if self.training else 0.0))


class EncoderLayer(nn.Module):
    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(dim, heads, dropout)
        self.feed = FeedForward(dim, dropout)
        self.attention_norm, self.feed_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.dropout = dropout

    def forward(self, x: Tensor, hidden: Tensor | None = None) -> Tensor:
        """``x (B, N, D)``; ``hidden (B, N)`` is True where attention must not look."""
        share = self.dropout if self.training else 0.0
        x = self.attention_norm(dropped(self.attention(x, hidden=hidden), share, onto=x))
        return self.feed_norm(dropped(self.feed(x), share, onto=x))


class DecoderLayer(nn.Module):
    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.attention = Attention(dim, heads, dropout)
        self.cross = Attention(dim, heads, dropout)
        self.feed = FeedForward(dim, dropout)
        self.attention_norm, self.cross_norm, self.feed_norm = (nn.LayerNorm(dim) for _ in range(3))
        self.dropout = dropout

    def forward(self, x: Tensor, memory: Tensor, hidden: Tensor | None = None) -> Tensor:
        """``x (B, M, D)`` reads ``memory (B, P, D)``; ``hidden (B, P)`` is True where it must not.

        Where x is the same for every series, it may come once, ``(1, M, D)``.
        """
        share = self.dropout if self.training else 0.0
        x = self.attention_norm(dropped(self.attention(x, copies=memory.shape[0]), share, onto=x))
        x = self.cross_norm(dropped(self.cross(x, memory, hidden), share, onto=x))
        return self.feed_norm(dropped(self.feed(x), share, onto=x))
