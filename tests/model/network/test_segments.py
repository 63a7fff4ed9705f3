"""A user would lose: attributes that are true of the signal, and codes that can be put back together."""

import torch

from vqtext.model.network.segments import align, cut, measure, stitch


def tiles(tokens):
    t = torch.arange(tokens)[None] / tokens
    return t, torch.full_like(t, 1 / tokens)


def test_mean_and_spread_are_those_of_the_piece_under_the_token():
    x = torch.cat([torch.full((1, 1, 50), 2.0), torch.tensor([1.0, -1.0]).repeat(25)[None, None]], -1)
    t, l = torch.tensor([[0.0, 0.55]]), torch.tensor([[0.4, 0.4]])
    piece = cut(x, t, l, steps=41)
    mean, spread = measure(piece, torch.ones_like(piece))
    assert torch.allclose(mean[0, :, 0], torch.tensor([2.0, 0.0]), atol=0.1)
    assert spread[0, 0, 0] < 0.01 and 0.5 < spread[0, 1, 0] <= 1.0


def test_what_was_not_measured_counts_for_nothing():
    piece = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]], [[0.0] * 4]]])
    seen = torch.tensor([[[[1.0, 1.0, 0.0, 0.0]], [[0.0] * 4]]])
    mean, spread = measure(piece, seen)
    assert torch.allclose(mean[0, :, 0], torch.tensor([1.0, 0.0])) and spread[0, 1, 0] == 0


def test_pieces_that_are_stitched_are_the_signal_again():
    x = torch.sin(torch.linspace(0, 9, 100)).expand(2, 3, 100)
    t, l = (part.expand(2, -1) for part in tiles(10))
    back = stitch(cut(x, t, l), t, l, torch.ones(2, 10, dtype=torch.bool), 100)
    assert (back - x).abs().max() < 0.02


def test_where_pieces_overlap_their_mean_is_drawn_and_where_none_lies_the_nearest_goes_on():
    t, l = torch.tensor([[0.0, 0.25, 0.5]]), torch.tensor([[0.5, 0.35, 0.5]])
    keep = torch.tensor([[True, True, False]])
    pieces = torch.tensor([1.0, 3.0, 7.0]).view(1, 3, 1, 1).expand(1, 3, 1, 16)
    back = stitch(pieces, t, l, keep, 41)[0, 0]
    assert torch.allclose(back[[5, 15, 23, 40]], torch.tensor([1.0, 2.0, 3.0, 3.0]), atol=0.05)


def test_the_gradient_of_what_was_drawn_reaches_the_pieces():
    t, l = tiles(4)
    pieces = torch.randn(1, 4, 2, 16, requires_grad=True)
    stitch(pieces, t, l, torch.ones(1, 4, dtype=torch.bool), 40).square().sum().backward()
    assert (pieces.grad.abs().sum((0, 2, 3)) > 0).all()


def test_a_gap_does_not_pull_the_mean_to_zero():
    """Where the signal stands at 9.8 and one sample is lost, the piece stands at 9.8."""
    seen = torch.ones(1, 1, 50)
    seen[..., 20] = 0
    x = 9.8 * seen
    t, l = tiles(5)
    weight = cut(seen, t, l)
    mean, spread = measure(cut(x, t, l) / weight.clamp(min=1e-6), weight)
    assert torch.allclose(mean, torch.full_like(mean, 9.8), atol=1e-3) and spread.max() < 0.01


def leaning(x, t, l, there):
    """Means and how they lean, stitched: the signal of which nothing else is known."""
    mu = cut(x, t, l).mean(-1)
    return stitch(mu[..., None] + align(mu, t, l, there), t, l, there.any(-1), x.shape[-1])


def test_means_that_lean_towards_each_other_draw_a_straight_line():
    x = torch.linspace(-3, 5, 101)[None, None]
    t, l = tiles(10)
    back = leaning(x, t, l, torch.ones(1, 10, 1, dtype=torch.bool))
    assert torch.allclose(back[..., 12:89], x[..., 12:89], atol=1e-3)
    assert (back - x).abs().max() < 0.5, "the ends stand where their tokens stand"


def test_a_piece_keeps_its_mean_and_leans_towards_nothing_that_was_not_measured():
    x = torch.linspace(-3, 5, 101)[None, None]
    t, l = tiles(10)
    there = torch.ones(1, 10, 1, dtype=torch.bool)
    mu = torch.randn(1, 10, 3)
    assert align(mu, t, l, there).mean(-1).abs().max() < 1e-6
    there[:, 4:] = False
    mu[:, 4:] = 0
    last = align(mu, t, l, there)[:, 3]
    assert torch.allclose(last[..., -1], last[..., -4]), "level towards the end of what was measured"
    assert leaning(x, t, l, there).isfinite().all()


def test_tokens_that_lie_in_each_others_place_lean_no_further_than_their_means_are_apart():
    t, l = torch.tensor([[0.15, 0.05]]), torch.tensor([[0.2, 0.05]])  # the second one's middle comes first
    mu = torch.tensor([[[0.0], [1.0]]])
    assert align(mu, t, l, torch.ones(1, 2, 1, dtype=torch.bool)).abs().max() <= 1
