"""A user would lose: a model that says so when it is shown what it never learned."""

import pytest
import torch

from vqtext.model.decoding.ood import CONFIG, OutOfDistribution

WIDTH = 6


def people(count, seed=0):
    """Windows ``(N, WIDTH)`` of three labels that lie apart, stretched, and their labels."""
    torch.manual_seed(seed)
    label = torch.arange(count) % 3
    stretched = torch.randn(count, WIDTH) @ torch.diag(torch.tensor([5.0, 1, 1, 1, 1, 0.2]))
    return stretched + 20 * torch.nn.functional.one_hot(label, WIDTH), label


def fitted(labels=3):
    novelty = OutOfDistribution(labels, WIDTH)
    novelty.fit(*people(600))
    novelty.strict.fill_(1 / novelty.threshold(people(300, seed=1)[0]))
    return novelty


def test_of_what_is_usual_next_to_nothing_is_told_as_unusual():
    familiar = fitted()(people(20_000, seed=2)[0])
    assert 0 < float((familiar < 1).float().mean()) < 1.5 * CONFIG.false_alarms


def test_what_lies_far_from_every_label_is_less_familiar_the_further_it_lies():
    novelty = fitted()
    thin = torch.zeros(3, WIDTH)
    thin[:, 5] = torch.tensor([0.1, 4.0, 8.0])  # along the axis where nobody differs
    near, far, further = novelty(20 * torch.eye(3, WIDTH) + thin).tolist()
    assert near == 1 and 0.4 < further / far * 4 / 1.6 < 2 and further < far < 0.2
    assert float(novelty(torch.full((1, WIDTH), 10.0))) < 0.5, "between labels is like none of them"


def test_a_label_that_was_never_seen_is_near_to_nothing():
    assert torch.equal(fitted(labels=4)(people(50)[0]), fitted()(people(50)[0]))


@pytest.mark.parametrize("count", [0, 1, CONFIG.min_windows - 1])
def test_too_few_people_say_nothing_of_what_is_usual(count):
    novelty = fitted()
    assert novelty.threshold(people(count)[0]) == float("inf")
    assert (OutOfDistribution(3, WIDTH)(torch.randn(5, WIDTH) * 100) == 1).all()


def test_few_windows_are_held_against_a_wider_bound():
    novelty = fitted()
    bounds = [novelty.threshold(people(count, seed=3)[0]) for count in (CONFIG.min_windows, 30, 3000)]
    assert bounds[0] > bounds[2] and bounds[1] > 0.9 * bounds[2]


def test_windows_that_are_all_the_same_leave_numbers():
    """Sensors that are dead throughout gave a model that nothing could read any more."""
    same, label = torch.ones(30, WIDTH), torch.arange(30) % 3
    novelty = OutOfDistribution(3, WIDTH)
    novelty.fit(same, label)
    assert novelty.whiten.isfinite().all() and 0 < novelty.threshold(same) < float("inf")
