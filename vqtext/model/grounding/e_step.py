"""The E-step: which step each moment of the training windows shows, by words, sensors and order, no network.

One iteration of EM from the words: a forward–backward pass over the chain of each window's own label, with
log weights by words alone, fits a Gaussian to the features of each step; a second pass, with these Gaussians
as emissions, gives the posterior that a network is taught. It is a pure function of its arguments, and takes
seconds.

N training windows, F frames, V states (`Grammar`), n labels, U uses of a label, K sub-states.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from vqtext.model.grounding.corrected import CONFIG as CORRECTED
from vqtext.model.grounding.corrected import corrected_features, fits_corrected, leading
from vqtext.model.grounding.durations import DurationConfig, Tempo, step_seconds
from vqtext.model.grounding.emissions import (
    EmissionConfig,
    Evidence,
    distinguishable,
    from_descriptions,
    from_signatures,
)
from vqtext.model.grounding.gaussians import Gaussians
from vqtext.model.grounding.rejected_cells import WrittenCell, rejected, without
from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import Chain
from vqtext.model.network.token_to_frame import anchors_of
from vqtext.model.vocabulary import Grammar


@dataclass(frozen=True)
class ChainConfig:
    """Attributes:
    substates: most sub-states of a step: how it begins, goes on and ends.
    switch_per_s: chance a second that a window passes into another activity, where windows were cut across
        changes of label; switch_whole_per_s: where each was cut out of one activity.
    """

    substates: int = 3
    switch_per_s: float = 0.15
    switch_whole_per_s: float = 1e-4


@dataclass(frozen=True)
class EStepConfig:
    """All constants of the E-step.

    Attributes:
        reject_cells: leave out the written cells that the data contradict (`rejected_cells`).
    """

    emission: EmissionConfig = field(default_factory=EmissionConfig)
    durations: DurationConfig = field(default_factory=DurationConfig)
    chain: ChainConfig = field(default_factory=ChainConfig)
    reject_cells: bool = False


@dataclass(frozen=True)
class Posterior:
    """Result of the E-step.

    Attributes:
        states: chance of each state, ``(N, F, V)``, in half precision; anchor: of each state, ``(V,)``.
        known: windows whose label has evidence; others have no posterior, ``(N,)``.
        chain: of all labels, with the durations that were found.
        identified: labels of whose steps something tells one from the next, ``(n,)``.
        rejected: written cells that were left out.
    """

    states: Tensor
    anchor: Tensor
    known: Tensor
    chain: Chain
    identified: Tensor
    rejected: tuple[WrittenCell, ...] = ()

    def anchors(self) -> Tensor:
        """The most probable anchor of each frame, ``(N, F)``, −1 where it is not known."""
        anchors = int(self.anchor.max()) + 1
        parts = (anchors_of(part.float(), self.anchor, anchors) for part in self.states.split(256))
        best = torch.cat([part.argmax(-1) for part in parts])
        return torch.where(self.known[:, None], best, -1).short()


def e_step(
    evidence: Evidence, grammar: Grammar, sources: frozenset[str], config: EStepConfig | None = None
) -> Posterior:
    """Decide which state each moment of the windows shows.

    Args:
        grammar: of all labels, in the order of the evidence's.
        sources: any of "order", "signal", "text".
    """
    config = config or EStepConfig()
    substates = config.chain.substates
    tempo = Tempo.of(evidence, grammar, substates, config.durations, ordered="order" in sources)
    if not evidence.written.isfinite().any() and evidence.corrected is None:
        sources -= {"signal"}
    if evidence.similarity is None:
        sources -= {"text"}
    by_words, known = word_weights(evidence, grammar, sources, config.emission)
    cells: list[WrittenCell] = []
    if config.reject_cells and "signal" in sources:
        step_s = step_seconds(evidence, grammar, tempo, by_words)
        cells = rejected(evidence, tempo.chain(step_s), config.emission)
        evidence = without(evidence, cells)
        by_words, known = word_weights(evidence, grammar, sources, config.emission)
    chain = tempo.chain(step_seconds(evidence, grammar, tempo, by_words))
    chain = switching(chain, config.chain, evidence.frame_s, evidence.activity is not None)
    if not known.any():
        states = torch.zeros(len(known), 0, len(grammar.of_state), dtype=torch.half)
        identified = torch.zeros(len(grammar.valid), dtype=torch.bool)
    else:
        data, place = fit_emissions(evidence, grammar, by_words, chain, config)
        states, path = _second_pass(evidence, grammar, data, place, chain)
        mean, variance = semi_markov.durations(path[known], grammar.valid.numel())
        shape = grammar.valid.shape
        chain = chain.with_durations(mean.view(shape), variance.view(shape), substates)
        identified = _identified(evidence, grammar, sources)
    return Posterior(states, grammar.of_state, known, chain, identified, tuple(cells))


def word_weights(
    evidence: Evidence, grammar: Grammar, sources: frozenset[str], config: EmissionConfig
) -> tuple[Tensor, Tensor]:
    """Log weights of the uses of each window's label by signatures and descriptions, ``(N, F, U)``, and the
    windows that have either, ``(N,)``."""
    by_words = torch.zeros(*evidence.motion.shape[:2], grammar.anchor.shape[1])
    known = torch.zeros(len(by_words), dtype=torch.bool)
    if "signal" in sources:
        step = steps_of(grammar, evidence)
        seen = corrected_features(evidence, step)
        if seen is None:
            by_words += from_signatures(evidence, config)
        else:
            sure = seen.sure[step][evidence.hand, evidence.label]
            by_words += from_signatures(evidence, config, sure)
            by_words += fits_corrected(evidence, step, seen, config)
        known |= evidence.written.isfinite().flatten(1).any(1)
    if "text" in sources and evidence.similarity is not None:
        by_words += from_descriptions(evidence, grammar.anchor, config)
        known |= evidence.similarity.isfinite().flatten(1).any(1)
    if "signal" in sources and evidence.corrected is not None:
        emission = by_words[:, :, None, :, None]
        by_words = leading(emission, evidence.corrected, evidence.label)[:, :, 0, :, 0]
        known |= torch.isin(evidence.label, _corrected_labels(evidence.corrected, grammar))
    return by_words, known


def fit_emissions(
    evidence: Evidence, grammar: Grammar, by_words: Tensor, chain: Chain, config: EStepConfig
) -> tuple[Gaussians, Tensor]:
    """Gaussians of each sub-state, fitted where the weights ``by_words (N, F, U)`` put it, and the state of
    each sub-state of each use, ``(hands, n, U, K)``."""
    data = Gaussians(evidence, config.emission)
    states, family = emission_states(grammar, evidence, chain.row)
    data.fit(_first_pass(evidence, by_words, states, chain), family)
    return data, states


def _first_pass(
    evidence: Evidence, by_words: Tensor, states: Tensor, chain: Chain
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Windows of one label and hand at a time: rows, chance of each sub-state of a use, ``(b, F, U · K)``,
    and the state of each of them."""
    for i in evidence.label.unique().tolist():
        own = chain.alone(i)
        for hand in evidence.hand.unique().tolist():
            windows = ((evidence.label == i) & (evidence.hand == hand)).nonzero()[:, 0]
            for part in semi_markov.chunks(own, len(windows), by_words.shape[1], 1):
                rows = windows[part]
                share = semi_markov.posterior(by_words[rows][:, :, None], own, within=True).flatten(2)
                if evidence.activity is not None:
                    share *= (evidence.activity[rows] == i)[:, :, None]
                if evidence.corrected is not None:
                    share[evidence.corrected[rows] >= 0] *= CORRECTED.weight
                yield rows, share, states[hand, i].flatten()


def _second_pass(
    evidence: Evidence, grammar: Grammar, data: Gaussians, place: Tensor, chain: Chain
) -> tuple[Tensor, Tensor]:
    """Chance of each state at each frame, ``(N, F, V)``, and the likeliest use, ``(N, F)``, by the Gaussians
    of sub-states ``place (hands, n, U, K)``."""
    onto = grammar.onto_states()
    states = torch.empty(*evidence.motion.shape[:2], onto.shape[2], dtype=torch.half)
    path = torch.empty(evidence.motion.shape[:2], dtype=torch.long)
    for rows, emission in _emissions(evidence, data, place, chain):
        own = evidence.label[rows]
        if evidence.activity is None:
            share = semi_markov.posterior(emission, chain, own)
            states[rows] = torch.bmm(share[:, :, 0], onto[own]).half()
        else:
            share = semi_markov.posterior(emission, chain, activity=evidence.activity[rows])
            states[rows] = (share.flatten(2) @ onto.flatten(0, 1)).half()
        path[rows] = semi_markov.most_likely(share, own)
    return states, path


def _emissions(
    evidence: Evidence, data: Gaussians, states: Tensor, chain: Chain
) -> Iterator[tuple[Tensor, Tensor]]:
    """Some windows at a time: their rows and log weights. Where windows hold no borders, those of one label
    and its own states alone."""
    frames, labels = evidence.motion.shape[1], states.shape[1]

    def weights(rows: Tensor, of: Tensor) -> Tensor:
        emission = data.emission(rows, of)
        if evidence.corrected is None:
            return emission
        return leading(emission, evidence.corrected[rows], evidence.label[rows])

    if evidence.activity is None:
        for i in evidence.label.unique().tolist():
            of_label = (evidence.label == i).nonzero()[:, 0]
            for part in semi_markov.chunks(chain, len(of_label), frames, 1):
                rows = of_label[part]
                yield rows, weights(rows, states[:, i : i + 1])
        return
    for rows in semi_markov.chunks(chain, len(evidence.label), frames, labels):
        yield rows, weights(rows, states)


def _identified(evidence: Evidence, grammar: Grammar, sources: frozenset[str]) -> Tensor:
    """`Posterior.identified`: labels whose own uses something distinguishes, and those that share a step
    with them, since its features are then known in theirs too."""
    distinct = torch.zeros(len(evidence.label), dtype=torch.bool)
    if "signal" in sources:
        distinct |= distinguishable(evidence, grammar.valid[evidence.label])
    if "text" in sources and evidence.similarity is not None:
        distinct |= evidence.similarity.isfinite().flatten(1).any(1)
    if "signal" in sources and evidence.corrected is not None:
        distinct |= torch.isin(evidence.label, _corrected_labels(evidence.corrected, grammar))
    sure = evidence.label[distinct].unique()
    shared = torch.isin(grammar.anchor, grammar.anchor[sure][grammar.valid[sure]])
    identified = (shared & grammar.valid).any(1)
    identified[sure] = True
    return identified


def _corrected_labels(corrected: Tensor, grammar: Grammar) -> Tensor:
    """Labels with a corrected moment."""
    return corrected[corrected >= 0].div(grammar.valid.shape[1], rounding_mode="floor").unique()


def steps_of(grammar: Grammar, evidence: Evidence) -> Tensor:
    """The step that each use is, ``(hands, n, U)``: its anchor in its label, for one hand or for all."""
    place, family = emission_states(grammar, evidence, 1)
    labels = len(grammar.state)
    return family[place[..., 0]] * labels + torch.arange(labels)[:, None]


def emission_states(grammar: Grammar, evidence: Evidence, substates: int) -> tuple[Tensor, Tensor]:
    """Sub-states of one state share their emissions: a swing looks the same in every label that has it
    between the same two steps. Where words name the dominant hand, people of the other hand have their own.

    Returns:
        For each sub-state of each use the index of its emission, ``(hands, n, U, K)``, and the
        family of each emission: those of one anchor, sub-state and hand.
    """
    hands, states = int(evidence.hand.max()) + 1, len(grammar.of_state)
    place = torch.zeros(hands, *grammar.state.shape, dtype=torch.long)
    for i in range(len(grammar.state)):
        written = evidence.written[evidence.label == i].nan_to_num(9)
        by_hand = len(written) > 0 and bool((written != written[:1]).any())
        for hand in range(hands):
            place[hand, i] = grammar.state[i] + states * hand * by_hand
    anchors = int(grammar.of_state.max()) + 1
    family = torch.cat([grammar.of_state + anchors * hand for hand in range(hands)])
    row = torch.arange(substates)
    return place[..., None] * substates + row, (family[:, None] * substates + row).flatten()


def switching(chain: Chain, config: ChainConfig, frame_s: float, borders: bool) -> Chain:
    """The chain with the chance a frame to pass into another label."""
    return replace(chain, switch=(config.switch_per_s if borders else config.switch_whole_per_s) * frame_s)
