"""A user would lose: names that are probabilities of walks in windows of any length, durations that fit."""

import itertools

import pytest
import torch

from vqtext.model import chains
from vqtext.model.chains import Chain, durations, posterior


@pytest.mark.parametrize("leaks", [False, True])
def test_the_posterior_is_the_share_of_all_walks(monkeypatch, leaks):
    """Every walk through two labels of two uses of at most two sub-states is counted one by one."""
    monkeypatch.setattr(chains, "SUBSTATES", 2)
    torch.manual_seed(0)
    labels, uses, frames = 2, 2, 4
    moves = torch.randn(labels, uses, uses).log_softmax(-1)
    start = torch.randn(labels, uses).log_softmax(-1)
    chain = Chain(moves, start, torch.rand(labels, uses) * 0.8, torch.tensor([[1, 2], [2, 1]]), leaks)
    label, width = torch.tensor([0, 1]), labels if leaks else 1
    emission = torch.randn(2, frames, width, uses)
    walk = chains._Walk(chain, label, width)
    states = width * uses * 2
    one = torch.eye(states).view(states, 1, width, uses, 2).expand(-1, 2, -1, -1, -1)
    step = torch.stack([walk.forward(x).flatten(1) for x in one], 1)
    assert torch.allclose(step, torch.stack([walk.backward(x).flatten(1) for x in one], 2))
    weight = emission[..., None].expand(*emission.shape, 2).flatten(2).exp()
    expected = torch.zeros(2, frames, states)
    for path in itertools.product(range(states), repeat=frames):
        each = walk.start.flatten(1)[:, path[0]] * weight[:, 0, path[0]]
        for f in range(1, frames):
            each = each * step[:, path[f - 1], path[f]] * weight[:, f, path[f]]
        for f in range(frames):
            expected[:, f, path[f]] += each
    expected = (expected / expected.sum(-1, keepdim=True)).view(2, frames, width, uses, 2).sum(-1)
    assert torch.allclose(posterior(emission, chain, label), expected, atol=1e-6)


def _alternating(stay: float = 0.9) -> Chain:
    moves = torch.tensor([[[-1e9, 0.0], [0.0, -1e9]]])
    start = torch.full((1, 2), 0.5).log()
    return Chain(moves, start, torch.full((1, 2), stay), torch.tensor([[2, 2]]))


def test_ten_thousand_frames_of_strong_evidence_neither_underflow_nor_drift():
    truth = torch.arange(10_000) // 25 % 2
    emission = torch.where(torch.nn.functional.one_hot(truth, 2).bool(), 0.0, -200.0)[None, :, None]
    share = posterior(emission, _alternating(), torch.tensor([0]))
    assert torch.allclose(share.sum((2, 3)), torch.ones(1, 10_000))
    assert (share[0, :, 0].argmax(-1) == truth).all()


def test_frames_beyond_the_end_of_a_window_change_nothing_inside_it():
    torch.manual_seed(0)
    emission = torch.randn(1, 30, 1, 2)
    longer = torch.cat([emission, 50 * torch.randn(1, 10, 1, 2)], 1)
    inside = posterior(longer, _alternating(), torch.tensor([0]), torch.tensor([30]))[:, :30]
    assert torch.allclose(inside, posterior(emission, _alternating(), torch.tensor([0])), atol=1e-5)


def test_a_border_is_found_where_the_grammar_may_leave_the_label():
    """Half of a window of label 0 looks like label 1: the walk goes there, and not without leave."""
    moves = torch.zeros(2, 1, 1)
    start = torch.zeros(2, 1)
    emission = torch.zeros(1, 40, 2, 1)
    emission[:, :20, 0], emission[:, 20:, 1] = 1.0, 1.0
    chain = Chain.of(moves, start, torch.tensor([[5.0], [5.0]]), leaks=True)
    share = posterior(emission, chain, torch.tensor([0]))
    assert share[0, 5, 0, 0] > 0.9 and share[0, 35, 1, 0] > 0.9
    nothing_beside = torch.zeros(1, 2, dtype=torch.bool)
    assert (posterior(emission, chain, torch.tensor([0]), near=nothing_beside)[0, :, 0, 0] > 1 - 1e-5).all()


def test_durations_are_those_of_whole_runs():
    path = torch.tensor([[0, 0, 1, 1, 1, 2, 0, 0], [1, 1, 0, 0, 2, 2, 2, 1]])
    mean, variance = durations(path, torch.arange(3))
    assert mean[2] == 2.0 and variance[2] == 2.0  # runs of one and of three frames
    assert mean[:2].isnan().all()  # each was seen whole but once
    mean, _ = durations(path, torch.tensor([0, 0, 2]))  # the first two are of a kind
    assert mean[0] == 2.5 and mean[1].isnan() and mean[2] == 2.0


def test_steps_of_a_kind_learn_one_duration_together():
    """Else whichever of them a seed happened to hear longer is said for longer."""
    truth = (torch.arange(120) % 20 >= 6).long()  # one lasts 6 frames, the other 14
    emission = torch.where(torch.nn.functional.one_hot(truth, 2).bool(), 0.0, -9.0)[None, :, None]
    for alike, long in (None, [6.0, 14.0]), (torch.zeros(1, 2).long(), [10.0, 10.0]):
        chain = chains.learn(_alternating(), truth[:1], lambda rows: emission, 120, 2, alike=alike)
        assert torch.allclose(chain.substates / (1 - chain.stay), torch.tensor(long), atol=1.0)


def test_learned_durations_have_the_moments_they_were_learned_from():
    chain = _alternating().with_durations(torch.tensor([[12.0, torch.nan]]), torch.tensor([[36.0, 1.0]]))
    count, stay = chain.substates[0, 0], chain.stay[0, 0]
    assert count == 3 and torch.isclose(count / (1 - stay), torch.tensor(12.0))
    assert chain.stay[0, 1] == 0.9  # never seen: as it was


def test_the_likelihood_is_the_summed_weight_of_all_walks_and_prefers_the_true_durations():
    truth = torch.arange(80) // 10 % 2
    emission = torch.where(torch.nn.functional.one_hot(truth, 2).bool(), 0.0, -1.0)[None, :, None]
    moves = torch.tensor([[[-1e9, 0.0], [0.0, -1e9]]])
    start = torch.full((1, 2), 0.5).log()

    def of(frames: float, count: int = 80) -> float:
        chain = Chain.of(moves, start, torch.full((1, 2), frames))
        return float(chains.likelihood(emission[:, :count], chain, torch.tensor([0])))

    assert of(10) > of(3) and of(10) > of(40)
    assert of(10, 1) == pytest.approx(torch.tensor([0.5, 0.5 * torch.e**-1]).sum().log().item(), abs=1e-5)


def test_how_a_step_begins_and_ends_may_look_different():
    """Two equal steps, told apart only by a bump at the end of the first: sub-states alone can say so."""
    moves = torch.tensor([[[-1e9, 0.0], [0.0, -1e9]]])
    chain = Chain.of(moves, torch.full((1, 2), 0.5).log(), torch.full((1, 2), 12.0))
    bump = torch.zeros(1, 48)
    bump[:, 8:12] = bump[:, 32:36] = 1.0
    ends = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])  # (U, K): where the bump is felt
    emission = -3.0 * (bump[:, :, None, None, None] - ends).square()
    share = posterior(emission, chain, torch.tensor([0]))
    assert share[0, [6, 30], 0, 0].min() > 0.8 and share[0, [16, 40], 0, 1].min() > 0.8
    within = posterior(emission, chain, torch.tensor([0]), within=True)
    assert torch.allclose(within.sum(-1), share, atol=1e-6) and within[0, 9, 0, 0].argmax() == 2
