"""A step that never happens is found, and none that does."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from toy import of_one_label

from vqtext.model.grounding.absence import absent, unsupported
from vqtext.model.grounding.posture import UP
from vqtext.model.vocabulary import Transcript, Use

RATE = 50.0
FRAMES, EACH = 80, 10


def cycle(levels: list[list[float]], written: list[list[float]], seed: int) -> list[int]:
    """Steps that are found missing, of windows in which ``levels (steps, L)`` follow each other and of which
    ``written (U, L)`` is written."""
    noise = np.random.default_rng(seed)
    order = np.arange(FRAMES) // EACH % len(levels)
    energy = np.array(levels)[order] + 0.3 * noise.standard_normal((20, FRAMES, len(levels[0])))
    starts = noise.integers(0, FRAMES, 20)
    energy = np.stack([np.roll(one, start, axis=0) for one, start in zip(energy, starts, strict=True)])
    toy = of_one_label("a", torch.tensor(written), torch.from_numpy(energy).float(), torch.ones(len(written)))
    transcript = Transcript("a", True, tuple(Use(k) for k in range(len(written))))
    return absent(toy.evidence, [transcript, transcript], RATE)[0]


TRUE = [[1.0, -1.0], [0.3, 0.3], [-1.0, 1.0], [-0.3, -0.3]]


@pytest.mark.parametrize("seed", range(3))
def test_steps_that_happen_are_kept(seed: int) -> None:
    """A name that is true would be gone, and its moments told as another step."""
    assert cycle(TRUE, TRUE, seed) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_step_that_never_happens_is_left_out(seed: int) -> None:
    """Somebody would be told to jump with both feet in the middle of each stride."""
    assert cycle(TRUE, [*TRUE[:2], [1.0, 1.0], *TRUE[2:]], seed) == [2]


def test_a_step_of_which_nothing_is_written_is_not_asked() -> None:
    nothing = [float("nan")] * 2
    assert 2 not in cycle(TRUE, [*TRUE[:2], nothing, *TRUE[2:]], 0)


def test_a_label_none_of_whose_steps_happens_is_told_and_one_that_happens_is_not() -> None:
    """People who stand would be told to jump, and nobody would say that it was written so."""
    names = ["lying face up", "lying on the left side", "upside down"]
    steps = [names[:1] * 3, names[1:2] * 3, ["upright", "lying face up", "upright"]]
    up, label = torch.tensor([UP[name] for name in names]), torch.arange(20) % 3
    held = torch.tensor([[UP[name] for name in own] for own in steps])
    toy = of_one_label("a", torch.full((3, 1), torch.nan), torch.zeros(20, FRAMES, 1), torch.ones(3))
    evidence = replace(
        toy.evidence,
        up=up[label][:, None, None].expand(-1, FRAMES, -1, -1),
        written_up=held[label][:, :, None],
        label=label,
        relative_duration=torch.ones(3, 3),
    )
    transcript = Transcript("a", True, tuple(Use(k) for k in range(3)))
    assert unsupported(evidence, [transcript] * 3, RATE) == [2]


@pytest.mark.parametrize("written", [[-1.0], [-1.0, -1.0, -1.0]])
def test_one_level_of_motion_throughout_is_no_claim_that_could_fail(written: list[float]) -> None:
    """Who writes that standing is still would be told that it was not found."""
    energy = torch.linspace(-2, 2, FRAMES)[None, :, None].expand(20, -1, -1)
    toy = of_one_label("a", torch.tensor(written)[:, None], energy, torch.ones(len(written)))
    transcript = Transcript("a", True, tuple(Use(k) for k in range(len(written))))
    assert unsupported(toy.evidence, [transcript, transcript], RATE) == []
