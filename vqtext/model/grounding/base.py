"""Grounding: what a training window is taught to be called, with no frame labels.

N training windows, B of a batch, F frames, V states (`vqtext.model.vocabulary.Grammar`), n labels.

- `Nearest`: nothing is known; each moment is pulled to its nearest anchor. Names are arbitrary.
- `Belief`: only the label's anchors are possible and none may take over (``label``); or they follow the
  label's transcript (``order``). What the network believes is all the evidence, so each batch is its own
  E-step.
- `Taught`: the posterior of the E-step (`e_step`) by what the sensors did (``+signal``) or by
  descriptions (``+text``), which never changes; where that knows nothing, `Belief`; and nothing in windows
  that it did not read.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vqtext.model.grounding.e_step import EStepConfig, Posterior, e_step
from vqtext.model.grounding.emissions import EPS, Evidence
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import Chain
from vqtext.model.vocabulary import Grammar


@dataclass(frozen=True)
class BeliefConfig:
    """Attributes:
    sharpen: power on the network's own belief; 1 would leave a uniform start uniform for ever.
    memory: share of how often states were used before, a batch.
    span_s: the network's belief over such a span, in seconds, counts as one piece of evidence.
    """

    sharpen: float = 2.0
    memory: float = 0.9
    span_s: float = 0.04


CONFIG = BeliefConfig()


class Grounding:
    """Chooses the target names of a batch.

    Attributes:
        posterior: the E-step, None where names have no evidence but the network's belief.
    """

    posterior: Posterior | None = None

    def targets(self, index: Tensor, label: Tensor, states: Tensor) -> Tensor:
        """Args:
            index: places of the windows among the training windows, ``(B,)``.
            label: their labels, ``(B,)``.
            states: the network's belief per frame, ``(B, F, V)``, no gradient.

        Returns:
            Target probabilities, ``(B, F, V)``; all 0 where nothing is to be learnt.
        """
        raise NotImplementedError

    def anchors(self, index: Tensor) -> Tensor:
        """The most probable anchor of each frame by the E-step, −1 where it knows none, ``(B, F)``."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Tensor]:
        """All that was learned, to go on after a stop."""
        return {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Restore what `state_dict` returned."""


class Nearest(Grounding):
    """Each moment belongs to the anchor it is already nearest to."""

    def targets(self, index: Tensor, label: Tensor, states: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(states.argmax(-1), states.shape[-1]).to(states.dtype)


class Belief(Grounding):
    """The network's belief, limited to the label's anchors, divided by how often each is used, and, with a
    chain through the label's transcript.

    The division lets a rare anchor count; how much of a label each anchor takes is estimated, not decreed:
    the usage enters with half its weight, so that a long sub-action may stay long.

    Args:
        chain: of all labels; None: steps come in any order.
        frame_s: seconds a frame lasts.
    """

    def __init__(self, grammar: Grammar, chain: Chain | None, frame_s: float) -> None:
        self.onto = grammar.onto_states()
        self.allowed = self.onto.amax(1) > 0
        self.usage = self.allowed / self.allowed.sum(1, keepdim=True)
        self.state, self.chain, self.weight = grammar.state, chain, min(1.0, frame_s / CONFIG.span_s)

    def targets(self, index: Tensor, label: Tensor, states: Tensor) -> Tensor:
        self.allowed, self.usage = self.allowed.to(states.device), self.usage.to(states.device)
        allowed = self.allowed[label][:, None]
        belief = states * allowed + EPS * allowed
        belief = belief / belief.sum(-1, keepdim=True)
        for i in label.unique():
            now = belief[label == i].mean((0, 1))
            self.usage[i] = CONFIG.memory * self.usage[i] + (1 - CONFIG.memory) * now
        usage = (self.usage[label][:, None] + EPS) ** 0.5
        if self.chain is not None:
            return self._posterior((belief / usage + EPS).log().cpu(), label.cpu()).to(states)
        target = torch.where(allowed, belief / usage, 0.0) ** CONFIG.sharpen
        return target / target.sum(-1, keepdim=True)

    def _posterior(self, belief: Tensor, label: Tensor) -> Tensor:
        assert self.chain is not None
        state = self.state[label][:, None].expand(-1, belief.shape[1], -1)
        of_uses = self.weight * belief.gather(2, state)[:, :, None]
        return torch.bmm(semi_markov.posterior(of_uses, self.chain, label)[:, :, 0], self.onto[label])

    def state_dict(self) -> dict[str, Tensor]:
        return {"usage": self.usage}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.usage = state["usage"].clone()


class Taught(Grounding):
    """The E-step's posterior of each window; `other` where it has none, and nothing where it did not look.

    Args:
        row: which row of the posterior is each training window's, −1: it was not read, ``(N,)``.
    """

    posterior: Posterior

    def __init__(self, posterior: Posterior, row: Tensor, other: Belief) -> None:
        self.posterior, self.row, self.other = posterior, row, other

    def targets(self, index: Tensor, label: Tensor, states: Tensor) -> Tensor:
        row = self.row[index.cpu()]
        targets = self.posterior.states[row].to(states.device, states.dtype)
        unread, known = (row < 0).to(states.device), self.posterior.known[row].to(states.device)
        targets[unread] = 0
        rest = ~(unread | known)
        if rest.any():
            targets[rest] = self.other.targets(index[rest], label[rest], states[rest])
        return targets

    def anchors(self, index: Tensor) -> Tensor:
        row = self.row[index]
        return torch.where(row[:, None] < 0, -1, self.posterior.anchors()[row])

    def state_dict(self) -> dict[str, Tensor]:
        return self.other.state_dict()

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.other.load_state_dict(state)


def make(
    mode: str,
    grammar: Grammar,
    evidence: Evidence,
    row: Tensor | None = None,
    config: EStepConfig | None = None,
) -> Grounding:
    """The grounding mode of that name, ready for the training windows.

    Args:
        mode: nearest, label or order, the last two with any of ``+signal`` and ``+text``.
        evidence: of training windows.
        row: which of its rows is that of each training window, −1 of one that is not there, ``(N,)``; None:
            they are the training windows.
    """
    sources = frozenset(mode.split("+"))
    if "nearest" in sources:
        return Nearest()
    posterior = e_step(evidence, grammar, sources, config)
    belief = Belief(grammar, posterior.chain if "order" in sources else None, evidence.frame_s)
    row = torch.arange(len(evidence.label)) if row is None else row
    return Taught(posterior, row, belief) if posterior.known.any() else belief
