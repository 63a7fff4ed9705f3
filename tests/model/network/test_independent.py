"""A user would lose: VQShape's own tokens under the names, and a start from a VQShape trained elsewhere."""

import dataclasses

import pytest
import torch
from toy import OF_STATE, config, data, vocabulary, windows

from vqtext.errors import ArtifactError, ConfigError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.load import VQText, load
from vqtext.model.network.network import Network
from vqtext.model.training.init_from_vqshape import sizes_of, start
from vqtext.model.vqshape import VQShape, stretch
from vqtext.pipeline.convert import export

OWN = {"channels": "independent"}


def network(**settings) -> Network:
    torch.manual_seed(0)
    net = Network(config(**OWN, **settings), data().anchors, OF_STATE).eval()
    net.normalise.fit([torch.from_numpy(windows(8)[0])])
    return net


def test_tokens_are_those_of_vqshape_on_each_channel():
    net = network()
    signal = torch.from_numpy(windows(4)[0])
    out = net(signal)
    vqshape = net.trunk.vqshape
    series = stretch(net.normalise(signal)[0].flatten(0, 1), vqshape.config.length)
    alone = vqshape.tokenize(series)
    assert torch.equal(out.code, alone.code.reshape(4, -1))
    for ours, theirs in ((out.latent, alone.latent), (out.t, alone.t), (out.sigma, alone.sigma)):
        assert torch.allclose(ours.flatten(), theirs.flatten(), atol=1e-6)


def test_a_lost_channel_changes_no_token_of_another():
    net = network()
    signal = torch.from_numpy(windows(4)[0])
    lost = signal.clone()
    lost[:, 1] = torch.nan
    whole, rest = net(signal), net(lost)
    own = whole.code.shape[1] // 2
    assert torch.equal(whole.code[:, :own], rest.code[:, :own])
    assert torch.allclose(whole.features[:, :own], rest.features[:, :own], atol=1e-5)
    assert rest.names.isfinite().all() and rest.classes.isfinite().all()


@pytest.fixture
def imported(tmp_path):
    """A VQShape as it comes from elsewhere."""
    torch.manual_seed(3)
    vqshape = VQShape(config(**OWN).vqshape)
    vqshape.save(tmp_path / "imported")
    return vqshape, tmp_path / "imported"


def test_the_vqshape_inside_goes_out_to_the_original(tmp_path):
    model = VQText(network(), Decoder(config(**OWN), vocabulary()))
    model.save(tmp_path / "own")
    export(tmp_path / "own", "original", tmp_path / "own.ckpt")
    back, series = VQShape.from_original(tmp_path / "own.ckpt"), torch.randn(3, 80)
    series = stretch(series, back.config.length)
    assert torch.equal(back.tokenize(series).code, model.network.trunk.vqshape.tokenize(series).code)
    VQText(Network(config(), data().anchors, OF_STATE), Decoder(config(), vocabulary())).save(
        tmp_path / "joint"
    )
    with pytest.raises(ArtifactError, match="--channels independent"):
        export(tmp_path / "joint", "original", tmp_path / "joint.ckpt")


def test_training_may_start_from_an_imported_vqshape(imported):
    vqshape, folder = imported
    settings, started = sizes_of(config(**OWN, init=folder).settings)
    net = Network(
        dataclasses.replace(config(), settings=settings, started=started), data().anchors, OF_STATE
    ).eval()
    start(net, folder)
    series = torch.randn(3, vqshape.config.length)
    assert torch.equal(net.trunk.vqshape.tokenize(series).code, vqshape.eval().tokenize(series).code)


def test_sizes_that_are_not_the_imported_ones_are_named(imported):
    with pytest.raises(ConfigError, match=r"model\.dim is 32"):
        sizes_of(config(**OWN, init=imported[1], dim=32).settings)
    with pytest.raises(ConfigError, match="independent"):
        sizes_of(config(init=imported[1]).settings)


def test_an_imported_vqshape_loads_and_says_what_it_lacks(imported):
    vqshape, folder = imported
    series = torch.randn(3, vqshape.config.length)
    assert torch.equal(load(folder).tokenize(series).code, vqshape.eval().tokenize(series).code)
    with pytest.raises(ArtifactError):
        VQText.from_pretrained(folder)


def test_an_independent_model_is_saved_and_loaded_whole(tmp_path):
    net = network()
    signal = windows(4)[0]
    model = VQText(net, Decoder(net.config, vocabulary()))
    model.save(tmp_path / "model")
    again = VQText.from_pretrained(tmp_path / "model")
    assert (again.tokenize(signal).code == model.tokenize(signal).code).all()
    assert (again.decode(signal).anchor == model.decode(signal).anchor).all()
