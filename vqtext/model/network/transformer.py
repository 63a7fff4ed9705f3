"""The transformers of the network, all of one make."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from vqtext.settings.schema import ModelSettings

Layers = TypeVar("Layers", bound=nn.Module)


def encoder(s: ModelSettings, norm: nn.Module | None = None) -> nn.TransformerEncoder:
    """Each position attends to all of its sequence; ``norm`` comes last."""
    layer = nn.TransformerEncoderLayer(
        s.dim, s.heads, 2 * s.dim, s.dropout, "gelu", batch_first=True, norm_first=True
    )
    layers = nn.TransformerEncoder(layer, s.layers, norm=norm, enable_nested_tensor=False)
    return _without_attention_dropout(layers)


def decoder(s: ModelSettings) -> nn.TransformerDecoder:
    """Each query attends to the other queries, then to the memory."""
    layer = nn.TransformerDecoderLayer(
        s.dim, s.heads, 2 * s.dim, s.dropout, "gelu", batch_first=True, norm_first=True
    )
    return _without_attention_dropout(nn.TransformerDecoder(layer, s.layers, norm=nn.LayerNorm(s.dim)))


def _without_attention_dropout(layers: Layers) -> Layers:
    """No dropout of attention weights: no fused kernel of a CPU has it."""
    for part in layers.modules():
        if isinstance(part, nn.MultiheadAttention):
            part.dropout = 0.0
    return layers
