"""A user would lose: a reason that never contradicts its class, and a posterior that means what it says."""

import itertools
from dataclasses import replace

import pytest
import torch
from toy import config, data, vocabulary, windows

from vqtext.model import hmm
from vqtext.model.decoding import UNKNOWN, Decoder
from vqtext.model.telling import tell
from vqtext.model.vocabulary import Transcript, Use, Vocabulary
from vqtext.model.weighing import CHAIN, HEAD, weigh

F = config().frames


def names_of(count=8):
    """What a network that knows the truth would say of each frame."""
    _, label, truth = windows(count)
    anchor = torch.from_numpy(truth + 2 * label[:, None])
    return (
        torch.nn.functional.one_hot(anchor, 4) * 0.9 + 0.025,
        torch.from_numpy(label),
        torch.from_numpy(truth),
    )


def classes_of(label, sure=2.0):
    """Logits of a class head that knows the truth."""
    return sure * torch.nn.functional.one_hot(label, 2).float()


def everything(names):
    return torch.ones(names.shape[:2], dtype=torch.bool)


def decoder(**settings):
    names, label, _ = names_of(12)
    made = Decoder(replace(config(), **settings), vocabulary())
    made.fit(names, label, everything(names))
    made.calibrate(names, classes_of(label), label, everything(names))
    return made


OWN = {"shaking": {"hand rests", "hand shakes"}, "whirling": {"arm waits", "arm whirls"}}


def reasons(made, decoded, keep=None):
    keep = torch.ones(decoded.path[:, 0].shape, dtype=torch.bool) if keep is None else keep
    return [tell(decoded, row, seen, made.vocabulary, made.config) for row, seen in enumerate(keep)]


def test_class_and_path_are_those_of_the_names():
    names, label, truth = names_of()
    decoded = decoder()(names, torch.zeros(len(names), 2), everything(names))
    assert torch.equal(decoded.label[:, 0], label)
    assert torch.allclose(decoded.log_posterior.exp().sum(1), torch.ones(len(names)))
    assert (decoded.path[:, 0] % 2 == truth).float().mean() > 0.97


def test_a_reason_holds_only_steps_of_its_own_class_and_covers_the_window():
    """Whatever the class head says: it may change the class, and then the reason changes with it."""
    names, label, _ = names_of()
    made = decoder()
    said = set()
    for classes in (classes_of(label), classes_of(1 - label, 500.0)):
        for reason in reasons(made, made(names, classes, everything(names))):
            said.add(reason.label)
            assert {step.name for step in reason.steps} <= OWN[reason.label] | {"unknown"}
            assert reason.steps[0].start_s == 0 and reason.steps[-1].end_s == config().window_s
            assert all(a.end_s == b.start_s and a.name != b.name for a, b in itertools.pairwise(reason.steps))
    assert said == {"shaking", "whirling"}


def test_the_class_head_decides_what_names_leave_open():
    names = torch.full((4, F, 4), 0.25)
    label = torch.tensor([0, 1, 0, 1])
    decoded = decoder()(names, classes_of(label), everything(names))
    assert torch.equal(decoded.label[:, 0], label)


def test_a_label_that_training_never_saw_gets_no_voice_from_the_class_head():
    names, _, _ = names_of(12)
    made = Decoder(config(), vocabulary())
    made.fit(names, torch.zeros(12, dtype=torch.long), everything(names))
    flat = torch.full((1, F, 4), 0.25)
    loud = made(flat, torch.tensor([[0.0, 50.0]]), everything(flat)).log_posterior
    quiet = made(flat, torch.tensor([[0.0, 0.0]]), everything(flat)).log_posterior
    assert loud.argmax() == quiet.argmax() == 0


@pytest.mark.parametrize(("anywhere", "cyclic"), [(True, False), (False, False), (True, True)])
def test_steps_that_nobody_can_tell_apart_are_told_with_doubt(anywhere, cyclic):
    """A person who stands still is not said to sway to the left and not to the right by what was learned by
    chance. Trials that were seen from their beginning are told apart by order, as rounds of a cycle are."""
    either = Use(0, ambiguous_with=("arm whirls",)), Use(1, ambiguous_with=("arm waits",))
    words = Vocabulary(
        ("arm waits", "arm whirls", "hand rests"),
        (Transcript("still", cyclic, either), Transcript("rests", True, (Use(2),))),
    )
    made = Decoder(replace(config(), anywhere=anywhere), words)
    label = torch.tensor([0] * 8 + [1] * 8)
    names = torch.full((16, F, 3), 0.05)
    turn = torch.arange(F) // 10 % 2
    names[:8].scatter_(2, turn.expand(8, F)[..., None], 0.9)
    names[8:, :, 2] = 0.9
    made.fit(names, label, everything(names))
    by_chance = names[:1].clone()
    by_chance[0, :, :2] = torch.tensor([0.9, 0.05])
    decoded = made(by_chance, torch.tensor([[50.0, 0.0]]), everything(by_chance))
    first = (decoded.path[0, 0] == 0).float().mean()
    if anywhere and not cyclic:
        assert decoded.confidence.mean() < 0.7
    else:
        assert first == 1.0 and decoded.confidence.mean() > 0.9


def test_steps_of_a_round_that_is_too_fast_for_them_are_marked():
    names, label, _ = names_of()
    made = decoder()
    decoded = made(names, classes_of(label), everything(names))
    before = reasons(made, decoded)
    assert not all(step.unresolvable for reason in before for step in reason.steps)
    first, second = made.vocabulary.transcripts
    made.vocabulary = replace(made.vocabulary, transcripts=(replace(first, too_fast=True), second))
    for was, now in zip(before, reasons(made, decoded), strict=True):
        if now.label == first.label:
            assert all(step.unresolvable for step in now.steps)
        else:
            assert now == was


def test_the_runner_up_has_a_reason_of_its_own_label():
    names, label, _ = names_of()
    made = decoder()
    unsure = names * 0.02 + 0.98 * 0.25
    told = reasons(made, made(unsure, classes_of(label, 0.5), everything(names), ranks=2))
    others = [reason.runner_up for reason in told if reason.runner_up is not None]
    assert others, "names that are hardly surer of one label than of the other leave the second possible"
    for reason in told:
        if (other := reason.runner_up) is not None:
            assert other.label != reason.label and 0.1 <= other.confidence <= reason.confidence
            assert other.steps[-1].end_s == config().window_s and other.runner_up is None
            assert str(reason).endswith(f"; also possible: {other.label}, {other.confidence:.2f}")
    sure = reasons(made, made(names, classes_of(label, 9.0), everything(names), ranks=2))
    assert all(reason.runner_up is None and "possible" not in str(reason) for reason in sure)


def test_where_windows_hold_borders_a_reason_is_still_one_for_its_class():
    names, label, _ = names_of()
    made = decoder(borders=True)
    second = names.flip(0)  # of the other label
    names[:, F * 2 // 3 :] = second[:, F * 2 // 3 :]
    for reason in reasons(made, made(names, classes_of(label, 9.0), everything(names), ranks=2)):
        others = {step.name for step in reason.steps if step.start_s > config().window_s * 0.8}
        assert not others & OWN[reason.label], "the end is another activity"
    told = made(names, classes_of(label, 0.3), everything(names), ranks=2)
    wrong = made(names, classes_of(1 - label, 500.0), everything(names), ranks=2)
    for reason in [*reasons(made, told), *reasons(made, wrong)]:
        own = [s.end_s - s.start_s for s in reason.steps if s.name in OWN[reason.label] | {"unknown"}]
        assert sum(own) >= config().window_s / 2
        if reason.runner_up:
            own = OWN[reason.runner_up.label] | {"unknown"}
            assert {step.name for step in reason.runner_up.steps} <= own, "steps of the winner explain it"


def test_a_reason_that_is_brought_home_still_tells_what_else_the_window_holds():
    names, label, _ = names_of()
    made = decoder(borders=True)
    other = names.flip(0)
    names[:, F * 4 // 5 :] = other[:, F * 4 // 5 :]  # too little of the other label for a reason
    doubt = torch.linspace(0, 0.5, F * 4 // 5)[:, None]  # the nearer to the border
    names[:, : F * 4 // 5] = torch.lerp(names[:, : F * 4 // 5], other[:, : F * 4 // 5], doubt)
    for reason in reasons(made, made(names, classes_of(1 - label, 500.0), everything(names))):
        own = sum(s.end_s - s.start_s for s in reason.steps if s.name in OWN[reason.label] | {"unknown"})
        assert config().window_s / 2 <= own <= config().window_s * 3 / 4


@pytest.mark.parametrize("borders", [False, True])
def test_what_fits_no_step_is_unknown_for_as_long_as_it_does_not(borders):
    """Also where a path might leave for what fits: a flash of a foreign step is no other activity."""
    names, label, _ = names_of()
    made = decoder(borders=borders, rate_hz=8 * config().rate_hz)  # short frames, that say little
    assert (made(names, classes_of(label), everything(names)).path >= 0).all()
    names[:, 30:33] = 1e-5
    names[torch.arange(len(names)), 30:33, (2 - 2 * label)] = 1.0
    path = made(names, classes_of(label, 500.0), everything(names)).path[:, 0]
    assert ((path == UNKNOWN).sum(1) == 3).all() and (path[:, 30:33] == UNKNOWN).all()


def test_what_fits_no_step_of_its_label_is_unknown():
    names, label, truth = names_of()
    made = decoder()
    clean = made(names, classes_of(label), everything(names))
    assert (clean.path >= 0).all(), "names that fit are never unknown"
    foreign = names.clone()
    foreign[:, 30:50] = 1e-5
    foreign[torch.arange(len(names)), 30:50, (2 - 2 * label)] = 1.0  # what only the other label does
    decoded = made(foreign, classes_of(label, 500.0), everything(names))
    assert torch.equal(decoded.label[:, 0], label)
    assert (decoded.path[:, 0, 32:48] == UNKNOWN).all() and (decoded.path[:, 0, :28] >= 0).all()
    assert (decoded.path[:, 0, :28] % 2 == truth[:, :28]).float().mean() > 0.95
    (step,) = (s for s in reasons(made, decoded)[0].steps if s.name == "unknown")
    assert 1.4 < step.start_s < 1.7 and 2.3 < step.end_s < 2.6 and step.confidence > 0.5
    made.background.fill_(hmm.FORBIDDEN)
    forced = made(foreign, classes_of(label, 500.0), everything(names))
    assert (forced.path >= 0).all() and torch.equal(forced.log_posterior, decoded.log_posterior)


def test_a_window_that_fits_nothing_at_all_is_unknown_throughout():
    label = torch.tensor([0, 1])
    names = torch.full((2, F, 4), 1e-5)
    names[torch.arange(2), :, 2 - 2 * label] = 1.0
    made = decoder()
    decoded = made(names, classes_of(label, 500.0), everything(names))
    assert (decoded.path == UNKNOWN).all()


def test_a_short_window_is_explained_to_its_end_and_no_further():
    names, label, _ = names_of()
    keep = everything(names)
    keep[0, 40:] = False
    made = decoder()
    assert reasons(made, made(names, classes_of(label), keep), keep)[0].steps[-1].end_s == 2.0


def test_of_a_gap_in_a_window_nothing_is_told():
    names, label, _ = names_of()
    keep = everything(names)
    keep[:, 30:50] = False
    made = decoder()
    for reason in reasons(made, made(names, classes_of(label), keep), keep):
        assert all(s.end_s <= 1.5 or s.start_s >= 2.5 for s in reason.steps)
        assert any(s.end_s == 1.5 for s in reason.steps) and any(s.start_s == 2.5 for s in reason.steps)


def test_durations_are_learned_from_training_windows():
    names, label, _ = names_of(12)
    made = Decoder(config(), vocabulary())
    before = made.transition[0, 0, 0].item()
    made.fit(names, label, everything(names))
    assert made.transition[0, 0, 0] > before  # steps last half a second here, the first guess is shorter
    assert torch.allclose(made.prior.sum(), torch.tensor(1.0), atol=1e-2)


def two_witnesses(count=400, seed=0):
    """Evidence of a chain that is ten times too sure, and of a head that says what it knows."""
    generator = torch.Generator().manual_seed(seed)
    label = torch.randint(3, (count,), generator=generator)
    truth = torch.nn.functional.one_hot(label, 3).float()
    chain = truth + torch.randn(count, 3, generator=generator)
    head = truth + torch.randn(count, 3, generator=generator)
    return 10 * chain, head, torch.zeros(3), label


def test_weights_are_those_that_make_held_out_windows_likely():
    """Each score is its label's Gaussian log-likelihood ratio: the right weights are a tenth and one."""
    a, b = weigh(*two_witnesses(4000))
    assert abs(10 * a - 1) < 0.15 and abs(b - 1) < 0.15


def test_a_witness_that_knows_nothing_is_not_heard():
    chain, head, prior, label = two_witnesses(2000)
    noise = 10 * torch.randn(chain.shape, generator=torch.Generator().manual_seed(1))
    a, b = weigh(noise, head, prior, label)
    assert 10 * a < 0.1 and abs(b - 1) < 0.2


def test_few_windows_without_an_error_do_not_make_the_posterior_certain():
    *_, prior, label = two_witnesses(4)
    truth = torch.nn.functional.one_hot(label, 3).float()
    a, b = weigh(20 * truth, 5 * truth, prior, label)
    assert CHAIN / 20 < a < 20 * CHAIN and HEAD / 20 < b < 20 * HEAD


def test_toy_data_is_what_the_tests_think_it_is():
    assert data().frame_keep.shape[1] == config().frames == 80
