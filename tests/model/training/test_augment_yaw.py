"""A user would lose: classes known by what people do, not by which way they stood when they were recorded."""

import pytest
import torch

from vqtext.model.training.augment_yaw import own_yaw
from vqtext.schema import Channel

CHANNELS = [
    Channel(f"{kind}_{axis}", "wrist", kind, axis, "1", gravity=kind == "acc")
    for kind in ("acc", "mag")
    for axis in "xyz"
]


def recorded(headings):
    """Means of windows ``headings (label, person, window)``, in radians, of a sensor that is worn askew."""
    label, group, angle = zip(
        *(
            (what, who, angle)
            for what, people in enumerate(headings)
            for who, own in enumerate(people)
            for angle in own
        ),
        strict=True,
    )
    angle = torch.tensor(angle)
    up = torch.tensor([0.0, 0.0, 9.81]).expand(len(angle), 3)
    north = torch.stack([angle.cos(), angle.sin(), torch.full_like(angle, -0.8)], 1)
    askew = torch.linalg.matrix_exp(torch.tensor([[0.0, -0.4, 0.3], [0.4, 0.0, -0.2], [-0.3, 0.2, 0.0]]))
    mean = torch.cat([up @ askew.T, north @ askew.T], 1) + 0.01 * torch.randn(len(angle), 6)
    return mean, torch.tensor(label), torch.tensor(group)


CORRIDOR = [[[0.0, 3.1, 0.1, 3.0]] * 4, [[1.5, 1.6, 1.4, 1.5]] * 4]
ROOMS = [[[0.1, 0.0], [1.6, 1.5], [3.0, 3.1], [4.6, 4.7]], [[2.0, 2.1], [5.0, 5.1], [0.0, 0.1], [1.0, 1.1]]]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def test_who_each_faces_a_way_of_their_own_is_told_by_it():
    assert own_yaw(*recorded(ROOMS), CHANNELS)


def test_who_all_walk_one_corridor_is_not():
    """There, which way people face belongs to what they do: turning round, for one."""
    assert not own_yaw(*recorded(CORRIDOR), CHANNELS)


def test_windows_that_miss_a_sensor_say_nothing():
    mean, label, group = recorded([[*people, [0.3, 2.0]] for people in CORRIDOR])
    mean[group == 4, 4] = torch.nan
    assert not own_yaw(mean, label, group, CHANNELS)


@pytest.mark.parametrize("sees", [CHANNELS[:3], CHANNELS[3:], CHANNELS[1:]])
def test_where_no_compass_knows_up_nothing_is_known(sees):
    mean, label, group = recorded(CORRIDOR)
    assert own_yaw(mean[:, : len(sees)], label, group, sees)


def test_nothing_is_known_of_one_person():
    mean, label, group = recorded(CORRIDOR)
    assert own_yaw(mean, label, group.zero_(), CHANNELS)
