"""Text tokens for training windows, gathered from texts that are stored once."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LENGTH = 48  # text tokens a window may see


@dataclass(frozen=True)
class Guidance:
    """The texts, and which of them speak of which window.

    Attributes:
        tokens: token states of all texts one after the other, ``(sum, h)``.
        offset: where each text begins, ``(texts + 1,)``.
        label_texts: for each label the texts that say it in different words; training picks one at random.
        window_texts: for each window the texts that go with it always (description, subject facts).
    """

    tokens: Tensor
    offset: Tensor
    label_texts: list[list[int]]
    window_texts: list[list[int]]

    @property
    def dim(self) -> int:
        return self.tokens.shape[1]

    def batch(self, index: Tensor, label: Tensor, drop: float) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, LENGTH, h)`` and mask ``(B, LENGTH)``; a share ``drop`` of the rows gets no text."""
        out = torch.zeros(len(index), LENGTH, self.dim)
        mask = torch.zeros(len(index), LENGTH, dtype=torch.bool)
        for row, (window, name) in enumerate(zip(index.tolist(), label.tolist(), strict=True)):
            if torch.rand(()) < drop:
                continue
            said = self._of(window, name)[:LENGTH]
            out[row, : len(said)] = said.to(out.dtype)
            mask[row, : len(said)] = True
        return out, mask

    def _of(self, window: int, label: int) -> Tensor:
        wordings = self.label_texts[label]
        texts = [wordings[int(torch.randint(len(wordings), ()))]] if wordings else []
        texts += self.window_texts[window]
        parts = [self.tokens[self.offset[i] : self.offset[i + 1]] for i in texts]
        return torch.cat(parts) if parts else self.tokens[:0]
