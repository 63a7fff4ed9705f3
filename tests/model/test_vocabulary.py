"""A user would lose: transcripts that can be followed."""

import pytest
import torch

from vqtext.errors import ArtifactError
from vqtext.model.vocabulary import Grammar, Transcript, Use, Vocabulary

CYCLE = Transcript("walk", True, tuple(Use(i) for i in range(4)))
LINE = Transcript("throw", False, tuple(Use(i) for i in range(3)))


def test_what_follows_each_step_are_probabilities_and_never_the_step_itself():
    """How long it lasts is for its duration to say."""
    grammar = Grammar.of([CYCLE, LINE], 20.0)
    for table in (grammar.ordered, grammar.unordered):
        assert torch.allclose(table[0].exp().sum(1), torch.ones(4))
        assert torch.allclose(table[1, :3, :3].exp().sum(1), torch.ones(3))
        assert (table[0].exp().diagonal() == 0).all() and (table[1].exp().diagonal() == 0).all()


def test_a_cycle_closes_and_a_line_begins_anew_only_once_it_is_over():
    grammar = Grammar.of([CYCLE, LINE], 20.0)
    cycle, line = grammar.ordered[0].exp(), grammar.ordered[1].exp()
    assert cycle[3, 0] > cycle[3, 1] > 0
    assert line[1, 0] == 0 and line[2, 1] == 0 and line[2, 0] == 1
    assert line[0, 1] > line[0, 2] > 0


def test_one_step_follows_itself():
    grammar = Grammar.of([Transcript("stands", True, (Use(0),))], 20.0)
    assert grammar.ordered.exp().item() == grammar.unordered.exp().item() == 1


def test_steps_too_short_to_be_seen_may_be_passed_over_freely():
    fast, slow = (Grammar.of([CYCLE], rate).ordered[0].exp() for rate in (100.0, 10.0))
    assert fast[0, 2] / fast[0, 1] < 0.1 < 0.4 < slow[0, 2] / slow[0, 1]


def test_padding_can_never_be_visited():
    grammar = Grammar.of([CYCLE, LINE], 20.0)
    assert grammar.start[1].exp()[3] == 0 and (grammar.ordered[1].exp()[:, 3] == 0).all()
    assert (grammar.unordered[1].exp()[:, 3] == 0).all() and grammar.valid.sum() == 7


def test_a_vocabulary_survives_json_and_says_when_it_is_another_format():
    uses = (Use(0, True, "가"), Use(1))
    words = Vocabulary(("a", "b"), (Transcript("x", True, uses, "엑스"), Transcript("y", False, uses)))
    assert Vocabulary.from_dict(words.to_dict()) == words
    with pytest.raises(ArtifactError, match=r"format 7.*vqtext train"):
        Vocabulary.from_dict({**words.to_dict(), "format": 7})
    with pytest.raises(ArtifactError):
        Vocabulary.from_dict({"format": 1, "anchors": ["a"]})


def test_without_a_label_a_phrase_is_shown_as_most_of_its_uses_say():
    transcripts = (
        Transcript("x", True, (Use(0, display="하나"), Use(1), Use(2, display="셋"))),
        Transcript("y", True, (Use(0, display="첫째"), Use(1))),
        Transcript("z", True, (Use(0, display="첫째"),)),
    )
    assert Vocabulary(("a", "b", "c"), transcripts).displays() == {"a": "첫째", "c": "셋"}


def test_models_of_before_are_read_though_they_marked_what_they_could_not_tell():
    words = Vocabulary(("a", "b"), (Transcript("runs", True, (Use(0), Use(1))),))
    written = words.to_dict()
    assert Vocabulary.from_dict(written) == words
    written["transcripts"][0]["too_fast"] = True
    written["transcripts"][0]["uses"][0]["ambiguous_with"] = ["b"]
    assert Vocabulary.from_dict(written) == words


def test_labels_that_are_written_as_the_same_steps_are_known():
    """A cycle has no first step; what is written otherwise in order, anchor, duration or end is another."""
    same = {
        "flat": Transcript("flat", True, (Use(0), Use(1), Use(2))),
        "turned": Transcript("turned", True, (Use(2, True, "셋"), Use(0), Use(1)), "걷기"),
    }
    other = {
        "backward": Transcript("backward", True, (Use(2), Use(1), Use(0))),
        "brief": Transcript("brief", True, (Use(0, lasts=0.5), Use(1), Use(2))),
        "shorter": Transcript("shorter", True, (Use(0), Use(1))),
        "once": Transcript("once", False, (Use(0), Use(1), Use(2))),
        "once, later": Transcript("once, later", False, (Use(1), Use(2), Use(0))),
    }
    found = Vocabulary(("a", "b", "c"), (*same.values(), *other.values())).same_steps()
    expected = torch.eye(7)
    expected[:2, :2] = 1
    assert torch.equal(found, expected)
