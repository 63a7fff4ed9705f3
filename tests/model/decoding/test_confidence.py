"""A user would lose: to know which of the told steps are worth believing."""

import torch

from vqtext.model.decoding.confidence import CONFIG, at_most_chance, calibration_factors

ANCHOR = torch.tensor([[0, 1], [2, 3]])  # two labels of two uses
FRAME_S = 0.1
LONG = int(50 * CONFIG.half_subject_s / FRAME_S)  # frames that make a person count in full


def sure(path, e_step, posterior=0.9, people=50):
    """Of as many people, of whom each is told and does the same."""
    path, e_step = torch.tensor(path).repeat(people, 1), torch.tensor(e_step).repeat(people, 1)
    group = torch.arange(people).repeat_interleave(len(path) // people)
    return calibration_factors(path, torch.full(path.shape, posterior), e_step, group, ANCHOR, FRAME_S)


def test_each_use_is_as_sure_as_it_is_right_in_people_that_were_not_seen():
    path = [[0] * LONG, [1] * LONG]
    e_step = [[0] * LONG, [1] * (LONG // 2) + [0] * (LONG // 2)]
    found = sure(path, e_step)
    assert abs(0.9 * found[0, 0] - 0.9) < 0.03, "always right: no surer than it was"
    assert abs(0.9 * found[0, 1] - 0.5) < 0.03, "every second time"


def test_a_few_frames_say_little_and_a_label_that_nobody_did_is_like_the_others():
    path = [[0] * LONG + [1]]
    e_step = [[0] * (LONG // 2) + [1] * (LONG // 2) + [0]]
    found = sure(path, e_step, people=1)
    assert abs(found[0, 1] - found[0, 0]) < 0.05
    assert abs(found[1, 0] - found[0, 0]) < 0.05 and found[1, 0] == found[1, 1]


def test_people_count_and_not_how_long_they_did_it():
    """Who lies still is told one thing for minutes: it was borne out once, or once not."""
    path = [[0] * LONG, [2] * LONG]
    e_step = [[0] * LONG, [3] * LONG]
    one, many = sure(path, e_step, people=1), sure(path, e_step)
    assert 0.1 < one[1, 0] < 0.4 and many[1, 0] < 0.05, "never borne out"
    assert one[0, 0] < 0.95 and many[0, 0] > 0.97, "always"


def test_one_frame_that_is_not_borne_out_condemns_nobody():
    found = sure([[0]], [[1]], people=1)
    assert (found > 0.8).all()


def test_what_is_unknown_on_either_side_is_not_held_against_it():
    found = sure([[0] * LONG + [-1] * LONG + [0] * LONG], [[0] * 2 * LONG + [-1] * LONG])
    assert found[0, 0] == 1
    assert (sure([[-1, 0]], [[0, -1]]) == 1).all(), "there is nothing to hold against each other"


def test_modesty_is_not_turned_into_certainty():
    """Posteriors lower than they might be stay so: how often is right is known of a few people alone."""
    assert (sure([[0] * LONG], [[0] * LONG], posterior=0.4) == 1).all()


def test_steps_that_nothing_tells_apart_are_as_sure_as_drawn_ones():
    valid = torch.tensor([[True, True, True, True], [True, True, False, False]])
    found = at_most_chance(torch.full((2, 4), 0.4), torch.tensor([False, True]), valid)
    assert torch.equal(found, torch.tensor([[0.25] * 4, [0.4] * 4]))
