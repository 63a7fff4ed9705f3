"""A user would lose: borders in seconds that mean something."""

import torch

from vqtext.model.network.token_to_frame import coverage, to_frames


def test_tokens_that_tile_the_window_paint_their_own_frames():
    t, l = torch.tensor([[0.0, 0.5]]), torch.tensor([[0.5, 0.5]])
    names = torch.eye(4)[None]  # four sub-steps, each its own name
    frames = to_frames(names, coverage(t, l, substeps=2, frames=8))
    assert frames.argmax(-1).tolist() == [[0, 0, 1, 1, 2, 2, 3, 3]]
    assert frames.max(-1).values.min() > 0.99


def test_every_frame_has_a_name_even_where_no_token_reaches():
    weights = coverage(torch.tensor([[0.1]]), torch.tensor([[0.1]]), substeps=1, frames=10)
    assert torch.allclose(weights.sum(-1), torch.ones(1, 10))


def test_a_longer_token_says_more_about_the_frames_it_shares():
    t, l = torch.tensor([[0.0, 0.25]]), torch.tensor([[0.3, 0.75]])
    weights = coverage(t, l, substeps=1, frames=4)[0, 1]  # frame 0.25–0.5: 0.05 of one, 0.25 of the other
    assert torch.allclose(weights, torch.tensor([1 / 6, 5 / 6]), atol=0.01)


def test_a_far_token_has_no_weight_that_would_only_slow_the_product_down():
    t = torch.arange(64)[None] / 64
    weights = coverage(t, torch.full_like(t, 1 / 64), substeps=4, frames=128)
    assert weights[weights != 0].min() > torch.finfo(weights.dtype).tiny / torch.finfo(weights.dtype).eps
    assert torch.allclose(weights.sum(-1), torch.ones(1, 128))
