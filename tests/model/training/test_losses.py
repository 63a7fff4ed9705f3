"""A user would lose: names as they were taught, and steps that tell the class, for which they are asked."""

import dataclasses

import pytest
import torch
from toy import OF_STATE, config, data, vocabulary, windows

from vqtext.model.decoding.decoder import Decoder
from vqtext.model.network.frame_names import frame_states
from vqtext.model.network.network import Network
from vqtext.model.training.losses import losses
from vqtext.model.vocabulary import Transcript, Use, Vocabulary

COUNT = 4


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = Network(dataclasses.replace(config(), token_dim=6, fusion="signal"), data().anchors, OF_STATE)
    network.normalise.fit([torch.from_numpy(data().signal)])
    return network


def steps(network, decoder, label, guided=0):
    """The term of `COUNT` windows, of which the first ``guided`` see text."""
    signal = torch.from_numpy(windows(COUNT)[0])
    text = torch.ones(COUNT, 3, 6)
    mask = (torch.arange(COUNT) < guided)[:, None].expand(COUNT, 3)
    out = network(signal, text * mask[..., None], mask)
    states = frame_states(out, config().frames)
    keep = torch.ones(COUNT, config().frames, dtype=torch.bool)
    target = torch.full((COUNT, config().frames, 4), 0.25)
    return losses(out, states, label, target, keep, data().label_vectors, decoder)["steps"]


def test_it_is_the_class_that_is_decided_by_and_teaches_names_and_what_a_frame_counts(network):
    decoder, label = Decoder(config(), vocabulary()), torch.from_numpy(windows(COUNT)[1])
    term = steps(network.eval(), decoder, label)
    read = network.read(torch.from_numpy(windows(COUNT)[0]))
    keep = torch.ones(COUNT, config().frames, dtype=torch.bool)
    names = frame_states(read, config().frames)
    decoded = decoder(names.detach(), torch.zeros(COUNT, 2), keep)
    assert torch.allclose(term, -decoded.steps[range(COUNT), label].mean(), rtol=1e-3)
    term.backward()
    assert decoder.log_scale.grad.isfinite() and decoder.log_scale.grad != 0
    for weight in (network.trunk.action, network.correct.weight, network.trunk.encoder.embed.weight):
        assert weight.grad.isfinite().all() and weight.grad.any()
    assert network.class_head[1].weight.grad is None, "the class head has no part in it"


def test_windows_whose_names_text_told_have_no_part_in_it(network):
    decoder, label = Decoder(config(), vocabulary()), torch.from_numpy(windows(COUNT)[1])
    term = steps(network, decoder, label, guided=COUNT)
    assert term == 0
    term.backward()  # a batch of them trains all the same
    assert decoder.log_scale.grad is None or decoder.log_scale.grad == 0
    some = steps(network.eval(), decoder, label, guided=2)
    assert torch.allclose(some, steps(network, decoder, label.where(torch.arange(COUNT) >= 2, 1 - label), 2))


def test_windows_without_names_to_learn_do_not_dilute_those_with_some(network):
    """Of a million windows the E-step reads a few thousand."""
    network.eval()
    decoder, label = Decoder(config(), vocabulary()), torch.from_numpy(windows(COUNT)[1])
    target = torch.nn.functional.one_hot(torch.randint(4, (COUNT, config().frames)), 4).float()

    def names(target, few):
        out = network(torch.from_numpy(windows(COUNT)[0][few]))
        keep = torch.ones(len(few), config().frames, dtype=torch.bool)
        states = frame_states(out, config().frames)
        terms = losses(out, states, label[few], target[few], keep, data().label_vectors, decoder)
        return torch.stack([terms["name"], terms["own_name"]])

    every, two = torch.arange(COUNT), torch.arange(2)
    some = target * (every < 2)[:, None, None]
    assert torch.allclose(names(some, every), names(target, two), atol=1e-5)
    assert (names(target * 0, every) == 0).all()


def test_labels_of_the_same_steps_are_one_class(network):
    """Nothing in the steps tells them apart, and nothing may be bent until it does."""
    uses = (Use(0), Use(1))
    words = Vocabulary(
        vocabulary().anchors,
        (
            Transcript("shaking", True, uses),
            Transcript("trembling", True, uses[::-1]),
            vocabulary().transcripts[1],
        ),
    )
    decoder = Decoder(dataclasses.replace(config(), labels=("shaking", "trembling", "whirling")), words)
    network.eval()
    one, other = (steps(network, decoder, torch.full((COUNT,), label)) for label in (0, 1))
    assert one == other < 0.1, "each by itself would owe at least log 2"
