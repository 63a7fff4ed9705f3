"""A user would lose: what they said of a few moments of one person, on everybody else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from test_absence import RATE, TRUE
from toy import data as data_of_all
from toy import of_one_label, windows

from vqtext.model.grounding.absence import absent
from vqtext.model.grounding.e_step import Posterior, e_step
from vqtext.model.grounding.emissions import Evidence
from vqtext.model.vocabulary import Transcript, Use

KNOWS = frozenset({"order", "signal"})
USES = 2


def world(levels: tuple[float, float], people: int = 4) -> tuple[Evidence, torch.Tensor]:
    """Evidence of 20 windows of some people, and the true use of each frame, ``(N, F)``."""
    _, label, use = windows(24)
    whole = data_of_all(levels=levels).evidence.of(torch.arange(20).numpy())
    true = torch.from_numpy(use + USES * label[:, None])[:20]
    return replace(whole, group=torch.arange(20) // 2 % people), true


def found(evidence: Evidence) -> Posterior:
    return e_step(evidence, data_of_all().grammar, KNOWS)


def moments(true: torch.Tensor, rows: list[int], each: int = 5) -> torch.Tensor:
    """Corrections: a few frames of each step in some windows."""
    corrected = torch.full_like(true, -1)
    for row in rows:
        for use in true[row].unique():
            corrected[row, (true[row] == use).nonzero()[5 : 5 + each, 0]] = use
    return corrected


def right(posterior: Posterior, true: torch.Tensor, rows: torch.Tensor) -> float:
    return float((posterior.anchors() == true)[rows].float().mean())


def test_a_few_moments_of_one_person_mend_the_names_of_all_others() -> None:
    """Here every word is wrong: what is strong is written to be still."""
    evidence, true = world((1.0, -1.0))
    others = evidence.group != 0
    mended = replace(evidence, corrected=moments(true, [0, 1]))
    assert right(found(evidence), true, others) < 0.1
    assert right(found(mended), true, others) > 0.9


def test_what_was_said_holds_whatever_the_sensors_say() -> None:
    evidence, true = world((-1.0, 1.0))
    corrected = torch.full_like(true, -1)
    corrected[3, 20:40] = torch.where(true[3, 20:40] >= 2, 5 - true[3, 20:40], 1 - true[3, 20:40])
    now = found(replace(evidence, corrected=corrected))
    assert (now.anchors()[3, 20:40] == corrected[3, 20:40]).all()
    total = now.states.float().sum(-1)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-2)


@pytest.mark.parametrize("seed", range(2))
def test_what_cannot_be_breaks_no_chain(seed: int) -> None:
    """Another step at each frame, steps of the other label, everything at once: still chances."""
    evidence, true = world((-1.0, 1.0))
    corrected = torch.randint(0, 4, true.shape, generator=torch.Generator().manual_seed(seed))
    now = found(replace(evidence, corrected=corrected))
    total = now.states.float().sum(-1)
    assert torch.allclose(total, torch.ones_like(total), atol=1e-2)


def test_nothing_said_changes_nothing_and_what_is_kept_apart_is_not_heard() -> None:
    """Corrections of test people would reach a model by the windows of others."""
    evidence, true = world((1.0, -1.0))
    plain = found(evidence).states
    assert torch.equal(found(replace(evidence, corrected=torch.full_like(true, -1))).states, plain)
    kept = (evidence.group != 0).nonzero()[:, 0].numpy()
    mended = replace(evidence, corrected=moments(true, [0, 1]))
    assert torch.equal(found(mended.of(kept)).states, found(evidence.of(kept)).states)


def test_moments_name_steps_of_which_nothing_is_written() -> None:
    evidence, true = world((float("nan"), float("nan")))
    assert not found(evidence).known.any()
    mended = found(replace(evidence, corrected=moments(true, [0, 1])))
    assert mended.known.all() and mended.identified.all()
    assert right(mended, true, evidence.group != 0) > 0.9


def test_a_step_without_a_correction_keeps_its_moments_beside_one_that_is_like_it() -> None:
    """Right answers about one step would take the next one's name away."""
    levels = torch.tensor([[1.0, -1.0], [0.5, -0.5], [-1.0, 1.0], [-0.3, -0.3]])
    order = torch.arange(80) // 10 % 4
    noise = torch.randn(20, 80, 2, generator=torch.Generator().manual_seed(0))
    toy = of_one_label("a", levels, levels[order] + 0.5 * noise, torch.ones(4))
    corrected = torch.full((20, 80), -1)
    corrected[0, :10] = 0
    names = e_step(replace(toy.evidence, corrected=corrected), toy.grammar, KNOWS).anchors()
    assert (names[1:, order == 1] == 1).float().mean() > 0.95


def test_a_step_that_a_person_has_seen_is_not_left_out() -> None:
    """Its name would be gone from the very moments that they named."""
    written = torch.tensor([*TRUE[:2], [1.0, 1.0], *TRUE[2:]])
    order = torch.arange(80) // 10 % 4
    energy = torch.tensor(TRUE)[order].repeat(20, 1, 1)
    toy = of_one_label("a", written, energy + 0.3 * torch.randn(energy.shape), torch.ones(5))
    transcripts = [Transcript("a", True, tuple(Use(k) for k in range(5)))] * 2
    assert absent(toy.evidence, transcripts, RATE)[0] == [2]
    corrected = torch.full((20, 80), -1)
    corrected[0, 3:5] = 2
    assert 2 not in absent(replace(toy.evidence, corrected=corrected), transcripts, RATE)[0]
