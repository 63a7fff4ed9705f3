"""A user would lose: names that stay true where an author, or a language model, wrote a few cells wrong."""

from dataclasses import replace

import pytest
import torch
from toy import of_one_label

from vqtext.model.grounding import rejected_cells
from vqtext.model.grounding.e_step import EStepConfig, e_step
from vqtext.model.grounding.rejected_cells import WrittenCell

STEP = 8  # frames of each of four steps
# What is done: each step moves one place strongly, and another a little.
TRUE = torch.tensor([[1.0, -1, -1, 0], [-1, 1, 0, -1], [-1, 0, 1, -1], [0, -1, -1, 1]])
WHAT = (torch.arange(80) + torch.arange(0, 40, 2)[:, None]) // STEP % 4  # (20, 80)


def posterior(written, places=4, reject_cells=True):
    """The E-step of 20 windows in which `TRUE` is done; ``written (4, places)``."""
    noise = 0.4 * torch.randn(20, 80, places, generator=torch.Generator().manual_seed(0))
    toy = of_one_label("a", written, TRUE[:, :places][WHAT] + noise, torch.ones(4))
    sources = frozenset({"order", "signal"})
    return e_step(toy.evidence, toy.grammar, sources, EStepConfig(reject_cells=reject_cells))


def right(found):
    return float((found.anchors() == WHAT).float().mean())


def wrong_words():
    """Of sixteen cells three: the first step is said to keep still what it moves, and the last to move it."""
    written = TRUE.clone()
    written[0, 0], written[3, 0], written[0, 2] = -1.0, 1.0, 1.0
    return written


def test_wrong_cells_are_found_and_names_come_out_right_without_them():
    sifted = posterior(wrong_words())
    assert WrittenCell(0, 0, 0) in sifted.rejected or WrittenCell(0, 3, 0) in sifted.rejected
    believed = posterior(wrong_words(), reject_cells=False)
    assert not believed.rejected
    assert right(sifted) > 0.9
    assert right(sifted) > right(believed) + 0.05


def test_all_words_are_believed_unless_it_is_asked_for():
    """Training leaves nothing out by itself: it is for people to mend words."""
    assert not EStepConfig().reject_cells


def test_words_that_are_true_stay():
    found = posterior(TRUE)
    assert not found.rejected and right(found) > 0.95


def test_words_stay_where_steps_would_take_each_others_names(monkeypatch):
    """Likelihood knows no names: it mends a step here and there, or lets all of them go a place further."""
    believed = posterior(wrong_words(), reject_cells=False)
    monkeypatch.setattr(rejected_cells, "CONFIG", replace(rejected_cells.CONFIG, renamed=0.02))
    found = posterior(wrong_words())
    assert not found.rejected and torch.equal(found.states, believed.states)


@pytest.mark.parametrize("places", [1, 3])
def test_with_few_places_every_word_stands(places):
    """Where nothing else tells two steps apart, likelihood would let their names go."""
    found = posterior(wrong_words()[:, :places], places)
    assert not found.rejected
    assert torch.equal(found.states, posterior(wrong_words()[:, :places], places, reject_cells=False).states)


def test_a_label_keeps_half_of_its_words_whatever_the_data_say(monkeypatch):
    """Without any its steps would be named by order alone, and told as if sensors had shown them."""
    monkeypatch.setattr(rejected_cells, "CONFIG", replace(rejected_cells.CONFIG, clear=-1e9))
    monkeypatch.setattr(rejected_cells, "CONFIG", replace(rejected_cells.CONFIG, together=-1e9))
    few = torch.full((4, 4), torch.nan)
    few[0], few[2] = TRUE[0], TRUE[2]
    assert len(posterior(few).rejected) == 4
