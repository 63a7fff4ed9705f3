"""A user would lose: a reason that never contradicts its class, and a posterior that means what it says."""

import itertools
from dataclasses import replace

import pytest
import torch
from toy import ANCHORS, config, data, vocabulary, windows

from vqtext.model.decoding import decoder as decoding
from vqtext.model.decoding.decoder import UNKNOWN, Decoder
from vqtext.model.decoding.reasons import reason_of
from vqtext.model.grounding.e_step import e_step
from vqtext.model.vocabulary import Transcript, Use, Vocabulary

F = config().frames
LEARNED = e_step(data().evidence, data().grammar, frozenset({"order", "signal"})).chain


def names_of(count=8):
    """What a network that knows the truth would say of each frame."""
    _, label, truth = windows(count)
    anchor = torch.from_numpy(truth + 2 * label[:, None])
    return (
        torch.nn.functional.one_hot(anchor, 4) * 0.9 + 0.025,
        torch.from_numpy(label),
        torch.from_numpy(truth),
    )


def nothing(names):
    """Logits of a class head that knows nothing."""
    return torch.zeros(len(names), 2)


def everything(names):
    return torch.ones(names.shape[:2], dtype=torch.bool)


def sure(made):
    """The decoder, with frames that count as much as a training of clear names makes them count."""
    made.log_scale.data.copy_(torch.tensor(min(1.0, made.frame_s / 0.06)).log())
    return made


def decoder(**settings):
    names, label, _ = names_of(12)
    made = sure(Decoder(replace(config(), **settings), vocabulary()))
    made.learn(LEARNED, names, label)
    made.calibrate(names, nothing(names), label, everything(names))
    return made


OWN = {"shaking": {"hand rests", "hand shakes"}, "whirling": {"arm waits", "arm whirls"}}


def reasons(made, decoded, keep=None):
    keep = torch.ones(decoded.path[:, 0].shape, dtype=torch.bool) if keep is None else keep
    names = torch.zeros(F, len(made.vocabulary.anchors))  # asked for reasons why not, which nobody does here
    return [reason_of(decoded, row, names, seen, made) for row, seen in enumerate(keep)]


def test_class_and_path_are_those_of_the_names():
    names, label, truth = names_of()
    decoded = decoder()(names, nothing(names), everything(names))
    assert torch.equal(decoded.label[:, 0], label)
    assert torch.allclose(decoded.log_posterior.exp().sum(1), torch.ones(len(names)))
    assert (decoded.path[:, 0] % 2 == truth).float().mean() > 0.97


@pytest.mark.parametrize("borders", [False, True])
def test_a_reason_holds_the_steps_of_its_class_and_covers_the_window(borders):
    names, _, _ = names_of()
    made = decoder(borders=borders)
    explained = reasons(made, made(names, nothing(names), everything(names)))
    assert {reason.label for reason in explained} == {"shaking", "whirling"}
    for reason in explained:
        assert {step.name for step in reason.steps} <= OWN[reason.label] | {"unknown"}
        assert reason.steps[0].start_s == 0 and reason.steps[-1].end_s == config().window_s
        assert all(a.end_s == b.start_s and a.name != b.name for a, b in itertools.pairwise(reason.steps))


@pytest.mark.parametrize("borders", [False, True])
def test_the_steps_alone_decide_whatever_the_class_head_says(borders):
    """Else the reason is an ornament: a class that the head chose, and steps that were fitted to it."""
    names, _, _ = names_of()
    made, keep = decoder(borders=borders), everything(names)
    generator = torch.Generator().manual_seed(0)
    for share in (1.0, 0.02, 0.0):  # surely named, hardly, and not at all
        blurred = share * names + (1 - share) * 0.25
        before = made(blurred, nothing(names), keep, ranks=2)
        after = made(blurred, 100 * torch.randn(len(names), 2, generator=generator), keep, ranks=2)
        for name in ("log_posterior", "steps", "label", "path", "confidence"):
            assert torch.equal(getattr(before, name), getattr(after, name)), name


def alike(*first):
    """A decoder of labels of one cycle of steps: the second the first one turned, and "whirling"."""
    words = Vocabulary(
        ANCHORS,
        (
            Transcript("shaking", True, first),
            Transcript("trembling", True, (*first[1:], first[0])),
            Transcript("whirling", True, (Use(2), Use(3))),
        ),
    )
    return sure(Decoder(replace(config(), labels=tuple(t.label for t in words.transcripts)), words))


def test_labels_of_the_same_steps_are_told_apart_by_the_class_head_and_by_nothing_else():
    """Nobody walks otherwise in a car park than on a treadmill; where it was, only the rest can say."""
    names, label, _ = names_of()
    made, keep = alike(Use(0), Use(1)), everything(names)
    made.learn(
        None, names, torch.tensor([0, 1, 2, 0])
    )  # how often people did either is no evidence beside it
    heads = torch.tensor([[3.0, 0.0, 9.0], [0.0, 3.0, -9.0]])
    one, other = (made(names, head.expand(8, 3), keep) for head in heads)
    assert torch.equal(one.label[:, 0], torch.where(label == 0, 0, 2))
    assert torch.equal(other.label[:, 0], torch.where(label == 0, 1, 2))
    for decoded, own in ((one, 0), (other, 1)):
        shares = decoded.log_posterior.exp()[label == 0]
        assert torch.allclose(shares[:, own] / shares[:, :2].sum(1), torch.tensor(3.0).sigmoid())
        assert (decoded.path[label == 0] % 2 >= 0).all() and (decoded.path[label == 0] // 2 == own).all()
    group = [decoded.log_posterior[:, :2].logsumexp(1) for decoded in (one, other)]
    assert torch.allclose(group[0], group[1]), "which of them it is says nothing of whether it is one of them"
    assert torch.allclose(one.log_posterior[:, 2], other.log_posterior[:, 2])


def test_labels_whose_steps_last_otherwise_are_told_apart_by_the_steps():
    names, _, _ = names_of()
    made = alike(Use(0), Use(1, lasts=2.0))
    made.vocabulary = replace(
        made.vocabulary,
        transcripts=(Transcript("shaking", True, (Use(0), Use(1))), *made.vocabulary.transcripts[1:]),
    )
    made = Decoder(made.config, made.vocabulary)
    heads = torch.tensor([[30.0, 0.0, 0.0], [0.0, 30.0, 0.0]])
    one, other = (made(names, head.expand(8, 3), everything(names)) for head in heads)
    assert torch.equal(one.log_posterior, other.log_posterior)


def test_a_label_that_training_never_saw_gets_no_voice():
    """Neither from its steps nor from the class head."""
    names, label, _ = names_of(12)
    made = sure(Decoder(config(), vocabulary()))
    made.learn(LEARNED, names, torch.zeros(12, dtype=torch.long))
    decoded = made(names, torch.tensor([[0.0, 50.0]]).expand(12, 2), everything(names))
    assert (decoded.label == 0).all() and decoded.log_posterior[:, 1].max() < -9
    assert decoded.log_posterior.isfinite().all() and (label == 1).any()


def test_the_runner_up_has_a_reason_of_its_own_label():
    names, _, _ = names_of()
    made = decoder()
    unsure = torch.lerp(torch.tensor(0.25), names, 0.004)
    explained = reasons(made, made(unsure, nothing(unsure), everything(names), ranks=2))
    others = [reason.runner_up for reason in explained if reason.runner_up is not None]
    assert others, "names that are hardly surer of one label than of the other leave the second possible"
    for reason in explained:
        if (other := reason.runner_up) is not None:
            assert other.label != reason.label and 0.1 <= other.confidence <= reason.confidence
            assert other.steps[-1].end_s == config().window_s and other.runner_up is None
            assert str(reason).endswith(f"; also possible: {other.label}, {other.confidence:.2f}")
    sure = reasons(made, made(names, nothing(names), everything(names), ranks=2))
    assert all(reason.runner_up is None and "possible" not in str(reason) for reason in sure)


def test_where_windows_hold_borders_a_reason_is_still_one_for_its_class():
    """The class is what the window's middle shows, and that is most of it."""
    names, label, _ = names_of()
    made = decoder(borders=True)
    second = names.flip(0)  # of the other label
    names[:, F * 2 // 3 :] = second[:, F * 2 // 3 :]
    decoded = made(names, nothing(names), everything(names), ranks=2)
    assert torch.equal(decoded.label[:, 0], label)
    explained = reasons(made, decoded)
    for reason in explained:
        ends = {step.name for step in reason.steps if step.start_s > config().window_s * 0.8}
        assert ends and not ends & OWN[reason.label], "the end is another activity"
    unsure = made(names * 0.05 + 0.95 * 0.25, nothing(names), everything(names), ranks=2)
    explained += [other for r in reasons(made, unsure) for other in (r, r.runner_up) if other is not None]
    for reason in explained:
        middle = config().window_s / 2
        (at,) = (s.name for s in reason.steps if s.start_s <= middle < s.end_s)
        assert at in OWN[reason.label] | {"unknown"}
        own = [s.end_s - s.start_s for s in reason.steps if s.name in OWN[reason.label] | {"unknown"}]
        assert sum(own) >= middle


def kicking(**settings):
    """A decoder, names, and what is said of a moment that looks like no step of any label."""
    made = sure(Decoder(replace(config(), **settings), vocabulary()))
    names, label, truth = names_of(12)
    made.learn(LEARNED, names, label)
    return made, names, torch.zeros(4), label, truth


@pytest.mark.parametrize("borders", [False, True])
def test_what_fits_no_step_is_unknown_for_as_long_as_it_does_not(borders, monkeypatch):
    made, names, kicks, label, truth = kicking(borders=borders)
    clean = made(names, nothing(names), everything(names))
    assert (clean.path >= 0).all(), "names that fit are never unknown"
    names[:, 30:50] = kicks
    decoded = made(names, nothing(names), everything(names))
    assert torch.equal(decoded.label[:, 0], label)
    path = decoded.path[:, 0]
    assert (path[:, 31:49] == UNKNOWN).all() and (path[:, :30] >= 0).all() and (path[:, 50:] >= 0).all()
    assert (path[:, :30] % 2 == truth[:, :30]).float().mean() > 0.95
    (step,) = (s for s in reasons(made, decoded)[0].steps if s.name == "unknown")
    assert 1.5 <= step.start_s <= 1.55 and 2.45 <= step.end_s <= 2.5 and step.confidence > 0.5
    monkeypatch.setattr(decoding, "CONFIG", replace(decoding.CONFIG, background=-1e9))
    forced = made(names, nothing(names), everything(names))
    assert (forced.path >= 0).all() and torch.equal(forced.label, decoded.label)


@pytest.mark.parametrize("borders", [False, True])
def test_a_flash_of_a_foreign_step_is_no_other_activity(borders):
    names, label, _ = names_of()
    made = decoder(borders=borders, rate_hz=8 * config().rate_hz)  # short frames, that say little
    names[:, 30:33] = 1e-5
    names[torch.arange(len(names)), 30:33, (2 - 2 * label)] = 1.0
    path = made(names, nothing(names), everything(names)).path[:, 0]
    assert ((path == UNKNOWN) | (path // 2 == label[:, None])).all()


def test_a_window_that_fits_nothing_at_all_is_unknown_throughout():
    """Both labels explain it as badly, and neither is said to have shown it."""
    made, names, kicks, _, _ = kicking()
    decoded = made(kicks.expand_as(names), nothing(names), everything(names))
    assert (decoded.path == UNKNOWN).all()
    assert decoded.log_posterior.exp().max() < 0.6


def test_a_short_window_is_explained_to_its_end_and_no_further():
    names, _, _ = names_of()
    keep = everything(names)
    keep[0, 40:] = False
    made = decoder()
    assert reasons(made, made(names, nothing(names), keep), keep)[0].steps[-1].end_s == 2.0


def test_of_a_gap_in_a_window_nothing_is_told():
    names, _, _ = names_of()
    keep = everything(names)
    keep[:, 30:50] = False
    made = decoder()
    for reason in reasons(made, made(names, nothing(names), keep), keep):
        assert all(s.end_s <= 1.5 or s.start_s >= 2.5 for s in reason.steps)
        assert any(s.end_s == 1.5 for s in reason.steps) and any(s.start_s == 2.5 for s in reason.steps)


def test_durations_and_how_often_names_and_labels_occur_are_learned_from_training_windows():
    names, label, _ = names_of(12)
    made = Decoder(config(), vocabulary())
    frames = made.substates / (1 - made.stay)
    assert (frames * made.frame_s - 0.3).abs().max() < 0.01, "what is usual"
    made.learn(LEARNED, names, label[:9])
    frames = made.substates / (1 - made.stay)
    assert (frames * made.frame_s - 0.5).abs().max() < 0.1, "a step of the toy world lasts half a second"
    assert torch.allclose(made.prior, torch.full((4,), 0.25), atol=0.03)
    assert torch.allclose(made.class_prior, torch.tensor([5 / 9, 4 / 9]))


def too_sure(made, monkeypatch, count, by, seed=0):
    """Held-out windows of which the steps say what they know, but ``by`` times as surely: labels, names."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(count, 2, generator=generator)
    label = torch.multinomial(logits.softmax(1), 1, generator=generator)[:, 0]
    steps = (by * logits).log_softmax(1)
    names = torch.arange(count, dtype=torch.float)[:, None, None].expand(count, F, 4)
    monkeypatch.setattr(made, "steps", lambda names, _: steps[names[:, 0, 0].long()])
    return label, names


@pytest.mark.parametrize("by", [0.5, 10.0])
def test_the_posterior_is_as_sure_as_held_out_windows_bear_out(monkeypatch, by):
    """Neighbouring frames repeat each other, so that a chain is far too sure; 0.9 should mean 0.9."""
    made = decoder()
    label, names = too_sure(made, monkeypatch, 4000, by)
    made.calibrate(names, nothing(names), label, everything(names))
    assert abs(made.temperature.log() - torch.tensor(by).log()) < 0.2


def test_few_windows_without_an_error_do_not_make_the_posterior_certain(monkeypatch):
    made = decoder()
    names, label, _ = names_of(4)
    steps = (2 * torch.nn.functional.one_hot(label, 2).float()).log_softmax(1)
    monkeypatch.setattr(made, "steps", lambda *_: steps)
    made.calibrate(names, nothing(names), label, everything(names))
    assert 0.3 < made.temperature < 1


def test_toy_data_is_what_the_tests_think_it_is():
    assert data().frame_keep.shape[1] == config().frames == 80
