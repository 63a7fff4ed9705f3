"""A user would lose: networks that are taught what is known, and nothing where nothing is."""

import dataclasses

import pytest
import torch
from toy import config, windows
from toy import data as data_of_all

from vqtext.model.grounding.base import Belief, Nearest, Taught, make

MODES = ("nearest", "label", "order", "label+signal", "order+signal", "order+text", "order+signal+text")
NAN = float("nan")


def data(levels=(-1.0, 1.0), **evidence):
    """With the evidence of the training windows alone, as grounding has it."""
    whole = data_of_all(levels=levels)
    changed = dataclasses.replace(whole.evidence.of(whole.train.numpy()), **evidence)
    return dataclasses.replace(whole, evidence=changed)


def grounding(mode, toy_data=None):
    toy_data = toy_data or data()
    return make(mode, toy_data.grammar, toy_data.evidence)


def batch(made, label=(0, 1), names=None):
    names = torch.full((2, config().frames, 4), 0.25) if names is None else names
    return made.targets(torch.tensor([0, 1]), torch.tensor(label), names)


@pytest.mark.parametrize("mode", ["label", "order", "label+signal", "order+signal"])
def test_a_window_gets_only_the_anchors_of_its_label(mode):
    target = batch(grounding(mode))
    assert torch.allclose(target.sum(-1), torch.ones(2, config().frames), atol=2e-3)
    assert (target[0, :, 2:] == 0).all() and (target[1, :, :2] == 0).all()


def test_what_words_and_sensors_say_is_taught_whatever_the_network_believes():
    made = grounding("order+signal")
    _, label, use = windows(24)
    truth = torch.from_numpy(use + 2 * label[:, None])[:2]
    wrong = torch.nn.functional.one_hot((truth + 1) % 4, 4).float()
    for _ in range(3):
        assert torch.equal(batch(made, names=wrong), batch(made))
    assert (batch(made, names=wrong).argmax(-1) == truth).float().mean() > 0.95


@pytest.mark.parametrize("mode", ["label+signal", "order+signal"])
def test_words_that_say_nothing_leave_belief_alone(mode):
    made = grounding(mode, data(levels=(NAN, NAN)))
    assert isinstance(made, Belief) and made.posterior is None
    assert torch.allclose(batch(made)[0, :, :2], torch.tensor(0.5), atol=1e-3)


def test_of_labels_without_evidence_the_network_believes_for_itself():
    """The first label has words, the second none."""
    levels = data().evidence.levels.clone()
    levels[data().evidence.label == 1] = torch.nan
    made = grounding("label+signal", data_of := data(levels=(-1.0, 1.0)))
    made = grounding(
        "label+signal",
        dataclasses.replace(data_of, evidence=dataclasses.replace(data_of.evidence, levels=levels)),
    )
    assert isinstance(made, Taught) and made.posterior.known[:2].tolist() == [True, False]
    sure = torch.tensor([0.1, 0.1, 0.6, 0.2]).expand(2, config().frames, 4)
    target = batch(made, names=sure)
    assert torch.equal(target[0], made.posterior.states[0].float())
    assert (target[1].argmax(-1) == 2).all() and (target[1, :, :2] == 0).all()


def test_order_walks_what_the_network_believes_through_the_transcript():
    """A flash of a belief is no step: after one step comes the other, and each lasts a while."""
    made = grounding("order")
    _, _, use = windows(24)
    truth = torch.from_numpy(use)[[0, 2]]
    names = torch.nn.functional.pad(torch.nn.functional.one_hot(truth, 2), (0, 2)) * 0.6 + 0.1
    names[:, ::7] = 0.25
    found = batch(made, (0, 0), names)
    assert (found.argmax(-1) == truth).float().mean() > 0.95


@pytest.mark.parametrize("mode", ["label", "order"])
def test_belief_balances_what_it_believes(mode):
    made = grounding(mode)
    sure = torch.tensor([0.6, 0.4, 0.0, 0.0]).expand(2, config().frames, 4)
    for _ in range(60):
        target = batch(made, (0, 0), sure)
    assert target[0, :, 0].mean() < 0.7  # without the division by its usage it would go on to 1


def test_nearest_may_give_any_anchor():
    names = torch.rand(2, config().frames, 4)
    target = batch(Nearest(), names=names)
    assert torch.equal(target.argmax(-1), names.argmax(-1)) and (target.max(-1).values == 1).all()


@pytest.mark.parametrize("mode", MODES)
def test_a_stopped_training_goes_on_with_the_same_names(mode):
    likeness = torch.rand(20, 8, 4)
    first, second = (grounding(mode, data(similarity=likeness)) for _ in range(2))
    belief = torch.rand(2, config().frames, 4).softmax(-1)
    batch(first, names=belief)
    second.load_state_dict({name: x.clone() for name, x in first.state_dict().items()})
    assert torch.equal(batch(first, names=belief), batch(second, names=belief))


def test_windows_that_the_e_step_does_not_read_teach_no_names():
    """What a network believes of them is a worse teacher than none."""
    whole = data_of_all()
    measured = torch.arange(24).view(-1, 4)[:, :2].flatten()
    some = dataclasses.replace(whole, measured=measured, evidence=whole.evidence.of(measured.numpy()))
    evidence, row = some.evidence_of(whole.train)
    assert row[:6].tolist() == [0, 1, -1, -1, 2, 3] and len(evidence.label) == 10
    made, by_all = make("order+signal", whole.grammar, evidence, row), grounding("order+signal")
    sure = torch.tensor([0.1, 0.1, 0.6, 0.2]).expand(2, config().frames, 4)
    target = made.targets(torch.tensor([4, 3]), torch.tensor([0, 1]), sure)
    assert (target[0].argmax(-1) == by_all.posterior.states[4].argmax(-1)).float().mean() > 0.95
    assert (target[1] == 0).all()
    named = made.anchors(torch.tensor([4, 3]))
    assert (named[0] == by_all.anchors(torch.tensor([4]))).float().mean() > 0.95 and (named[1] == -1).all()
