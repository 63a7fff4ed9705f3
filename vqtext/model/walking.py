"""Grounding by walks through the transcripts of the windows' labels; see `vqtext.model.grounding`.

A walk starts from the evidence alone; then the data correct the words once. Between stretches of training the
network's own belief joins the data, the more the longer it has learned: early names are not locked in, and
each is a walk through the grammar. Belief alone would drift, for nothing holds a border that is taught,
believed and taught again; it speaks alone only where no words do, and durations are learned then.

N training windows, B of a batch, F frames, K anchors, n labels, U uses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from vqtext.model import chains
from vqtext.model.beliefs import Label
from vqtext.model.evidence import (
    EPS,
    Evidence,
    Gaussians,
    from_descriptions,
    from_signatures,
    tell_apart,
)
from vqtext.model.hmm import FORBIDDEN
from vqtext.model.rhythm import USUAL_S, Rhythm, round_s
from vqtext.model.sifting import refuted, without
from vqtext.model.vocabulary import Grammar

ROUNDS = (0.3, 0.5, 0.7)  # shares of the training after which the network's belief is walked
ITERATIONS = 2  # walks a round, each with durations of the one before
BELIEF = 0.5  # largest share of the network's belief where the data speak too
BELIEF_SPAN_S = 0.04  # the network's belief over such a span counts as one piece of evidence


class Walk(Label):
    """Targets are posteriors of walks through the uses of the windows' labels.

    A window whose label has no usable evidence gets what the network believes, limited and balanced as in
    `Label`, until the first round: nothing is made up.

    Args:
        grammar: of all labels, in the order of the evidence's.
        anchors: K.
        evidence: of the training windows.
        knows: any of "order", "signal", "text".
    """

    def __init__(self, grammar: Grammar, anchors: int, evidence: Evidence, knows: frozenset[str]) -> None:
        super().__init__(grammar, anchors)
        self.grammar, self.evidence = grammar, evidence
        moves = grammar.ordered if "order" in knows else grammar.unordered
        self.rhythm = Rhythm(once_over(moves), grammar.start, evidence.frame_s, evidence.lasts)
        self.step_s = round_s(evidence, len(moves)) / grammar.valid.sum(1)  # NaN where nothing repeats
        # in a round with less than two frames a step some are passed over: it says nothing of the others
        self.step_s[self.step_s < 2 * evidence.frame_s] = torch.nan
        self.chain = self.rhythm.chain(self.step_s.nan_to_num(USUAL_S), evidence.near is not None)
        onto = torch.nn.functional.one_hot(grammar.anchor, anchors).float()
        self.onto = onto * grammar.valid[..., None]  # uses of each label → anchors, (n, U, K)
        shape = evidence.energy.shape
        self.posterior = torch.zeros(shape[0], shape[1], anchors, dtype=torch.half)
        self.known = torch.zeros(shape[0], dtype=torch.bool)
        self.rounds = torch.zeros((), dtype=torch.long)  # that were walked
        self.data: Gaussians | None = None  # what each state feels like, where words spoke
        self.heard = torch.zeros(len(moves), dtype=torch.bool)
        if not _written(evidence).any():
            knows -= {"signal"}
        if knows & {"signal", "text"}:
            self._start(knows)

    def targets(self, index: Tensor, label: Tensor, names: Tensor) -> Tensor:
        known = self.known[index.cpu()]
        walked = self.posterior[index.cpu()].to(names.device, names.dtype)
        if known.all():
            return walked
        guess = super().targets(index, label, names)
        return torch.where(known.to(names.device)[:, None, None], walked, guess)

    @property
    def settled(self) -> bool:  # type: ignore[override]
        return int(self.rounds) >= len(ROUNDS)

    def settle(self) -> None:
        self.rounds.fill_(len(ROUNDS))

    def due(self, progress: float) -> bool:
        return sum(progress >= share for share in ROUNDS) > int(self.rounds)

    def refine(self, names: Tensor) -> None:
        """Walk through what the network believes, beside the data where words spoke; where none did, each
        walk has the durations of the one before."""
        evidence = self.evidence
        weight = min(1.0, evidence.frame_s / BELIEF_SPAN_S)
        usual = usual_uses(names, evidence.label, self.grammar)
        share = min(BELIEF, ROUNDS[int(self.rounds)])

        def believed(rows: Tensor) -> Tensor:
            return weight * (self._of_uses((names[rows].float() + EPS).log(), rows) - self._part(usual, rows))

        def beside_data(rows: Tensor) -> Tensor:
            return torch.lerp(self._felt(rows), believed(rows)[..., None], share)

        if self.data is not None:
            self._walk(beside_data)
        else:
            self.chain = chains.learn(
                self.chain, evidence.label, believed, names.shape[1], ITERATIONS, self._keep, evidence.near
            )
        self.known[:] = True
        self.rounds += 1

    def state_dict(self) -> dict[str, Tensor]:
        chain = {"stay": self.chain.stay, "substates": self.chain.substates}
        own = {name: getattr(self, name) for name in ("posterior", "known", "rounds")}
        return {**super().state_dict(), **chain, **own}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        super().load_state_dict(state)
        self.chain = replace(self.chain, stay=state["stay"].clone(), substates=state["substates"].clone())
        for name in ("posterior", "known", "rounds"):
            setattr(self, name, state[name].clone())

    def _start(self, knows: frozenset[str]) -> None:
        """The words speak first, without those that the data refute, each window walking its own transcript;
        then the data correct them."""
        self.data = Gaussians(self.evidence)
        first = self._paced(knows)
        if "signal" in knows:
            self.refuted = refuted(self.evidence, self.data, self.chain)
            if self.refuted:
                self.evidence = without(self.evidence, self.refuted)
                first = self._paced(knows)
        evidence, label = self.evidence, self.evidence.label
        home = replace(self.chain, leaks=False)
        self.states, kin = _keyed(self.grammar, evidence, int(self.chain.substates.max()))
        parts = []
        for rows in chains.chunks(home, len(label), first.shape[1]):
            share = chains.posterior(first[rows][:, :, None], home, label[rows], within=True).flatten(2)
            onto = torch.nn.functional.one_hot(
                self.states[evidence.hand[rows], label[rows]].flatten(1), len(kin)
            )
            parts.append((rows, torch.bmm(share, onto.to(share.dtype)).half()))
        self.data.fit(parts, kin)
        self._walk(self._felt)
        self.heard = self._heard(knows)
        self.first = torch.where(self.known[:, None], self.posterior.argmax(-1), -1).short()

    def _paced(self, knows: frozenset[str]) -> Tensor:
        """Log weights of uses by what is written and said, ``(N, F, U)``; steps last as long as fits it."""
        evidence, label = self.evidence, self.evidence.label
        first = torch.zeros(*evidence.energy.shape[:2], self.grammar.anchor.shape[1])
        if "signal" in knows:
            first += from_signatures(evidence)
            self.known |= _written(evidence).any(1)
        if "text" in knows and evidence.likeness is not None:
            first += from_descriptions(evidence, self.grammar.anchor)
            self.known |= evidence.likeness.isfinite().flatten(1).any(1)
        step_s = self.rhythm.step_s(lambda rows: first[rows][:, :, None], label, self.step_s)
        self.chain = self.rhythm.chain(step_s, self.chain.leaks)
        return first

    def _heard(self, knows: frozenset[str]) -> Tensor:
        """`Grounding.heard`: labels whose own uses are told apart, and those that share a step with them, for
        what it feels like is then known in theirs too."""
        evidence, grammar = self.evidence, self.grammar
        apart = torch.zeros(len(evidence.label), dtype=torch.bool)
        if "signal" in knows:
            apart |= tell_apart(evidence, grammar.valid[evidence.label])
        if "text" in knows and evidence.likeness is not None:
            apart |= evidence.likeness.isfinite().flatten(1).any(1)
        told = evidence.label[apart].unique()
        spoken = torch.isin(grammar.anchor, grammar.anchor[told][grammar.valid[told]])
        heard = (spoken & grammar.valid).any(1)
        heard[told] = True
        return heard

    def _walk(self, emission_of: Callable[[Tensor], Tensor]) -> None:
        """All windows through the chain as it is, and their posteriors kept."""
        evidence = self.evidence
        for rows in chains.chunks(self.chain, *evidence.energy.shape[:2]):
            near = None if evidence.near is None else evidence.near[rows]
            self._keep(rows, chains.posterior(emission_of(rows), self.chain, evidence.label[rows], near=near))

    def _felt(self, rows: Tensor) -> Tensor:
        """Log weights of the sub-states by what was felt, ``(b, F, n, U, K)`` or of the own label alone."""
        assert self.data is not None
        emission = self.data.emission(rows, self.states)
        return emission if self.chain.leaks else chains.own(emission, self.evidence.label[rows])

    def _of_uses(self, log_names: Tensor, rows: Tensor) -> Tensor:
        """Anchors' log weights ``(b, F, K)`` → the uses', ``(b, F, n, U)`` or of the own label alone."""
        emission = log_names[..., self.grammar.anchor]
        return emission if self.chain.leaks else chains.own(emission, self.evidence.label[rows])

    def _part(self, of_uses: Tensor, rows: Tensor) -> Tensor:
        """Numbers of the uses ``(n, U)``, of all labels or of the own alone, as `_of_uses` gives them."""
        return of_uses if self.chain.leaks else of_uses[self.evidence.label[rows]][:, None, None]

    def _keep(self, rows: Tensor, share: Tensor) -> None:
        """Uses' probabilities ``(b, F, n or 1, U)`` → anchors', remembered."""
        if share.shape[2] == 1:
            named = torch.bmm(share[:, :, 0], self.onto[self.evidence.label[rows]])
        else:
            named = share.flatten(2) @ self.onto.flatten(0, 1)
        self.posterior[rows] = named.half()


def _written(evidence: Evidence) -> Tensor:
    """Which cells of the signatures of each window's label say something, ``(N, cells)``."""
    return torch.cat([evidence.levels, evidence.ways], 2).isfinite().flatten(1)


def usual_uses(names: Tensor, label: Tensor, grammar: Grammar) -> Tensor:
    """Log of how likely each use's name is in the windows of its label, whenever, ``(n, U)``.

    What is said of a label all the time tells nothing of when: left in, a slight liking for one name would be
    taught, believed more, and taught again, until nothing else is ever said.

    Args:
        names: belief per frame, ``(N, F, K)``; label: of the windows, ``(N,)``.
    """
    usual = torch.zeros(grammar.anchor.shape, device=names.device)
    for i in label.unique():
        usual[i] = (names[label == i].float().mean((0, 1)) + EPS).log()[grammar.anchor[i]]
    return usual


def once_over(moves: Tensor) -> Tensor:
    """Log transitions a frame → log chance of what follows once a use is over; the last of all stays."""
    leave = moves.masked_fill(torch.eye(moves.shape[-1], dtype=torch.bool), FORBIDDEN)
    total = leave.logsumexp(-1, keepdim=True)
    return torch.where(leave > FORBIDDEN / 2, leave - total, FORBIDDEN)


def _keyed(grammar: Grammar, evidence: Evidence, substates: int) -> tuple[Tensor, Tensor]:
    """A state for each sub-state of each place in a transcript, ``(hands, n, U, K)``, shared where what comes
    before, now and after is the same: a swing looks the same in every label that has it between the same two
    steps. Where words speak of the dominant hand, people of the other hand feel it elsewhere.

    Returns:
        The states, and the kin of each: states of one anchor, sub-state and hand.
    """
    keys: dict[tuple[int, int, int, int], int] = {}
    hands = int(evidence.hand.max()) + 1
    states = torch.zeros(hands, *grammar.anchor.shape, dtype=torch.long)
    for i, (anchor, valid) in enumerate(zip(grammar.anchor.tolist(), grammar.valid.tolist(), strict=True)):
        own = [a for a, there in zip(anchor, valid, strict=True) if there]
        written = torch.cat([evidence.levels, evidence.ways], 2)[evidence.label == i].nan_to_num(9)
        by_hand = len(written) > 0 and bool((written != written[:1]).any())
        for hand in range(hands):
            for u, a in enumerate(own):
                key = (own[u - 1], a, own[(u + 1) % len(own)], hand * by_hand)
                states[hand, i, u] = keys.setdefault(key, len(keys))
    family = torch.tensor([anchor * hands + hand for _, anchor, _, hand in keys])
    place = torch.arange(substates)
    kin = (family[:, None] * substates + place).flatten()
    return states[..., None] * substates + place, kin
