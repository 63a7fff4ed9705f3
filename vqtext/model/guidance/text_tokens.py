"""Text tokens for training windows, gathered from texts that are stored once.

A window sees `LENGTH` tokens. What is known of its subject comes first, one token a fact, then a wording of
its label, then as much of its description as still fits: a long description pushes out neither.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vqtext.schema import Rows

LENGTH = 48  # text tokens a window may see


@dataclass(frozen=True)
class Guidance:
    """The texts, and which of them speak of which window.

    Attributes:
        tokens: token states of all texts one after the other, ``(sum, h)``; in memory, or in a file.
        offset: where each text begins, ``(texts + 1,)``.
        label_texts: for each label the texts that say it in different words; training picks one at random.
        descriptions: for each window the text that describes it, −1 where there is none.
        facts: for each window the texts of what is known of its subject; each becomes one token, the mean of
            its states.
        drop_tokens: share of single text tokens that are left out.
        drop_facts: share of the windows with text that see no facts, so that a model without them works.
    """

    tokens: Rows
    offset: np.ndarray
    label_texts: list[list[int]]
    descriptions: list[int]
    facts: list[list[int]]
    drop_tokens: float = 0.0
    drop_facts: float = 0.0

    @property
    def dim(self) -> int:
        return self.tokens.shape[1]

    def batch(
        self, index: Sequence[int], label: Sequence[int], draws: Sequence[int], drop: float
    ) -> tuple[Tensor, Tensor]:
        """Tokens ``(B, LENGTH, h)`` and mask ``(B, LENGTH)``.

        Args:
            index, label: of each window; a label of −1 is not known, and has no wording.
            draws: a random number for each window, that decides which text it sees.
            drop: share of the windows that get no text.
        """
        out = np.zeros((len(index), LENGTH, self.dim), dtype=np.float32)
        mask = np.zeros((len(index), LENGTH), dtype=bool)
        for row, (window, name, draw) in enumerate(zip(index, label, draws, strict=True)):
            chance = random.Random(draw)
            if chance.random() < drop:
                continue
            end = 0
            for states in self._of(window, name, chance):
                fitting = states[: LENGTH - end]
                out[row, end : end + len(fitting)] = fitting
                end += len(fitting)
            for place in range(end):
                mask[row, place] = chance.random() >= self.drop_tokens
        out[~mask] = 0
        return torch.from_numpy(out), torch.from_numpy(mask)

    def _of(self, window: int, label: int, chance: random.Random) -> list[np.ndarray]:
        """Token states ``(·, h)`` of a window's texts, in order."""
        wordings = self.label_texts[label] if label >= 0 else []
        description = self.descriptions[window]
        texts = [chance.choice(wordings)] if wordings else []
        texts += [description] if description >= 0 else []
        known = self.facts[window] if chance.random() >= self.drop_facts else []
        facts = [self._states(i).astype(np.float32).mean(0, keepdims=True) for i in known]
        return [*facts, *(self._states(i) for i in texts)]

    def _states(self, text: int) -> np.ndarray:
        return self.tokens[int(self.offset[text]) : int(self.offset[text + 1])]
