"""Which written steps do not happen: those without which the training windows are likelier.

People, and language models, write steps that a recording does not hold. A chain has to spend time on each of
them, which another step loses, and their names would be told. So each step of a label is left out for a try,
the one whose loss makes the windows likeliest is left out for good, if that is no chance, and the next one is
looked for. What a moment shows is judged by the words alone: what data say of a step depends on where it is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from vqtext.model.grounding.durations import DurationConfig, Tempo, spread, step_seconds
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

    A step of which nothing is written that sensors feel is not asked: it claims nothing that could fail. Nor
    is one that a person has seen.
    """
    grammar = Grammar.of(transcripts, rate_hz)
    first, _ = word_weights(evidence, grammar, frozenset({"signal"}), EmissionConfig())
    dwells = _dwells(evidence, transcripts, rate_hz, first)
    seen = evidence.corrected.unique().tolist() if evidence.corrected is not None else []
    found: list[list[int]] = []
    for i, transcript in enumerate(transcripts):
        rows = spread((evidence.label == i).nonzero()[:, 0], CONFIG.windows)
        places = range(len(transcript.uses))
        kept, of_label, dwell = [*places], first[rows], dwells[i]
        features = evidence.written[rows].isfinite().flatten(2).any(2).any(0)
        asked = [u for u in places if features[u] and i * grammar.valid.shape[1] + u not in seen]
        while len(kept) > CONFIG.least and len(rows) > 1:
            now = _likely(of_label, transcript, kept, dwell, rate_hz)
            clear = {}
            for use in (u for u in kept if u in asked):
                gain = _likely(of_label, transcript, [u for u in kept if u != use], dwell, rate_hz) - now
                clear[use] = _clear(gain)
            worst = max(clear, key=clear.__getitem__, default=None)
            if worst is None or clear[worst] <= 0:
                break
            kept.remove(worst)
        found.append([u for u in places if u not in kept])
    return found


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
    first = from_signatures(evidence, EmissionConfig())
    by_nothing = from_signatures(silent, EmissionConfig())[:, :, 0].sum(1)
    dwells = _dwells(evidence, transcripts, rate_hz, first)
    found = []
    for i, transcript in enumerate(transcripts):
        rows = spread((evidence.label == i).nonzero()[:, 0], CONFIG.windows)
        if len(rows) > 1:
            every = [*range(len(transcript.uses))]
            by_words = _likely(first[rows], transcript, every, dwells[i], rate_hz)
            if _clear(by_nothing[rows] - by_words) > CONFIG.clear:
                found.append(i)
    return found


def _clear(gain: Tensor) -> float:
    """What is gained by a window at least, if it is no chance."""
    return float(gain.mean() - CONFIG.chance * gain.std() / math.sqrt(len(gain)))


def _dwells(
    evidence: Evidence, transcripts: Sequence[Transcript], rate_hz: float, first: Tensor
) -> list[Tensor]:
    """Frames that each use of each label lasts, ``(U,)`` each."""
    grammar = Grammar.of(transcripts, rate_hz)
    tempo = Tempo(
        grammar.ordered,
        grammar.start,
        evidence.frame_s,
        DurationConfig(),
        SUBSTATES,
        evidence.relative_duration,
    )
    step_s = step_seconds(evidence, grammar, tempo, first)
    return [lasts * s / evidence.frame_s for lasts, s in zip(evidence.relative_duration, step_s, strict=True)]


def _likely(first: Tensor, transcript: Transcript, kept: list[int], dwell: Tensor, rate_hz: float) -> Tensor:
    """Log likelihood of each window if a label had these of its steps alone, ``(b,)``.

    Args:
        first: log weights of all its uses, ``(b, F, U)``; dwell: frames that each lasts, ``(U,)``.
    """
    own = Grammar.of([Transcript("", transcript.cyclic, tuple(transcript.uses[u] for u in kept))], rate_hz)
    chain = Chain.of(own.ordered, own.start, dwell[None, kept], SUBSTATES)
    label = torch.zeros(len(first), dtype=torch.long)
    return semi_markov.log_likelihood(first[:, :, None, kept], chain, label)
