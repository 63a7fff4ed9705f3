"""How long the steps of an activity last, read from its training windows before anything is named.

An activity that repeats itself within a window has a rhythm, and its steps share a round. Of any other, steps
are as long as makes its windows likeliest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from vqtext.model import chains
from vqtext.model.evidence import Evidence
from vqtext.model.hmm import FORBIDDEN
from vqtext.model.vocabulary import LEAST_SAMPLES, Grammar

USUAL_S = 0.3  # a step of which nothing can be read
ROUND_S = (0.4, 4.0)
ALIKE = 0.3  # correlation of a movement with itself one round later
PEOPLE = 0.5  # share that must show it: chance makes a few look rhythmic
STEP_S = (0.06, 3.0)
TRIED = 18  # durations in that range, each a quarter longer than the one before
WINDOWS = 60  # of each label are enough
CLEAR = 1.0  # nats by which the likeliest duration must lead the least likely


def round_s(evidence: Evidence, labels: int) -> Tensor:
    """Seconds of a round of each label, ``(n,)``: where its motion is most like itself; NaN where most
    people repeat nothing clearly.

    Correlations are averaged over a person's windows and all locations, and the median is taken over people,
    for each has a tempo. A location that moves twice a round (a hip, a fist) rings at half of it, one that
    moves once does not: their sum is highest at the whole.
    """
    energy = torch.where(evidence.energy.isfinite(), evidence.energy, 0.0)
    energy = energy - energy.mean(1, keepdim=True)
    frames = energy.shape[1]
    spectrum = torch.fft.rfft(energy, 2 * frames, dim=1).abs().square()
    alike = torch.fft.irfft(spectrum, dim=1)[:, :frames]  # (N, F, L)
    first, last = (round(s / evidence.frame_s) for s in ROUND_S)
    last = min(last, frames * 2 // 3)
    alike = alike / alike[:, :1].clamp(min=1e-9) * (frames / (frames - torch.arange(frames)))[:, None]
    out = torch.full((labels,), torch.nan)
    if last <= first:
        return out
    for i in evidence.label.unique():
        found = []
        for who in evidence.group[evidence.label == i].unique():
            own = alike[(evidence.label == i) & (evidence.group == who)].mean((0, 2))[first:last]
            peak = int(own.argmax())
            clear = own[peak] > ALIKE and 0 < peak < len(own) - 1
            found.append((first + peak) * evidence.frame_s if clear else math.nan)
        rounds = torch.tensor(found)
        if rounds.isfinite().float().mean() > PEOPLE:
            out[i] = rounds.nanmedian()
    return out


def too_fast(evidence: Evidence, grammar: Grammar, cyclic: Tensor, rate_hz: float) -> Tensor:
    """Labels of a cycle whose rounds are over before each step had `LEAST_SAMPLES` samples, ``(n,)``.

    Args:
        cyclic: whether each label is a cycle, ``(n,)``.
    """
    step_s = round_s(evidence, len(grammar.valid)) / grammar.valid.sum(1)
    return cyclic & (step_s * rate_hz < LEAST_SAMPLES)  # NaN, where nothing repeats, is not


@dataclass(frozen=True)
class Rhythm:
    """What is tried.

    Attributes:
        moves, start: how uses follow each other, log chances, ``(n, U, U)`` and ``(n, U)``.
        frame_s: seconds a frame lasts.
        lasts: how long each use lasts beside the others of its label, ``(n, U)``; None: all alike.
    """

    moves: Tensor
    start: Tensor
    frame_s: float
    lasts: Tensor | None = None

    def chain(self, step_s: Tensor, leaks: bool = False) -> chains.Chain:
        """Chains whose uses last so long on average, over all uses of each label, ``(n,)``."""
        dwell = (step_s / self.frame_s)[:, None].expand(self.start.shape)
        if self.lasts is not None:
            there = self.start > FORBIDDEN / 2
            usual = (self.lasts * there).sum(1, keepdim=True) / there.sum(1, keepdim=True)
            dwell = dwell * self.lasts / usual
        return chains.Chain.of(self.moves, self.start, dwell, leaks)

    def step_s(self, emission_of: Callable[[Tensor], Tensor], label: Tensor) -> Tensor:
        """Mean seconds of a step of each label, ``(n,)``: the one under which its windows are likeliest.

        One number a label is all that is asked of evidence that may be half wrong. Steps that are too short
        cost a change of use where nothing changes; steps that are too long miss changes that were seen.

        Args:
            emission_of: log weights of each use of the own label of some windows, by their rows,
                ``(b, F, U)``.
            label: of all windows, ``(N,)``.
        """
        count = len(self.start)
        rows = torch.cat([_spread((label == i).nonzero()[:, 0]) for i in range(count)])
        emission, own = emission_of(rows)[:, :, None], label[rows]
        tried = torch.logspace(math.log10(max(STEP_S[0], self.frame_s)), math.log10(STEP_S[1]), TRIED)
        likely = torch.zeros(count, TRIED, device=label.device)
        for number, seconds in enumerate(tried.tolist()):
            chain = self.chain(torch.full((count,), seconds, device=label.device))
            for part in chains.chunks(chain, len(rows), emission.shape[1]):
                found = chains.likelihood(emission[part], chain, own[part])
                likely[:, number].index_add_(0, own[part], found)
        most, best = likely.max(1)
        clear = most - likely.amin(1) > CLEAR
        clear &= best < TRIED - 1  # never to change at all is what words that fit nothing ask for
        return torch.where(clear, tried.to(likely.device)[best], USUAL_S)


def _spread(rows: Tensor) -> Tensor:
    """At most `WINDOWS` of them, evenly spread."""
    return rows[:: max(1, math.ceil(len(rows) / WINDOWS))]
