"""A user would lose: that the faster way is the same way. Shortcuts must give what the long way gives."""

import pytest
import torch
from reference import SIZES, series

from vqtext.model.vqshape import VQShape, VQShapeConfig
from vqtext.model.vqshape.dropout import dropped


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = VQShape(VQShapeConfig(**SIZES)).eval()
    torch.nn.init.normal_(model.codebook.vectors)
    return model


@pytest.mark.parametrize("used", [1, 3, 6])
def test_tokens_of_one_code_share_its_curve_and_its_jacobian(model, used):
    decoder, vectors = model.shape_decoder.double(), model.codebook.vectors.double()
    code = torch.arange(60) % used
    upstream = torch.randn(60, SIZES["shape_length"], dtype=torch.double)

    def gradients(curves_of):
        z = vectors[code].detach().requires_grad_()
        curves = curves_of(z)
        wanted = [z, *decoder.parameters()]
        return [curves, *torch.autograd.grad((curves * upstream).sum(), wanted)]

    decodings = []
    hook = decoder.start.register_forward_hook(lambda module, inputs, out: decodings.append(len(out)))
    short = gradients(lambda z: decoder.of_tokens(z, code, vectors))
    assert decodings[0] == used, "each code once"
    hook.remove()
    long = gradients(decoder)
    for a, b in zip(short, long, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


def test_where_every_token_has_a_code_of_its_own_each_is_decoded(model):
    vectors, code = model.codebook.vectors, torch.arange(6)
    z = vectors[code].detach().requires_grad_()
    decodings = []
    model.shape_decoder.start.register_forward_hook(lambda module, inputs, out: decodings.append(len(out)))
    model.shape_decoder.of_tokens(z, code, vectors).sum().backward()
    assert decodings == [6], "no Jacobian: it would cost more"


def test_tokens_are_the_same_with_and_without_decoding(model):
    short, long = model.tokenize(series()), model.tokenize(series(), decode=True)
    assert torch.equal(short.features, long.features)
    assert short.rebuilt is None and long.rebuilt.shape == (3, SIZES["length"])


@pytest.mark.parametrize("hidden", [False, True])
def test_the_way_with_dropout_is_the_way_without(hidden):
    """A share so small that nothing is dropped takes the way of training: queries shared, weights by hand."""
    torch.manual_seed(0)
    model = VQShape(VQShapeConfig(**SIZES, dropout=1e-9))
    missing = torch.zeros(3, SIZES["length"])
    missing[:, 3] = 1 if hidden else 0
    trained = model.train().impute(series(), missing).rebuilt
    torch.testing.assert_close(trained, model.eval().impute(series(), missing).rebuilt, rtol=1e-5, atol=1e-5)


def test_series_of_one_batch_drop_different_things():
    torch.manual_seed(0)
    model = VQShape(VQShapeConfig(**SIZES, dropout=0.5)).train()
    twice = series()[:1].expand(2, -1)
    z = model.tokenize(twice).latent
    assert not torch.allclose(z[0], z[1])
    layer = model.tokenizer.layers[0].attention
    apart = layer(model.tokenizer.queries, copies=2)
    assert apart.shape[0] == 2 and not torch.allclose(apart[0], apart[1])


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("shape", [(1000, 333), (7,)])
def test_dropout_drops_its_share_and_keeps_the_mean(share, shape):
    torch.manual_seed(0)
    x = torch.ones(shape, requires_grad=True)
    y = dropped(x, share)
    kept = y[y != 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - share)), rtol=1e-4, atol=0)
    if y.numel() > 1000:
        assert abs((y == 0).float().mean() - share) < 0.003
        assert abs(y.mean() - 1) < 0.003
        rows = (y == 0).float()
        assert abs(torch.corrcoef(rows.flatten()[: 4 * 80000].view(-1, 4).T)[0, 1:]).max() < 0.02, (
            "draws share bits"
        )
    y.sum().backward()
    assert torch.equal(x.grad, y.detach()), "a gradient passes where its value did"
    added = dropped(x.detach(), share, onto=2 * x.detach())
    there = added.unique()
    assert ((there == 2) | ((there - 2 - 1 / (1 - share)).abs() < 1e-3)).all()
