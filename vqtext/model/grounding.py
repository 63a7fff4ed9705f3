"""Grounding: deciding, with no frame labels, which anchor each moment of a training window shows.

One class a mode, one protocol: `targets` turns what the network now believes about a batch into what it
should believe. N training windows, B of a batch, F frames, K anchors, U uses of a label, L body locations.

- `Nearest`: nothing is known; each moment is pulled to its nearest anchor. Names are arbitrary.
- `Label`: only the label's anchors are possible, and none may take over.
- `LabelSignal`: and an anchor's signature must fit what the sensors did. Only this pins names to reality.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from vqtext.model import hmm
from vqtext.model.vocabulary import Grammar

EPS = 1e-6
SPREAD = 0.6  # standard deviation of a written level, in units of the location's own range
TRUST = 0.4  # weight of the words in a cell; the rest stays with "the words may be wrong here"
# Neighbouring frames repeat each other, so that evidence taken at face value is far too sure. Each of these
# spans counts as one piece of evidence: from the words, and after the data have corrected them.
WORDS_SPAN_S, DATA_SPAN_S = 0.16, 0.04
REFITS = 2  # corrections of the words by the data


@dataclass(frozen=True)
class Evidence:
    """What the sensors of the training windows did, and what the words say they should do.

    Attributes:
        energy: log motion of each location and frame, ``(N, F, L)``, NaN where nothing was measured.
        levels: written levels of each use, from −1 (still) to 1 (strong), NaN where unknown, ``(N, U, L)``.
        label: ``(N,)``; group: subject of each window, ``(N,)``.
        frame_s: seconds a frame lasts.
    """

    energy: Tensor
    levels: Tensor
    label: Tensor
    group: Tensor
    frame_s: float


class Grounding(Protocol):
    """Chooses the target names of a batch."""

    def targets(self, index: Tensor, label: Tensor, names: Tensor, progress: float) -> Tensor:
        """Args:
            index: places of the windows among the training windows, ``(B,)``.
            label: their labels, ``(B,)``.
            names: the network's belief per frame, ``(B, F, K)``, no gradient.
            progress: share of the training that is done.

        Returns:
            Target probabilities, ``(B, F, K)``.
        """
        ...


class Nearest:
    """Each moment belongs to the anchor it is already nearest to."""

    def targets(self, index: Tensor, label: Tensor, names: Tensor, progress: float) -> Tensor:
        return torch.nn.functional.one_hot(names.argmax(-1), names.shape[-1]).to(names.dtype)


class Label:
    """The network's belief, limited to the label's anchors and divided by how often each is used.

    The division lets a rare anchor be heard; how much of a label each anchor takes is estimated, not decreed:
    the usage enters with half its weight, so that a long sub-action may stay long.
    """

    sharpen = 2.0  # power on the network's own belief; 1 would leave a uniform start uniform for ever

    def __init__(self, grammar: Grammar, anchors: int) -> None:
        labels = len(grammar.anchor)
        self.allowed = torch.zeros(labels, anchors, dtype=torch.bool)
        for i in range(labels):
            self.allowed[i, grammar.anchor[i, grammar.valid[i]]] = True
        self.usage = self.allowed / self.allowed.sum(1, keepdim=True)

    def targets(self, index: Tensor, label: Tensor, names: Tensor, progress: float) -> Tensor:
        self.allowed, self.usage = self.allowed.to(names.device), self.usage.to(names.device)
        allowed = self.allowed[label][:, None]
        belief = names * allowed + EPS * allowed
        belief = belief / belief.sum(-1, keepdim=True)
        for i in label.unique():
            self.usage[i] = 0.9 * self.usage[i] + 0.1 * belief[label == i].mean((0, 1))
        usage = (self.usage[label][:, None] + EPS) ** 0.5
        target = torch.where(allowed, belief / usage, 0.0) ** self.sharpen
        return target / target.sum(-1, keepdim=True)


class LabelSignal(Label):
    """`Label`, with an E-step from the signatures made once before training.

    The words start alone; as training goes on the network's own belief gains weight, up to one half, so that
    early names are not locked in. A label without a single usable cell has no evidence and keeps
    uniform names: nothing is made up.
    """

    sharpen = 1.0  # the evidence decides; what it leaves equal must stay equal, not fall to one side

    def __init__(self, grammar: Grammar, anchors: int, evidence: Evidence) -> None:
        super().__init__(grammar, anchors)
        self.states = signature_posterior(grammar, self.moves(grammar), evidence)
        onto = torch.nn.functional.one_hot(grammar.anchor, anchors).float()
        self.onto = onto * grammar.valid[..., None]  # uses of each label → anchors, (n, U, K)
        self.known = evidence.levels.isfinite().flatten(1).any(1)

    def moves(self, grammar: Grammar) -> Tensor:
        """Log transitions between the uses of each label, ``(n, U, U)``."""
        return grammar.unordered

    def targets(self, index: Tensor, label: Tensor, names: Tensor, progress: float) -> Tensor:
        own = super().targets(index, label, names, progress)
        states, known = (part[index.cpu()].to(names.device) for part in (self.states, self.known))
        first = states.to(names.dtype) @ self.onto.to(names.device)[label]
        share = torch.where(known, min(progress, 0.5), 1.0)[:, None, None]
        target = (first + EPS) ** (1 - share) * (own + EPS) ** share * self.allowed[label][:, None]
        return target / target.sum(-1, keepdim=True)


class OrderSignal(LabelSignal):
    """`LabelSignal`, whose E-step follows the label's transcript."""

    def moves(self, grammar: Grammar) -> Tensor:
        return grammar.ordered


def signature_posterior(grammar: Grammar, moves: Tensor, evidence: Evidence) -> Tensor:
    """Which use of its label each frame shows, by its signature: ``(N, F, U)``, in half precision.

    Levels are compared relatively: motion is standardised within subject and label, since absolute levels
    depend on the person, the mounting and the unit. The words give the first states; then the data
    correct the levels (Gaussians on motion standardised within subject, one variance for all uses of a
    label), so that a wrong word can be overruled. Free variances, absolute levels or going on to
    convergence name worse.
    """
    label, present = evidence.label, evidence.energy.isfinite()
    within_label = _standardise(evidence.energy, evidence.group * (label.max() + 1) + label)
    within_subject = _standardise(evidence.energy, evidence.group)
    posterior = evidence.energy.new_zeros(*evidence.energy.shape[:2], evidence.levels.shape[1]).half()
    for i in label.unique():  # each label by itself: all of them at once take more memory than the signals
        own = label == i
        levels, seen = evidence.levels[own], present[own]
        trust = levels.isfinite()[:, None] * TRUST
        expected = _contrast(levels)[:, None]
        x = within_label[own][:, :, None]
        fits = _normal(x, expected, SPREAD).exp() * trust + _normal(x, 0.0, 1.0).exp() * (1 - trust)
        cells = torch.where(seen[:, :, None], (fits + 1e-12).log(), 0.0)
        emission = min(1.0, evidence.frame_s / WORDS_SPAN_S) * cells.sum(-1)
        for _ in range(REFITS):
            states = _walk(grammar, moves, label[own], emission) * grammar.valid[i]
            away = _distance(states, within_subject[own], seen)
            emission = min(1.0, evidence.frame_s / DATA_SPAN_S) * (-0.5 * away).sum(-1)
        posterior[own] = _walk(grammar, moves, label[own], emission).half()
    return posterior


def _distance(states: Tensor, x: Tensor, present: Tensor) -> Tensor:
    """Squared distance of each frame of a label from each use's mean, in variances: ``(n, F, U, L)``.

    Means are the uses' own, variances are shared by the uses.
    """
    seen = present.to(x.dtype)
    total = torch.einsum("nfu,nfl->ul", states, seen)
    mean = torch.einsum("nfu,nfl->ul", states, x * seen) / total.clamp(min=EPS)
    squared = (x[:, :, None] - mean).square() * seen[:, :, None]
    variance = torch.einsum("nfu,nful->l", states, squared) / total.sum(0).clamp(min=EPS)
    return squared / variance.clamp(min=1e-3)


def _walk(grammar: Grammar, moves: Tensor, label: Tensor, emission: Tensor) -> Tensor:
    emission = torch.where(grammar.valid[label][:, None], emission, hmm.FORBIDDEN)
    return hmm.posterior(emission, moves[label], grammar.start[label])[1]


def _standardise(energy: Tensor, group: Tensor) -> Tensor:
    out = torch.zeros_like(energy)
    for g in group.unique():
        x = energy[group == g]
        seen = x.isfinite()
        count = seen.sum((0, 1)).clamp(min=1)
        mean = x.nan_to_num().sum((0, 1)) / count
        away = torch.where(seen, x - mean, 0.0)
        out[group == g] = away / (away.square().sum((0, 1)) / count + EPS).sqrt()
    return out


def _contrast(levels: Tensor) -> Tensor:
    """Written levels ``(N, U, L)`` as differences inside their label, which is how motion is compared.

    A person who runs moves strongly all the time; what tells one step of running from the next is only which
    of the two was written as the stronger. Unknown cells become 0.
    """
    written = levels.isfinite()
    count = written.sum(1, keepdim=True).clamp(min=1)
    away = torch.where(written, levels - levels.nan_to_num().sum(1, keepdim=True) / count, 0.0)
    scale = (away.square().sum(1, keepdim=True) / count).sqrt()
    return torch.where(scale > EPS, away / scale.clamp(min=EPS), 0.0)


def _normal(x: Tensor, mean: Tensor | float, std: float) -> Tensor:
    return -0.5 * ((x - mean) / std) ** 2 - torch.tensor(std).log()
