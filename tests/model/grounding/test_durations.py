"""A user would lose: steps that are as long as people make them, before any name is known."""

import dataclasses

import torch
from toy import BLOCK, data

from vqtext.model.grounding.durations import DurationConfig, Tempo, round_s
from vqtext.model.grounding.emissions import EmissionConfig, from_signatures

CONFIG = DurationConfig()


def _rhythm(toy):
    return Tempo.of(toy.evidence, toy.grammar, 3, CONFIG)


def test_steps_are_as_long_as_the_signal_shows_and_usual_where_it_shows_nothing():
    toy = data()
    by_words, unknown = from_signatures(toy.evidence, EmissionConfig()), torch.full((2,), torch.nan)
    found = _rhythm(toy).step_s(by_words, toy.evidence.label, unknown)
    assert ((found / toy.evidence.frame_s - BLOCK).abs() < 4).all()
    nothing = _rhythm(toy).step_s(torch.zeros_like(by_words), toy.evidence.label, unknown)
    assert (nothing == CONFIG.usual_s).all()


def test_a_brief_step_takes_a_smaller_part_of_the_same_round():
    toy = data()
    tempo = dataclasses.replace(_rhythm(toy), relative_duration=torch.tensor([[2 / 3, 4 / 3], [0.5, 0.5]]))
    chain = tempo.chain(torch.full((2,), 0.6))
    seconds = chain.substates / (1 - chain.stay) * toy.evidence.frame_s
    assert torch.allclose(seconds, torch.tensor([[0.4, 0.8], [0.3, 0.3]])), "the other comes round twice"


def rounds(people, features):
    return round_s(dataclasses.replace(people, features=features), 2, CONFIG)


def _turning(toy, noise=0.7):
    """Four people, each at a tempo of its own, no two of whose rounds take quite as long: turns, (N, 80)."""
    torch.manual_seed(0)
    who = torch.arange(len(toy.evidence.label)) // 2 % 4
    period = torch.tensor([16.0, 20.0, 24.0, 20.0])[who]
    turned = (2 * torch.pi / period[:, None] * (1 + noise * torch.randn(len(who), 80))).cumsum(1)
    return dataclasses.replace(toy.evidence, group=who, frame_s=0.05), turned


def test_a_round_is_read_from_those_who_repeat_it_each_at_their_own_tempo():
    people, turned = _turning(data())
    moving = turned.sin()[..., None]
    assert torch.allclose(rounds(people, moving), torch.tensor(1.0), atol=0.11)
    one = torch.where((people.group == 0)[:, None, None], moving, torch.randn(len(turned), 80, 1))
    assert rounds(people, one).isnan().all(), "one person is no rhythm"


def test_legs_that_take_turns_have_come_round_once_both_had_theirs():
    people, turned = _turning(data(), noise=0.3)
    motion, leg = turned.sin().abs(), turned.sin()
    both = dataclasses.replace(people, features=torch.stack([motion, motion, leg], -1))
    assert torch.allclose(round_s(both, 2, CONFIG), torch.tensor(1.0), atol=0.11), "not at half a round"


def test_a_round_is_not_taken_for_two():
    people, turned = _turning(data(), noise=0.0)
    twice = turned.sin() + 0.1 * (turned / 2).sin()  # every other round is a little more like the one before
    found = rounds(people, twice[..., None])
    assert torch.allclose(found, torch.tensor(1.0), atol=0.11)


def test_sensors_that_some_lack_or_that_rest_do_not_hide_a_rhythm():
    people, turned = _turning(data())
    lacking = torch.full((*turned.shape, 6), torch.nan)
    lacking[..., 0], lacking[..., 1] = turned.sin(), 9.81
    assert torch.allclose(rounds(people, lacking), torch.tensor(1.0), atol=0.11)
