"""A place is held as the words say whatever way its sensor was put on."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from vqtext.model.grounding.posture import UP, fits_postures

NAMES = ["upright", "lying face up", "lying on the right side", "leaning forward"]


def worn(names: list[str], mounting: int) -> torch.Tensor:
    """Where up is in the axes of a sensor that was put on somehow, ``(len(names), 5, 1, 3)``."""
    turned = Rotation.random(rng=np.random.default_rng(mounting)).apply(np.array([UP[n] for n in names]))
    return torch.from_numpy(turned).float()[:, None, None].expand(-1, 5, -1, -1)


def written(*uses: list[str | None]) -> torch.Tensor:
    """Where up is written to be in each use of each window's label, ``(N, U, 1, 3)``."""
    nothing = (float("nan"),) * 3
    return torch.tensor([[UP[name] if name else nothing for name in own] for own in uses])[:, :, None]


@pytest.mark.parametrize("mounting", range(4))
def test_a_posture_is_told_however_the_sensor_was_put_on(mounting: int) -> None:
    """Sitting up and leaning forward would be taken for each other where a sensor is turned."""
    up = worn(NAMES, mounting)
    held = written(
        ["upright", None],
        ["lying face up", None],
        ["lying on the right side", None],
        ["upright", "leaning forward"],
    )
    label, one = torch.arange(4), torch.zeros(4, dtype=torch.long)
    fits = fits_postures(up, held, label, one, 0.6)
    assert fits.shape == (4, 5, 2)
    assert (fits[:3, :, 0] > 1).all() and (fits[3, :, 1] > fits[3, :, 0] + 0.5).all()


def test_one_posture_alone_tells_how_far_a_place_is_turned_and_not_which_way() -> None:
    """People seen standing alone would be told lying on one side or the other by nothing but chance."""
    up = worn(["upright", "lying on the right side"], 0)
    held = written(["upright"] * 3, ["upright", "lying face up", "lying on the right side"])
    fits = fits_postures(up, held, torch.arange(2), torch.zeros(2, dtype=torch.long), 0.6)[1, 0]
    assert fits[1] == pytest.approx(float(fits[2]), abs=1e-3) and fits[1] > fits[0] + 1


def test_where_nothing_teaches_or_nothing_was_felt_no_posture_counts() -> None:
    """A sensor without a sample, or words without a posture, would make one step likelier than another."""
    up = worn(["upright", "upright"], 0).clone()
    up[1] = torch.nan
    held = written(["upright", "lying face up"], ["upright", None])
    fits = fits_postures(up, held, torch.arange(2), torch.zeros(2, dtype=torch.long), 0.6)
    assert (fits == 0).all()


def test_who_leaves_a_posture_open_contradicts_none() -> None:
    """Each step that says less than its neighbours would be found missing."""
    up = worn(["upright", "lying face up"], 0)
    held = written(["upright", None], ["lying face up", None])
    fits = fits_postures(up, held, torch.arange(2), torch.zeros(2, dtype=torch.long), 0.6)
    assert torch.allclose(fits[..., 0], fits[..., 1])
