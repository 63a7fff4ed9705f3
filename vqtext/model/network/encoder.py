"""Signal → patch embeddings: everything before the tokenizer."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vqtext.model.config import ModelConfig
from vqtext.model.network import transformer
from vqtext.schema import Channel, earlier

VIRTUAL_CHANNELS = 32  # at most this many mixtures of channels
CHANNEL_DIM = 32
STEM = 5  # samples the first convolution sees


def virtual_channels(config: ModelConfig) -> int:
    """How many mixtures the channels of a joint model are seen and drawn through."""
    return min(2 * len(config.channels), VIRTUAL_CHANNELS)


class Normaliser(nn.Module):
    """Physical units → standard units, and a mask of what was measured.

    Statistics are of training windows only and travel with the weights. A window may hold NaN: missing
    samples become 0 after scaling and are False in the mask.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("std", torch.ones(channels))

    def fit(self, blocks: Iterable[Tensor]) -> None:
        """Take mean and standard deviation of blocks ``(n, C, T)``; a constant channel keeps scale 1.

        Blocks are merged as Chan, Golub and LeVeque (1979) do, so that no sum of large squares loses digits.
        """
        count = torch.zeros(len(self.mean), dtype=torch.double)
        mean, square = torch.zeros_like(count), torch.zeros_like(count)
        for signal in blocks:
            seen = signal.isfinite()
            own = seen.sum((0, 2)).double()
            x = torch.where(seen, signal, 0.0).double()
            own_mean = x.sum((0, 2)) / own.clamp(min=1)
            difference = own_mean - mean
            total = (count + own).clamp(min=1)
            square += torch.where(seen, (x - own_mean[:, None]).square(), 0.0).sum((0, 2))
            square += difference.square() * count * own / total
            mean += difference * own / total
            count += own
        std = (square / count.clamp(min=1)).sqrt()
        self.mean.copy_(mean)
        self.std.copy_(torch.where(std > 1e-6 * (1 + mean.abs()), std, 1.0))

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        seen = signal.isfinite()
        x = (signal - self.mean[:, None]) / self.std[:, None]
        return torch.where(seen, x, 0.0), seen


class ChannelEmbedding(nn.Module):
    """A vector for each channel from its metadata: location + modality + axis + unit + all of it.

    Channels are known by their metadata, never by their place in the array; of two that share all of it, how
    many of the kind came before is known too. A sum of the parts alone would not do: mixtures of 45
    channels would lie in nine directions, and one axis of one sensor could never be seen by itself.
    """

    def __init__(self, channels: tuple[Channel, ...]) -> None:
        super().__init__()
        kinds = [(c.location, c.modality, c.axis, c.unit) for c in channels]
        before = map(str, earlier(kinds))
        rows = [(*kind, str((*kind, count)), count) for kind, count in zip(kinds, before, strict=True)]
        words = [sorted(set(column)) for column in zip(*rows, strict=True)]
        self.tables = nn.ModuleList(nn.Embedding(len(column), CHANNEL_DIM) for column in words)
        index = [[column.index(word) for word, column in zip(row, words, strict=True)] for row in rows]
        self.register_buffer("index", torch.tensor(index), persistent=False)

    index: Tensor

    def forward(self) -> Tensor:
        """``(C, CHANNEL_DIM)``"""
        parts = [table(self.index[:, i]) for i, table in enumerate(self.tables)]
        return torch.stack(parts).sum(0) / len(parts) ** 0.5


class PatchEncoder(nn.Module):
    """Windows ``(B, C, T)`` → patch embeddings ``(B, P, D)``.

    The C channels are first mixed into a few virtual ones, with weights made from their metadata, so
    that the cost of all that follows does not grow with C. A channel that is missing adds nothing.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        s = config.settings
        self.patch, self.patches = config.patch, config.patches
        virtual = virtual_channels(config)
        self.mix = nn.Linear(CHANNEL_DIM, virtual)
        self.stem = nn.Sequential(nn.Conv1d(virtual, s.dim, STEM, padding=STEM // 2), nn.GELU())
        self.embed = nn.Conv1d(s.dim, s.dim, 2 * self.patch, stride=self.patch)
        self.position = nn.Parameter(torch.randn(1, self.patches, s.dim) * 0.02)
        self.transformer = transformer.encoder(s)

    def forward(self, x: Tensor, seen: Tensor, channels: Tensor) -> tuple[Tensor, Tensor]:
        """``channels (C, CHANNEL_DIM)`` → embeddings, and which patches hold any sample, ``(B, P)``."""
        x = torch.einsum("bct,cr->brt", x, self.mix(channels)) / channels.shape[0] ** 0.5
        left = self.patch // 2
        right = self.patches * self.patch - x.shape[-1] + self.patch - left
        h = self.embed(F.pad(self.stem(x), (left, right))).transpose(1, 2) + self.position
        full = F.pad(seen.any(1), (0, self.patches * self.patch - seen.shape[-1]))
        keep = full.unflatten(1, (self.patches, self.patch)).any(-1)
        keep = keep | ~keep.any(1, keepdim=True)  # a window of nothing must not make an empty softmax
        return self.transformer(h, src_key_padding_mask=~keep), keep
