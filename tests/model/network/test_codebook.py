"""A user would lose: a codebook whose codes are all in use and mean what lies near them."""

import torch

from vqtext.model.network.codebook import REVIVE_EVERY, Codebook, perplexity


def make() -> Codebook:
    torch.manual_seed(0)
    return Codebook(codes=8, dim=4, substeps=2, action_dim=6)


def test_a_token_gets_its_nearest_code_and_the_gradient_passes_straight_through():
    book = make()
    z = (book.shape[[3, 5]] + 0.01).detach()[None].requires_grad_()
    out = book(z, torch.ones(1, 2, dtype=torch.bool))
    assert out.code.tolist() == [[3, 5]]
    assert torch.equal(out.z.detach(), book.shape[[3, 5]].detach()[None])
    out.z.sum().backward()
    assert torch.equal(z.grad, torch.ones_like(z))


def test_tokens_beyond_the_window_do_not_teach_the_codebook():
    book = make().eval()
    z = torch.randn(1, 3, 4)
    keep = torch.tensor([[True, True, False]])
    far = z.clone()
    far[0, 2] += 1000
    assert torch.equal(book(z, keep).loss, book(far, keep).loss)


def test_dead_codes_move_to_where_tokens_are_and_inherit_the_name():
    book = make()
    z, code = torch.full((16, 4), 7.0), torch.full((16,), 2)
    for _ in range(2 * REVIVE_EVERY):
        book.revive(z, code)
    moved = (book.shape - 7).norm(dim=1) < 1
    assert moved.sum() == 7 and not moved[2]
    assert torch.equal(book.action[0], book.action[2])


def test_perplexity_is_the_effective_number_of_codes():
    assert perplexity(torch.tensor([5.0, 5.0, 0.0])) == 2
    assert perplexity(torch.zeros(3)) == 0


def test_a_token_moves_towards_codes_of_the_right_name():
    """Names have a say in which code is chosen, and not only in what a chosen one is called."""
    torch.manual_seed(0)
    codes = make().train()
    z = torch.randn(3, 5, 4, requires_grad=True)
    q = codes(z, torch.ones(3, 5, dtype=torch.bool))
    assert torch.equal(q.action.detach(), codes.action[q.code].detach())
    q.action.square().sum().backward()
    assert z.grad is not None and z.grad.any()
    alone = codes.eval()(z, torch.ones(3, 5, dtype=torch.bool))
    assert torch.equal(alone.action, codes.action[alone.code])
