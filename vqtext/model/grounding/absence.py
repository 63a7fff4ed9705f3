"""Which written steps do not happen: those without which the training windows are likelier.

People, and language models, write steps that a recording does not hold. A chain has to spend time on each of
them, which another step loses, and they would stand in reasons. So each step of a label is left out in turn,
the one whose loss makes the windows likeliest is dropped, if that is no chance, and the rest is tried again.
Moments are judged by the words alone: what data say of a step depends on where it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vqtext.model.grounding.durations import Tempo, spread, step_seconds
from vqtext.model.grounding.e_step import ChainConfig, word_weights
from vqtext.model.grounding.emissions import EmissionConfig, Evidence, from_signatures
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import Chain
from vqtext.model.vocabulary import Grammar, Transcript


@dataclass(frozen=True)
class AbsenceConfig:
    """Attributes:
    windows: of each label that are enough.
    chance: standard errors by which windows must be likelier without a step (decision 0040).
    clear: nats by which a window must be likelier without any step of its label.
    least: steps that a label keeps.
    """

    windows: int = 100
    chance: float = 3.0
    clear: float = 1.0
    least: int = 2


CONFIG, SUBSTATES = AbsenceConfig(), ChainConfig().substates


def absent(evidence: Evidence, transcripts: Sequence[Transcript], rate_hz: float) -> list[list[int]]:
    """Places of the steps of each label that its windows are likelier without.

    A step of which nothing is written that sensors measure is no candidate: it claims nothing that could
    fail. Nor is one that a person has seen.
    """
    grammar = Grammar.of(transcripts, rate_hz)
    by_words, _ = word_weights(evidence, grammar, frozenset({"signal"}), EmissionConfig())
    dwells = _dwells(evidence, grammar, by_words)
    seen = evidence.corrected.unique().tolist() if evidence.corrected is not None else []
    missing: list[list[int]] = []
    for i, transcript in enumerate(transcripts):
        rows = spread((evidence.label == i).nonzero()[:, 0], CONFIG.windows)
        measured = evidence.written[rows].isfinite().any(2).any(0).tolist()
        left = [*range(len(transcript.uses))]
        candidates = [u for u in left if measured[u] and i * grammar.valid.shape[1] + u not in seen]
        while len(left) > CONFIG.least and len(rows) > 1:
            now = _log_likelihood(by_words[rows], transcript, left, dwells[i], rate_hz)
            gain = {}
            for use in candidates:
                others = [u for u in left if u != use]
                without = _log_likelihood(by_words[rows], transcript, others, dwells[i], rate_hz)
                gain[use] = _least_gain(without - now)
            worst = max(gain, key=gain.__getitem__, default=None)
            if worst is None or gain[worst] <= 0:
                break
            left.remove(worst)
            candidates.remove(worst)
        missing.append([u for u in range(len(transcript.uses)) if u not in left])
    return missing


def unsupported(evidence: Evidence, transcripts: Sequence[Transcript], rate_hz: float) -> list[int]:
    """Labels whose windows are clearly likelier if one same thing is written of every moment than by their
    steps: one level of motion, no direction and no posture."""
    known = evidence.levels.isfinite().any(1, keepdim=True).expand_as(evidence.levels)
    silent = replace(
        evidence,
        levels=torch.where(known, 0.0, torch.nan),
        directions=torch.full_like(evidence.directions, torch.nan),
        written_up=torch.full_like(evidence.written_up, torch.nan),
    )
    by_words = from_signatures(evidence, EmissionConfig())
    by_nothing = from_signatures(silent, EmissionConfig())[:, :, 0].sum(1)
    dwells = _dwells(evidence, Grammar.of(transcripts, rate_hz), by_words)
    labels = []
    for i, transcript in enumerate(transcripts):
        rows = spread((evidence.label == i).nonzero()[:, 0], CONFIG.windows)
        if len(rows) > 1:
            uses = [*range(len(transcript.uses))]
            by_steps = _log_likelihood(by_words[rows], transcript, uses, dwells[i], rate_hz)
            if _least_gain(by_nothing[rows] - by_steps) > CONFIG.clear:
                labels.append(i)
    return labels


def _least_gain(gain: Tensor) -> float:
    """Mean gain of a window less what may be chance."""
    return float(gain.mean() - CONFIG.chance * gain.std() / math.sqrt(len(gain)))


def _dwells(evidence: Evidence, grammar: Grammar, by_words: Tensor) -> list[Tensor]:
    """Frames that each use of each label lasts, ``(U,)`` each."""
    step_s = step_seconds(evidence, grammar, Tempo.of(evidence, grammar, SUBSTATES), by_words)
    return [lasts * s / evidence.frame_s for lasts, s in zip(evidence.relative_duration, step_s, strict=True)]


def _log_likelihood(
    by_words: Tensor, transcript: Transcript, uses: list[int], dwell: Tensor, rate_hz: float
) -> Tensor:
    """Log likelihood of each window if a label had these of its steps alone, ``(b,)``.

    Args:
        by_words: log weights of all its uses, ``(b, F, U)``; dwell: frames that each lasts, ``(U,)``.
    """
    own = Grammar.of([Transcript("", transcript.cyclic, tuple(transcript.uses[u] for u in uses))], rate_hz)
    chain = Chain.of(own.ordered, own.start, dwell[None, uses], SUBSTATES)
    label = torch.zeros(len(by_words), dtype=torch.long)
    return semi_markov.log_likelihood(by_words[:, :, None, uses], chain, label)
