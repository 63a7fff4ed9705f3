"""A user would lose: names that are true. Every test knows the truth; no grounding is shown it."""

import dataclasses

import torch
from toy import config, data, windows

from vqtext.model.grounding import Label, LabelSignal, Nearest, OrderSignal, signature_posterior


def accuracy(toy_data, moves="unordered"):
    states = signature_posterior(toy_data.grammar, getattr(toy_data.grammar, moves), toy_data.evidence)
    truth = torch.from_numpy(windows(24)[2][:20])
    return float((states[..., :2].argmax(-1) == truth).float().mean())


def test_signatures_find_what_happens_when():
    assert accuracy(data()) > 0.95
    assert accuracy(data(), "ordered") > 0.95


def test_swapped_words_swap_the_names():
    assert accuracy(data(levels=(1.0, -1.0))) < 0.05


def test_words_that_say_nothing_name_nothing():
    toy_data = data(levels=(float("nan"), float("nan")))
    states = signature_posterior(toy_data.grammar, toy_data.grammar.unordered, toy_data.evidence)
    assert torch.allclose(states[..., :2], torch.full_like(states[..., :2], 0.5), atol=1e-3)


def test_motion_is_judged_within_the_person_not_in_units():
    """A person who moves ten times as strongly, or a sensor in other units, gets the same names."""
    toy_data = data()
    evidence = toy_data.evidence
    louder = evidence.energy + torch.where(torch.arange(20)[:, None, None] < 10, 2.3, 0.0)
    people = (torch.arange(20) >= 10).long()
    moved = dataclasses.replace(toy_data, evidence=dataclasses.replace(evidence, energy=louder, group=people))
    assert accuracy(moved) > 0.95


def test_missing_evidence_does_not_spread():
    toy_data = data()
    energy = toy_data.evidence.energy.clone()
    energy[:, 10:20] = torch.nan
    holed = dataclasses.replace(toy_data, evidence=dataclasses.replace(toy_data.evidence, energy=energy))
    assert accuracy(holed) > 0.85


def batch(grounding, label, progress=0.0):
    names = torch.full((2, config().frames, 4), 0.25)
    return grounding.targets(torch.tensor([0, 1]), torch.tensor(label), names, progress)


def test_label_gives_a_window_only_the_anchors_of_its_label():
    target = batch(Label(data().grammar, 4), [0, 1])
    assert torch.allclose(target.sum(-1), torch.ones(2, config().frames))
    assert (target[0, :, 2:] == 0).all() and (target[1, :, :2] == 0).all()


def test_nearest_may_give_any_anchor():
    names = torch.rand(2, config().frames, 4)
    target = Nearest().targets(torch.tensor([0, 1]), torch.tensor([0, 1]), names, 0.0)
    assert torch.equal(target.argmax(-1), names.argmax(-1)) and (target.max(-1).values == 1).all()


def test_the_network_gains_a_voice_as_training_goes_on_but_never_more_than_half():
    grounding = LabelSignal(data().grammar, 4, data().evidence)
    sure = torch.tensor([0.97, 0.01, 0.01, 0.01]).expand(2, config().frames, 4)
    at = [
        grounding.targets(torch.tensor([0, 2]), torch.tensor([0, 0]), sure, p)[..., 0].mean()
        for p in (0, 0.5, 1)
    ]
    assert at[0] < at[1]
    # by half of the training the share is one half; only the usage, which is still being learned, moves on
    assert abs(at[1] - at[2]) < 0.05


def test_order_follows_the_transcript():
    grounding = OrderSignal(data().grammar, 4, data().evidence)
    assert torch.equal(grounding.moves(data().grammar), data().grammar.ordered)
