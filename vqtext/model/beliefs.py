"""Groundings of the network's own belief, with no evidence beside it; see `vqtext.model.grounding`."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vqtext.model.evidence import EPS
from vqtext.model.sifting import Cell
from vqtext.model.vocabulary import Grammar


class Nearest:
    """Each moment belongs to the anchor it is already nearest to."""

    refuted: Sequence[Cell] = ()
    first: Tensor | None = None
    heard: Tensor | None = None

    def targets(self, index: Tensor, label: Tensor, names: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(names.argmax(-1), names.shape[-1]).to(names.dtype)

    settled = True

    def due(self, progress: float) -> bool:
        return False

    def settle(self) -> None:
        """It is."""

    def refine(self, names: Tensor) -> None:
        """Nothing is kept."""

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Nothing is kept."""


class Label:
    """The network's belief, limited to the label's anchors and divided by how often each is used.

    The division lets a rare anchor be heard; how much of a label each anchor takes is estimated, not decreed:
    the usage enters with half its weight, so that a long sub-action may stay long.
    """

    refuted: Sequence[Cell] = ()
    first: Tensor | None = None
    heard: Tensor | None = None
    sharpen = 2.0  # power on the network's own belief; 1 would leave a uniform start uniform for ever

    def __init__(self, grammar: Grammar, anchors: int) -> None:
        labels = len(grammar.anchor)
        self.allowed = torch.zeros(labels, anchors, dtype=torch.bool)
        for i in range(labels):
            self.allowed[i, grammar.anchor[i, grammar.valid[i]]] = True
        self.usage = self.allowed / self.allowed.sum(1, keepdim=True)

    def targets(self, index: Tensor, label: Tensor, names: Tensor) -> Tensor:
        self.allowed, self.usage = self.allowed.to(names.device), self.usage.to(names.device)
        allowed = self.allowed[label][:, None]
        belief = names * allowed + EPS * allowed
        belief = belief / belief.sum(-1, keepdim=True)
        for i in label.unique():
            self.usage[i] = 0.9 * self.usage[i] + 0.1 * belief[label == i].mean((0, 1))
        usage = (self.usage[label][:, None] + EPS) ** 0.5
        target = torch.where(allowed, belief / usage, 0.0) ** self.sharpen
        return target / target.sum(-1, keepdim=True)

    settled = True

    def due(self, progress: float) -> bool:
        return False

    def settle(self) -> None:
        """It is."""

    def refine(self, names: Tensor) -> None:
        """Each batch is its own E-step."""

    def state_dict(self) -> dict[str, Tensor]:
        return {"usage": self.usage}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.usage = state["usage"].clone()
