"""A user would lose: an answer to "why is it not the other class?" that adds up."""

import dataclasses
import pickle

import pytest
import torch
from test_decoder import F, decoder, everything, names_of, nothing
from toy import ANCHORS, config

from vqtext.errors import DataError
from vqtext.model.decoding.decoder import Decoder
from vqtext.model.decoding.reasons import reason_of
from vqtext.model.vocabulary import Transcript, Use, Vocabulary


def explained(made, states, head=None):
    keep = everything(states)
    decoded = made(states, nothing(states) if head is None else head, keep, ranks=2)
    return [reason_of(decoded, row, states[row], keep[row], made) for row in range(len(states))]


def test_what_speaks_against_another_class_adds_up_to_how_much_less_likely_it_is():
    states, _, _ = names_of()
    made = decoder()
    for reason, of_window in zip(explained(made, states), states, strict=True):
        (other,) = {"shaking", "whirling"} - {reason.label}
        why = reason.why_not(other)
        steps = made.steps(of_window[None], everything(of_window[None]))[0].detach()
        assert why.label == other and why.nats == pytest.approx(float(steps.max() - steps.min()), abs=0.05)
        assert sum(step.lost for step in why.steps) + why.order == pytest.approx(why.nats, abs=0.01)
        assert why.steps[0].start_s == 0 and why.steps[-1].end_s == config().window_s
        assert "most is lost" in str(why) and other in str(why)


def test_it_says_when_and_which_step_would_have_had_to_be():
    """A window that could be both, but for one second."""
    states, label, _ = names_of()
    made, other = decoder(), names_of()[0].flip(0)
    both = (states + other) / 2
    both[:, 30:50] = states[:, 30:50]
    for reason, own in zip(explained(made, both), label.tolist(), strict=True):
        assert reason.label == made.config.labels[own]
        why = reason.why_not(made.config.labels[1 - own])
        lost = sum(s.lost for s in why.steps if s.end_s > 1.5 and s.start_s < 2.5)
        assert lost > 0.9 * sum(max(0, s.lost) for s in why.steps)
        most = max(why.steps, key=lambda step: step.lost)
        assert f'"{most.name}" would have had to be, not "{most.instead}"' in str(why)


def test_classes_of_the_same_steps_and_questions_that_have_no_answer():
    words = Vocabulary(
        ("arm waits", "arm whirls"),
        (
            Transcript("shaking", True, (Use(0), Use(1))),
            Transcript("whirling", True, (Use(1), Use(0)), "돌리기"),
        ),
    )
    made = Decoder(config(), words)
    states = torch.full((1, F, 2), 0.5)
    (reason,) = explained(made, states, torch.tensor([[2.0, 0.0]]))
    assert reason.same_steps == ("돌리기",) and 0.8 < reason.of_same < 0.95
    assert "돌리기: the rest of the signal says so, 0.88" in str(reason)
    assert "돌리기" in str(reason.why_not("whirling"))
    with pytest.raises(DataError, match=r"'flying'.*'shaking', 'whirling'"):
        reason.why_not("flying")
    with pytest.raises(DataError):
        reason.why_not("shaking")
    with pytest.raises(DataError):
        dataclasses.replace(reason, asked=None).why_not("whirling")
    assert "asked" not in reason.to_dict() and "asked" not in reason.runner_up.to_dict()
    assert str(pickle.loads(pickle.dumps(reason))) == str(reason)


def test_another_class_is_walked_as_it_is_walked_and_not_stood_in_one_step():
    """What would have had to be for the whole window says nothing of what to change; a class that no training
    window had is asked about, too."""
    states, label, _ = names_of()
    for prior in ([0.5, 0.5], [1.0, 0.0]):
        made = decoder()
        made.class_prior.copy_(torch.tensor(prior))
        for reason, own in zip(explained(made, states), label.tolist(), strict=True):
            other = made.config.labels[1 - made.config.labels.index(reason.label)]
            why = reason.why_not(other)
            assert len(why.steps) > 3 and {step.name for step in why.steps} <= set(ANCHORS) | {"unknown"}
            if prior == [0.5, 0.5]:
                assert max(step.end_s - step.start_s for step in why.steps) < 0.5 * config().window_s
                assert "unknown" not in {step.name for step in why.steps} and own >= 0
