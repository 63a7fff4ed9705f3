"""A user would lose: what is known of a person, pushed out of the text tokens by a long description."""

import pytest
import torch

from vqtext.model.guidance import LENGTH, Guidance

LABEL, LONG_LABEL, DESCRIPTION, AGE, HAND = range(5)


@pytest.fixture
def guidance():
    """Texts of 4, 60, 70, 3 and 5 tokens; all states of a text are its number plus one, but for the age."""
    length = torch.tensor([4, 60, 70, 3, 5])
    tokens = torch.repeat_interleave(torch.arange(1.0, 6), length)[:, None].expand(-1, 2).clone()
    tokens[134:137] = torch.tensor([[30.0, 0], [60, 3], [0, 0]])
    return Guidance(
        tokens=tokens.half(),
        offset=torch.cat([torch.zeros(1, dtype=torch.long), length.cumsum(0)]),
        label_texts=[[LABEL], [LONG_LABEL], []],
        descriptions=[DESCRIPTION, -1],
        facts=[[AGE, HAND], []],
    )


def tokens_of(guidance, window, label):
    text, mask = guidance.batch(torch.tensor([window]), torch.tensor([label]), drop=0)
    assert text.shape == (1, LENGTH, 2) and mask.shape == (1, LENGTH)
    assert (text[~mask] == 0).all()
    return text[mask].tolist()


def test_facts_and_label_stay_and_the_description_takes_what_is_left(guidance):
    said = tokens_of(guidance, 0, 0)
    assert said[:2] == [[30, 1], [5, 5]], "one token a fact: the mean of its states"
    assert said[2:6] == [[1, 1]] * 4
    assert said[6:] == [[3, 3]] * (LENGTH - 6)


def test_a_label_of_many_words_leaves_room_for_the_facts(guidance):
    assert tokens_of(guidance, 0, 1) == [[30, 1], [5, 5]] + [[2, 2]] * (LENGTH - 2)


def test_what_is_not_known_takes_no_place(guidance):
    assert tokens_of(guidance, 1, 0) == [[1, 1]] * 4
    assert tokens_of(guidance, 1, 2) == []


def test_dropped_rows_have_no_text(guidance):
    text, mask = guidance.batch(torch.tensor([0, 0]), torch.tensor([0, 1]), drop=1.0)
    assert not mask.any() and not text.any()
