"""A user would lose: names, classes and reasons that are what the chain of steps really says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from vqtext.model.hsmm import semi_markov
from vqtext.model.hsmm.semi_markov import FORBIDDEN, Chain, durations, most_likely, posterior

FRAMES, LABELS, USES = 5, 2, 2


def chain_of_two(switch: float = 0.05) -> Chain:
    """Two labels of two uses with rows of one and two sub-states."""
    torch.manual_seed(0)
    moves = torch.randn(LABELS, USES, USES).log_softmax(-1)
    start = torch.randn(LABELS, USES).log_softmax(-1)
    substates = torch.tensor([[1, 2], [2, 1]])
    prior = torch.tensor([0.3, 0.7])
    return Chain(moves, start, torch.rand(LABELS, USES) * 0.8, substates, prior, 2, switch)


def all_paths(emission: torch.Tensor, chain: Chain) -> list[tuple[tuple[int, ...], tuple[int, ...], float]]:
    """Of one window every path with its weight, by the definition, one step after the other: sub-states and
    uses, both counted through all labels."""
    states = [
        (label, use, place)
        for label, use in itertools.product(range(LABELS), range(USES))
        for place in range(int(chain.substates[label, use]))
    ]

    def begins(label: int, use: int) -> float:
        return float(chain.prior[label] * chain.start[label, use].exp())

    def moves(a: tuple[int, int, int], b: tuple[int, int, int]) -> float:
        (label, use, place), (to, used, placed) = a, b
        weight = chain.switch * begins(to, used) if placed == 0 else 0.0
        if label != to:
            return weight
        stay = float(chain.stay[label, use])
        last = place == int(chain.substates[label, use]) - 1
        within = stay if a == b else 0.0
        if last and placed == 0:
            within += (1 - stay) * float(chain.moves[label, use, used].exp())
        if use == used and placed == place + 1:
            within += 1 - stay
        return weight + (1 - chain.switch) * within

    found = []
    for path in itertools.product(range(len(states)), repeat=emission.shape[0]):
        label, use, _ = states[path[0]]
        weight = begins(label, use) / int(chain.substates[label, use])
        for f, state in enumerate(path):
            label, use, _ = states[state]
            weight *= float(emission[f, label, use].exp())
            if f:
                weight *= moves(states[path[f - 1]], states[state])
        uses = tuple(states[s][0] * USES + states[s][1] for s in path)
        found.append((path, uses, weight))
    return found


@pytest.fixture(scope="module")
def counted():
    """An emission ``(1, F, n, U)``, its chain, and all paths."""
    chain = chain_of_two()
    emission = torch.randn(1, FRAMES, LABELS, USES)
    return emission, chain, all_paths(emission[0], chain)


def test_forward_and_backward_are_the_share_of_all_paths(counted):
    emission, chain, paths = counted
    total = sum(weight for _, _, weight in paths)
    assert semi_markov.log_likelihood(emission, chain).item() == pytest.approx(np.log(total), abs=1e-5)
    for middle in (None, 0, 1):
        share = torch.zeros(FRAMES, LABELS * USES)
        for _, uses, weight in paths:
            if middle is None or uses[FRAMES // 2] // USES == middle:
                share[range(FRAMES), uses] += weight
        share /= share.sum(1, keepdim=True)
        label = None if middle is None else torch.tensor([middle])
        assert torch.allclose(posterior(emission, chain, label)[0].flatten(1), share, atol=1e-6)


def test_where_the_label_of_each_frame_is_known_paths_of_others_do_not_count(counted):
    emission, chain, paths = counted
    activity = torch.tensor([0, 0, 0, 1, 1])
    share = torch.zeros(FRAMES, LABELS * USES)
    for _, uses, weight in paths:
        if [use // USES for use in uses] == activity.tolist():
            share[range(FRAMES), uses] += weight
    share /= share.sum(1, keepdim=True)
    found = posterior(emission, chain, activity=activity[None])
    assert torch.allclose(found[0].flatten(1), share, atol=1e-6)
    others = torch.nn.functional.one_hot(1 - activity, LABELS)[None, :, :, None]
    found = posterior(emission + 200 * others, chain, activity=activity[None])
    assert torch.allclose(found[0].flatten(1), share, atol=1e-6), "however well they fit"


def test_the_class_is_where_the_paths_are_at_the_middle_and_its_gradient_is_exact(counted):
    emission, chain, paths = counted
    of_label = torch.zeros(LABELS)
    for _, uses, weight in paths:
        of_label[uses[FRAMES // 2] // USES] += weight
    expected = (of_label / of_label.sum()).log()
    assert torch.allclose(semi_markov.label_posterior(emission, chain)[0], expected, atol=1e-5)
    x = emission.clone().requires_grad_()
    semi_markov.label_posterior(x, chain)[0, 0].backward()
    own = posterior(emission, chain, torch.tensor([0])) - posterior(emission, chain)
    assert torch.allclose(x.grad, own, atol=1e-6), "what the right label's paths have beyond all paths"


@pytest.mark.parametrize("frames", range(1, 7))
def test_walking_from_both_ends_meets_in_the_middle_of_any_window(frames):
    """Where the sides of the middle are not equally long, or there is none."""
    chain, emission = chain_of_two(), torch.randn(3, frames, LABELS, USES)
    of_label = posterior(emission, chain)[:, frames // 2].sum(2)
    assert torch.allclose(semi_markov.label_posterior(emission, chain).exp(), of_label, atol=1e-6)


def test_the_best_path_is_the_best_of_all(counted):
    emission, chain, paths = counted
    for label in range(LABELS):
        own = [path for path in paths if path[1][FRAMES // 2] // USES == label]
        best = max(own, key=lambda path: path[2])
        assert semi_markov.viterbi(emission, chain, torch.tensor([label])).tolist() == [list(best[1])]


def test_drawn_paths_are_as_frequent_as_they_are_likely(counted):
    emission, chain, _ = counted
    generator = torch.Generator().manual_seed(0)
    drawn = semi_markov.sample(emission.expand(20_000, -1, -1, -1), chain, generator=generator)
    share = torch.nn.functional.one_hot(drawn, LABELS * USES).float().mean(0)
    assert torch.allclose(share, posterior(emission, chain)[0].flatten(1), atol=0.02)


def test_with_one_sub_state_it_is_a_hidden_markov_model():
    """The same numbers as hmmlearn, a library that many have used for years."""
    from hmmlearn import hmm

    rng = np.random.default_rng(0)
    moves, start = rng.dirichlet(np.ones(3), 3), rng.dirichlet(np.ones(3))
    x, mean = rng.normal(size=(40, 1)), np.array([[-1.0], [0.0], [1.0]])
    theirs = hmm.GaussianHMM(3, covariance_type="spherical", init_params="", params="")
    theirs.startprob_, theirs.transmat_, theirs.means_ = start, moves, mean
    theirs.covars_ = np.ones(3)
    stay = torch.from_numpy(moves.diagonal().copy()).float()[None]
    leave = torch.from_numpy(moves).float().log()
    leave = leave.masked_fill(torch.eye(3, dtype=torch.bool), FORBIDDEN).log_softmax(-1)[None]
    log_start = torch.from_numpy(start).float().log()[None]
    chain = Chain(leave, log_start, stay, torch.ones(1, 3, dtype=torch.long), torch.ones(1), 1)
    emission = torch.from_numpy(-0.5 * (x - mean.T) ** 2 - 0.5 * np.log(2 * np.pi)).float()[None, :, None]
    likelihood, states = theirs.score_samples(x)
    assert semi_markov.log_likelihood(emission, chain).item() == pytest.approx(likelihood, abs=1e-3)
    assert np.allclose(posterior(emission, chain)[0, :, 0].numpy(), states, atol=1e-4)
    path = semi_markov.viterbi(emission, chain, torch.tensor([0]))[0].tolist()
    assert path == theirs.decode(x)[1].tolist()


def own(of_all: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Of all labels ``(B, F, n, …)`` the windows' own, ``(B, F, 1, …)``."""
    return of_all[torch.arange(len(label)), :, label][:, :, None]


def test_windows_that_walk_their_own_label_alone_need_only_its_evidence():
    chain, label = chain_of_two(0.0), torch.tensor([1, 0, 1])
    emission = torch.randn(3, FRAMES, LABELS, USES)
    alone_in = own(emission, label)
    alone, among = posterior(alone_in, chain, label), posterior(emission, chain, label)
    assert torch.allclose(alone, own(among, label), atol=1e-6)
    assert torch.equal(most_likely(alone, label), most_likely(among, label))
    within = posterior(alone_in, chain, label, within=True)
    assert torch.allclose(within.sum(-1), alone, atol=1e-6)


def _alternating(stay: float = 0.9) -> Chain:
    moves = torch.tensor([[[FORBIDDEN, 0.0], [0.0, FORBIDDEN]]])
    start = torch.full((1, 2), 0.5).log()
    return Chain(moves, start, torch.full((1, 2), stay), torch.tensor([[2, 2]]), torch.ones(1), 2)


def test_ten_thousand_frames_of_strong_evidence_neither_underflow_nor_drift():
    truth = torch.arange(10_000) // 25 % 2
    emission = torch.where(torch.nn.functional.one_hot(truth, 2).bool(), 0.0, -200.0)[None, :, None]
    share = posterior(emission, _alternating())
    assert torch.allclose(share.sum((2, 3)), torch.ones(1, 10_000))
    assert (share[0, :, 0].argmax(-1) == truth).all()


def two_activities(switch: float) -> tuple[torch.Tensor, Chain]:
    """The first 12 of 40 frames look like label 0, the others like label 1."""
    emission = torch.zeros(1, 40, 2, 1)
    emission[:, :12, 0], emission[:, 12:, 1] = 1.0, 1.0
    return emission, Chain.of(
        torch.zeros(2, 1, 1), torch.zeros(2, 1), torch.tensor([[5.0], [5.0]]), 3, switch
    )


def test_a_border_is_found_and_the_class_is_what_holds_most_of_the_window():
    emission, chain = two_activities(0.003)
    assert semi_markov.label_posterior(emission, chain).argmax(1).item() == 1
    share = posterior(emission, chain, torch.tensor([1]))
    assert share[0, 5, 0, 0] > 0.9 and share[0, 35, 1, 0] > 0.9
    assert semi_markov.viterbi(emission, chain, torch.tensor([1]))[0].tolist() == [0] * 12 + [1] * 28


def test_a_reason_for_another_class_holds_the_middle_all_the_same():
    emission, chain = two_activities(0.003)
    for path in (
        semi_markov.viterbi(emission, chain, torch.tensor([0])),
        most_likely(posterior(emission, chain, torch.tensor([0])), torch.tensor([0])),
    ):
        assert path[0, 20] == 0


def test_durations_are_those_of_whole_runs():
    path = torch.tensor([[0, 0, 1, 1, 1, 2, 0, 0], [1, 1, 0, 0, 2, 2, 2, 1]])
    mean, variance = durations(path, 3)
    assert mean[2] == 2.0 and variance[2] == 2.0  # runs of one and of three frames
    assert mean[:2].isnan().all()  # each was seen whole but once


def test_learned_durations_have_the_moments_they_were_learned_from():
    chain = _alternating().with_durations(torch.tensor([[12.0, torch.nan]]), torch.tensor([[36.0, 1.0]]), 6)
    count, stay = chain.substates[0, 0], chain.stay[0, 0]
    assert count == 3 and torch.isclose(count / (1 - stay), torch.tensor(12.0))
    assert chain.stay[0, 1] == 0.9  # never seen: as it was


def test_the_likelihood_prefers_the_true_durations():
    truth = torch.arange(80) // 10 % 2
    emission = torch.where(torch.nn.functional.one_hot(truth, 2).bool(), 0.0, -1.0)[None, :, None]
    moves, start = _alternating().moves, _alternating().start

    def of(frames: float) -> float:
        chain = Chain.of(moves, start, torch.full((1, 2), frames), 3)
        return float(semi_markov.log_likelihood(emission, chain))

    assert of(10) > of(3) and of(10) > of(40)


def test_how_a_step_begins_and_ends_may_look_different():
    """Two equal steps, told apart only by a bump at the end of the first: sub-states alone can say so."""
    chain = Chain.of(_alternating().moves, _alternating().start, torch.full((1, 2), 12.0), 3)
    bump = torch.zeros(1, 48)
    bump[:, 8:12] = bump[:, 32:36] = 1.0
    ends = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])  # (U, K): where the bump is felt
    emission = -3.0 * (bump[:, :, None, None, None] - ends).square()
    share = posterior(emission, chain)
    assert share[0, [6, 30], 0, 0].min() > 0.8 and share[0, [16, 40], 0, 1].min() > 0.8
    within = posterior(emission, chain, within=True)
    assert within[0, 9, 0, 0].argmax() == 2


def test_a_label_of_one_use_is_never_left():
    one = replace(_alternating(), moves=torch.zeros(1, 1, 1), start=torch.zeros(1, 1))
    one = replace(one, stay=torch.full((1, 1), 0.5), substates=torch.ones(1, 1, dtype=torch.long), row=1)
    assert torch.allclose(posterior(torch.randn(2, 9, 1, 1), one), torch.ones(2, 9, 1, 1))
