"""Text tokens for training windows, gathered from texts that are stored once.

A window sees `LENGTH` tokens. What is known of its subject comes first, one token a fact, then a wording of
its label, then as much of its description as still fits: a long description pushes out neither.
"""

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
        descriptions: for each window the text that describes it, −1 where there is none.
        facts: for each window the texts of what is known of its subject; each becomes one token, the mean of
            its states.
    """

    tokens: Tensor
    offset: Tensor
    label_texts: list[list[int]]
    descriptions: list[int]
    facts: list[list[int]]

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
        wordings, description = self.label_texts[label], self.descriptions[window]
        texts = [wordings[int(torch.randint(len(wordings), ()))]] if wordings else []
        texts += [description] if description >= 0 else []
        facts = [self._states(i).float().mean(0, keepdim=True) for i in self.facts[window]]
        parts = [*facts, *(self._states(i).float() for i in texts)]
        return torch.cat(parts) if parts else self.tokens[:0]

    def _states(self, text: int) -> Tensor:
        return self.tokens[self.offset[text] : self.offset[text + 1]]
