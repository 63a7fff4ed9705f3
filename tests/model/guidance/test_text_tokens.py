"""A user would lose: what is known of a person, pushed out of the text tokens by a long description."""

import dataclasses

import numpy as np
import pytest
import torch

from vqtext.model.guidance.text_tokens import LENGTH, Guidance

LABEL, LONG_LABEL, DESCRIPTION, AGE, HAND = range(5)


@pytest.fixture
def guidance():
    """Texts of 4, 60, 70, 3 and 5 tokens; all states of a text are its number plus one, but for the age."""
    length = torch.tensor([4, 60, 70, 3, 5])
    tokens = torch.repeat_interleave(torch.arange(1.0, 6), length)[:, None].expand(-1, 2).clone()
    tokens[134:137] = torch.tensor([[30.0, 0], [60, 3], [0, 0]])
    return Guidance(
        tokens=tokens.half().numpy(),
        offset=np.r_[0, length.cumsum(0).numpy()],
        label_texts=[[LABEL], [LONG_LABEL], []],
        descriptions=[DESCRIPTION, -1],
        facts=[[AGE, HAND], []],
    )


def tokens_of(guidance, window, label):
    text, mask = guidance.batch([window], [label], [0], drop=0)
    assert text.shape == (1, LENGTH, 2) and mask.shape == (1, LENGTH)
    assert (text[~mask] == 0).all()
    return text[mask].tolist()


def test_facts_and_label_stay_and_the_description_takes_what_is_left(guidance):
    tokens = tokens_of(guidance, 0, 0)
    assert tokens[:2] == [[30, 1], [5, 5]], "one token a fact: the mean of its states"
    assert tokens[2:6] == [[1, 1]] * 4
    assert tokens[6:] == [[3, 3]] * (LENGTH - 6)


def test_a_label_of_many_words_leaves_room_for_the_facts(guidance):
    assert tokens_of(guidance, 0, 1) == [[30, 1], [5, 5]] + [[2, 2]] * (LENGTH - 2)


def test_what_is_not_known_takes_no_place(guidance):
    assert tokens_of(guidance, 1, 0) == [[1, 1]] * 4
    assert tokens_of(guidance, 1, 2) == []
    guidance.label_texts[2] = [LABEL]
    assert tokens_of(guidance, 1, -1) == [], "a window without a label is not told the last one's words"


def test_dropped_rows_have_no_text(guidance):
    text, mask = guidance.batch([0, 0], [0, 1], [0, 1], drop=1.0)
    assert not mask.any() and not text.any()


def test_the_draw_decides_and_nothing_else(guidance):
    first = guidance.batch([0] * 40, [0] * 40, range(40), drop=0.5)[1].any(1)
    assert 5 < first.sum() < 35
    again = guidance.batch([0] * 40, [0] * 40, list(range(40))[::-1], drop=0.5)[1].any(1)
    assert (again.flip(0) == first).all()


def test_facts_are_left_out_by_themselves(guidance):
    """Else a model would lean on the age of a person and could do without the words of the movement."""
    guidance = dataclasses.replace(guidance, drop_facts=0.5)
    text, mask = guidance.batch([0] * 100, [0] * 100, range(100), drop=0)
    untold = text[:, 0, 0] == 1  # the label's words come first
    assert 30 < untold.sum() < 70
    assert (text[~untold][:, 0] == torch.tensor([30.0, 1])).all()
    assert mask.all(), "the description takes the place of the facts"


def test_single_tokens_are_left_out_at_random_and_hold_their_place(guidance):
    whole = guidance.batch([0] * 60, [0] * 60, range(60), drop=0)[0]
    some = dataclasses.replace(guidance, drop_tokens=0.25)
    text, mask = some.batch([0] * 60, [0] * 60, range(60), drop=0)
    assert 0.2 < (~mask).float().mean() < 0.3
    assert (~mask).any(0).all(), "any token may go, wherever it stands"
    assert torch.equal(text[mask], whole[mask]) and not text[~mask].any()
    again = some.batch([0] * 60, [0] * 60, range(60), drop=0)
    assert torch.equal(again[0], text) and torch.equal(again[1], mask)


def test_a_window_that_loses_every_token_is_one_without_text(guidance):
    text, mask = dataclasses.replace(guidance, drop_tokens=1.0).batch([0], [0], [0], drop=0)
    assert not mask.any() and not text.any()
