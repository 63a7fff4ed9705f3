"""A user would lose: training that expects new people to wear sensors as differently as those at hand do."""

import pytest
import torch

from vqtext.model.training.augment_tilt import MAX_TILT, MIN_TILT, tilt_spread
from vqtext.schema import Channel


def channels(modality="acc", gravity=True):
    return [Channel(f"{modality}_{a}", "wrist", modality, a, "m/s2", gravity=gravity) for a in "xyz"]


def worn(tilts, postures=(0.0, 1.4)):
    """Means, labels and people of two windows of each label and person, whose sensor is turned by ``tilts``
    about an axis."""
    time = torch.arange(200) / 50
    signal, label, group = [], [], []
    for who, tilt in enumerate(tilts):
        for what, posture in enumerate(postures):
            for _ in range(2):
                angle = torch.tensor(tilt + posture)
                still = 9.81 * torch.stack([angle.sin(), torch.tensor(0.0), angle.cos()])
                signal.append(still[:, None] + torch.sin(7 * time) * torch.randn(3, 1))
                label.append(what)
                group.append(who)
    return torch.stack(signal).mean(-1), torch.tensor(label), torch.tensor(group)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize(
    ("tilts", "found"), [((0.0, 0.02), MIN_TILT), ((-0.22, 0.22), 0.31), ((-1, 1), MAX_TILT)]
)
def test_the_tilt_is_how_differently_people_wear_their_sensors(tilts, found):
    """Whatever they do: sitting and lying differ by much more than two people who sit."""
    assert tilt_spread(*worn(tilts), channels()) == pytest.approx(found, abs=0.01)


def test_a_person_who_never_wore_a_sensor_says_nothing():
    mean, label, group = worn((-0.22, 0.22, 1.2))
    mean[group == 2] = torch.nan
    assert tilt_spread(mean, label, group, channels()) == pytest.approx(0.31, abs=0.01)


@pytest.mark.parametrize("sees", [channels("gyro"), channels(gravity=False), channels()[:2]])
def test_nothing_is_known_where_nothing_shows_gravity(sees):
    assert tilt_spread(*worn((0.0, 0.0)), sees) == MAX_TILT


def test_nothing_is_known_of_one_person():
    mean, label, group = worn((0.0, 0.0))
    assert tilt_spread(mean, label, group.zero_(), channels()) == MAX_TILT
