"""Grounding: deciding, with no frame labels, which anchor each moment of a training window shows.

One class a mode, one protocol. N training windows, B of a batch, F frames, K anchors, n labels.

- `vqtext.model.beliefs.Nearest`: nothing is known; each moment is pulled to its nearest anchor. Names are
  arbitrary.
- `vqtext.model.beliefs.Label`: only the label's anchors are possible, and none may take over.
- `vqtext.model.walking.Walk`: and a chain of the label's uses was walked. What it knows is made of parts:
  whether uses follow the transcript (``order``), must fit what the sensors did (``signal``), must be near
  what was said (``text``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from vqtext.model.beliefs import Label, Nearest
from vqtext.model.evidence import Evidence
from vqtext.model.sifting import Cell
from vqtext.model.vocabulary import Grammar
from vqtext.model.walking import Walk


class Grounding(Protocol):
    """Chooses the target names of a batch."""

    def targets(self, index: Tensor, label: Tensor, names: Tensor) -> Tensor:
        """Args:
            index: places of the windows among the training windows, ``(B,)``.
            label: their labels, ``(B,)``.
            names: the network's belief per frame, ``(B, F, K)``, no gradient.

        Returns:
            Target probabilities, ``(B, F, K)``.
        """
        ...

    @property
    def refuted(self) -> Sequence[Cell]:
        """What is written of steps and was left out, since the windows are likelier without it."""
        ...

    @property
    def first(self) -> Tensor | None:
        """Anchors of all training windows by the evidence alone, before any network, ``(N, F)``, −1 where it
        names none; None where names have no evidence."""
        ...

    @property
    def heard(self) -> Tensor | None:
        """Labels of whose steps something is known that tells one from the next, ``(n,)``: of the others a
        network learns when they change, and nobody which is which. None: of no label."""
        ...

    def due(self, progress: float) -> bool:
        """Whether `refine` should be called, once this share of the training is done."""
        ...

    @property
    def settled(self) -> bool:
        """Whether names will not be decided anew: what was learned before was taught by names that went."""
        ...

    def settle(self) -> None:
        """Decide no name anew from now on."""
        ...

    def refine(self, names: Tensor) -> None:
        """Learn from what the network believes of all training windows, ``(N, F, K)``."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """All that was learned, to go on after a stop."""
        ...

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take back what `state_dict` gave."""
        ...


def make(mode: str, grammar: Grammar, anchors: int, evidence: Evidence) -> Grounding:
    """The grounding mode of that name, ready for the training windows.

    Args:
        mode: nearest, label or order, the last two with any of ``+signal`` and ``+text``.
    """
    knows = frozenset(mode.split("+"))
    if "nearest" in knows:
        return Nearest()
    if knows == {"label"}:
        return Label(grammar, anchors)
    return Walk(grammar, anchors, evidence, knows)
