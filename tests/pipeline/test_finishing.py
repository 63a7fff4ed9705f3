"""What is learnt when the network is done: classes that hold for people it has not seen."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from model import toy

from vqtext.model.decoding import Decoder
from vqtext.model.load import VQText
from vqtext.model.network import Network
from vqtext.pipeline.finishing import NEVER, finish


@pytest.fixture
def model() -> VQText:
    """Untrained: what it says of a window is a random mixture, from which strong and weak are told well."""
    torch.manual_seed(0)
    data, config = toy.data(), toy.config()
    return VQText(Network(config, data.anchors).eval(), Decoder(config, data.vocabulary))


def said(model: VQText, data, part: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(model.tokenize(data.signal[part.numpy()]).classes)


def test_a_trained_network_learns_its_classes_anew_and_tells_held_out_windows_apart(model):
    data = toy.data(64)
    before = said(model, data, data.train)
    finish(model, data)
    assert (said(model, data, data.train).argmax(-1) == data.label[data.train]).all()
    assert (before.argmax(-1) == data.label[data.train]).float().mean() < 0.9
    other = toy.data(64)
    other.signal[:], label, _ = toy.windows(64, seed=1)
    assert (said(model, other, torch.arange(64)).argmax(-1).numpy() == label).mean() > 0.9


def test_chain_and_head_are_weighed_on_windows_that_the_head_has_not_learnt(model):
    """Held-out people who contradict the head must lower its weight, although it learns from them later."""
    data = replace(toy.data(64), train=torch.arange(40), validation=torch.arange(40, 64))
    finish(model, data)
    trusted = float(model.decoder.weights[1])
    label = data.label.clone()
    label[data.validation] = 1 - label[data.validation]
    finish(model, replace(data, label=label))
    assert float(model.decoder.weights[1]) < trusted / 2


def test_the_head_learns_from_validation_windows_too(model):
    data = toy.data(64)
    finish(model, data)
    with_them = model.network.class_head[-1].weight.detach().clone()
    finish(model, replace(data, validation=data.validation[:2]))
    assert not torch.equal(with_them, model.network.class_head[-1].weight)


def test_without_validation_windows_the_head_stays_as_it_was_trained(model):
    data = toy.data(64)
    before = {name: weight.clone() for name, weight in model.network.state_dict().items()}
    finish(model, replace(data, validation=torch.arange(0)))
    assert all(torch.equal(before[name], weight) for name, weight in model.network.state_dict().items())


def test_one_label_alone_leaves_the_head_alone(model):
    data = toy.data(64)
    before = model.network.class_head[-1].weight.detach().clone()
    finish(model, replace(data, label=torch.zeros_like(data.label)))
    assert torch.equal(before, model.network.class_head[-1].weight)
    assert model.decoder.weights.isfinite().all()


def test_a_label_without_a_window_is_never_said(model):
    """Three labels in the transcripts, two in the data: the head must not guess at the third."""
    data = toy.data(64)
    torch.manual_seed(0)
    config = replace(toy.config(), labels=("shaking", "whirling", "waiting"))
    third = replace(
        data.vocabulary,
        transcripts=(*data.vocabulary.transcripts, replace(data.vocabulary.transcripts[0], label="waiting")),
    )
    model = VQText(Network(config, data.anchors).eval(), Decoder(config, third))
    finish(model, data)
    assert (said(model, data, data.train)[:, 2] == NEVER).all()
    assert (model.decode(data.signal).label != 2).all()
