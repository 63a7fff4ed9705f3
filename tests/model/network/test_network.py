"""A user would lose: one answer for one signal, whatever else is in the batch, missing or said."""

from dataclasses import fields, replace

import pytest
import torch
from toy import OF_STATE, config, data, windows

from vqtext.model.network.network import Network
from vqtext.schema import Channel


@pytest.fixture(params=["joint", "independent"])
def network(request):
    torch.manual_seed(0)
    return Network(config(channels=request.param), data().anchors, OF_STATE).eval()


@torch.no_grad()
def test_shapes_are_those_of_the_output_docs(network):
    signal = torch.from_numpy(windows(3)[0])
    out = network(signal)
    m, s = network.config.window_tokens, network.config.substeps
    assert out.code.shape == out.t.shape == out.keep.shape == (3, m)
    assert out.names.shape == out.own_names.shape == (3, m * s, 4)
    assert out.features.shape == (3, m, network.config.feature_dim)
    assert out.rebuilt.shape == signal.shape
    beyond = 0 if network.config.joint else 1 / 64  # VQShape's own
    assert ((out.t >= 0) & (out.t + out.l <= 1 + beyond + 1e-6)).all()


@torch.no_grad()
def test_what_is_read_without_drawing_is_what_is_read_with_it(network):
    signal = torch.from_numpy(windows(3)[0])
    signal[1, :, 50:] = torch.nan
    read, out = network.read(signal), network(signal)
    for field in fields(read):
        assert torch.equal(getattr(read, field.name), getattr(out, field.name)), field.name


@torch.no_grad()
def test_a_window_gets_the_same_tokens_alone_and_in_a_batch(network):
    signal = torch.from_numpy(windows(5)[0])
    together, alone = network(signal), network(signal[2:3])
    assert torch.equal(together.code[2], alone.code[0])
    assert torch.allclose(together.names[2], alone.names[0], atol=1e-5)


@torch.no_grad()
def test_missing_samples_are_masked_and_never_spread(network):
    signal = torch.from_numpy(windows(2)[0])
    signal[0, 1] = torch.nan  # a whole channel
    signal[1, :, 50:] = torch.nan  # a short window
    out = network(signal)
    assert all(torch.isfinite(value).all() for value in (out.names, out.features, out.rebuilt, out.classes))
    if network.config.joint:
        assert out.keep[0].all()
        assert out.keep[1].sum() == 10  # 16 tokens of 5 samples, 10 lie before sample 50


@pytest.mark.parametrize(
    "kinds",
    [
        [("left", "x"), ("left", "y"), ("right", "x"), ("right", "y")],
        [("left", "x"), ("left", "x"), ("right", "x"), ("right", "x")],
    ],
    ids=["axes", "doubles"],
)
@torch.no_grad()
def test_a_code_can_be_chosen_by_any_one_channel(kinds):
    """Two sensors turn opposite ways: what is summed over sensors, or over axes, shows nothing of it."""
    four = tuple(Channel(f"{at} {axis}", at, "acc", axis, "m/s2") for at, axis in kinds)
    torch.manual_seed(0)
    network = Network(replace(config(), channels=four), data().anchors, OF_STATE).eval()
    turned = torch.tensor([1.0, -1.0, -1.0, 1.0])[:, None] * torch.linspace(0, 50, 80).sin()
    latent = network(torch.stack([turned, -turned])).latent
    assert (latent[0] - latent[1]).abs().mean() > 0.05


@torch.no_grad()
def test_names_and_class_depend_on_the_code_not_on_the_latent_behind_it(network, monkeypatch):
    """Every token is moved a little inside the cell of its own code: nothing that is said may change."""
    signal = torch.from_numpy(windows(4)[0])
    before = network(signal)
    joint, trunk = network.config.joint, network.trunk
    part = trunk.tokenizer if joint else trunk.vqshape.attribute_decoder
    vectors = trunk.codebook.shape if joint else trunk.vqshape.codebook.vectors
    real = part.forward

    def moved(*args):
        a = real(*args)
        z = a.z + 0.3 * (vectors[torch.cdist(a.z, vectors).argmin(-1)] - a.z)
        return replace(a, z=z) if joint else a._replace(z=z)

    monkeypatch.setattr(part, "forward", moved)
    after = network(signal)
    assert not torch.equal(before.latent, after.latent)
    assert torch.equal(before.code, after.code)
    # straight-through adds and takes away z, so equality is up to rounding
    assert torch.allclose(before.names, after.names, atol=1e-4)
    assert torch.allclose(before.classes, after.classes, atol=1e-5)


@torch.no_grad()
def test_a_row_without_text_is_a_window_without_text():
    torch.manual_seed(0)
    cfg = config()
    cfg = type(cfg)(**{**vars(cfg), "token_dim": 6})
    network = Network(cfg, data().anchors, OF_STATE).eval()
    signal = torch.from_numpy(windows(2)[0])
    text, mask = torch.randn(2, 7, 6), torch.zeros(2, 7, dtype=torch.bool)
    mask[1] = True
    guided, alone = network(signal, text, mask), network(signal)
    assert torch.allclose(guided.classes[0], alone.classes[0], atol=1e-6)
    assert not torch.allclose(guided.classes[1], alone.classes[1], atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("channels", ["joint", "independent"])
def test_padding_of_text_is_never_attended_to(channels):
    torch.manual_seed(0)
    cfg = config(channels=channels)
    cfg = type(cfg)(**{**vars(cfg), "token_dim": 6})
    network = Network(cfg, data().anchors, OF_STATE).eval()
    signal, text = torch.from_numpy(windows(2)[0]), torch.randn(2, 7, 6)
    mask = torch.arange(7) < torch.tensor([[4], [0]])
    before = network(signal, text, mask)
    text[~mask] = 1e4 * torch.randn(10, 6)
    after = network(signal, text, mask)
    assert torch.equal(before.code, after.code) and torch.equal(before.classes, after.classes)
    assert torch.equal(before.names, after.names)
    text[0, 3] += 1
    assert not torch.equal(network(signal, text, mask).classes[0], after.classes[0])
