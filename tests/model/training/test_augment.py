"""A user would lose: training that sees people who wear their sensors a little differently, and frames that
stay with the samples they name."""

import pytest
import torch

from vqtext.model.training import augment as module
from vqtext.model.training.augment import Augment, turn_frames
from vqtext.schema import Channel

CHANNELS = tuple(
    Channel(f"{place}_{kind}_{axis}", place, kind, axis, unit)
    for place in ("wrist", "ankle")
    for kind, unit in (("acc", "m/s2"), ("gyro", "rad/s"))
    for axis in "xyz"
)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.fixture
def only(monkeypatch):
    """Leave one kind of change on."""

    def choose(name):
        for other in {"GAIN_SPREAD", "NOISE", "DROPPED_PLACES"} - {name}:
            monkeypatch.setattr(module, other, 0.0)

    return choose


def test_turning_a_window_round_moves_its_frames_along(only):
    only("nothing")
    signal = torch.arange(80.0).expand(2, 12, 80)
    turned, turn = Augment(CHANNELS, tilt=0.0)(signal, torch.tensor([[True] * 80, [False] + [True] * 79]))
    assert turn[1] == 0 and torch.equal(turned[1], signal[1])  # a window that is not full stays
    assert int(turned[0, 0].argmin()) == int(turn[0])
    whole, turn_of_whole = Augment(CHANNELS, anywhere=False, tilt=0.0)(
        signal, torch.ones(2, 80, dtype=torch.bool)
    )
    assert torch.equal(whole, signal) and not turn_of_whole.any()  # a trial begins where it began
    names = torch.eye(80)[None].repeat(2, 1, 1)
    assert torch.equal(turn_frames(names, turn)[0].argmax(-1).float(), turned[0, 0])


def test_some_windows_stay_as_they_were_worn(only):
    """Where nobody's sensors are tilted, a network that was shown tilted ones alone misreads every window."""
    only("tilt")
    torch.manual_seed(0)
    signal = torch.randn(64, 12, 50)
    tilted, _ = Augment(CHANNELS, tilt=0.4)(signal, torch.zeros(64, 50, dtype=torch.bool))
    same = torch.isclose(tilted, signal, atol=1e-5).flatten(1).all(1)
    assert 16 < same.sum() < 48


def test_the_sensors_of_a_place_tilt_together_and_keep_their_length(only):
    only("tilt")
    torch.manual_seed(0)
    signal = torch.randn(8, 4, 3, 50)
    signal[:, 1] = signal[:, 0]  # the gyroscope of the wrist turns as its accelerometer is pushed
    tilted, _ = Augment(CHANNELS, tilt=0.4)(signal.flatten(1, 2), torch.zeros(8, 50, dtype=torch.bool))
    tilted = tilted.unflatten(1, (4, 3))
    assert torch.allclose(tilted.norm(dim=2), signal.norm(dim=2), atol=1e-4)
    assert torch.allclose(tilted[:, 0], tilted[:, 1], atol=1e-5)
    assert not torch.allclose(tilted[:, 2], signal[:, 2], atol=0.05)


def test_people_face_any_way_and_only_a_compass_feels_it(only):
    """All compasses turn about the vertical by one angle: how far north is above the ground, and how it moves
    while people do, stays. Else a class is known by the way people faced where it was recorded."""
    only("nothing")
    channels = tuple(
        Channel(f"{place}_{kind}_{axis}", place, kind, axis, "1", gravity=kind == "acc")
        for place in ("wrist", "ankle")
        for kind in ("acc", "mag")
        for axis in "xyz"
    )
    up = torch.nn.functional.normalize(torch.randn(2, 3), dim=-1)
    north = torch.linalg.cross(up, torch.randn(2, 3)) + 0.5 * up
    still = torch.stack([9.8 * up[0], north[0], 9.8 * up[1], north[1]]).flatten()
    signal = still[None, :, None].expand(40, 12, 20).clone()
    signal[0, :3] = torch.nan  # nobody knows where up is there
    made, _ = Augment(channels, tilt=0.0)(signal, torch.ones(40, 10).bool())
    acc, mag = (made.unflatten(1, (2, 2, 3))[:, :, kind] for kind in (0, 1))
    assert torch.equal(acc.nan_to_num(), signal.unflatten(1, (2, 2, 3))[:, :, 0].nan_to_num())
    assert torch.equal(mag[0, 0], signal[0, 3:6])
    assert torch.allclose((mag[1:] * up[None, :, :, None]).sum(2), torch.tensor(0.5), atol=1e-4)
    assert torch.allclose(mag[1:].norm(dim=2), north.norm(dim=1)[None, :, None], atol=1e-4)
    flat = mag[1:, :, :, 0] - 0.5 * up
    was = north - 0.5 * up
    angle = torch.atan2((torch.linalg.cross(was.expand_as(flat), flat) * up).sum(-1), (flat * was).sum(-1))
    assert torch.allclose(angle[:, 0].cos(), angle[:, 1].cos(), atol=1e-3)
    assert angle[:, 0].cos().min() < -0.5 and angle[:, 0].cos().max() > 0.5


def test_a_missing_axis_stays_missing_and_spreads_to_none(only):
    only("tilt")
    signal = torch.randn(4, 12, 50)
    signal[:, 1, 10:20] = torch.nan
    tilted, _ = Augment(CHANNELS, tilt=0.4)(signal, torch.zeros(4, 50, dtype=torch.bool))
    assert torch.equal(tilted.isfinite(), signal.isfinite())


def test_places_are_lost_whole_and_never_all_of_them(only, monkeypatch):
    only("DROPPED_PLACES")
    monkeypatch.setattr(module, "DROPPED_PLACES", 0.7)
    lost, _ = Augment(CHANNELS, tilt=0.0)(torch.randn(64, 12, 50), torch.zeros(64, 50, dtype=torch.bool))
    gone = lost.isnan().unflatten(1, (2, 6))
    assert (gone.any((2, 3)) == gone.all((2, 3))).all()
    assert gone.any() and not gone.all((1, 2, 3)).any()


def test_what_was_missing_before_is_not_all_that_is_left(only, monkeypatch):
    only("DROPPED_PLACES")
    monkeypatch.setattr(module, "DROPPED_PLACES", 0.5)
    signal = torch.randn(64, 12, 50)
    signal[:, :6] = torch.nan  # nothing of the wrist was measured
    lost, _ = Augment(CHANNELS, tilt=0.0)(signal, torch.zeros(64, 50, dtype=torch.bool))
    assert lost.isfinite().any(-1).any(-1).all()


def test_channels_without_axes_are_left_as_they_point(only):
    only("tilt")
    channels = tuple(Channel(f"c{i}", "unknown", "unknown", None, "1") for i in range(3))
    signal = torch.randn(4, 3, 50)
    tilted, _ = Augment(channels, tilt=0.4)(signal, torch.zeros(4, 50, dtype=torch.bool))
    assert torch.equal(tilted, signal)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_half_precision_step_tilts_whole_samples(dtype):
    signal = torch.randn(4, 12, 50)
    torch.manual_seed(1)
    whole, _ = Augment(CHANNELS, tilt=0.4)(signal, torch.ones(4, 50, dtype=torch.bool))
    torch.manual_seed(1)
    with torch.autocast("cpu", dtype):
        half, _ = Augment(CHANNELS, tilt=0.4)(signal, torch.ones(4, 50, dtype=torch.bool))
    assert half.dtype == torch.float32
    assert torch.allclose(half, whole, atol=1e-5, equal_nan=True)
