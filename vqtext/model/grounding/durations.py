"""How long the steps of an activity last, read from its training windows before anything is named.

An activity that repeats itself within a window has a rhythm, and its steps share a round. Of any other, steps
are as long as makes its windows likeliest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vqtext.model.grounding.emissions import EPS, Evidence
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import Chain
from vqtext.model.vocabulary import Grammar
from vqtext.schema import USUAL_S


@dataclass(frozen=True)
class DurationConfig:
    """Constants of how long steps last.

    Attributes:
        usual_s: seconds of a step of which nothing can be read.
        round_s: shortest and longest round of a cycle, in seconds.
        min_correlation: least autocorrelation of the features one round later; chance: and so many standard
            errors of the correlation of noise.
        peak_ratio: share of the highest peak that the first one taken must have.
        people: share that must show a round: chance makes a few look rhythmic.
        step_s: shortest and longest mean step that is tried, in seconds; tried: how many between, each longer
            than the one before by the same ratio.
        windows: of each label that are enough.
        clear: nats by which the likeliest duration must lead the least likely.
    """

    usual_s: float = USUAL_S
    round_s: tuple[float, float] = (0.4, 4.0)
    min_correlation: float = 0.08
    chance: float = 3.0
    peak_ratio: float = 0.9
    people: float = 0.5
    step_s: tuple[float, float] = (0.06, 3.0)
    tried: int = 18
    windows: int = 300
    clear: float = 1.0


def round_s(evidence: Evidence, labels: int, config: DurationConfig) -> Tensor:
    """Seconds of a round of each label, ``(n,)``: the first high peak of the autocorrelation of its features;
    NaN where most people repeat nothing clearly.

    Correlations are averaged over a person's windows and features, and the median is taken over people, for
    each has a tempo. Features have signs: two legs that take turns move as much after half a round, but not
    the same way.
    """
    return evidence.once(("round_s", config), lambda: _round_s(evidence, labels, config))


def _round_s(evidence: Evidence, labels: int, config: DurationConfig) -> Tensor:
    frames = evidence.features.shape[1]
    first, last = (round(s / evidence.frame_s) for s in config.round_s)
    last = min(last, frames * 2 // 3)
    out = torch.full((labels,), torch.nan)
    if last <= first:
        return out
    for i in evidence.label.unique():
        lags = []
        for who in evidence.group[evidence.label == i].unique():
            own = evidence.features[(evidence.label == i) & (evidence.group == who)]
            least = config.min_correlation + config.chance / math.sqrt(len(own) * frames)
            correlation = _autocorrelation(own)[first - 1 : last + 1]
            lags.append(first + _first_peak(correlation, least, config.peak_ratio))
        rounds = torch.tensor(lags) * evidence.frame_s
        if rounds.isfinite().float().mean() > config.people:
            out[i] = rounds.nanmedian()
    return out


def _autocorrelation(features: Tensor) -> Tensor:
    """Mean autocorrelation of all that moves in ``features (N, F, R)``, at each lag, ``(F,)``."""
    frames = features.shape[1]
    away = (features - features.nanmean(1, keepdim=True)).nan_to_num()
    spectrum = torch.fft.rfft(away, 2 * frames, dim=1).abs().square()
    product = torch.fft.irfft(spectrum, dim=1)[:, :frames]
    still = product[:, :1] <= EPS**2 * features.square().nansum(1, keepdim=True)  # but for rounding
    correlation = torch.where(still, torch.nan, product / product[:, :1])
    return correlation.nanmean((0, 2)).nan_to_num() * frames / (frames - torch.arange(frames))


def _first_peak(correlation: Tensor, least: float, ratio: float) -> float:
    """The place, counted from the second value, of the first peak that is nearly as high as the highest; NaN
    if that is not higher than ``least``. A movement is as like itself two rounds later, by chance more so
    (McLeod and Wyvill 2005)."""
    inside = correlation[1:-1]
    peaks = ((inside > correlation[:-2]) & (inside >= correlation[2:])).nonzero()[:, 0]
    high = inside[peaks]
    if not len(peaks) or high.max() <= least:
        return math.nan
    return float(peaks[high >= ratio * high.max()][0])


@dataclass(frozen=True)
class Tempo:
    """Chains of all labels, for durations that are tried.

    Attributes:
        moves, start: how uses follow each other, log chances, ``(n, U, U)`` and ``(n, U)``.
        frame_s: seconds a frame lasts.
        relative_duration: how long each use lasts beside the mean of a round of its label, ``(n, U)``. A
            round in which the uses come twice has twice as many of them.
        config: how durations are read; substates: most sub-states of a step.
    """

    moves: Tensor
    start: Tensor
    frame_s: float
    relative_duration: Tensor
    config: DurationConfig
    substates: int

    @classmethod
    def of(
        cls,
        evidence: Evidence,
        grammar: Grammar,
        substates: int,
        config: DurationConfig | None = None,
        ordered: bool = True,
    ) -> Tempo:
        """For some windows, with uses in the order of their transcript or in any."""
        moves = grammar.ordered if ordered else grammar.unordered
        return cls(
            moves,
            grammar.start,
            evidence.frame_s,
            evidence.relative_duration,
            config or DurationConfig(),
            substates,
        )

    def chain(self, step_s: Tensor) -> Chain:
        """Chains whose uses last so long on average over a round of their label, ``(n,)``."""
        dwell = (step_s / self.frame_s)[:, None] * self.relative_duration
        return Chain.of(self.moves, self.start, dwell, self.substates)

    def step_s(self, by_words: Tensor, label: Tensor, known: Tensor) -> Tensor:
        """Mean seconds of a step of each label, ``(n,)``: the one under which its windows are likeliest.

        Evidence that may be half wrong supports one number a label and no more. Steps that are too short
        cost a change of use where nothing changes; steps that are too long miss changes that were seen.

        Args:
            by_words: log weights of the uses of each window's label, ``(N, F, U)``.
            label: of the windows, ``(N,)``.
            known: what was read of some labels, ``(n,)``; NaN of the others, which alone are estimated.
        """
        unknown, count = known.isnan(), len(known)
        rows = torch.cat(
            [spread((label == i).nonzero()[:, 0], self.config.windows) for i in unknown.nonzero()[:, 0]]
            or [label[:0]]
        )
        if not len(rows):
            return torch.where(unknown, self.config.usual_s, known)
        emission, own = by_words[rows][:, :, None], label[rows]
        shortest, longest = self.config.step_s
        tried = torch.logspace(
            math.log10(max(shortest, self.frame_s)), math.log10(longest), self.config.tried
        )
        likelihood = torch.zeros(count, len(tried))
        for column, seconds in enumerate(tried.tolist()):
            chain = self.chain(torch.full((count,), seconds))
            for part in semi_markov.chunks(chain, len(rows), emission.shape[1], 1):
                of_windows = semi_markov.log_likelihood(emission[part], chain, own[part])
                likelihood[:, column].index_add_(0, own[part], of_windows)
        most, best = likelihood.max(1)
        clear = most - likelihood.amin(1) > self.config.clear
        clear &= best < len(tried) - 1  # words that fit nothing are likeliest if nothing ever changes
        return torch.where(unknown, torch.where(clear, tried[best], self.config.usual_s), known)


def step_seconds(evidence: Evidence, grammar: Grammar, tempo: Tempo, by_words: Tensor) -> Tensor:
    """Seconds of a step of each label, ``(n,)``: a share of its rounds, or what suits the words.

    Args:
        by_words: log weights of the uses of each window's label, ``(N, F, U)``.
    """
    config = tempo.config
    step_s = round_s(evidence, len(grammar.valid), config) / grammar.valid.sum(1)  # NaN: nothing repeats
    # in a round with less than two frames a step some are passed over: it says nothing of the others
    step_s[step_s < 2 * evidence.frame_s] = torch.nan
    if not by_words.any():
        return step_s.nan_to_num(config.usual_s)
    return tempo.step_s(by_words, evidence.label, step_s)


def spread(rows: Tensor, most: int) -> Tensor:
    """At most so many of them, evenly spread."""
    return rows[:: max(1, math.ceil(len(rows) / most))]
